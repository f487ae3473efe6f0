import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The daemon at a limit of tasks: it has its threads, and who can't be started is waited for.
@Suite(.enabled(if: TaskLimit.obstacle == nil, TaskLimit.obstacle), .timeLimit(.minutes(15)))
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

    /// The worker's start may take ten minutes: the end of all does not wait for it, and who asks for an upgrade no longer than seconds.
    @Test func anUpgradeIsRefusedAndTheEndOvertakesTheWait() async throws {
        try await TaskLimit.with { limit in
            let root = try TestRoot.twoVersions(children: "[\(Self.child("c1")), \(Self.child("c2"))]")
            try await EndToEndDaemon.with(root, shell: limit.shell) { daemon async throws in
                try await daemon.following { follower async throws in
                    try limit.set(1)
                    kill(try #require(try await daemon.workers().last?.pid), SIGKILL)
                    #expect(try await follower.next("start_delayed").worker == "fix/fix_sup/c2")
                    let run = try await daemon.releasectl("install-release", "2.0.0")
                    #expect(run.exit == 2 && run.error.contains("Resource temporarily unavailable"), "\(run)")
                    #expect(try await daemon.workers().map(\.state) == [.running, .starting])
                }
            }
        }
    }

    private static func child(_ id: String) -> String {
        "#{id => \(id), start => {counter, start_link, []}, start_timeout => 600000}"
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
