import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// What the daemon leaves behind when it ends, and when it is killed.
@Suite(.timeLimit(.minutes(15))) struct EndToEndDeathTests {
    /// A worker that is busy does not see that its channel has ended; the kernel ends it all the same.
    @Test func aBusyWorkerDiesWithTheDaemon() async throws {
        let nobody = geteuid() == 0 ? ", user => \"nobody\"" : ""
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => c2, start => {counter, start_link, []}\(nobody)}]
            """
        let root = try TestRoot.twoVersions(children: children)
        // The other user must come as far as the worker's file.
        chmod(root.directory, 0o755)
        try await EndToEndDaemon.with(root) { daemon async throws in
            let summaries = try await daemon.workers()
            #expect(summaries.count == 2)
            let workers = try summaries.map { ProcessExit(of: try #require($0.pid)) }
            for worker in summaries {
                let run = try await daemon.releasectl("call", worker.address, "--timeout-ms", "100", "hang")
                #expect(run.exit == 1, "\(run)")
            }
            daemon.program.signal(SIGKILL)
            for worker in workers { try await worker.passed(seconds: 20, "a busy worker whose daemon was killed") }
        }
    }

    /// The kernel tells the shell only that the daemon is gone. What stood behind it goes on, and the next run finds it.
    @Test func whatOutlivesTheDaemonEndsBeforeTheNextRunStartsAnything() async throws {
        let root = try TestRoot.twoVersions()
        let fifos = ["p1", "p2"].map { "\(root.directory)/\($0)" }
        for fifo in fifos { mkfifo(fifo, 0o600) }
        try root.release(
            "1.0.0",
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => p1, modules => [],
                   start => {os, start, ["/bin/sh", "-c", "sh -c 'echo $$ > \(fifos[0]); exec sleep 999'; :"]}},
                 #{id => p2, modules => [],
                   start => {os, start,
                             ["/bin/sh", "-c", "sh -c 'trap : TERM; echo $$ > \(fifos[1]); sleep 998; sleep 997'; :"]}}]
                """)
        defer { root.remove() }
        let left = try await EndToEndDaemon.again(on: root) { daemon async throws in
            var left: [pid_t] = []
            for fifo in fifos {
                let text = try await offPool { try FileHandle(forReadingAtPath: fifo)?.readToEnd() ?? Data() }
                let line = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .newlines)
                left.append(try #require(pid_t(line)))
            }
            daemon.program.signal(SIGKILL)
            _ = try await daemon.program.ended()
            return left
        }
        #expect(left.allSatisfy { kill($0, 0) == 0 })
        let ends = left.map { ProcessExit(of: $0) }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            for end in ends { try await end.passed("what outlived the daemon") }
            let log = daemon.program.complained
            let told = try #require(log.split(separator: "\n").first { $0.contains("the daemon's run before left ") })
            for pid in left { #expect(told.contains("pid \(pid) ("), "\(told)") }
            #expect(told.contains("): ended before anything starts"), "\(told)")
            #expect(try await daemon.call("get") == "0")
            #expect(try await daemon.workers().count == 3)
        }
    }

    @Test func whoFollowsTheEventsIsToldOfTheEndAndTheEndIsQuiet() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            try await daemon.following { follower in
                try await daemon.stop()
                _ = try await follower.next("stopped")
                #expect(try await follower.program.line() == nil)
                _ = try await follower.program.ended()
                let complaint = "releasectl: events: the daemon at \(daemon.controlSocket) ended the stream\n"
                #expect(follower.program.complained.hasPrefix(complaint), "\(follower.program.complained)")
            }
            let log = daemon.program.complained
            #expect(!log.contains("EventLoop"), "\(log)")
            #expect(log.split(separator: "\n").last?.contains("the node is down") == true, "\(log)")
        }
    }
}
