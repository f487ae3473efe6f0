import Glibc
import Testing
import Wire

@testable import TestSupport

/// `install-release --no-permanent` against the real daemon, whatever becomes of that meanwhile.
@Suite(.timeLimit(.minutes(15))) struct NoPermanentTests {
    private static let auto = "[{release_handler, [{make_permanent, {auto, 1}}]}]."

    /// Returns once the release has passed its probation.
    private static func passed(_ daemon: EndToEndDaemon) async throws {
        while true {
            let status = try await daemon.status()
            try #require(status.release == "2.0.0" && status.permanent == "1.0.0", "\(status)")
            if status.notices?.contains(where: { $0.kind == .notPermanent }) == true { return }
        }
    }

    @Test func itStaysCurrent() async throws {
        try await EndToEndDaemon.with(try .twoVersions(config2: Self.auto)) { daemon async throws in
            let run = try await daemon.ask("install-release", "2.0.0", "--no-permanent")
            #expect(
                run.hasSuffix(
                    """
                    1.0.0 -> 2.0.0: done
                    2.0.0 stays current: `releasectl make-permanent 2.0.0` keeps it; until then a restart boots 1.0.0

                    """), "\(run)")
            try await Self.passed(daemon)
            #expect(
                try await daemon.ask("history").contains("it stays current until `releasectl make-permanent 2.0.0`"))
            try await daemon.ask("make-permanent", "2.0.0")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 old", "2.0.0 permanent"])
        }
    }

    @Test func anotherProgramOfTheDaemonsGoesOnWithIt() async throws {
        let config = "[{release_handler, [{make_permanent, {auto, 3600}}]}]."
        try await EndToEndDaemon.with(try .twoVersions(config2: config)) { daemon async throws in
            try await daemon.ask("install-release", "2.0.0", "--no-permanent")
            try await daemon.ask("reexec")
            let told = try await daemon.ask("probation")
            #expect(told.contains("then:       it stays current until make-permanent"), "\(told)")
        }
    }

    /// The tree is stopped, and the next run of the daemon knows of it.
    @Test func whereTheScriptRestartsTheEmulator() async throws {
        let up = "point_of_no_return, restart_emulator"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up, down: up), config2: Self.auto)
        try await EndToEndDaemon.with(root) { daemon async throws in
            let run = try await daemon.releasectl("install-release", "2.0.0", "--no-permanent")
            #expect(run.exit == 4, "\(run)")
            try await daemon.untilReady()
            try await Self.passed(daemon)
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 current"])
        }
    }

    @Test func itAndTheWaitExcludeEachOther() async throws {
        let run = try await Releasectl.run(["install-release", "2.0.0", "--no-permanent", "--wait-permanent"])
        #expect(run.exit == 64)
        #expect(
            run.error.contains("--wait-permanent waits for what --no-permanent is not to happen: give one of the two."),
            "\(run.error)")
    }
}
