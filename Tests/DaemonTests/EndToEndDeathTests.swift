import Foundation
import Glibc
import Testing
import Wire

/// What the daemon leaves behind when it ends, and when it is killed.
@Suite(.timeLimit(.minutes(5))) struct EndToEndDeathTests {
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
