import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// What `sys.config` says of the daemon itself: from the boot on, and from a reload on.
@Suite(.timeLimit(.minutes(15))) struct DaemonSettingsTests {
    private static func config(_ settings: String) -> String { "[{release_handler, [\(settings)]}]." }

    private static func root(_ settings: String) throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", config: config(settings))
        try root.register(["1.0.0"])
        return root
    }

    private static func reload(_ settings: String, _ daemon: EndToEndDaemon) async throws {
        try daemon.root.write("releases/1.0.0/sys.config", config(settings))
        daemon.program.signal(SIGHUP)
        try await daemon.untilReady()
    }

    private static func ask(_ http: RawHTTP) throws {
        try http.send("GET", "/v1/status")
        #expect(try http.answer().status == 200)
    }

    @Test func connectionsAreServedUpToTheNumberThatIsSaid() async throws {
        try await EndToEndDaemon.with(try Self.root("{control_connections, 8}")) { daemon in
            let open = try (0..<8).map { _ in try RawHTTP(path: daemon.controlSocket) }
            for http in open { try Self.ask(http) }
            let further = try RawHTTP(path: daemon.controlSocket)
            try further.send("GET", "/v1/status")
            for http in open { try Self.ask(http) }
            #expect(!further.hasInput)
            try await Self.reload("{control_connections, 9}", daemon)
            #expect(try further.answer().status == 200)
            // Those that are open beyond a smaller number stay.
            try await Self.reload("{control_connections, 8}", daemon)
            for http in open + [further] { try Self.ask(http) }
        }
    }

    @Test func theLogFollowsItsLevel() async throws {
        try await EndToEndDaemon.with(try Self.root("{log_level, warning}")) { daemon in
            try await Self.reload("{log_level, warning}, {control_readers, group}", daemon)
            try await Self.reload("{log_level, notice}", daemon)
            while !daemon.program.complained.contains("is read anew") { await Task.yield() }
            #expect(daemon.program.complained.components(separatedBy: "is read anew").count == 2)
            #expect(!daemon.program.complained.contains("release 1.0.0 runs"))
        }
    }

    @Test func theCommandLineCountsBeforeIt() async throws {
        let options = ["--log-level", "error"]
        try await EndToEndDaemon.with(try Self.root("{log_level, debug}"), options: options) { daemon in
            try await Self.reload("{log_level, info}", daemon)
            // An error is logged behind what was not.
            try await Self.reload("{log_level, loud}", daemon)
            while !daemon.program.complained.contains("found loud") { await Task.yield() }
            #expect(!daemon.program.complained.contains("is read anew"))
        }
    }

    @Test func theyGoAlongOverAReexecution() async throws {
        try await EndToEndDaemon.with(try Self.root("{log_level, warning}, {control_connections, 8}")) { daemon in
            let open = try (0..<7).map { _ in try RawHTTP(path: daemon.controlSocket) }
            for http in open { try Self.ask(http) }
            #expect(try await daemon.releasectl("reexec").exit == 0)
            let last = try RawHTTP(path: daemon.controlSocket)
            for http in open + [last] { try Self.ask(http) }
            let further = try RawHTTP(path: daemon.controlSocket)
            try further.send("GET", "/v1/status")
            for http in open + [last] { try Self.ask(http) }
            #expect(!further.hasInput)
            last.shutdown()
            #expect(try further.answer().status == 200)
        }
    }

    // MARK: A wrong command line

    @Test(arguments: ["--socket", "--root", "--nodes-directory"])
    func anEmptyPathIsNone(option: String) async throws {
        let run = try await Releasectl.run([option, ""], executable: EndToEndDaemon.path)
        #expect(run.exit == 64 && run.output == "", "\(run)")
        #expect(run.error.contains("'' is no path for \(option): give one, or leave the option out."), "\(run)")
    }

    @Test func whatIsNoTextNamesNoFile() async throws {
        let script = "exec \"$0\" --root \"$(printf 'caf\\351')\""
        let run = try await Releasectl.run(["-c", script, EndToEndDaemon.path], executable: "/bin/sh")
        let words = "release-handlerd: argument 2 is not valid UTF-8: caf\\xe9\n"
        #expect(run.exit == 64 && run.output == "" && run.error.hasPrefix(words), "\(run)")
    }
}
