import Host
import ReleaseHandling
import Supervision
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Restarts that wait, with real processes: what is seen, what overtakes, and what a probation makes of it.
@Suite(.timeLimit(.minutes(15))) struct DelayedRestartProcessTests {
    /// Longer than any test: what happens has overtaken it.
    private static let hour = "#{intensity => 1, period => 60, restart_delay => 3600000}"

    private static func crash(_ test: TestNode, _ worker: String = TestNode.c1) async throws {
        let last = await test.events.last
        await #expect(throws: ControlError.self) { try await test.call("crash", of: worker) }
        _ = try await test.events.first("restart_delayed", worker: worker, after: last)
    }

    @Test func whoWaitsIsSeenAndRestartChildOvertakes() async throws {
        let root = try SupervisionProcessTests.oneVersion(children: TestRoot.oneCounter, flags: Self.hour)
        try await TestNode.with(root) { test async throws in
            try await Self.crash(test)
            let event = try await test.events.first("restart_delayed")
            #expect(event.fields["delay_ms"] == "3600000" && event.fields["supervisor"] == "fix/fix_sup")
            let waiting = try await test.ps()
            #expect(waiting.state == .restarting && waiting.pid == nil)
            #expect((waiting.restartInSeconds ?? 0) > 3_000)
            #expect(await test.service.status().waitingRestarts == 1)
            let node = try #require(
                await { @HostActor in
                    NodeView(tree: test.node.tree, applications: test.node.applications, running: test.node.running)
                        .treeNodes().first?.children.first?.children.first
                }())
            #expect(node.state == .restarting && (node.restartInSeconds ?? 0) > 3_000)
            let failure = await { @HostActor in
                await withCheckedContinuation { continuation in
                    test.node.tree.restartChild(ChildAddress(parsing: TestNode.c1)!) {
                        continuation.resume(returning: $0)
                    }
                }
            }()
            #expect(failure == nil)
            #expect(await test.service.status().waitingRestarts == nil)
            let running = try await test.ps()
            #expect(running.state == .running && running.restarts == 1 && running.restartInSeconds == nil)
            // And the stop does not wait for one that waits.
            try await Self.crash(test)
        }
    }

    /// More often than the intensity would allow, which one without a delay still has.
    @Test func whatComesBackEndsNobody() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}, restart_delay => {1, 50, 1.5}},
             #{id => c2, start => {counter, start_link, []}}]
            """
        let flags = "#{intensity => 1, period => 600}"
        let root = try SupervisionProcessTests.oneVersion(children: children, flags: flags, type: "temporary")
        try await TestNode.with(root) { test async throws in
            for _ in 0..<8 {
                try await Self.crash(test)
                while try await test.ps().state != .running { await Task.yield() }
            }
            #expect(try await test.ps().restarts == 8)
            await #expect(throws: ControlError.self) { try await test.call("crash", of: "fix/fix_sup/c2") }
            _ = try await test.events.first("worker_restart", worker: "fix/fix_sup/c2")
            await #expect(throws: ControlError.self) { try await test.call("crash", of: "fix/fix_sup/c2") }
            _ = try await test.events.first("supervisor_shutdown")
        }
    }

    /// The fix is in the release: nobody waits for the rest of the hour.
    @Test func anUpgradeOfItsModuleOvertakes() async throws {
        try await TestNode.with(try .twoVersions(flags: Self.hour)) { test async throws in
            try await Self.crash(test)
            #expect(try await test.install("2.0.0").outcome == .done)
            while try await test.ps().state != .running { await Task.yield() }
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    /// One that the upgrade ends itself is not left to its delay.
    @Test func whoTheScriptEndsIsStartedAtOnce() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {load, {counter, brutal_purge, brutal_purge}}, {purge, [counter]}
            """
        let root = try TestRoot.twoVersions(flags: Self.hour, relup: TestRoot.relup(up: up))
        try root.makeDistinct("2.0.0")
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid()
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.pid() != before)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    // MARK: Probation

    private static func config(_ restarts: Int) -> String {
        "[{release_handler, [{probation_restarts, \(restarts)}]}]."
    }

    private static func expectGoneBack(_ test: TestNode, _ reason: String) async throws {
        let failed = try await test.events.first("probation_failed")
        #expect(failed.fields["reason"] == reason)
        _ = try await test.events.first("release_installed", after: failed.sequence)
        #expect(await test.service.status().release == "1.0.0")
        while try await test.ps().state != .running { await Task.yield() }
        #expect(try await test.call("vsn") == "\"1.0.0\"")
    }

    /// Its restart is an hour away, and the probation does not wait for it.
    @Test func aRestartThatWaitsCountsInAProbation() async throws {
        let root = try TestRoot.twoVersions(flags: Self.hour, config2: Self.config(0))
        try await TestNode.with(root) { test async throws in
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            try await Self.crash(test)
            try await Self.expectGoneBack(
                test,
                "workers of changed modules were restarted once, 0 allowed; the last was \(TestNode.c1)")
        }
    }

    /// As often as is allowed, and then it does not run when all is to be proved.
    @Test func whoWaitsAtTheEndOfAProbationTakesTheReleaseBack() async throws {
        let root = try TestRoot.twoVersions(flags: Self.hour, config2: Self.config(5))
        try await TestNode.with(root) { test async throws in
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            try await Self.crash(test)
            #expect(await test.node.probation.state.trial?.restarts == 1)
            await { @HostActor in test.node.probation.judge(.timerFired) }()
            try await Self.expectGoneBack(test, "\(TestNode.c1) does not run, and its restart waits")
        }
    }
}
