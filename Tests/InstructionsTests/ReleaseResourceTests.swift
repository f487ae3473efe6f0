import Instructions
import Terms
import Testing

@Suite struct ReleaseResourceTests {
    static func text(_ applications: String) -> String {
        "{release,{\"kv\",\"2.0.0\"},{erts,\"13.1.5\"},\n[\(applications)]}."
    }

    @Test func allFormsOfAnApplication() throws {
        let text = Self.text(
            "{a,\"1\"},{b,\"2\",temporary},{c,\"3\",[x,y]},{d,\"4\",load,[]},{e,\"5\",none},{g,\"6\",[]}")
        let release = try ReleaseResource.parse(Array(text.utf8), file: "kv.rel")
        #expect(release.name == "kv")
        #expect(release.vsn == "2.0.0")
        #expect(release.ertsVsn == "13.1.5")
        #expect(
            release.applications == [
                ReleaseApplication(name: "a", vsn: "1"),
                ReleaseApplication(name: "b", vsn: "2", type: .temporary),
                ReleaseApplication(name: "c", vsn: "3", included: ["x", "y"]),
                ReleaseApplication(name: "d", vsn: "4", type: .load, included: []),
                ReleaseApplication(name: "e", vsn: "5", type: .none),
                ReleaseApplication(name: "g", vsn: "6", included: []),
            ])
        #expect(release.application("b")?.vsn == "2")
        #expect(release.application("z") == nil)
        #expect(try ReleaseResource.parse(Array(release.text().utf8), file: "kv.rel") == release)
    }

    @Test(arguments: ApplicationType.allCases)
    func types(_ type: ApplicationType) throws {
        let text = Self.text("{a,\"1\",\(type.atom.name)}")
        #expect(try ReleaseResource.parse(Array(text.utf8), file: "f").applications.map(\.type) == [type])
    }

    /// It becomes `NAME.rel`: what OTP comes with, "Erlang/OTP", is no name for a release of one's own.
    @Test(arguments: ["../../x", "a/b", "..", ".", "Erlang/OTP", "a\\0b"])
    func aNameThatIsNoFileName(name: String) {
        let text = "{release,{\"\(name)\",\"25\"},{erts,\"13.1.5\"},[]}."
        let words =
            "f:1:11: expected a release's name that can be a file's name (1 to 200 bytes without slashes and control characters, not \".\" or \"..\"), found "
        #expect(refusal(text, ReleaseResource.parse)?.hasPrefix(words) == true)
    }

    static let shape = "{release, {Name, Vsn}, {erts, EVsn}, [Application]}"
    static let applicationShape = "{App, Vsn}, {App, Vsn, Type}, {App, Vsn, IncApps} or {App, Vsn, Type, IncApps}"

    static let refused: [Refused] = [
        Refused("%% nothing\n", "f:1:1: expected \(shape), found no term"),
        Refused("{release,{\"kv\",\"2\"},[]}.", "f:1:1: expected \(shape), found {release,{\"kv\",\"2\"},[]}"),
        Refused(
            "{rel,{\"k\",\"2\"},{erts,\"1\"},[]}.",
            "f:1:1: expected \(shape), found {rel,{\"k\",\"2\"},{erts,\"1\"},[]}"),
        Refused("{release,\"kv\",{erts,\"1\"},[]}.", "f:1:10: expected {Name, Vsn}, found \"kv\""),
        Refused("{release,{kv,\"2\"},{erts,\"1\"},[]}.", "f:1:11: expected a release's name (a string), found kv"),
        Refused(
            "{release,{\"\",\"2\"},{erts,\"1\"},[]}.",
            "f:1:11: expected a release's name that can be a file's name (1 to 200 bytes without slashes and control characters, not \".\" or \"..\"), found []"
        ),
        Refused("{release,{\"kv\",2.0},{erts,\"1\"},[]}.", "f:1:16: expected a version (a string), found 2.0"),
        Refused("{release,{\"kv\",\"2\"},{otp,\"1\"},[]}.", "f:1:21: expected {erts, EVsn}, found {otp,\"1\"}"),
        Refused("{release,{\"kv\",\"2\"},\"1\",[]}.", "f:1:21: expected {erts, EVsn}, found \"1\""),
        Refused(
            "{release,{\"kv\",\"2\"},{erts,\"..\"},[]}.",
            "f:1:27: expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found \"..\""
        ),
        Refused("{release,{\"kv\",\"2\"},{erts,\"1\"},kv}.", "f:1:32: expected a list of applications, found kv"),
        Refused(text("a"), "f:2:2: expected \(applicationShape), found a"),
        Refused(text("{a}"), "f:2:2: expected \(applicationShape), found {a}"),
        Refused(text("{\"a\",\"1\"}"), "f:2:3: expected an application's name (an atom), found \"a\""),
        Refused(text("{a,1}"), "f:2:5: expected a version (a string), found 1"),
        Refused(
            text("{a,\"\"}"),
            "f:2:5: expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found []"
        ),
        Refused(
            text("{a,\"1\",always}"),
            "f:2:9: expected a start type (permanent, transient, temporary, load or none), found always"),
        Refused(text("{a,\"1\",[1]}"), "f:2:10: expected an application's name (an atom), found 1"),
        Refused(text("{a,\"1\",load,x}"), "f:2:14: expected a list of included applications, found x"),
        Refused(text("{a,\"1\"},\n{a,\"2\"}"), "f:3:1: expected each application once, found {a,\"2\"}"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, ReleaseResource.parse) == refused.error)
    }
}
