import Glibc
import Testing
import Wire

@testable import TestSupport

/// `install-release --wait-permanent` against the real daemon: what becomes of the release after the install.
@Suite(.timeLimit(.minutes(15))) struct EndToEndWaitTests {
    private struct Run {
        var said: [String]
        var complained: String
        var ending: Program.Ending
    }

    private static func root(_ probation: String, flags: String = TestRoot.usualFlags) throws -> TestRoot {
        try .twoVersions(flags: flags, config2: "[{release_handler, [\(probation)]}].")
    }

    /// Runs it; `meanwhile` begins once the install is done.
    private static func install(
        on daemon: EndToEndDaemon, meanwhile: () async throws -> Void = {}
    ) async throws -> Run {
        try await Program.with(
            Releasectl.path, ["install-release", "2.0.0", "--wait-permanent"],
            environment: ["RELEASE_HANDLER_SOCKET": daemon.controlSocket], streaming: .output
        ) { program in
            while let line = try await program.line(), line != "1.0.0 -> 2.0.0: done" {}
            try await meanwhile()
            var said: [String] = []
            while let line = try await program.line() { said.append(line) }
            let ending = try await program.ended()
            return Run(said: said, complained: program.complained, ending: ending)
        }
    }

    @Test func aReleaseThatBecomesPermanent() async throws {
        try await EndToEndDaemon.with(try Self.root("{make_permanent, {auto, 1}}")) { daemon async throws in
            let run = try await Self.install(on: daemon)
            #expect(run.ending == .exit(0), "\(run)")
            #expect(run.said == ["2.0.0 is permanent"] && run.complained == "")
            #expect(try await daemon.status().permanent == "2.0.0")
            // And one that is permanent already has no probation.
            try await daemon.ask("install-release", "1.0.0")
            let again = try await daemon.releasectl("install-release", "2.0.0", "--wait-permanent")
            #expect(again.exit == 0 && again.output.hasSuffix("2.0.0 is permanent\n"), "\(again)")
        }
    }

    @Test func oneThatIsMadePermanentByHand() async throws {
        try await EndToEndDaemon.with(try Self.root("{make_permanent, manual}")) { daemon async throws in
            let run = try await Self.install(on: daemon) { try await daemon.ask("make-permanent", "2.0.0") }
            #expect(run.ending == .exit(0) && run.said == ["2.0.0 is permanent"], "\(run)")
        }
    }

    @Test func oneThatIsTakenBack() async throws {
        try await EndToEndDaemon.with(try Self.root("{probation_restarts, 0}")) { daemon async throws in
            let run = try await Self.install(on: daemon) {
                _ = try await daemon.releasectl("call", TestNode.c1, "crash")
            }
            #expect(run.ending == .exit(3) && run.said == [], "\(run)")
            #expect(
                run.complained == """
                    releasectl: install-release 2.0.0: 2.0.0 was taken back within its probation: workers of changed \
                    modules were restarted once, 0 allowed; the last was \(TestNode.c1)
                      1.0.0 runs again.

                    """)
            #expect(try await daemon.status().release == "1.0.0")
        }
    }

    @Test func oneThatIsLeftByARestartOfTheNode() async throws {
        let root = try Self.root("", flags: "#{intensity => 0, period => 60}")
        try await EndToEndDaemon.with(root) { daemon async throws in
            let run = try await Self.install(on: daemon) {
                _ = try await daemon.releasectl("call", TestNode.c1, "crash")
            }
            #expect(run.ending == .exit(1) && run.said == [], "\(run)")
            let beginning = """
                releasectl: install-release 2.0.0: 2.0.0 failed its probation (supervisor fix/fix_sup gave up), and the node \
                ended (stopping: \

                """
            #expect(run.complained.hasPrefix(beginning), "\(run)")
            let end = "\n  The permanent release boots next; see `releasectl status` once the node is back.\n"
            #expect(run.complained.hasSuffix(end), "\(run)")
            try await daemon.untilReady()
            #expect(try await daemon.status().release == "1.0.0")
        }
    }

    @Test func oneWhoseNodeIsStopped() async throws {
        try await EndToEndDaemon.with(try Self.root("")) { daemon async throws in
            let run = try await Self.install(on: daemon) { daemon.program.signal(SIGTERM) }
            #expect(run.ending == .exit(1), "\(run)")
            #expect(
                run.complained.hasPrefix(
                    "releasectl: install-release 2.0.0: the node ended before 2.0.0 was permanent (stopping: "),
                "\(run)")
        }
    }
}
