import Instructions
import Terms
import Testing

@Suite struct RelupTests {
    static let text = """
        %% coding: utf-8
        {"2.0.0",
         [{"1.0.0", "from the first", [point_of_no_return]},
          {"1.1.0", [], [{apply,{io,format,["über"]}}, point_of_no_return]},
          {"1.0.0", "never taken", []}],
         [{"1.0.0", {back,1}, [{apply,{m,f,[]}}]}]}.
        """

    @Test func entriesAreFoundByTheExactVersion() throws {
        let relup = try Relup.parse(Array(Self.text.utf8), file: "relup")
        #expect(relup.vsn == "2.0.0")
        #expect(relup.upScript(from: "1.0.0")?.description == .string("from the first"))
        #expect(relup.upScript(from: "1.1.0")?.script.count == 2)
        #expect(relup.upScript(from: "1.*") == nil)
        #expect(relup.downScript(to: "1.0.0")?.description == .tuple([.atom("back"), 1]))
        #expect(relup.downScript(to: "1.1.0") == nil)
    }

    @Test func whatIsWrittenReadsBack() throws {
        let relup = try Relup.parse(Array(Self.text.utf8), file: "relup")
        #expect(relup.text().hasPrefix("%% coding: utf-8\n{\"2.0.0\","))
        #expect(try Relup.parse(Array(relup.text().utf8), file: "relup") == relup)
    }

    @Test func placesAreNoPartOfEquality() throws {
        let left = try Relup.parse(Array("{\"2\",[{\"1\",d,[point_of_no_return]}],[]}.".utf8), file: "a")
        let right = try Relup.parse(Array("{\"2\",\n[{\"1\",d,\n[point_of_no_return]}],[]}.".utf8), file: "b")
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        #expect(left != Relup(vsn: "2", up: [], down: []))
    }

    static let shape = "{Vsn, [{FromVsn, Descr, Script}], [{ToVsn, Descr, Script}]}"

    static let refused: [Refused] = [
        Refused("", "f:1:1: expected \(shape), found no term"),
        Refused(
            "{\"2\",[],[]}.\n{\"3\",[],[]}.",
            "f:2:1: expected the end of the file after one term, found {\"3\",[],[]}"),
        Refused("{\"2\",[]}.", "f:1:1: expected \(shape), found {\"2\",[]}"),
        Refused("{two,[],[]}.", "f:1:2: expected a version (a string), found two"),
        Refused("{\"2\",up,[]}.", "f:1:6: expected a list of {FromVsn, Descr, Script}, found up"),
        Refused("{\"2\",[],down}.", "f:1:9: expected a list of {ToVsn, Descr, Script}, found down"),
        Refused("{\"2\",[{\"1\",[]}],[]}.", "f:1:7: expected {Vsn, Descr, Script}, found {\"1\",[]}"),
        Refused("{\"2\",[{one,d,[]}],[]}.", "f:1:8: expected a version (a string), found one"),
        Refused("{\"2\",[],[{\"1\",d,s}]}.", "f:1:17: expected a script (a list of instructions), found s"),
        Refused("{\"2\",[],[{\"1\",d,\"s\"}]}.", "f:1:17: expected an instruction, found 115"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, Relup.parse) == refused.error)
    }

    @Test(arguments: ["{\"2\",[{\"1\",d,[", "{\"2\",[],[]}", "{\"2\",[],[]).", "\"2"])
    func aFileCutShortIsRefusedWithThePlace(_ text: String) throws {
        do {
            _ = try Relup.parse(Array(text.utf8), file: "releases/2.0.0/relup")
            Issue.record("the file was let through")
        } catch {
            #expect(error.file == "releases/2.0.0/relup")
            #expect(error.position?.line == 1)
            #expect(error.description.hasPrefix("releases/2.0.0/relup:1:"))
        }
    }

    @Test func anErrorWithoutAPlaceNamesTheFile() {
        #expect(FileError(file: "relup", position: nil, message: "is missing").description == "relup: is missing")
    }

    @Test func aTermThatCameFromNoTextHasNoPlace() {
        #expect(throws: FileError(file: "relup", position: nil, message: "expected \(Self.shape), found relup")) {
            try Relup(LocatedTerm(.atom("relup")), file: "relup")
        }
    }
}
