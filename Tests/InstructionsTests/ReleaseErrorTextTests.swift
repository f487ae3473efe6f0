import Instructions
import Terms
import Testing

/// Each reason why the parts of a release don't make one, in its exact words and with its place.
@Suite struct ReleaseErrorTextTests {
    private static func rel(_ name: String, _ rel: String?, _ text: String, at place: String?) -> Mistake {
        Mistake(name, text, at: place) { $0["new.rel"] = rel }
    }

    /// - Parameter applications: `.app` files by name; all are of version 1.
    private static func applications(
        _ name: String, _ applications: [(String, String)], _ text: String, rel: String? = nil
    ) -> Mistake {
        Mistake(name, text, at: nil) { input in
            let members = applications.map { "{\($0.0),\"1\"}" }.joined(separator: ",")
            input["new.rel"] = TranslationInput.release("2", rel ?? members)
            for (name, text) in applications { input["lib/\(name)-1/ebin/\(name).app"] = text }
        }
    }

    private static func app(_ name: String, uses: String = "[]", more: String = "") -> (String, String) {
        (name, TranslationInput.application(name, "1", uses: uses, more: more))
    }

    private static func app(_ name: String, modules: String) -> (String, String) {
        (name, TranslationInput.application(name, "1", modules: modules))
    }

    static let rels: [Mistake] = [
        rel("no .rel", nil, "File not found: \"new.rel\"\n", at: nil),
        rel("an empty .rel", "", "Cannot read \"new.rel\"\n", at: nil),
        Mistake("a .rel that can't be read", "Cannot open \"new.rel\" - eacces\n", at: nil) {
            $0.releaseFiles.failures["new.rel"] = "eacces"
        },
        rel("no term", "{release,\n)", "new.rel:2: expected a term, found ')'\n", at: nil),
        rel("no release", "\n {release}.", "Syntax error in the release file\n", at: "new.rel:2:2"),
        rel(
            "a name", "{release,\n{market,\"2\"},{erts,\"1\"},[]}.", "Illegal name (market) in the release file\n",
            at: "new.rel:2:1"),
        rel(
            "a version", "{release,\n{\"market\",2},{erts,\"1\"},[]}.", "Illegal tag in the release file: 2\n",
            at: "new.rel:2:1"),
        rel(
            "the emulator", "{release,{\"market\",\"2\"},\n{erts,one},[]}.",
            "Illegal tag in the release file: {erts,one}\n", at: "new.rel:2:1"),
        rel(
            "applications", TranslationInput.release("2", "{kv,\"2\"},{kv},{kv,\"2\",always}"),
            "Illegal applications in the release file: [{kv},{kv,\"2\",always}]\n", at: "new.rel:2:11"),
        rel(
            "no kernel", TranslationInput.release("2", "{stdlib,\"4\"}"),
            "Mandatory application kernel must be specified in the release file\n", at: "new.rel:2:1"),
        rel(
            "a kernel that is loaded", TranslationInput.release("2", "{kernel,\"8\",load},{stdlib,\"4\"}"),
            "Mandatory application kernel must be of type 'permanent' in the release file. Is 'load'.\n",
            at: "new.rel:2:1"),
    ]

    static let together: [Mistake] = [
        applications("undefined", [app("a", uses: "[b,c,b]")], "Undefined applications: [b,c]\n"),
        applications(
            "circular", [app("a", uses: "[b]"), app("b", uses: "[a]")],
            "Circular dependencies among applications: [{b,\"1\"},{a,\"1\"}]\n"),
        applications(
            "circular and undefined",
            [
                app("a", uses: "[b]"), app("b", uses: "[a]"), app("c", uses: "[d]"),
                app("d", more: ",{included_applications,[c]}"), app("e", more: ",{included_applications,[d]}"),
            ],
            "{apps,[{circular_dependencies,[{b,\"1\"},{a,\"1\"}]},\n       {undefined_applications,[d]}]}\n"),
        applications(
            "registered twice",
            ["a", "b"].map { name in
                let text = TranslationInput.application(name, "1").replacing(
                    "{registered,[]}", with: "{registered,[r]}")
                return (name, text)
            }, "Duplicated register names: \n\tr registered in a and b\n"),
        applications(
            "included twice",
            [
                app("a", more: ",{included_applications,[c]}"), app("b", more: ",{included_applications,[c]}"),
                app("c"),
            ], "Duplicated application included: \n\tc included in a and b\n"),
        applications(
            "modules twice", [app("a", modules: "[m,n]"), app("b", modules: "[n,m]")],
            "Duplicated modules: \n\tn specified in a and b\n\tm specified in a and b\n"),
    ]

    private static func app(_ name: String, _ text: String, at place: String?, app: String?) -> Mistake {
        Mistake(name, text, at: place.map { "\(TranslationInput.newApp)\($0)" }) { $0[TranslationInput.newApp] = app }
    }

    static let apps: [Mistake] = [
        app(
            "no .app",
            "kv: No valid version (\"2\") of .app file found. Found file \"lib/kv-1/ebin/kv.app\" with version \"1\"\n\n",
            at: nil, app: nil),
        Mistake("not there at all", "nobody: File not found: \"nobody.app\"\n\n", at: nil) {
            $0["new.rel"] = TranslationInput.release("2", "{nobody,\"2\"}")
        },
        Mistake("there and empty", "some: File not found: \"some.app\"\n\n", at: "lib/some-2/ebin/some.app") {
            $0["new.rel"] = TranslationInput.release("2", "{some,\"2\"}")
            $0["lib/some-2/ebin/some.app"] = ""
        },
        Mistake("can't be read", "some: File not found: \"some.app\"\n\n", at: "lib/kv-2/ebin/some.app") {
            $0["new.rel"] = TranslationInput.release("2", "{some,\"2\"}")
            $0.releaseFiles.failures["lib/kv-2/ebin/some.app"] = "eacces"
        },
        app(
            "no term",
            "kv: Parse error in file: \"lib/kv-2/ebin/kv.app\".  Line: 2  Error: \"expected a term, found '}'\"; \n\n",
            at: ":2:1", app: "{application,\n}."),
        app(
            "another name", "kv: Mismatched application id: {kw,\"2\"}\n", at: ":1:14",
            app: TranslationInput.application("kw", "2")),
        app(
            "a bad key", "kv: Bad parameter in .app file: registered\n\n", at: ":2:26",
            app: TranslationInput.application("kv", "2").replacing("{registered,[]}", with: "{registered,[1]}")),
        app(
            "a key left out", "kv: Missing parameter in .app file: registered\n\n", at: ":1:1",
            app: TranslationInput.application("kv", "2").replacing("{registered,[]}", with: "{registred,[]}")),
        app("no application", "kv: Syntax error in .app file\n\n", at: ":1:1", app: "{application,kv}."),
        Mistake(
            "more than the .app includes",
            "kv: Tried to include not (in .app file) specified applications: [kx]\n\n",
            at: "\(TranslationInput.newApp):3:42"
        ) { input in
            input["new.rel"] = TranslationInput.release("2", "{kv,\"2\",[kw,kx]}")
            input[TranslationInput.newApp] = TranslationInput.application(
                "kv", "2", more: ",{included_applications,[kw]}")
        },
        Mistake(
            "several", "nobody: File not found: \"nobody.app\"\n\nkv: Syntax error in .app file\n\n", at: nil
        ) { input in
            input["new.rel"] = TranslationInput.release("2", "{kv,\"2\"},{nobody,\"1\"}")
            input[TranslationInput.newApp] = "[]."
        },
    ]

    @Test(arguments: rels + together + apps)
    func text(_ mistake: Mistake) throws {
        #expect(try mistake.check().module == "systools_make")
    }

    /// A new error does not compile here until it has a name, and has no name until it has a line above.
    @Test func noneIsLeftOut() throws {
        let errors = try (Self.rels + Self.together + Self.apps).map { try $0.input.failure() }
        #expect(Set(errors.compactMap(Self.name)) == Set(Name.allCases))
        #expect(Set(errors.flatMap(Self.problems)) == Set(ProblemName.allCases))
    }

    private enum Name: CaseIterable {
        case notFound, read, open, parse, badlyFormatted, illegalName, illegalForm, illegalApplications
        case missingMandatory, mandatory, applications, undefined, circular, circularAndUndefined
        case duplicateRegister, duplicateInclude, duplicateModules
    }

    private enum ProblemName: CaseIterable {
        case mismatch, notFound, noValidVersion, parseError, badParameter, missingParameter, badlyFormatted
        case overrideInclude
    }

    private static func name(_ error: SystoolsError) -> Name? {
        guard case .make(let error) = error.reason else { return nil }
        return switch error {
        case .notFound: .notFound
        case .read: .read
        case .open: .open
        case .parse: .parse
        case .badlyFormattedRelease: .badlyFormatted
        case .illegalName: .illegalName
        case .illegalForm: .illegalForm
        case .illegalApplications: .illegalApplications
        case .missingMandatoryApplication: .missingMandatory
        case .mandatoryApplication: .mandatory
        case .applications: .applications
        case .undefinedApplications: .undefined
        case .circularDependencies: .circular
        case .circularAndUndefined: .circularAndUndefined
        case .duplicateRegister: .duplicateRegister
        case .duplicateInclude: .duplicateInclude
        case .duplicateModules: .duplicateModules
        }
    }

    private static func problems(_ error: SystoolsError) -> [ProblemName] {
        guard case .make(.applications(let problems)) = error.reason else { return [] }
        return problems.map { problem in
            switch problem.kind {
            case .mismatch: .mismatch
            case .notFound: .notFound
            case .noValidVersion: .noValidVersion
            case .parseError: .parseError
            case .badParameter: .badParameter
            case .missingParameter: .missingParameter
            case .badlyFormatted: .badlyFormatted
            case .overrideInclude: .overrideInclude
            }
        }
    }
}
