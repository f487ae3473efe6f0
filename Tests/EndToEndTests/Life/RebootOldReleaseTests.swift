import Glibc
import Testing
import Wire

@testable import TestSupport

/// `reboot-old-release`: the real daemon answers, stops its tree and goes on as another run of itself, in the release that ran before.
@Suite(.timeLimit(.minutes(15))) struct RebootOldReleaseTests {
    @Test func theOldReleaseIsPermanentAndRuns() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            try await daemon.ask("install-release", "2.0.0")
            try await daemon.ask("make-permanent", "2.0.0")
            #expect(try await daemon.ask("which-releases", "old").contains("1.0.0  old"))
            let answer = try await daemon.ask("reboot-old-release", "1.0.0")
            #expect(answer == "fix 1.0.0 is permanent, and the node restarts into it\n")
            try await daemon.untilReady()
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(status.pid == daemon.program.pid)
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 old"])
            // And so it is for any later run.
            try await daemon.stop(by: SIGKILL)
        }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            #expect(try await daemon.status().release == "1.0.0")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 old"])
        }
    }

    /// A release on probation is left by it as well.
    @Test func aReleaseThatIsOnProbationIsLeft() async throws {
        let root = try TestRoot.twoVersions()
        try root.release("3.0.0", relup: "{\"3.0.0\", [{\"2.0.0\", [], [point_of_no_return]}], []}.")
        try root.install(vsn: "3.0.0")
        try root.register(["1.0.0", "2.0.0", "3.0.0"])
        try await EndToEndDaemon.with(root) { daemon async throws in
            try await daemon.ask("install-release", "2.0.0")
            try await daemon.ask("make-permanent", "2.0.0")
            try await daemon.ask("install-release", "3.0.0")
            try await daemon.ask("reboot-old-release", "1.0.0")
            try await daemon.untilReady()
            #expect(try await daemon.status().release == "1.0.0")
            #expect(
                try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 old", "3.0.0 unpacked"])
        }
    }
}
