import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// A worker that misbehaves is that worker's trouble: the rest of the tree answers and is upgraded as ever.
@Suite(.timeLimit(.minutes(15))) struct EndToEndStubbornWorkerTests {
    static func root(_ other: String) throws -> TestRoot {
        try .twoVersions(children: "[#{id => c1, start => {counter, start_link, []}}, \(other)]")
    }

    /// The rest of the tree at work: calls, questions, an upgrade and its way back.
    static func works(_ daemon: EndToEndDaemon) async throws {
        _ = try await daemon.call("{add, 1}")
        let before = try await daemon.call("get")
        for vsn in ["2.0.0", "1.0.0"] {
            try await daemon.ask("install-release", vsn)
            #expect(try await daemon.call("vsn") == "\"\(vsn)\"")
            #expect(try await daemon.call("get") == before)
        }
        #expect(try await daemon.status().state == .running)
    }

    @Test func aProgramThatFloodsItsOutputs() async throws {
        let flood = """
            #{id => flood, start => {os, start, ["/bin/sh", "-c", "yes out & exec yes err >&2"]}, modules => []}
            """
        // The flood itself is of no use in the log.
        let options = ["--log-level", "warning"]
        try await EndToEndDaemon.with(try Self.root(flood), options: options) { daemon async throws in
            let flooding = try #require(try await daemon.workers().last?.pid)
            try await Self.works(daemon)
            // A follower loses events of the flood, and follows all the same.
            try await daemon.following { follower in _ = try await follower.next("output") }
            #expect(try await daemon.workers().last?.pid == flooding)
            // The program's own children go with it.
            #expect(try ProcessGroup.alive(flooding).count == 2)
            try await daemon.stop()
            #expect(try ProcessGroup.alive(flooding) == [])
        }
    }

    @Test func aWorkerThatReadsNothingMore() async throws {
        let mute = "#{id => mute, start => {other, start_link, []}, modules => [other], shutdown => 500}"
        let root = try Self.root(mute)
        for vsn in ["1.0.0", "2.0.0"] { try root.install(as: "other", vsn: vsn) }
        try await EndToEndDaemon.with(root) { daemon async throws in
            let worker = "fix/fix_sup/mute"
            let pid = try #require(try await daemon.workers().first { $0.address == worker }?.pid)
            #expect(kill(pid, SIGSTOP) == 0)
            // More than its socket takes: the rest waits in the daemon, and the caller is told of the time.
            let text = String(repeating: "x", count: 100_000)
            for _ in 1...8 {
                let run = try await daemon.releasectl("call", worker, "--timeout-ms", "50", "{log, \"\(text)\"}")
                #expect(run.exit == 1)
                #expect(run.error.contains("\(worker) did not answer within 50 ms (timeout)"), "\(run.error)")
            }
            try await Self.works(daemon)
            // Stopped as it is, it goes with the rest.
            let end = ProcessExit(of: pid)
            try await daemon.stop()
            try await end.passed("the worker that was stopped")
        }
    }

    @Test func aWorkerInAnEndlessLoop() async throws {
        let busy = "#{id => busy, start => {other, start_link, []}, modules => [other], shutdown => 500}"
        let root = try Self.root(busy)
        for vsn in ["1.0.0", "2.0.0"] { try root.install(as: "other", vsn: vsn) }
        try await EndToEndDaemon.with(root) { daemon async throws in
            let run = try await daemon.releasectl("call", "fix/fix_sup/busy", "--timeout-ms", "100", "hang")
            #expect(run.exit == 1)
            try await Self.works(daemon)
        }
    }
}
