import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// What signals mean to the real daemon.
@Suite(.timeLimit(.minutes(15))) struct SignalTests {
    private static func root(config: String = "[].") throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", config: config)
        try root.register(["1.0.0"])
        return root
    }

    /// A line of its log; it has come, or comes.
    private static func line(_ text: String, of daemon: EndToEndDaemon) async throws {
        while !daemon.program.complained.contains(text) { await Task.yield() }
    }

    @Test(arguments: [SIGUSR1, SIGUSR2, SIGALRM]) func oneThatMeansNothingEndsNothing(signal: Int32) async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let worker = try #require(try await daemon.workers().first?.pid)
            daemon.program.signal(signal)
            try await Self.line("which means nothing here", of: daemon)
            #expect(try await daemon.workers().first?.pid == worker)
        }
    }

    /// SIGHUP is `systemctl reload`: the manager is told of its beginning and its end.
    @Test func hangUpReadsTheConfigurationAnew() async throws {
        try await EndToEndDaemon.with(try Self.root(config: "[{fix, [{greeting, hello}]}].")) { daemon in
            #expect(try await daemon.call("{env, greeting}") == "hello")
            try daemon.root.write("releases/1.0.0/sys.config", "[{fix, [{greeting, again}]}].")
            daemon.program.signal(SIGHUP)
            var messages = try await daemon.untilReady()
            #expect(messages.removeFirst().first == "RELOADING=1")
            #expect(try await daemon.call("{env, greeting}") == "again")
            #expect(daemon.program.complained.contains("the configuration of release 1.0.0 is read anew"))
        }
    }

    @Test func aConfigurationThatCanNotBeReadChangesNothing() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            try daemon.root.write("releases/1.0.0/sys.config", "[{fix, ")
            let refused = try await daemon.releasectl("reload")
            #expect(refused.exit != 0)
            #expect(refused.error.contains("the configuration stays as it was: "), "\(refused)")
            #expect(refused.error.contains("sys.config:1:"), "\(refused)")
            #expect(try await daemon.call("{env, greeting}") == "hello")
            daemon.program.signal(SIGHUP)
            try await daemon.untilReady()
            #expect(try await daemon.call("{env, greeting}") == "hello")
            try daemon.root.write("releases/1.0.0/sys.config", "[{fix, [{greeting, again}, {more, 1}]}].")
            #expect(try await daemon.ask("reload") == "the configuration of release 1.0.0 is read anew\n")
            #expect(try await daemon.call("{env, greeting}") == "again")
            #expect(try await daemon.call("{env, more}") == "1")
        }
    }

    /// Whoever wants the daemon down gets it down, though it was about to execute itself again.
    @Test func aRequestToStopOvertakesARestart() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => c2, start => {counter, start_link, []}, shutdown => 600000}]
            """
        // No way down: what fails its probation is left by a restart.
        let relup = "{\"2.0.0\", [{\"1.0.0\", \"up\", [\(TestRoot.up())]}], []}."
        let root = try TestRoot.twoVersions(
            children: children, flags: "#{intensity => 9, period => 60}", relup: relup,
            config2: "[{release_handler, [{probation_restarts, 0}]}].")
        try await EndToEndDaemon.with(root) { daemon in
            // It goes along where the worker is handed off.
            _ = try await daemon.call("{arm, terminate_hang}", of: "fix/fix_sup/c2")
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            let stubborn = try #require(try await daemon.workers().first { $0.address == "fix/fix_sup/c2" }?.pid)
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            // The tree is on its way down, and waits for the other worker.
            try await Self.line("stopping: restart into the permanent release", of: daemon)
            daemon.program.signal(SIGTERM)
            try await Self.line("stopping: asked to", of: daemon)
            kill(stubborn, SIGKILL)
            #expect(try await daemon.program.ended() == .exit(0))
            #expect(!daemon.program.complained.contains("executing itself again"))
        }
    }
}
