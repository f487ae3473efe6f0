import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The release root on a disk that takes nothing for a while, or has much to do: who does not need it is not held up by it.
@Suite(.timeLimit(.minutes(15))) struct SlowDiskTests {
    /// The root is copied into a file system of its own, which only the daemon's mount namespace has.
    private static func mounted(_ root: TestRoot) -> String {
        let (path, image) = (root.root, "\(root.directory)/disk")
        let script = """
            truncate -s 400M \(image); mkfs.ext4 -q \(image); mkdir \(image).at; mount -o loop \(image) \(image).at; \
            cp -a \(path)/. \(image).at/; mount --move \(image).at \(path)
            """
        return "exec unshare --mount --propagation private /bin/sh -ec '\(script); exec \"$@\"' sh \"$@\""
    }

    static let canMount: Bool = {
        let script = """
            d=$(mktemp -d); trap "rm -r $d" EXIT; truncate -s 8M $d/i; mkfs.ext4 -q $d/i; mkdir $d/m; \
            unshare --mount mount -o loop $d/i $d/m
            """
        return (try? Spawned.run("/bin/sh", ["-ec", script])) != nil
    }()

    private static func there(_ daemon: EndToEndDaemon, _ command: String...) async throws -> Releasectl {
        try await Program.run(
            "/usr/bin/nsenter", ["--target", "\(daemon.program.pid)", "--mount"] + command, environment: [:])
    }

    /// A watchdog's message that was sent after this was called.
    private static func isFed(_ daemon: EndToEndDaemon) async throws {
        _ = daemon.notify.drain()
        try await daemon.notify.next(with: "WATCHDOG=1")
    }

    /// Whether a thread of the daemon waits for the disk. Source: proc(5), `stat`.
    private static func waits(_ daemon: EndToEndDaemon) throws -> Bool {
        let tasks = "/proc/\(daemon.program.pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).contains { task in
            let stat = (try? String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)) ?? ""
            return stat.split(separator: ")").last?.hasPrefix(" D ") == true
        }
    }

    @Test(.enabled(if: canMount)) func aFrozenDiskHoldsUpNobodyElse() async throws {
        let root = try TestRoot.twoVersions(children: ProbationChildren.two)
        try await EndToEndDaemon.with(
            root, environment: ["WATCHDOG_USEC": "3000000"], shell: Self.mounted(root)
        ) { daemon in
            #expect(try await Self.there(daemon, "fsfreeze", "--freeze", root.root).exit == 0)
            do {
                async let removal = daemon.releasectl("remove-release", "2.0.0")
                while try !Self.waits(daemon) { await Task.yield() }
                let pid = try #require(try await daemon.workers().first { $0.address == TestNode.c1 }?.pid)
                try await daemon.following { events in
                    kill(pid, SIGKILL)
                    _ = try await events.next("worker_restart")
                }
                #expect(try await daemon.call("vsn") == "\"1.0.0\"")
                try await Self.isFed(daemon)
                #expect(try await daemon.releaseStatuses().contains("2.0.0 unpacked"))
                #expect(try await Self.there(daemon, "fsfreeze", "--unfreeze", root.root).exit == 0)
                let removed = try await removal
                #expect(removed.exit == 0, "\(removed)")
            } catch {
                _ = try await Self.there(daemon, "fsfreeze", "--unfreeze", root.root)
                throw error
            }
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent"])
        }
    }

    /// No program is executed while a thread hangs: the kernel would wait for its end, and everybody with it. What is being written is
    /// written once.
    @Test(.enabled(if: canMount)) func aFrozenDiskRefusesAReexecution() async throws {
        let up = "{apply, {nowhere, run, []}}, \(TestRoot.up())"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up))
        try await EndToEndDaemon.with(
            root, environment: ["WATCHDOG_USEC": "3000000"], shell: Self.mounted(root)
        ) { daemon in
            #expect(try await Self.there(daemon, "fsfreeze", "--freeze", root.root).exit == 0)
            do {
                // That it is refused is what has to be written.
                #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 2)
                while try !Self.waits(daemon) { await Task.yield() }
                let refused = try await daemon.releasectl("reexec")
                #expect(
                    refused.exit == 2
                        && refused.error.contains(
                            "the daemon goes on as it is: the history of the releases is being written, and did not end within 10 s"
                        ), "\(refused)")
                #expect(try await daemon.call("vsn") == "\"1.0.0\"")
                try await Self.isFed(daemon)
                #expect(try await Self.there(daemon, "fsfreeze", "--unfreeze", root.root).exit == 0)
            } catch {
                _ = try await Self.there(daemon, "fsfreeze", "--unfreeze", root.root)
                throw error
            }
            #expect(try await daemon.ask("reexec").contains("goes on anew"))
            let history = try JSONDecoder().decode(
                HistoryList.self, from: Data(try await daemon.ask("history", "--json").utf8))
            #expect(history.records.count { $0.kind == "install_refused" } == 1, "\(history)")
        }
    }

    @Test func aReleaseOfManyFilesIsRemovedWhileAllElseGoesOn() async throws {
        let root = try TestRoot.twoVersions()
        try Spawned.run(
            "/bin/sh",
            [
                "-ec", "mkdir -p \"$1\"; cd \"$1\"; seq 20000 | xargs touch", "sh",
                "\(root.root)/lib/fix-2.0.0/priv/many",
            ])
        try await EndToEndDaemon.with(root, environment: ["WATCHDOG_USEC": "3000000"]) { daemon in
            async let removal = daemon.releasectl("remove-release", "2.0.0")
            for _ in 0..<20 { #expect(try await daemon.call("vsn") == "\"1.0.0\"") }
            try await Self.isFed(daemon)
            let removed = try await removal
            #expect(removed.exit == 0, "\(removed)")
            #expect(!FileManager.default.fileExists(atPath: "\(root.root)/lib/fix-2.0.0"))
        }
    }
}

private enum ProbationChildren {
    static let two =
        "[#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, []}}]"
}
