import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Signals by hand, to real processes.
@Suite(.timeLimit(.minutes(15))) struct KillTests {
    private static let listens = """
        import signal, sys
        def told(number, frame): print('got', number, flush=True)
        for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGRTMIN + 3): signal.signal(number, told)
        print('ready', flush=True)
        while True: signal.pause()
        """

    private static func root() throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.write("scripts/listens", listens)
        try root.release(
            "1.0.0",
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => p1, start => {os, start, ["/usr/bin/python3", "\(root.root)/scripts/listens"]}, modules => []}]
                """)
        try root.register(["1.0.0"])
        return root
    }

    private static let p1 = "fix/fix_sup/p1"

    @Test func theProcessGetsWhatItWasSent() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let ready = try await test.events.first { $0.worker == Self.p1 && $0.message == "ready" }
            let pid = try await test.pid(Self.p1)
            for (signal, name, number) in [
                ("usr1", "SIGUSR1", 10), ("1", "SIGHUP", 1), ("SIGRTMIN+3", "SIGRTMIN+3", 37),
            ] {
                let sent = try await test.service.kill(worker: "p1", signal: signal)
                #expect(sent == SentSignal(worker: Self.p1, pid: pid, generation: 1, signal: name))
                _ = try await test.events.first(after: ready.sequence) {
                    $0.worker == Self.p1 && $0.message == "got \(number)"
                }
            }
            #expect(try await test.pid(Self.p1) == pid)
        }
    }

    /// A worker that speaks the protocol has no pidfd of its own before: one is made for it.
    @Test func aWorkerThatEndsByItIsStartedAgain() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let pid = try await test.pid()
            let last = await test.events.last
            #expect(try await test.service.kill(worker: TestNode.c1, signal: "KILL").pid == pid)
            let exit = try await test.events.first("worker_exited", worker: TestNode.c1, after: last)
            #expect(exit.fields["reason"]?.contains("sigkill") == true, "\(exit)")
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: exit.sequence)
            #expect(try await test.pid() != pid)
            #expect(try await test.ps().restarts == 1)
        }
    }

    @Test func oneThatIsStoppedGoesOnByCONT() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            #expect(try await test.call("{add, 1}") == "1")
            _ = try await test.service.kill(worker: "c1", signal: "STOP")
            let silent = await test.refusal { try await test.call("get", within: 100) }
            #expect(silent.hasPrefix("timeout: "), "\(silent)")
            _ = try await test.service.kill(worker: "c1", signal: "CONT")
            #expect(try await test.call("{add, 1}") == "2")
        }
    }

    @Test func whoIsNotThereGetsNothing() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            _ = try await test.service.terminateChild(supervisor: "fix_sup", id: "c1", peer: TestNode.peer)
            #expect(
                await test.refusal { try await test.service.kill(worker: "c1", signal: "TERM") }
                    == "bad_child_state: fix/fix_sup/c1 does not run: nobody is there to get the signal")
            #expect(
                await test.refusal { try await test.service.kill(worker: "fix_sup", signal: "TERM") }
                    == "no_such_worker: fix/fix_sup is a supervisor and no worker; see releasectl which-children fix/fix_sup"
            )
            #expect(
                await test.refusal { try await test.service.kill(worker: "p1", signal: "0") }.hasPrefix(
                    "bad_request: \"0\" is no signal"))
        }
    }

    @Test func theLogIsWhereStandardErrorLeads() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let log = try await test.service.ask(
                Operations.workers.logs, OfWorker("c1"), NoBody(), peer: TestNode.peer)
            #expect(log.worker == TestNode.c1)
            switch LogTarget.current {
            case .journal(let matches): #expect(log.journal == ["WORKER=\(TestNode.c1)"] + matches && log.file == nil)
            case .standardError(let file):
                let target = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/2")
                #expect(log.journal == nil && log.file == file && file == target)
            }
        }
    }
}
