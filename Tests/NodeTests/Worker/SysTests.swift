import Foundation
import Host
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// OTP's `sys` functions with real workers.
@Suite(.timeLimit(.minutes(15))) struct SysTests {
    @Test(arguments: [false, true])
    func aStateIsShownAndReplaced(python: Bool) async throws {
        let root = try TestRoot()
        if python { try root.installPython(vsn: "1.0.0") } else { try root.install(vsn: "1.0.0") }
        try root.release("1.0.0")
        try root.register(["1.0.0"])
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let state = try await test.service.getState(worker: TestNode.c1, peer: TestNode.peer).state
            #expect(state.contains("5"), "\(state)")
            let another = state.replacing("5", with: "41")
            _ = try await test.service.replaceState(worker: TestNode.c1, state: another, peer: TestNode.peer)
            #expect(try await test.call("{add, 1}") == "42")
            let pid = try await test.pid()
            let status = try await test.service.getStatus(worker: TestNode.c1).status
            for part in ["status => running", "module => counter", "pid => \(pid)", "generation => 1"] {
                #expect(status.contains(part), "\(status)")
            }
        }
    }

    @Test func statisticsLastThroughAHandoffAndBeginAnewAtARestart() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            for _ in 0..<3 { _ = try await test.call("{add, 1}") }
            _ = try await test.call("{log, <<\"word\">>}")
            _ = try await test.events.first("log", worker: TestNode.c1)
            let before = try await test.service.statistics(worker: TestNode.c1)
            #expect(before.messagesIn == 4)
            #expect(before.messagesOut == 4)
            #expect(before.openCalls == 0)
            #expect(before.logged >= 1)
            #expect(before.cpuMilliseconds != nil)
            #expect(before.startTime <= before.currentTime)
            #expect(try await test.install("2.0.0").outcome == .done)
            let open = await test.hang()
            let after = try await test.service.statistics(worker: TestNode.c1)
            #expect(after.messagesIn == 5)
            #expect(after.openCalls == 1)
            #expect(after.startTime == before.startTime)
            let last = await test.events.last
            await { @HostActor in test.node.tree.place(named: TestNode.c1)?.end(reason: .atom("enough")) }()
            await #expect(throws: ControlError.self) { try await open.value }
            _ = try await test.events.first("worker_started", after: last)
            #expect(try await test.service.statistics(worker: TestNode.c1).messagesIn == 0)
        }
    }

    @Test func whoCanNotAnswer() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => p1, start => {os, start, ["/bin/sleep", "1000"]}, modules => []}]
            """
        try await TestNode.with(try .twoVersions(children: children)) { test async throws in
            let service = test.service
            let program = try await service.getStatus(worker: "fix/fix_sup/p1").status
            #expect(program.contains("module => os"), "\(program)")
            #expect(program.contains("program => \"/bin/sleep\""), "\(program)")
            #expect(
                await test.refusal { try await service.getState(worker: "fix/fix_sup/p1", peer: TestNode.peer) }
                    == """
                    worker_error: fix/fix_sup/p1 is an unmodified program: it has no state to show or to replace
                    """)
            #expect(
                await test.refusal {
                    try await service.replaceState(worker: TestNode.c1, state: "no_counter", peer: TestNode.peer)
                }.hasPrefix("worker_error: fix/fix_sup/c1 answered with an error:"))
            #expect(
                await test.refusal {
                    try await service.replaceState(worker: TestNode.c1, state: "{", peer: TestNode.peer)
                }.hasPrefix("bad_request: the state is no term:"))
            #expect(await test.refusal { try await service.statistics(worker: "fix/fix_sup/c9") }.contains("no worker"))
            _ = try await service.terminateChild(supervisor: "fix_sup", id: "c1", peer: TestNode.peer)
            let ended = await test.refusal { try await service.getStatus(worker: TestNode.c1) }
            #expect(ended == "worker_error: fix/fix_sup/c1 does not run")
        }
    }

    @Test func aRestartIsToldWithItsReason() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, []}}]
            """
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0", children: children, flags: "#{strategy => one_for_all, intensity => 3, period => 60}")
        try root.register(["1.0.0"])
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{stop, boom}")
            let exit = try await test.events.first("worker_exited", worker: TestNode.c1)
            #expect(exit.fields["reason"] == "boom")
            #expect(exit.fields["pid"] == "\(pid)")
            #expect(exit.fields["generation"] == "1")
            #expect(exit.fields["age_ms"].flatMap { Int($0) } != nil)
            let restart = try await test.events.first("worker_restart", worker: TestNode.c1)
            #expect(restart.message == "fix/fix_sup/c1 is restarted, time 1: it terminated: boom")
            #expect(restart.fields == ["reason": "boom", "restarts": "1", "supervisor": "fix/fix_sup"])
            let other = try await test.events.first("worker_restart", worker: "fix/fix_sup/c2")
            #expect(
                other.message == "fix/fix_sup/c2 is restarted, time 1: with fix/fix_sup/c1, as the strategy says")
            #expect(other.fields["with"] == "fix/fix_sup/c1")
        }
    }
}
