import Testing

@testable import TestSupport
import Wire

/// The real daemon: a release that can't be taken back by a script is left by a restart under the same pid.
@Suite(.timeLimit(.minutes(15))) struct ProbationRestartTests {
    @Test func theDaemonExecutesItselfAgainIntoThePermanentRelease() async throws {
        let root = try TestRoot.twoVersions(flags: "#{intensity => 0, period => 60}")
        try await EndToEndDaemon.with(root) { daemon in
            #expect(try await daemon.status().release == "1.0.0")
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            #expect(try await daemon.status().release == "2.0.0")
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            try await daemon.untilReady()
            let reason = "executing itself again: release 2.0.0 failed its probation: supervisor fix/fix_sup gave up"
            #expect(daemon.program.complained.contains(reason))
            let status = try await daemon.status()
            #expect(status.release == "1.0.0")
            #expect(status.permanent == "1.0.0")
            #expect(status.pid == daemon.program.pid)
        }
    }
}
