import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

@Suite struct UpgradeOptionsTests {
    static func read(_ text: String) throws -> RelupMachine.Options {
        let config = try SysConfig.parse(Array("[{release_handler, [\(text)]}].".utf8), file: "sys.config")
        return try RelupMachine.Options(config.environment(of: ProbationOptions.application), file: "sys.config")
    }

    /// OTP: 5 seconds each, `sys:suspend/1` and `sys:change_code/4`.
    @Test func theDefaults() throws {
        let options = try Self.read("{make_permanent, manual}")
        #expect(options == RelupMachine.Options())
        #expect(options.suspendTimeoutMilliseconds == 5_000 && options.codeChangeTimeoutMilliseconds == 5_000)
        #expect(options.hungWorkers == .terminate && options.suspendGraceMilliseconds == 100)
    }

    @Test func everyParameter() throws {
        let options = try Self.read(
            """
            {suspend_timeout, 1}, {code_change_timeout, 86400000}, {hung_workers, abort}, {suspend_grace, 250},
            {masters, []}
            """)
        #expect(options.suspendTimeoutMilliseconds == 1 && options.codeChangeTimeoutMilliseconds == 86_400_000)
        #expect(options.hungWorkers == .abort && options.suspendGraceMilliseconds == 250)
        #expect(try Self.read("{hung_workers, terminate}") == RelupMachine.Options())
    }

    /// Who asks for the install has the last word.
    @Test func whatIsAskedForGoesBeforeTheFile() throws {
        let file = try Self.read("{suspend_timeout, 1}, {hung_workers, abort}")
        #expect(file.asked(InstallRequest()) == file)
        let asked = file.asked(
            InstallRequest(
                suspendTimeoutMilliseconds: 2, codeChangeTimeoutMilliseconds: 3, hungWorkers: .terminate,
                suspendGraceMilliseconds: 4))
        #expect(asked.suspendTimeoutMilliseconds == 2 && asked.codeChangeTimeoutMilliseconds == 3)
        #expect(asked.hungWorkers == .terminate && asked.suspendGraceMilliseconds == 4)
    }

    static let range = "1 to 86400000 milliseconds"
    static let refused: [(String, String)] = [
        ("{suspend_timeout, 0}", "suspend_timeout: expected \(range), found 0"),
        ("{suspend_timeout, infinity}", "suspend_timeout: expected \(range), found infinity"),
        ("{code_change_timeout, 86400001}", "code_change_timeout: expected \(range), found 86400001"),
        ("{suspend_grace, -1}", "suspend_grace: expected \(range), found -1"),
        ("{suspend_grace, \"1\"}", "suspend_grace: expected \(range), found \"1\""),
        ("{hung_workers, wait}", "hung_workers: expected terminate or abort, found wait"),
        ("{hung_workers, \"abort\"}", "hung_workers: expected terminate or abort, found \"abort\""),
    ]

    @Test(arguments: refused)
    func refuses(text: String, message: String) {
        let error = #expect(throws: FileError.self) { try Self.read(text) }
        #expect(error?.description == "sys.config: release_handler, \(message)")
    }
}
