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
        Refused("[{kv,[]},{kv,[]}].", "f:1:11: expected each application once, found kv"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(refused.text, SysConfig.parse) == refused.error)
    }
}
