import Instructions
import Supervision
import Terms
import Testing
import Wire

/// A supervisor that waits for a start: what queues, what overtakes, and who goes on.
@Suite struct BusySupervisorTests {
    private let root = ScriptedWorld.root

    /// top: left (a, b), right (c, d)
    private func twoSides(_ strategy: Strategy = .oneForOne) -> ScriptedWorld {
        var world = ScriptedWorld([
            "top_sup": .of(.supervisor("left"), .supervisor("right")),
            "left": .of(strategy: strategy, intensity: 3, .worker("a"), .worker("b")),
            "right": .of(strategy: strategy, intensity: 3, .worker("c"), .worker("d")),
        ])
        world.boot()
        _ = world.takeLog()
        return world
    }

    @Test func othersGoOnWhileOneWaits() {
        var world = twoSides()
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        world.exit("c", "boom")
        #expect(world.takeLog() == ["start a", "start c"])
        world.exit("b", "boom")
        #expect(world.takeLog() == [])
        #expect(world.tree.supervisor(at: root.child("left"))?.isBusy == true)
        world.answerStart("a")
        #expect(world.takeLog() == ["start b"])
        #expect(world.tree.supervisor(at: root.child("left"))?.isBusy == false)
    }

    @Test func requestsQueueInOrder() {
        var world = twoSides()
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        world.request(.terminateChild(supervisor: root.child("left"), id: "b"))
        world.request(.restartChild(supervisor: root.child("left"), id: "b"))
        world.request(.restartChild(supervisor: root.child("right"), id: "c"))
        #expect(world.takeLog() == ["start a", "{error,running}"])
        world.answerStart("a")
        #expect(world.takeLog() == ["stop b shutdown", "ok", "start b", #"{ok,<<"app/top_sup/left/b">>}"#])
    }

    /// With requests before it, so that the mailbox has moved on under it.
    @Test(arguments: [0, 70, 200])
    func anExitThatWaitsIsTakenForTheStop(_ requests: Int) {
        var world = twoSides()
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        for _ in 0..<requests { world.request(.deleteChild(supervisor: root.child("left"), id: "none")) }
        world.request(.terminateChild(supervisor: root.child("left"), id: "b"))
        world.exit("b", "boom")
        world.answerStart("a")
        #expect(
            world.takeLog() == ["start a"] + Array(repeating: "{error,not_found}", count: requests) + ["ok"])
        #expect(world.tree.child(at: root.child("left").child("b"))?.state == .undefined)
    }

    @Test func shutdownOvertakesAStart() {
        var world = twoSides()
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        world.request(.restartChild(supervisor: root.child("left"), id: "b"))
        _ = world.takeLog()
        world.feed(.stopRoot(root))
        #expect(
            world.takeLog() == [
                "stop d shutdown", "stop c shutdown", "cancel a", "stop b shutdown", "{error,shutdown}",
                "root stopped shutdown",
            ])
    }

    @Test func shutdownOvertakesTheBoot() {
        var world = ScriptedWorld([
            "top_sup": .of(.worker("z"), .supervisor("left")), "left": .of(.worker("a"), .worker("b")),
        ])
        world.behaviours["b"] = .waits
        world.boot()
        world.feed(.stopRoot(root))
        #expect(
            world.takeLog() == [
                "start z", "start a", "start b", "cancel b", "stop a shutdown", "stop z shutdown",
                "root failed shutdown",
            ])
    }

    @Test func aHeldRestartLeavesItsSupervisorFree() {
        var world = twoSides()
        world.behaviours["a"] = .held
        world.exit("a", "boom")
        #expect(world.tree.child(at: root.child("left").child("a"))?.state == .restarting)
        world.exit("b", "boom")
        world.request(.terminateChild(supervisor: root.child("left"), id: "b"))
        #expect(world.takeLog() == ["start a", "start b", "stop b shutdown", "ok"])
        world.behaviours["a"] = .starts
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start a"])
        #expect(world.tree.child(at: root.child("left").child("a"))?.restarts == 1)
    }

    @Test func aHeldRestartDoesNotCountTwice() {
        var world = ScriptedWorld(["top_sup": .of(intensity: 1, .worker("a"))])
        world.boot()
        world.behaviours["a"] = .held
        world.exit("a", "boom")
        for _ in 0..<5 { world.feed(.startsReleased) }
        world.behaviours["a"] = .starts
        world.feed(.startsReleased)
        #expect(world.tree.child(at: root.child("a"))?.state.startID != nil)
        #expect(world.tree.child(at: root.child("a"))?.restarts == 1)
    }

    @Test func aHeldRestartThatIsTerminatedStaysSo() {
        var world = twoSides()
        world.behaviours["a"] = .held
        world.exit("a", "boom")
        world.request(.terminateChild(supervisor: root.child("left"), id: "a"))
        world.behaviours["a"] = .starts
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start a", "ok"])
    }

    @Test(arguments: [Strategy.oneForAll, .restForOne])
    func aHeldGroupGoesOnWhereItStood(_ strategy: Strategy) {
        var world = ScriptedWorld(["top_sup": .of(strategy: strategy, .worker("a"), .worker("b"), .worker("c"))])
        world.boot()
        _ = world.takeLog()
        world.behaviours["b"] = .held
        world.exit("a", "boom")
        #expect(world.takeLog() == ["stop c shutdown", "stop b shutdown", "start a", "start b"])
        world.behaviours["b"] = .starts
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start b", "start c"])
    }

    @Test func aHeldBootWaits() {
        var world = ScriptedWorld(["top_sup": .of(.worker("a"), .worker("b"))])
        world.behaviours["a"] = .held
        world.boot()
        #expect(world.takeLog() == ["start a"])
        world.behaviours["a"] = .starts
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start a", "start b", "root started"])
    }

    @Test func shutdownOfAHeldBootNeedsNoAnswer() {
        var world = ScriptedWorld(["top_sup": .of(.worker("z"), .worker("a"))])
        world.behaviours["a"] = .held
        world.boot()
        world.feed(.stopRoot(root))
        #expect(world.takeLog() == ["start z", "start a", "stop z shutdown", "root failed shutdown"])
        world.feed(.startsReleased)
        #expect(world.takeLog() == [])
    }

    @Test func aKilledSupervisorCancelsItsStart() {
        var world = ScriptedWorld([
            "top_sup": .of(.supervisor("mid", shutdown: .brutalKill)), "mid": .of(.worker("a"), .worker("b")),
        ])
        world.boot()
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        world.request(.restartChild(supervisor: root.child("mid"), id: "b"))
        _ = world.takeLog()
        world.request(.terminateChild(supervisor: root, id: "mid"))
        #expect(world.takeLog() == ["cancel a", "stop b kill", "{error,shutdown}", "ok"])
    }

    @Test func aStartThatCrossedItsCancelIsStopped() {
        for shutdown in [Shutdown.brutalKill, .infinity] {
            var world = ScriptedWorld([
                "top_sup": .of(.supervisor("mid", shutdown: shutdown)), "mid": .of(.worker("a")),
            ])
            world.boot()
            world.behaviours["a"] = .waits
            world.crossing = ["a"]
            world.exit("a", "boom")
            world.request(.terminateChild(supervisor: root, id: "mid"))
            _ = world.takeLog()
            world.answerStart("a")
            #expect(world.takeLog() == ["stop a \(shutdown == .brutalKill ? "kill" : "shutdown")", "ok"])
        }
    }

    @Test func requestsToNobodyAndTooManyAreAnswered() {
        var world = twoSides()
        world.request(.whichChildren(supervisor: root.child("nobody")))
        #expect(world.takeLog() == ["{error,noproc}"])
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        for _ in 0..<10_000 { world.request(.countChildren(supervisor: root.child("left"))) }
        #expect(world.takeLog() == ["start a"])
        world.request(.countChildren(supervisor: root.child("left")))
        #expect(world.takeLog() == ["{error,overload}"])
        world.answerStart("a")
        #expect(world.takeLog().count == 10_000)
    }

    @Test func unknownAndLateAnswersAreIgnored() {
        var world = twoSides()
        let a = world.tree.child(at: root.child("left").child("a"))?.state.startID
        guard let a, let left = world.tree.supervisor(at: root.child("left"))?.startID else {
            Issue.record("not running")
            return
        }
        world.feed(.workerStarted(a))
        world.feed(.workerStartFailed(a, reason: "late"))
        world.feed(.workerExited(left, reason: "lie"))
        world.feed(.supervisorUnreadable(left, reason: "late"))
        world.feed(.timerFired(left))
        world.feed(.startRoot(address: root, module: "top_sup", arguments: .nil))
        world.feed(.stopRoot(root.child("left")))
        #expect(world.takeLog() == [])
        #expect(world.tree.allChildren().allSatisfy { $0.state.startID != nil })
    }
}
