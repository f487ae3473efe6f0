import Instructions
import Supervision
import Terms
import Testing
import Wire

/// Supervisors below supervisors: order, escalation, shutdown.
@Suite struct NestedTreeTests {
    /// top: a, mid (b, c), d
    private func nested(mid: ChildSpec = .supervisor("mid"), top: Int = 1) -> ScriptedWorld {
        ScriptedWorld([
            "top_sup": .of(intensity: top, .worker("a"), mid, .worker("d")),
            "mid": .of(.worker("b"), .worker("c")),
        ])
    }

    @Test func startsInOrderAndStopsInReverse() {
        var world = nested()
        world.boot()
        #expect(world.takeLog() == ["start a", "start b", "start c", "start d", "root started"])
        #expect(
            world.tree.allChildren().map(\.address.description) == [
                "app/top_sup/a", "app/top_sup/mid", "app/top_sup/mid/b", "app/top_sup/mid/c", "app/top_sup/d",
            ])
        #expect(world.tree.allSupervisors().map(\.address.description) == ["app/top_sup", "app/top_sup/mid"])
        world.feed(.stopRoot(ScriptedWorld.root))
        #expect(
            world.takeLog() == [
                "stop d shutdown", "stop c shutdown", "stop b shutdown", "stop a shutdown", "root stopped shutdown",
            ])
        #expect(world.tree.allSupervisors().isEmpty)
        #expect(world.tree.allChildren().isEmpty)
    }

    @Test func whatIsToBeExpectedAtAPlace() {
        var world = nested()
        let (root, mid) = (ScriptedWorld.root, ScriptedWorld.root.child("mid"))
        let place = mid.child("b")
        #expect(world.tree.prospect(of: place) == .down)
        world.boot()
        #expect(world.tree.prospect(of: place) == .specified)
        world.request(.terminateChild(supervisor: mid, id: "b"))
        #expect(world.tree.prospect(of: place) == .specified)
        world.request(.deleteChild(supervisor: mid, id: "b"))
        #expect(world.tree.prospect(of: place) == .deleted)
        world.request(.terminateChild(supervisor: root, id: "mid"))
        #expect(world.tree.prospect(of: place) == .down)
        world.request(.restartChild(supervisor: root, id: "mid"))
        #expect(world.tree.prospect(of: place) == .specified)
        world.feed(.stopRoot(root))
        #expect(world.tree.prospect(of: place) == .down)
    }

    @Test func givingUpEscalates() {
        var world = nested()
        world.boot()
        _ = world.takeLog()
        world.exit("b", "boom")
        #expect(world.takeLog() == ["start b"])
        world.exit("b", "boom")
        #expect(world.takeLog() == ["stop c shutdown", "start b", "start c"])
        #expect(
            world.reports.contains(
                .shutdown(
                    supervisor: ScriptedWorld.root.child("mid"), child: ScriptedWorld.root.child("mid").child("b"),
                    reason: "reached_max_restart_intensity")))
        world.exit("b", "boom")
        world.exit("b", "boom")
        #expect(
            world.takeLog() == [
                "start b", "stop c shutdown", "stop d shutdown", "stop a shutdown", "root stopped shutdown",
            ])
    }

    @Test func transientSupervisorThatGivesUpIsNotRestarted() {
        var world = nested(mid: .supervisor("mid", restart: .transient))
        world.boot()
        world.exit("b", "boom")
        world.exit("b", "boom")
        #expect(world.tree.child(at: ScriptedWorld.root.child("mid"))?.state == .undefined)
        #expect(world.tree.allSupervisors().count == 1)
    }

    @Test func failedStartBelowFailsTheRoot() {
        var world = nested()
        world.behaviours["c"] = .fails("eaddrinuse")
        world.boot()
        let inner = "{shutdown,{failed_to_start_child,c,eaddrinuse}}"
        #expect(
            world.takeLog() == [
                "start a", "start b", "start c", "stop b shutdown", "stop a shutdown",
                "root failed {shutdown,{failed_to_start_child,mid,\(inner)}}",
            ])
    }

    @Test func unreadableSupervisorFailsTheStart() {
        var world = ScriptedWorld(["top_sup": .of(.worker("a"), .supervisor("none"))])
        world.boot()
        #expect(
            world.takeLog() == [
                "start a", "stop a shutdown", "root failed {shutdown,{failed_to_start_child,none,enoent}}",
            ])
    }

    @Test func supervisorThatNamesItselfEnds() {
        var world = ScriptedWorld(["top_sup": .of(.supervisor("top_sup"))])
        world.boot()
        #expect(world.log.count == 1)
        #expect(world.log.first?.hasPrefix("root failed {shutdown,{failed_to_start_child,top_sup,") == true)
        #expect(world.log.first?.contains("{too_deep,top_sup}") == true)
    }

    @Test func supervisorOutOfTimeIsKilledWithAllBelow() {
        var world = nested(mid: .supervisor("mid", shutdown: .milliseconds(700)))
        world.stubborn = ["b", "c"]
        world.boot()
        _ = world.takeLog()
        world.feed(.stopRoot(ScriptedWorld.root))
        #expect(world.takeLog() == ["stop d shutdown", "timer 700", "stop c shutdown"])
        world.fireTimer()
        #expect(world.takeLog() == ["stop b kill", "stop c kill", "stop a shutdown", "root stopped shutdown"])
        #expect(world.tree.allSupervisors().isEmpty)
    }

    @Test func aTimerThatIsLateDoesNothing() {
        var world = nested(mid: .supervisor("mid", shutdown: .milliseconds(700)))
        world.boot()
        world.request(.terminateChild(supervisor: ScriptedWorld.root, id: "mid"))
        _ = world.takeLog()
        world.request(.restartChild(supervisor: ScriptedWorld.root, id: "mid"))
        world.fireTimer()
        #expect(world.takeLog() == ["start b", "start c", #"{ok,<<"app/top_sup/mid">>}"#])
    }

    @Test func brutallyKilledSupervisorTakesItsWorkersAtOnce() {
        var world = nested(mid: .supervisor("mid", shutdown: .brutalKill))
        world.slow = ["b", "c"]
        world.boot()
        _ = world.takeLog()
        world.request(.terminateChild(supervisor: ScriptedWorld.root, id: "mid"))
        #expect(world.takeLog() == ["stop b kill", "stop c kill"])
        world.exit("b", "killed")
        #expect(world.takeLog() == [])
        world.exit("c", "killed")
        #expect(world.takeLog() == ["ok"])
    }

    @Test func restartsWithinThePeriodOnlyCount() {
        var world = ScriptedWorld(["top_sup": .of(intensity: 2, .worker("a"))])
        world.boot()
        for time in [0, 3000, 5001, 8500, 10_500] {
            world.now = time
            world.exit("a", "boom")
        }
        #expect(world.tree.child(at: ScriptedWorld.root.child("a"))?.restarts == 5)
        _ = world.takeLog()
        world.now = 13_000
        world.exit("a", "boom")
        #expect(world.takeLog() == ["root stopped shutdown"])
    }

    @Test func anEndThatWasNotAskedForIsReported() {
        var world = ScriptedWorld(["top_sup": .of(.worker("a"), .worker("b"))])
        world.stubborn = ["a"]
        world.slow = ["b"]
        world.boot()
        world.feed(.stopRoot(ScriptedWorld.root))
        world.exit("b", .tuple(["exit_status", 3]))
        world.exit("a", "killed")
        let shutdownErrors = world.reports.filter { if case .shutdownError = $0 { true } else { false } }
        #expect(
            shutdownErrors == [
                .shutdownError(child: ScriptedWorld.root.child("b"), reason: .tuple(["exit_status", 3])),
                .shutdownError(child: ScriptedWorld.root.child("a"), reason: "killed"),
            ])
    }

    @Test func autoShutdownReachesTheParent() {
        var world = ScriptedWorld([
            "top_sup": .of(.worker("a"), .supervisor("mid", restart: .temporary)),
            "mid": .of(
                autoShutdown: .anySignificant, .worker("b"), .worker("c", restart: .transient, significant: true)),
        ])
        world.boot()
        _ = world.takeLog()
        world.exit("c", .normal)
        #expect(world.takeLog() == ["stop b shutdown"])
        #expect(world.tree.child(at: ScriptedWorld.root.child("mid")) == nil)
    }
}

extension Term: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .atom(value) }
}
