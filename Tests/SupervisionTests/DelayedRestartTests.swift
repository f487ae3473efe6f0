import Instructions
import Supervision
import Terms
import Testing
import Wire

/// Restarts that wait (`restart_delay`): how long, what overtakes them, and what they count for.
@Suite struct DelayedRestartTests {
    private let root = ScriptedWorld.root

    static func world(
        _ strategy: Strategy = .oneForOne, delay: RestartDelay? = RestartDelay(milliseconds: 1_000),
        start: StartMode = .sequential, _ children: ChildSpec...
    ) -> ScriptedWorld {
        let specs = children.isEmpty ? [.worker("a"), .worker("b"), .worker("c")] : children
        var initial = SupervisorInit.of(strategy: strategy, intensity: 1, start: start, delay: delay)
        initial.children = specs
        var world = ScriptedWorld(["top_sup": initial])
        world.boot()
        _ = world.takeLog()
        return world
    }

    private func child(_ world: ScriptedWorld, _ id: Term) -> ChildStatus? { world.tree.child(at: root.child(id)) }

    /// How long each of so many restarts in a row waits.
    private func delays(_ world: inout ScriptedWorld, of id: Term, _ count: Int) -> [Int] {
        (0..<count).map { _ in
            world.exit(id, "boom")
            let delay = (child(world, id)?.restartDueMilliseconds ?? -1) - world.now
            world.pass(milliseconds: max(delay, 0))
            return delay
        }
    }

    // MARK: How long

    @Test func itWaitsAndIsMade() {
        var world = Self.world()
        world.exit("b", "boom")
        #expect(world.takeLog() == [])
        #expect(child(world, "b")?.state == .restarting && child(world, "b")?.restartDueMilliseconds == 1_000)
        #expect(world.tree.waitingChildren == [root.child("b")])
        #expect(
            world.reports.contains(
                .restartDelayed(child: root.child("b"), milliseconds: 1_000, cause: .ended(reason: "boom"))))
        world.pass(milliseconds: 999)
        #expect(world.takeLog() == [])
        world.pass(milliseconds: 1)
        #expect(world.takeLog() == ["start b"])
        #expect(child(world, "b")?.restarts == 1 && child(world, "b")?.restartDueMilliseconds == nil)
        #expect(world.tree.waitingChildren == [] && world.wakes == nil)
    }

    @Test func itGrowsUpToTheLongest() {
        var world = Self.world(delay: RestartDelay(initial: 100, maximum: 1_000, factor: 2))
        #expect(delays(&world, of: "a", 6) == [100, 200, 400, 800, 1_000, 1_000])
        var slowly = Self.world(delay: RestartDelay(initial: 1, maximum: 100, factor: 1.1))
        #expect(delays(&slowly, of: "a", 4) == [1, 2, 3, 4])
        var odd = Self.world(delay: RestartDelay(initial: 100, maximum: 1_000, factor: 1.1))
        #expect(delays(&odd, of: "a", 3) == [100, 110, 121])
    }

    /// OTP's default intensity is 1 in 5 s.
    @Test func whatIsAwayForTenMinutesEndsNoSupervisor() {
        var world = Self.world(delay: RestartDelay(initial: 100, maximum: 10_000, factor: 2))
        world.behaviours["a"] = .fails("econnrefused")
        world.exit("a", "boom")
        world.pass(milliseconds: 600_000)
        #expect(child(world, "a")?.state == .restarting)
        world.behaviours["a"] = .starts
        world.pass(milliseconds: 10_000)
        #expect(child(world, "a")?.state.startID != nil)
        #expect(!world.takeLog().contains { $0.hasPrefix("root stopped") })
    }

    @Test func quietBeginsAnew() {
        var world = Self.world(delay: RestartDelay(initial: 100, maximum: 8_000, factor: 2))
        #expect(delays(&world, of: "a", 3) == [100, 200, 400])
        world.pass(milliseconds: 7_999)
        #expect(delays(&world, of: "a", 1) == [800])
        world.pass(milliseconds: 8_000)
        #expect(delays(&world, of: "a", 1) == [100])
        // The period, which is 5 s, where the longest delay is less.
        var short = Self.world(delay: RestartDelay(initial: 100, maximum: 400, factor: 2))
        #expect(delays(&short, of: "a", 2) == [100, 200])
        short.pass(milliseconds: 4_999)
        #expect(delays(&short, of: "a", 1) == [400])
        short.pass(milliseconds: 5_000)
        #expect(delays(&short, of: "a", 1) == [100])
    }

    /// While it does not run it is not quiet.
    @Test func aLongWaitIsNoQuiet() {
        var world = Self.world(delay: RestartDelay(initial: 10_000, maximum: 60_000, factor: 2))
        world.behaviours["a"] = .fails("no")
        world.exit("a", "boom")
        world.pass(milliseconds: 10_000)
        #expect(child(world, "a")?.restartDueMilliseconds == 30_000)
        world.pass(milliseconds: 20_000)
        #expect(child(world, "a")?.restartDueMilliseconds == 70_000)
    }

    @Test func theChildsCountsBeforeTheFlag() {
        var world = Self.world(
            .oneForOne, .worker("a", delay: RestartDelay(milliseconds: 5)), .worker("b"),
            .worker("c", delay: RestartDelay(milliseconds: 0)))
        world.exit("a", "boom")
        #expect(child(world, "a")?.restartDueMilliseconds == 5)
        world.exit("b", "boom")
        #expect(child(world, "b")?.restartDueMilliseconds == 1_000)
        world.exit("c", "boom")
        #expect(world.takeLog() == ["start c"])
        // That one counts, and the second within the period is one too many.
        world.exit("c", "boom")
        #expect(world.takeLog().last == "root stopped shutdown")
    }

    @Test func oneWithoutTheKeyCountsAsEver() {
        var world = Self.world(delay: nil, .worker("a", delay: RestartDelay(milliseconds: 1)), .worker("b"))
        _ = delays(&world, of: "a", 20)
        world.exit("b", "boom")
        #expect(world.takeLog().last == "start b")
        world.exit("b", "boom")
        #expect(world.takeLog().last == "root stopped shutdown")
    }

    @Test func aTemporaryChildIsGone() {
        var world = Self.world(.oneForOne, .worker("a", restart: .temporary))
        world.exit("a", "boom")
        #expect(child(world, "a") == nil && world.wakes == nil)
    }

    @Test func anOrderlyEndOfATransientChildWaitsForNothing() {
        var world = Self.world(.oneForOne, .worker("a", restart: .transient))
        world.exit("a", .normal)
        #expect(child(world, "a")?.state == .undefined && world.wakes == nil)
    }

    /// `simple_one_for_one`: each for itself.
    @Test func dynamicChildrenWaitToo() {
        var world = Self.world(.simpleOneForOne, .worker("w"))
        for name in ["x", "y"] as [Term] {
            world.request(.startDynamicChild(supervisor: root, arguments: [name]))
        }
        _ = world.takeLog()
        world.exit("x", "boom")
        world.pass(milliseconds: 500)
        world.exit("y", "boom")
        world.request(.terminateChild(supervisor: root, id: 2))
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == ["ok", "start x"])
        #expect(world.tree.child(at: root.child(2)) == nil)
        world.exit("x", "boom")
        world.feed(.stopRoot(root))
        #expect(world.takeLog() == ["root stopped shutdown"])
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == [])
    }

    @Test func aSupervisorThatGaveUpWaitsAsAnyChild() {
        var inner = SupervisorInit.of(intensity: 0)
        inner.children = [.worker("a")]
        var world = ScriptedWorld([
            "top_sup": .of(delay: RestartDelay(milliseconds: 100), .supervisor("inner")), "inner": inner,
        ])
        world.boot()
        _ = world.takeLog()
        for _ in 0..<5 {
            world.exit("a", "boom")
            #expect(child(world, "inner")?.state == .restarting)
            #expect(world.tree.prospect(of: root.child("inner").child("a")) == .awaited)
            world.pass(milliseconds: 100)
        }
        #expect(world.takeLog() == Array(repeating: "start a", count: 5))
    }

    // MARK: Strategies

    @Test(arguments: [StartMode.sequential, .parallel])
    func theOthersAreTerminatedFirstAndAllWait(_ start: StartMode) {
        var world = Self.world(.oneForAll, start: start)
        world.exit("b", "boom")
        #expect(world.takeLog() == ["stop c shutdown", "stop a shutdown"])
        for id in ["a", "b", "c"] as [Term] { #expect(child(world, id)?.restartDueMilliseconds == 1_000) }
        #expect(world.reports.count { if case .restartDelayed = $0 { true } else { false } } == 1)
        world.pass(milliseconds: 1_000)
        #expect(world.takeLog() == ["start a", "start b", "start c"])
        #expect(world.tree.waitingChildren == [])
    }

    @Test func restForOneWaitsFromTheChildOn() {
        var world = Self.world(.restForOne)
        world.exit("b", "boom")
        #expect(world.takeLog() == ["stop c shutdown"])
        #expect(child(world, "a")?.state.startID != nil)
        // One before them ends meanwhile: all wait for that one.
        world.pass(milliseconds: 600)
        world.exit("a", "boom")
        #expect(world.tree.waitingChildren.count == 3)
        world.pass(milliseconds: 999)
        #expect(world.takeLog() == [])
        world.pass(milliseconds: 1)
        #expect(world.takeLog() == ["start a", "start b", "start c"])
    }

    /// The delay is that of the child that failed, here in its start.
    @Test(arguments: [StartMode.sequential, .parallel])
    func aStartThatFailsInAGroupWaitsAgain(_ start: StartMode) {
        var world = Self.world(
            .oneForAll, delay: nil, start: start, .worker("a", delay: RestartDelay(milliseconds: 100)),
            .worker("b", delay: RestartDelay(milliseconds: 7)))
        world.behaviours["b"] = .fails("no")
        world.exit("a", "boom")
        world.pass(milliseconds: 100)
        #expect(world.takeLog() == ["stop b shutdown", "start a", "start b", "stop a shutdown"])
        #expect(child(world, "a")?.restartDueMilliseconds == 107)
        world.behaviours["b"] = .starts
        world.pass(milliseconds: 7)
        #expect(world.takeLog() == ["start a", "start b"])
    }

    /// A child without a delay is restarted at once, and who waits behind it goes with it.
    @Test func anotherChildsRestartTakesThoseThatWaitAlong() {
        var world = Self.world(
            .restForOne, delay: nil, .worker("a"), .worker("b", delay: RestartDelay(milliseconds: 1_000)))
        world.exit("b", "boom")
        world.exit("a", "boom")
        #expect(world.takeLog() == ["start a", "start b"])
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == [])
    }

    // MARK: What overtakes it

    @Test func terminateAndDeleteOvertake() {
        var world = Self.world()
        world.exit("a", "boom")
        world.request(.terminateChild(supervisor: root, id: "a"))
        world.exit("b", "boom")
        world.request(.deleteChild(supervisor: root, id: "b"))
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == ["ok", "ok"])
        #expect(child(world, "a")?.state == .undefined && child(world, "b") == nil)
    }

    @Test func restartChildStartsItAtOnce() {
        var world = Self.world()
        world.exit("a", "boom")
        world.exit("b", "boom")
        world.request(.restartChild(supervisor: root, id: "a"))
        #expect(world.takeLog() == ["start a", #"{ok,<<"app/top_sup/a">>}"#])
        #expect(child(world, "a")?.restarts == 1)
        #expect(child(world, "b")?.state == .restarting)
        // What it waited for is over: it does not come again.
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == ["start b"])
    }

    /// Other than one that is `undefined`: it is its supervisor's to start.
    @Test func aRestartChildThatFailsLetsItWaitOn() {
        var world = Self.world()
        world.behaviours["a"] = .fails("no")
        world.exit("a", "boom")
        world.request(.restartChild(supervisor: root, id: "a"))
        #expect(world.takeLog() == ["start a", "{error,no}"])
        #expect(child(world, "a")?.state == .restarting)
        world.behaviours["a"] = .starts
        world.pass(milliseconds: 1_000)
        #expect(world.takeLog() == ["start a"])
    }

    @Test func restartChildTakesTheGroupAlong() {
        var world = Self.world(.oneForAll)
        world.exit("b", "boom")
        _ = world.takeLog()
        world.request(.restartChild(supervisor: root, id: "b"))
        #expect(world.takeLog() == ["start b", #"{ok,<<"app/top_sup/b">>}"#, "start a", "start c"])
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == [])
    }

    /// One that is terminated while it waits is not started with the others; these wait on.
    @Test func aGroupGoesOnWithoutWhoWasTerminated() {
        var world = Self.world(.oneForAll)
        world.exit("b", "boom")
        _ = world.takeLog()
        world.request(.terminateChild(supervisor: root, id: "b"))
        world.pass(milliseconds: 1_000)
        #expect(world.takeLog() == ["ok", "start a", "start c"])
    }

    @Test(arguments: [Strategy.oneForOne, .oneForAll, .restForOne])
    func theStopOvertakes(_ strategy: Strategy) {
        var world = Self.world(strategy)
        world.exit("a", "boom")
        _ = world.takeLog()
        world.feed(.stopRoot(root))
        #expect(world.takeLog().last == "root stopped shutdown")
        world.pass(milliseconds: 5_000)
        #expect(world.takeLog() == [] && world.tree.rootAddresses == [])
    }

    /// While the others of its group are being ended.
    @Test func theStopOvertakesTheBeginningOfAWait() {
        var world = Self.world(.oneForAll)
        world.slow = ["c"]
        world.exit("a", "boom")
        world.feed(.stopRoot(root))
        world.exit("c", .shutdown)
        #expect(world.takeLog() == ["stop c shutdown", "stop b shutdown", "root stopped shutdown"])
        #expect(world.wakes == nil)
    }

    @Test func itIsHastened() {
        var world = Self.world(.oneForAll)
        world.exit("a", "boom")
        _ = world.takeLog()
        world.feed(.hasten([root.child("b"), root.child("none")]))
        #expect(world.takeLog() == ["start a", "start b", "start c"])
        world.feed(.hasten([root.child("b")]))
        #expect(world.takeLog() == [])
    }

    /// Modules that an upgrade holds: it waits for these, then.
    @Test func aHeldStartAfterTheWaitIsOneRestart() {
        var world = Self.world()
        world.behaviours["a"] = .held
        world.exit("a", "boom")
        world.pass(milliseconds: 1_000)
        #expect(child(world, "a")?.state == .restarting && world.tree.waitingChildren == [])
        world.behaviours["a"] = .starts
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start a", "start a"])
        #expect(child(world, "a")?.restarts == 1)
    }

    // MARK: Changes

    @Test func aSuspendedSupervisorStartsNobody() {
        var world = Self.world()
        world.exit("a", "boom")
        world.request(.suspend(supervisor: root))
        world.pass(milliseconds: 2_000)
        #expect(world.takeLog() == ["ok"])
        #expect(child(world, "a")?.state == .restarting)
        world.request(.resume(supervisor: root))
        #expect(world.takeLog() == ["ok", "start a"])
    }

    /// With a new spec, or another delay, it does not wait by the old one.
    @Test func aChangedSpecOvertakes() {
        var world = Self.world()
        for id in ["a", "b", "c"] as [Term] { world.exit(id, "boom") }
        world.request(.suspend(supervisor: root))
        let initial = SupervisorInit.of(
            delay: RestartDelay(milliseconds: 1_000), .worker("a", shutdown: .brutalKill), .worker("b"))
        world.request(.codeChange(supervisor: root, initial))
        world.request(.resume(supervisor: root))
        #expect(world.takeLog() == ["ok", "ok", "ok", "start a"])
        // The one that is the same, and the one that is gone, with its old spec, wait on.
        world.pass(milliseconds: 1_000)
        #expect(world.takeLog() == ["start b", "start c"])
        world.exit("b", "boom")
        world.request(.codeChange(supervisor: root, .of(delay: RestartDelay(milliseconds: 5), .worker("b"))))
        #expect(world.takeLog() == ["ok", "start b"])
    }

    @Test func anotherDaemonGoesOnWithIt() throws {
        var world = Self.world(delay: RestartDelay(initial: 1_000, maximum: 8_000, factor: 2))
        _ = delays(&world, of: "a", 1)
        world.exit("a", "boom")
        world.pass(milliseconds: 500)
        let before = world.tree
        try world.handOn()
        #expect(world.tree == before)
        _ = world.takeLog()
        world.pass(milliseconds: 1_499)
        #expect(world.takeLog() == [])
        world.pass(milliseconds: 1)
        #expect(world.takeLog() == ["start a"])
        world.exit("a", "boom")
        #expect(child(world, "a")?.restartDueMilliseconds == world.now + 4_000)
    }
}
