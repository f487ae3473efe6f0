import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What releasectl says, and exits with, where something hangs, ends or is lost.
@Suite(.timeLimit(.minutes(15))) struct EndToEndLossTests {
    private static let dies = TestRoot.Edit(
        vsn: "1.0.0", what: "    def export_state(self, ref, change):\n",
        with: """
                def export_state(self, ref, change):
                    os._exit(1)

            """)

    @Test func aWorkerThatEndsInItsExportIsLost() async throws {
        let root = try TestRoot.modules(up: TestRoot.up(), down: TestRoot.down(), edits: [Self.dies])
        try await EndToEndDaemon.with(root) { daemon async throws in
            _ = try await daemon.call("{add, 42}")
            let run = try await daemon.releasectl("install-release", "2.0.0")
            #expect(run.exit == 4, "\(run)")
            #expect(
                run.error == """
                    releasectl: install-release 2.0.0: 2.0.0 runs, but not all came through
                    lost:
                      fix/fix_sup/c1: state and connections: its process ended ({exit_status,1}); started again

                    """)
            #expect(try await daemon.call("get") == "0")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
        }
    }

    /// With nothing set: OTP's five seconds.
    @Test func aConversionThatHangsIsUndoneWithinItsLimit() async throws {
        let root = try TestRoot.modules(up: TestRoot.up("hang"), down: TestRoot.down())
        try await EndToEndDaemon.with(root) { daemon async throws in
            _ = try await daemon.call("{add, 42}")
            let run = try await daemon.releasectl("install-release", "2.0.0")
            #expect(run.exit == 3, "\(run)")
            #expect(
                run.error == """
                    releasectl: install-release 2.0.0: failed at instruction 5, {code_change,up,[{counter,hang}]} for \
                    fix/fix_sup/c1: code_change of counter failed in fix/fix_sup/c1: {timeout,5000}
                      It was rolled back: 1.0.0 runs on as before.

                    """)
            #expect(try await daemon.call("get") == "42")
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
        }
    }

    // MARK: --hung

    private enum Where { case inCall, inExport }

    private static func hanging(_ place: Where, _ choice: String) async throws -> Releasectl {
        let children = "[#{id => c1, start => {counter, start_link, []}, shutdown => brutal_kill}]"
        let root = try TestRoot.modules(children: children, up: TestRoot.up(), down: TestRoot.down())
        let gate = try Gate(in: root)
        let method = place == .inCall ? "    def suspend(self, ref):\n" : "    def export_state(self, ref, change):\n"
        try root.installPython(
            "counter", vsn: "1.0.0",
            edits: [.init(vsn: "1.0.0", what: method, with: "\(method)        \(gate.line)\n")])
        return try await EndToEndDaemon.with(root) { daemon async throws in
            _ = try await daemon.call("{add, 42}")
            async let install = daemon.releasectl(
                "install-release", "2.0.0", "--hung", choice, "--suspend-timeout-ms", "2000",
                "--code-change-timeout-ms", "2000")
            try await gate.reached()
            let run = try await install
            gate.open()
            #expect(try await daemon.call("get") == (choice == "abort" ? "42" : "0"))
            return run
        }
    }

    @Test func withAbortAWorkerThatHangsIsNotLost() async throws {
        for place in [Where.inCall, .inExport] {
            let run = try await Self.hanging(place, "abort")
            #expect(run.exit == 3, "\(run)")
            #expect(run.error.hasSuffix("  It was rolled back: 1.0.0 runs on as before.\n"), "\(run)")
        }
    }

    @Test func withTerminateItIsStartedAgainInTheNewCodeAndLost() async throws {
        let run = try await Self.hanging(.inCall, "terminate")
        #expect(run.exit == 4, "\(run)")
        #expect(
            run.error == """
                releasectl: install-release 2.0.0: 2.0.0 runs, but not all came through
                lost:
                  fix/fix_sup/c1: state and connections: did not suspend in time: terminated; started again

                """)
    }

    /// Its handoff has failed, so the upgrade is undone; it does not go on within its time either.
    @Test func withTerminateAWorkerThatHangsInItsExportIsLost() async throws {
        let run = try await Self.hanging(.inExport, "terminate")
        #expect(run.exit == 4, "\(run)")
        #expect(run.error.contains("1.0.0 runs on, but not all came through: see what was lost."), "\(run)")
        #expect(run.error.contains("lost:\n  fix/fix_sup/c1: state and connections: "), "\(run)")
    }

    // MARK: No way back

    @Test func aWayBackThatIsWrongBootsThePermanentRelease() async throws {
        let modules = ["counter", "store"]
        let children =
            "[#{id => s1, start => {store, start_link, []}}, #{id => c1, start => {counter, start_link, []}}]"
        let sleep = "{apply, {timer, sleep, [1]}}"
        let root = try TestRoot.modules(
            modules, children: children,
            up: TestRoot.script(
                "2.0.0", modules, [TestRoot.upGroup("counter"), sleep, TestRoot.upGroup("store", extra: "fail")]),
            down: TestRoot.script(
                "1.0.0", modules, [TestRoot.downGroup("store"), sleep, TestRoot.downGroup("counter", extra: "fail")]))
        try await EndToEndDaemon.with(root) { daemon async throws in
            _ = try await daemon.call("{add, 42}")
            let run = try await daemon.releasectl("install-release", "2.0.0")
            #expect(run.exit == 4, "\(run)")
            #expect(run.error.contains("code_change of store failed in fix/fix_sup/s1: told_to_fail"), "\(run)")
            #expect(run.error.contains("It is not rolled back: the permanent release boots next."), "\(run)")
            #expect(
                run.output.contains(
                    "warning: the way back by the script to 1.0.0 failed: instruction"), "\(run)")
            #expect(
                run.error.hasSuffix(
                    """
                    lost:
                      fix/fix_sup/s1: state and connections: the node restarts
                      fix/fix_sup/c1: state and connections: the node restarts

                    """), "\(run)")
            try await daemon.untilReady()
            #expect(try await daemon.status().release == "1.0.0")
            for worker in try await daemon.workers() {
                #expect(try await daemon.call("vsn", of: worker.address) == "\"1.0.0\"")
            }
        }
    }
}
