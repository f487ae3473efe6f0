import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The supervision tree with real processes: order, restarts, shutdowns, process groups.
@Suite(.timeLimit(.minutes(15))) struct SupervisionProcessTests {
    static func oneVersion(
        children: String, flags: String = "#{intensity => 3, period => 60}", type: String = "permanent"
    ) throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", children: children, flags: flags, type: type)
        try root.register(["1.0.0"])
        return root
    }

    @Test func childrenStartInOrderAndStopInReverse() async throws {
        let children = (1...4).map { "#{id => c\($0), start => {counter, start_link, []}}" }.joined(separator: ",")
        let root = try Self.oneVersion(children: "[\(children)]")
        let events = try await TestNode.with(root) { $0.events }
        let all = await events.all
        let started = all.filter { $0.kind == "worker_started" }.compactMap(\.worker)
        #expect(started == (1...4).map { "fix/fix_sup/c\($0)" })
        let ended = all.filter { $0.kind == "output" && $0.message == "terminated: shutdown" }.compactMap(\.worker)
        #expect(ended == (1...4).reversed().map { "fix/fix_sup/c\($0)" })
        let stopped = all.filter { $0.kind == "worker_stopped" }.map(\.message)
        #expect(stopped == (1...4).reversed().map { "fix/fix_sup/c\($0) was stopped: shutdown" })
        #expect(!all.contains { $0.kind == "worker_exited" })
    }

    @Test func aCrashedWorkerIsStartedAgain() async throws {
        try await TestNode.with(try Self.oneVersion(children: TestRoot.oneCounter)) { test async throws in
            let before = try await test.pid()
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            let exit = try await test.events.first("worker_exited", worker: TestNode.c1)
            #expect(exit.fields["reason"] == "{signal,sigill}" || exit.fields["reason"] == "{signal,sigtrap}")
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: exit.sequence)
            let restart = try await test.events.first("worker_restart", worker: TestNode.c1)
            #expect(restart.fields["restarts"] == "1")
            #expect(try await test.pid() != before)
            #expect(try await test.ps().restarts == 1)
            #expect(try await test.call("get") == "0")
        }
    }

    @Test func lastWordsAreTheReason() async throws {
        try await TestNode.with(try Self.oneVersion(children: TestRoot.oneCounter)) { test async throws in
            let answer = await test.refusal { try await test.call("{throw, {badmatch, 7}}") }
            #expect(answer == "worker_error: fix/fix_sup/c1 ended before it answered: {badmatch,7}")
        }
    }

    @Test(arguments: [("permanent", true), ("transient", false), ("temporary", false)])
    func aNormalExitRestartsPermanentWorkersOnly(restart: String, isRestarted: Bool) async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, restart => \(restart)}]"
        try await TestNode.with(try Self.oneVersion(children: children)) { test async throws in
            #expect(try await test.call("{stop, normal}") == "ok")
            let exit = try await test.events.first("worker_exited", worker: TestNode.c1)
            #expect(exit.message == "fix/fix_sup/c1 terminated: normal")
            if isRestarted {
                _ = try await test.events.first("worker_restart", after: exit.sequence)
                #expect(try await test.ps().restarts == 1)
            } else {
                let states = await test.service.ps().map(\.state)
                #expect(states == (restart == "temporary" ? [] : [.undefined]))
            }
        }
    }

    @Test func whoEndsWithASignificantChildIsTold() async throws {
        let root = try Self.oneVersion(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => inner, start => {inner_sup, start_link, []}, type => supervisor, restart => transient}]
                """)
        try root.write(
            "lib/fix-1.0.0/ebin/inner_sup.sup",
            """
            {ok, {#{auto_shutdown => any_significant},
                  [#{id => help, start => {counter, start_link, []}},
                   #{id => job, start => {counter, start_link, []}, restart => transient, significant => true}]}}.
            """)
        try await TestNode.with(root) { test async throws in
            let last = await test.events.last
            #expect(try await test.call("{stop, normal}", of: "fix/fix_sup/inner/job") == "ok")
            _ = try await test.events.first("supervisor_exited", after: last)
            let kinds = ["worker_exited", "worker_stopped", "supervisor_auto_shutdown", "supervisor_exited"]
            #expect(
                await test.events.all.filter { $0.sequence > last && kinds.contains($0.kind) }.map(\.message) == [
                    "fix/fix_sup/inner/job terminated: normal",
                    """
                    fix/fix_sup/inner shuts down since its significant child fix/fix_sup/inner/job has ended \
                    (any_significant)
                    """,
                    "fix/fix_sup/inner/help was stopped: shutdown",
                    "fix/fix_sup/inner ended: shutdown; it is transient and not started again",
                ])
            #expect(try await test.call("get") == "0")
        }
    }

    @Test func tooManyRestartsEndTheApplicationAndWithItTheNode() async throws {
        let root = try Self.oneVersion(children: TestRoot.oneCounter, flags: "#{intensity => 1, period => 3600}")
        let (events, end) = try await TestNode.with(root) { test async throws in
            for crash in 1...2 {
                let last = await test.events.last
                await #expect(throws: ControlError.self) { try await test.call("crash") }
                if crash == 1 { _ = try await test.events.first("worker_started", after: last) }
            }
            return (test.events, await test.node.ended())
        }
        #expect(end == .failed("the node ends: {application_terminated,fix,shutdown}"))
        #expect(await events.all.contains { $0.kind == "supervisor_shutdown" })
    }

    @Test func aTemporaryApplicationEndsAlone() async throws {
        let root = try Self.oneVersion(
            children: TestRoot.oneCounter, flags: "#{intensity => 0, period => 1}", type: "temporary")
        try await TestNode.with(root) { test async throws in
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            _ = try await test.events.first("application_exited")
            #expect(await test.service.status().state == .running)
            #expect(await test.service.ps().isEmpty)
        }
    }

    @Test func aWorkerThatIgnoresItsShutdownIsKilled() async throws {
        let children = "[#{id => c1, start => {counter, start_link, [ignore_terminate]}, shutdown => 200}]"
        let events = try await TestNode.with(try Self.oneVersion(children: children)) { $0.events }
        let error = await events.all.first { $0.kind == "shutdown_error" }
        #expect(error?.message == "fix/fix_sup/c1 ended badly at its shutdown: killed")
    }

    @Test func aWorkersOwnChildrenGoWithIt() async throws {
        let children = "[#{id => c1, start => {counter, start_link, [fork_child]}}]"
        let child = try await TestNode.with(try Self.oneVersion(children: children)) { test async throws in
            let child = try #require(Int32(try await test.call("child")))
            #expect(kill(child, 0) == 0)
            return child
        }
        // Killed with its group before its parent was reaped; who reaps it is not ours to say.
        // It has been told to end when the node has; on a busy machine it comes to it a little later.
        while let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8),
            !state.contains(") Z "), !state.contains(") X ")
        { await Task.yield() }
    }

    @Test func ignoredChildrenDoNotRun() async throws {
        let children = "[#{id => c1, start => {counter, start_link, [ignore]}}]"
        try await TestNode.with(try Self.oneVersion(children: children)) { test async throws in
            #expect(await test.service.ps().map(\.state) == [.undefined])
        }
    }

    @Test func supervisorsAreNested() async throws {
        let root = try Self.oneVersion(
            children: """
                [#{id => inner, start => {inner_sup, start_link, []}, type => supervisor},
                 #{id => c1, start => {counter, start_link, []}}]
                """)
        try root.write(
            "lib/fix-1.0.0/ebin/inner_sup.sup",
            "{ok, {#{intensity => 0, period => 1}, [#{id => c2, start => {counter, start_link, []}}]}}.")
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid("fix/fix_sup/inner/c2")
            let other = try await test.pid()
            await #expect(throws: ControlError.self) { try await test.call("crash", of: "fix/fix_sup/inner/c2") }
            // The inner supervisor gives up at once; the outer one starts it again, and leaves the other child alone.
            let gaveUp = try await test.events.first("supervisor_shutdown")
            #expect(gaveUp.worker == "fix/fix_sup/inner")
            _ = try await test.events.first("worker_restart", worker: "fix/fix_sup/inner")
            #expect(try await test.pid("fix/fix_sup/inner/c2") != before)
            #expect(try await test.pid() == other)
        }
    }

    // MARK: Workers that break the protocol

    @Test(arguments: ["garbage", "oversize", "close_channel"])
    func aWorkerThatBreaksTheProtocolIsEndedAndNobodyElse(how: String) async throws {
        let children = (1...2).map { "#{id => c\($0), start => {counter, start_link, []}}" }.joined(separator: ",")
        try await TestNode.with(try Self.oneVersion(children: "[\(children)]")) { test async throws in
            let other = try await test.pid("fix/fix_sup/c2")
            await #expect(throws: ControlError.self) { try await test.call(how) }
            let exit = try await test.events.first("worker_exited", worker: TestNode.c1)
            let reason = try #require(exit.fields["reason"])
            switch how {
            case "close_channel": #expect(reason == "channel_closed")
            default: #expect(reason.hasPrefix("{protocol_error,"), "\(reason)")
            }
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: exit.sequence)
            #expect(try await test.call("get") == "0")
            #expect(try await test.pid("fix/fix_sup/c2") == other)
        }
    }

    @Test(arguments: [
        ("{init_throw, {bad, config}}", "{bad,config}"), ("init_exit", "{exit_status,3}"),
        ("init_hang", "{start_timeout,300}"),
    ])
    func aStartThatFailsFailsTheBoot(argument: String, reason: String) async throws {
        // A start that is to fail for another reason has all the time that a busy machine needs.
        let limit = argument == "init_hang" ? 300 : 60_000
        let children = "[#{id => c1, start => {counter, start_link, [\(argument)]}, start_timeout => \(limit)}]"
        let text = try await TestNode.failingToBoot(try Self.oneVersion(children: children))
        #expect(text.contains("{failed_to_start_child,c1,\(reason)}"), "\(text)")
    }
}
