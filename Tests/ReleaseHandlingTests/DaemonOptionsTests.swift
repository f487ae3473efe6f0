import Instructions
import Terms
import Testing

@testable import ReleaseHandling

/// What a release says of the daemon itself.
@Suite struct DaemonOptionsTests {
    private static func options(_ text: String) throws -> DaemonOptions {
        let config = try SysConfig.parse(Array("[{release_handler, [\(text)]}].".utf8), file: "sys.config")
        return try DaemonOptions(config.environment(of: ProbationOptions.application), file: "sys.config")
    }

    @Test func theParameters() throws {
        #expect(try Self.options("{suspend_timeout, 1}") == DaemonOptions())
        let text = "{log_level, debug}, {control_readers, group}, {control_connections, 8}"
        #expect(try Self.options(text) == DaemonOptions(logLevel: .debug, readers: .group, connections: 8))
    }

    @Test func howOftenAPermanentReleaseMayFailToBoot() throws {
        #expect(try Self.options("{boot_fallback, 3}").bootFallback?.boots == 3)
        #expect(try Self.options("{boot_fallback, false}").bootFallback == .never)
        #expect(DaemonOptions.BootFallback.never.boots == nil)
        #expect(DaemonOptions.BootFallback.standard.boots == 2)
    }

    @Test func aCommandLineCountsBeforeThem() {
        let own = DaemonOptions(logLevel: .error)
        let said = DaemonOptions(logLevel: .debug, readers: .group, connections: 9)
        #expect(own.over(said) == DaemonOptions(logLevel: .error, readers: .group, connections: 9))
        #expect(said.over(own) == said)
    }

    @Test(arguments: [
        ("{log_level, loud}", "log_level: expected debug, info, notice, warning or error, found loud"),
        ("{log_level, \"info\"}", "log_level: expected debug, info, notice, warning or error, found \"info\""),
        ("{control_readers, nobody}", "control_readers: expected everyone or group, found nobody"),
        ("{boot_fallback, 0}", "boot_fallback: expected a number from 1 to 100, or false, found 0"),
        ("{boot_fallback, true}", "boot_fallback: expected a number from 1 to 100, or false, found true"),
        ("{control_connections, 7}", "control_connections: expected a number from 8 to 100000, found 7"),
        ("{control_connections, 100001}", "control_connections: expected a number from 8 to 100000, found 100001"),
        ("{control_connections, many}", "control_connections: expected a number from 8 to 100000, found many"),
    ])
    func badParameters(text: String, message: String) {
        #expect {
            _ = try Self.options(text)
        } throws: {
            "\($0)" == "sys.config: release_handler, \(message)"
        }
    }
}
