import Foundation
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock(\.self) }
    func increment() { count.withLock { $0 += 1 } }
}

/// What dies, starts, waits or is held in the middle of an upgrade.
@Suite(.timeLimit(.minutes(15))) struct UpgradeDisturbanceTests {
    /// A script that waits between two instructions, until the test has done what it has to do there.
    static func pausing(after instruction: String) -> String {
        let text = TestRoot.up()
        guard let range = text.range(of: instruction) else { return "" }
        return text[..<range.upperBound] + ", {apply, {timer, sleep, [60000]}}" + text[range.upperBound...]
    }

    /// Installs 2.0.0 and kills the worker's process as soon as the pause has begun.
    static func killing(
        after instruction: String, standby: Bool = false
    ) async throws -> (InstallResult, count: String, vsn: String) {
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: pausing(after: instruction)))
        return try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let old = try await test.pid()
            var result: InstallResult?
            for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                switch progress {
                case .progress(let step):
                    guard step.text.hasPrefix("{apply,") else { continue }
                    let pids = await test.pids()
                    #expect(pids.count == 2)
                    for pid in pids where (pid == old) != standby { kill(pid, SIGKILL) }
                    while await test.pids().count == 2 { await Task.yield() }
                    await test.node.installer.upgrade?.wakeUp()
                case .result(let last): result = last
                case .error(let error): throw error
                }
            }
            // The held restart may still be on its way where nothing was handed over.
            while await test.service.ps().first?.state != .running { await Task.yield() }
            return (try #require(result), try await test.call("get"), try await test.call("vsn"))
        }
    }

    @Test func oneThatDiesBeforeItsExportIsStartedInTheNewCode() async throws {
        let (result, count, vsn) = try await Self.killing(after: "{load, {counter, brutal_purge, brutal_purge}}")
        #expect(result.outcome == .done, "\(result)")
        #expect(vsn == "\"2.0.0\"")
        #expect(count == "0")
    }

    @Test func oneThatDiesAfterItsExportLivesOnInItsStandby() async throws {
        let (result, count, vsn) = try await Self.killing(after: "{code_change, up, [{counter, []}]}")
        #expect(result.outcome == .done, "\(result)")
        #expect(vsn == "\"2.0.0\"")
        #expect(count == "5")
    }

    @Test func aStandbyThatDiesWithTheStateAbortsAndTheOldProcessGoesOn() async throws {
        let (result, count, vsn) = try await Self.killing(
            after: "{code_change, up, [{counter, []}]}", standby: true)
        #expect(result.outcome == .aborted, "\(result)")
        #expect(vsn == "\"1.0.0\"")
        #expect(count == "5")
    }

    @Test func aStartThatWouldWaitForALaterResumeIsRefused() async throws {
        let script = TestRoot.up().replacingOccurrences(
            of: "{resume, [counter]}", with: "{apply, {supervisor, restart_child, [fix_sup, c1]}}, {resume, [counter]}")
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: script))) { test async throws in
            _ = try await test.call("{add, 5}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted, "\(result)")
            let reason = try #require(result.reason)
            #expect(reason.contains("counter is suspended: what starts its workers must come after its resume"))
            #expect(try await test.call("get") == "5")
        }
    }

    @Test func aHungWorkerThatMayTakeForEverIsKilled() async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, shutdown => infinity}]"
        let up = TestRoot.up().replacingOccurrences(of: "{suspend, [counter]}", with: "{suspend, [{counter, 100}]}")
        let root = try TestRoot.twoVersions(children: children, relup: TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            let hung = await test.hang()
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            await #expect(throws: ControlError.self) { try await hung.value }
        }
    }

    @Test func anUnmodifiedProgramIsStoppedAndStartedByASuspend() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => p1, start => {os, start, ["/bin/sleep", "1000"]}, modules => [counter], shutdown => 2000}]
            """
        try await TestNode.with(try .twoVersions(children: children)) { test async throws in
            let before = try await test.pid("fix/fix_sup/p1")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.pid("fix/fix_sup/p1") != before)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    /// The start ends when its program is killed and not before.
    @Test func noInstallBeginsDuringAChangeByHand() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let start = Task {
                await test.refusal {
                    try await test.service.startChild(
                        supervisor: "fix_sup",
                        spec: """
                            #{id => slow, start => {os, start, ["/bin/sh", "-c", "exec sleep 1000"]}, modules => [],
                              notify => true, start_timeout => 600000}
                            """, peer: TestNode.peer)
                }
            }
            while await test.service.ps().count < 2 { await Task.yield() }
            let busy = await test.refusal { try await test.install("2.0.0") }
            #expect(
                busy == "busy: start-child fix/fix_sup is under way; wait for its end, or end what holds it up")
            kill(try await test.pid("fix/fix_sup/slow"), SIGKILL)
            #expect(await start.value.contains("{exited_before_ready,{signal,sigkill}}"))
            #expect(try await test.install("2.0.0").outcome == .done)
        }
    }

    @Test func workersWithDynamicModulesAreAsked() async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, modules => dynamic}]"
        try await TestNode.with(try .twoVersions(children: children)) { test async throws in
            _ = try await test.call("{add, 3}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.instructions[2].workers == [TestNode.c1])
            #expect(try await test.call("get") == "3")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    @Test func whatIsStartedByAnUpgradeHasTheNewEnvironment() async throws {
        let script = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {load, {counter, brutal_purge, brutal_purge}},
            {apply, {supervisor, start_child, [fix_sup, #{id => c2, start => {counter, start_link, []}}]}}
            """
        let root = try TestRoot.twoVersions(
            relup: TestRoot.relup(up: script), config2: "[{fix, [{greeting, goodbye}]}].")
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("{env, greeting}", of: "fix/fix_sup/c2") == "goodbye")
        }
    }

    @Test func theMailboxIsBoundedInBytesAndDeliveredWhole() async throws {
        let root = try TestRoot.twoVersions(
            relup: TestRoot.relup(up: Self.pausing(after: "{suspend, [counter]}")))
        try await TestNode.with(root) { test async throws in
            let request = "{arm, <<\"\(String(repeating: "a", count: 1_000_000))\">>}"
            let refused = Counter()
            try await withThrowingTaskGroup(of: Void.self) { calls in
                for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                    guard case .progress(let step) = progress, step.text.hasPrefix("{apply,") else { continue }
                    for _ in 0..<20 {
                        calls.addTask {
                            do {
                                let answer = try await test.call(request)
                                #expect(answer == "ok")
                            } catch let error as ControlError {
                                #expect(error.code == .busy)
                                refused.increment()
                            }
                        }
                    }
                    while await test.waitingCalls() + refused.value < 20 { await Task.yield() }
                    await test.node.installer.upgrade?.wakeUp()
                }
                try await calls.waitForAll()
            }
            // Eight fit into the mailbox; the others were refused at once.
            #expect(refused.value == 12)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.ps().restarts == 0)
        }
    }
}
