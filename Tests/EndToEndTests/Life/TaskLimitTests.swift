import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The daemon at a limit of tasks: it has its threads, and who can't be started is waited for.
@Suite(.enabled(if: TaskLimit.obstacle == nil, TaskLimit.obstacle), .timeLimit(.minutes(5)))
struct TaskLimitTests {
    @Test func aStartWaitsForRoomAndAStopOvertakesIt() async throws {
        try await TaskLimit.with { limit in
            try await EndToEndDaemon.with(try .twoVersions(), shell: limit.shell) { daemon async throws in
                try await daemon.following { follower async throws in
                    try limit.set(1)
                    kill(try #require(try await daemon.workers().first?.pid), SIGKILL)
                    let told = try await follower.next("start_delayed")
                    #expect(told.worker == "fix/fix_sup/c1")
                    #expect(told.fields["reason"]?.contains("Resource temporarily unavailable") == true, "\(told)")
                    // All of this would make a thread, were it not there.
                    #expect(try await daemon.status().state == .running)
                    try await daemon.ask("which-releases")
                    _ = try await daemon.releasectl("check-install-release", "2.0.0")
                    try await daemon.ask("reload")
                    #expect(try await daemon.workers().map(\.state) == [.starting])
                    try await daemon.ask("terminate-child", "fix_sup", "c1")
                    // It waits again, until there is room.
                    async let start = daemon.ask("restart-child", "fix_sup", "c1")
                    _ = try await follower.next("start_delayed")
                    try limit.set(nil)
                    _ = try await start
                    #expect(try await daemon.workers().map(\.state) == [.running])
                }
            }
        }
    }

    /// Each limit stops it at another of its threads.
    @Test func aDaemonThatCannotHaveItsThreadsSaysSo() async throws {
        try await TaskLimit.with { limit in
            for most in 1...30 {
                try limit.set(most)
                let run = try await Program.run(
                    "/bin/sh", ["-c", limit.shell, "sh", EndToEndDaemon.path, "--root", "/nowhere"])
                #expect(run.exit == 1, "with \(most) tasks: \(run)")
                #expect(
                    run.error.contains("threads can't be made: pthread_create: Resource temporarily unavailable")
                        || run.error.contains("/nowhere"), "with \(most) tasks: \(run)")
            }
        }
    }
}
