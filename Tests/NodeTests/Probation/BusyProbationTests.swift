import Host
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A probation that fails while another install is asked for, or under way.
@Suite(.timeLimit(.minutes(15))) struct BusyProbationTests {
    /// 1.0.0, 2.0.0, and 3.0.0 from either; the scripts may wait before they change anything.
    private static func root(waitingUp: Bool = false, waitingDown: Bool = false) throws -> TestRoot {
        let wait = "{apply, {timer, sleep, [60000]}}, "
        func script(_ vsn: String, _ group: String, waits: Bool = false) -> String {
            (waits ? wait : "") + TestRoot.script(vsn, ["counter"], [group])
        }
        let (up, down) = (TestRoot.upGroup("counter"), TestRoot.downGroup("counter"))
        let root = try TestRoot.modules(
            up: script("2.0.0", up), down: script("1.0.0", down, waits: waitingDown),
            config: "[{release_handler, [{probation_restarts, 0}]}].")
        try root.installPython("counter", vsn: "3.0.0")
        try root.release(
            "3.0.0", config: "[{release_handler, [{probation_restarts, 0}]}].",
            relup: """
                {"3.0.0", [{"2.0.0", [], [\(script("3.0.0", up, waits: waitingUp))]}, {"1.0.0", [], [\(script("3.0.0", up))]}],
                          [{"2.0.0", [], [\(script("2.0.0", down))]}, {"1.0.0", [], [\(script("1.0.0", down))]}]}.
                """)
        try root.register(["1.0.0", "2.0.0", "3.0.0"])
        return root
    }

    private static func crash(_ test: TestNode) async throws {
        let last = await test.events.last
        await #expect(throws: ControlError.self) { try await test.call("crash") }
        _ = try await test.events.first("worker_restart", worker: TestNode.c1, after: last)
    }

    private static func untilTheScriptWaits(_ test: TestNode) async {
        while await { @HostActor in test.node.installer.upgrade?.sleepTimer == nil }() { await Task.yield() }
    }

    private static func wakeUp(_ test: TestNode) async {
        await { @HostActor in test.node.installer.upgrade?.wakeUp() }()
    }

    /// The way back has begun: the other install is refused, says why, and disturbs nothing.
    @Test func anInstallBesideTheWayBackIsRefused() async throws {
        try await TestNode.with(try Self.root(waitingDown: true)) { test async throws in
            // On a busy machine its own time would pass.
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            try await Self.crash(test)
            await Self.untilTheScriptWaits(test)
            let refusal = await test.refusal { try await test.install("3.0.0") }
            #expect(
                refusal == "busy: release 2.0.0 failed its probation and is taken back; wait for the end of that")
            let failed = try await test.events.first("probation_failed")
            await Self.wakeUp(test)
            _ = try await test.events.first("release_installed", after: failed.sequence)
            #expect(await test.service.status().release == "1.0.0")
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            // Nothing is stuck.
            #expect(await test.node.probation.state == .none)
            let result = try await test.install("3.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
        }
    }

    /// It is being read when the release fails: the way back comes before it.
    @Test func anInstallThatIsBeingPreparedGivesWayToTheWayBack() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            // On a busy machine its own time would pass.
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.call("{add, 5}")
            let refusal = await test.refusal {
                async let stream = test.node.installWhenNothingChanges("3.0.0")
                // As soon as it has its turn.
                await { @HostActor in
                    while test.node.store.line.current != "install-release 3.0.0" { await Task.yield() }
                    test.node.probation.judge(.healthCheckFailed(reason: "ill"))
                }()
                for await _ in try await stream {}
            }
            #expect(
                refusal == "busy: release 2.0.0 failed its probation and is taken back; wait for the end of that")
            let failed = try await test.events.first("probation_failed")
            _ = try await test.events.first("release_installed", after: failed.sequence)
            #expect(await test.service.status().release == "1.0.0")
            #expect(try await test.call("get") == "5")
            #expect(await test.node.probation.state == .none)
        }
    }

    /// It is under way when a worker of the release on probation crashes: it goes on, and what comes of it is proved anew.
    @Test func anInstallThatIsUnderWayGoesOn() async throws {
        try await TestNode.with(try Self.root(waitingUp: true)) { test async throws in
            // On a busy machine its own time would pass.
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            let install = Task { try await test.install("3.0.0") }
            await Self.untilTheScriptWaits(test)
            try await Self.crash(test)
            _ = try await test.call("{add, 5}")
            await Self.wakeUp(test)
            let result = try await install.value
            #expect(result.outcome == .done && result.lost.map(\.worker) == [TestNode.c1], "\(result)")
            #expect(try await test.call("get") == "5")
            #expect(try await test.call("vsn") == "\"3.0.0\"")
            let trial = await test.node.probation.status()
            #expect([trial.release, trial.fallback] == ["3.0.0", "2.0.0"])
            // And that one fails: back to the one before, which is on probation still, and from there to what is permanent.
            try await Self.crash(test)
            while await test.service.status().release != "2.0.0" { await Task.yield() }
            while await test.node.probation.status().release != "2.0.0" { await Task.yield() }
            try await Self.crash(test)
            while await test.service.status().release != "1.0.0" { await Task.yield() }
            #expect(try await test.call("vsn") == "\"1.0.0\"")
        }
    }

    /// What it goes back to is neither removed nor changed, until it is needed for that no more.
    @Test func whatItGoesBackToStays() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            // On a busy machine its own time would pass.
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.install("3.0.0").outcome == .done)
            let refused = """
                busy: release 2.0.0 stays as it is: release 3.0.0 is on probation and is taken back to it if it fails; wait \
                for the end of that, or make 3.0.0 permanent
                """
            let relup = "\(test.root.root)/releases/2.0.0/relup"
            #expect(
                await test.refusal {
                    try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
                } == refused)
            #expect(await test.refusal { try await test.service.setRemoved(vsn: "2.0.0") } == refused)
            #expect(await test.refusal { try await test.service.installFile(relup, in: "2.0.0") } == refused)
            try await Self.crash(test)
            while await test.node.probation.status().release != "2.0.0" { await Task.yield() }
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            // From there the way leads to the permanent one.
            try await test.service.setRemoved(vsn: "3.0.0")
            #expect(
                await test.refusal { try await test.service.setRemoved(vsn: "1.0.0") }
                    .hasPrefix("bad_status: release 1.0.0 is permanent"))
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            try await test.service.setRemoved(vsn: "1.0.0")
            #expect(await test.service.whichReleases().map(\.vsn) == ["2.0.0"])
        }
    }

    /// It fails: the release on probation is judged on.
    @Test func aProbationGoesOnAfterAnInstallThatFailed() async throws {
        let root = try Self.root()
        let up = TestRoot.script("3.0.0", ["counter"], [TestRoot.upGroup("counter", extra: "fail")])
        try root.write("releases/3.0.0/relup", "{\"3.0.0\", [{\"2.0.0\", [], [\(up)]}], []}.")
        try await TestNode.with(root) { test async throws in
            // On a busy machine its own time would pass.
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.call("{add, 5}")
            let result = try await test.install("3.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(try await test.call("get") == "5")
            #expect(await test.node.probation.status().release == "2.0.0")
            try await Self.crash(test)
            let failed = try await test.events.first("probation_failed")
            _ = try await test.events.first("release_installed", after: failed.sequence)
            #expect(await test.service.status().release == "1.0.0")
        }
    }
}
