import Instructions
import Terms
import Testing

@Suite struct SysConfigTests {
    static func parse(_ text: String, file: String = "sys.config") throws(FileError) -> SysConfig {
        try SysConfig.parse(Array(text.utf8), file: file)
    }

    @Test func applicationsAndIncludedFiles() throws {
        let config = try Self.parse("[{kv,[{port,1},{name,\"x\"}]}, \"more\", {kernel,[]}].")
        #expect(config.entries.map(\.application) == ["kv", "kernel"])
        #expect(config.includes == ["more"])
        #expect(config.environment(of: "kv").map(\.key) == ["port", "name"])
        #expect(config.environment(of: "kv").value(of: "port") == 1)
        #expect(config.environment(of: "none").isEmpty)
        #expect(try Self.parse(config.text()) == config)
        #expect(config.text() == "%% coding: utf-8\n[{kv,[{port,1},{name,\"x\"}]},\"more\",{kernel,[]}].\n")
    }

    @Test func anEmptyOneIsAllowed() throws {
        #expect(try Self.parse("[].") == SysConfig())
        #expect(SysConfig(entries: []) == SysConfig(items: []))
    }

    /// What comes later in the file overrides, an included file where its name stands.
    @Test func includedFilesTakeTheirPlace() throws {
        let config = try Self.parse("[{kv,[{a,1},{b,1}]}, \"more\"].")
        let whole = try config.including { (name) throws(FileError) in
            #expect(name == "more")
            return try Self.parse("[{kv,[{b,2},{c,2}]}].")
        }
        #expect(
            whole.environment(of: "kv") == [
                EnvironmentParameter(key: "a", value: 1), EnvironmentParameter(key: "b", value: 2),
                EnvironmentParameter(key: "c", value: 2),
            ])
        #expect(whole.includes.isEmpty)
    }

    @Test func anIncludedFileIncludesNoOther() throws {
        let config = try Self.parse("[\"more\"].")
        do throws(FileError) {
            _ = try config.including { (_) throws(FileError) in try Self.parse("[\"more\"].") }
            Issue.record("the file was let through")
        } catch {
            #expect(
                error.description
                    == "more: expected only {Application, Parameters} in an included file, "
                    + "found the file name \"more\"")
        }
    }

    /// As OTP merges the file itself, and refuses it in one that is included.
    @Test func anApplicationMayStandTwice() throws {
        let text = "[{kv,[{a,1},{b,1}]},{other,[]},{kv,[{b,2}]}]."
        let config = try Self.parse(text)
        #expect(config.environment(of: "kv").map(\.value) == [1, 2])
        #expect(refusal(text, SysConfig.parseIncluded) == "f:1:33: expected each application once, found kv")
    }

    // MARK: '$env'

    static func resolved(_ text: String, own: String = "[]") throws -> [String] {
        let application = "{application,kv,[{vsn,\"1\"},{env,\(own)}]}."
        let resource = try ApplicationResource.parse(Array(application.utf8), file: "kv.app")
        let config = try parse(text).resolved(own: ["kv": resource.env], file: "f")
        return resource.environment(overriddenBy: config.environment(of: "kv")).map { "\($0.key.name) \($0.value)" }
    }

    @Test func aValueIsThatOfAnotherParameter() throws {
        // Of sys.config, wherever it stands; of the .app; its default, which may be such a value itself.
        #expect(
            try Self.resolved(
                "[{kv,[{a,{'$env',b,0}}]},{kv,[{b,[{'$env',c,0}|{'$env',d,{'$env',c,0}}]},{e,#{{'$env',c,0} => 1}}]}].",
                own: "[{b,0},{c,3}]") == ["b [3|3]", "c 3", "a [3|3]", "e #{3 => 1}"])
        // Its own value is that of the .app.
        #expect(try Self.resolved("[{kv,[{a,{more,{'$env',a,0}}}]}].", own: "[{a,1}]") == ["a {more,1}"])
        #expect(try Self.resolved("[{kv,[{a,{more,{'$env',a,0}}}]}].") == ["a {more,0}"])
        // Another application's parameters are not asked.
        #expect(try Self.resolved("[{other,[{b,1}]},{kv,[{a,{'$env',b,0}}]}].") == ["a 0"])
    }

    @Test func aCircleIsRefused() throws {
        do {
            _ = try Self.resolved("[{kv,[{a,{'$env',b,0}},{b,[{'$env',c,0}]},{c,{'$env',b,0}}]}].")
            Issue.record("the circle was let through")
        } catch let error as FileError {
            #expect(error.description == "f: expected parameters of kv that can be had, found a circle: b -> c -> b")
        }
    }

    static let shape = "[{Application, [{Key, Value}]} | IncludeFile]"

    static let refused: [Refused] = [
        Refused("", "f:1:1: expected \(shape), found no term"),
        Refused("{kv,[]}.", "f:1:1: expected \(shape), found {kv,[]}"),
        Refused("[kv].", "f:1:2: expected {Application, [{Key, Value}]} or a file's name, found kv"),
        Refused("[[]].", "f:1:2: expected {Application, [{Key, Value}]} or a file's name, found []"),
        Refused("[{\"kv\",[]}].", "f:1:3: expected an application's name (an atom), found \"kv\""),
        Refused("[{kv,x}].", "f:1:6: expected a list of {Key, Value}, found x"),
        Refused("[{kv,[\n{a,1,2}]}].", "f:2:1: expected {Key, Value}, found {a,1,2}"),
        Refused("[{kv,[{1,1}]}].", "f:1:8: expected a parameter's key (an atom), found 1"),
        Refused("[{kv,[{a,1},{a,2}]}].", "f:1:14: expected each key once, found a"),
        Refused("[{kv,[{a,[{'$env',b}]}]}].", "f:1:11: expected {'$env', Key, Default}, found {'$env',b}"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, SysConfig.parse) == refused.error)
    }
}
