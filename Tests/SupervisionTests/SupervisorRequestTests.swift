import Instructions
import Supervision
import Terms
import Testing
import Wire

/// Calls to supervisors that the golden traces don't have.
@Suite struct SupervisorRequestTests {
    private let root = ScriptedWorld.root

    private func booted(_ initial: SupervisorInit) -> ScriptedWorld {
        var world = ScriptedWorld(["top_sup": initial])
        world.boot()
        _ = world.takeLog()
        return world
    }

    @Test func listsAndCountsAsOTPDoes() {
        var world = booted(.of(.worker("a"), .worker("b", restart: .transient)))
        world.exit("b", .normal)
        world.request(.whichChildren(supervisor: root))
        world.request(.countChildren(supervisor: root))
        world.request(.getChildspec(supervisor: root, id: "a"))
        world.request(.getChildspec(supervisor: root, id: "c"))
        let log = world.takeLog()
        #expect(log[0] == #"[{b,undefined,worker,[worker]},{a,<<"app/top_sup/a">>,worker,[worker]}]"#)
        #expect(log[1] == "[{specs,2},{active,1},{supervisors,0},{workers,2}]")
        #expect(log[2].hasPrefix("{ok,#{"))
        #expect(log[3] == "{error,not_found}")
    }

    @Test func refusesSpecsThatCanNotStand() {
        var world = booted(.of(.worker("a")))
        world.request(
            .startChild(supervisor: root, .worker("b", restart: .transient, significant: true)))
        world.request(.startDynamicChild(supervisor: root, arguments: ["x"]))
        #expect(
            world.takeLog() == [
                "{error,{bad_combination,[{auto_shutdown,never},{significant,true}]}}",
                "{error,{invalid_child_spec,[x]}}",
            ])
    }

    @Test func dynamicChildrenHaveNumbers() {
        var world = booted(.of(strategy: .simpleOneForOne, .worker("pool")))
        world.request(.startDynamicChild(supervisor: root, arguments: ["x"]))
        world.request(.startDynamicChild(supervisor: root, arguments: ["y"]))
        #expect(
            world.takeLog() == [
                "start x", #"{ok,<<"app/top_sup/1">>}"#, "start y", #"{ok,<<"app/top_sup/2">>}"#,
            ])
        world.exit("x", "boom")
        #expect(world.takeLog() == ["start x"])
        #expect(world.tree.child(at: root.child(1))?.spec.start.arguments == ["x"])
        for id: Term in [2, 2, 3, 0, "pool"] { world.request(.terminateChild(supervisor: root, id: id)) }
        #expect(
            world.takeLog() == [
                "stop y shutdown", "ok", "ok", "{error,not_found}", "{error,not_found}", "{error,simple_one_for_one}",
            ])
        world.request(.restartChild(supervisor: root, id: 1))
        world.request(.deleteChild(supervisor: root, id: 1))
        world.request(.startChild(supervisor: root, .worker("b")))
        #expect(world.takeLog() == Array(repeating: "{error,simple_one_for_one}", count: 3))
    }

    @Test func failingDynamicRestartIsTriedAgain() {
        var world = booted(.of(strategy: .simpleOneForOne, intensity: 2, .worker("pool")))
        world.request(.startDynamicChild(supervisor: root, arguments: ["x"]))
        world.behaviours["x"] = .fails("no")
        world.exit("x", "boom")
        #expect(
            world.takeLog() == ["start x", #"{ok,<<"app/top_sup/1">>}"#, "start x", "start x", "root stopped shutdown"])
    }

    @Test func codeChangeKeepsWhatRuns() {
        var world = booted(.of(.worker("a"), .worker("b"), .worker("c")))
        let changed = SupervisorInit.of(
            strategy: .oneForAll, intensity: 9, .worker("new"), .worker("b", shutdown: .brutalKill))
        world.request(.codeChange(supervisor: root, changed))
        world.request(.whichChildren(supervisor: root))
        let log = world.takeLog()
        #expect(log[0] == "ok")
        let ids = world.tree.allChildren().map { $0.address.id ?? .nil }
        #expect(ids == ["new", "b", "a", "c"])
        #expect(world.tree.child(at: root.child("new"))?.state == .undefined)
        #expect(world.tree.child(at: root.child("b"))?.spec.shutdown == .brutalKill)
        #expect(world.tree.supervisor(at: root)?.flags?.intensity == 9)
        world.request(.codeChange(supervisor: root, .of(strategy: .simpleOneForOne, .worker("x"))))
        world.request(.codeChange(supervisor: root, .of(.worker("x"), .worker("x"))))
        #expect(
            world.takeLog() == [
                "{error,{invalid_strategy,simple_one_for_one}}", "{error,{duplicate_child_name,x}}",
            ])
    }

    @Test func findsTheUsersOfAModule() {
        var other = ChildSpec.worker("b")
        other.modules = .dynamic
        let world = booted(.of(.worker("a"), other))
        #expect(world.tree.children(listing: "worker").map(\.address) == [root.child("a")])
        #expect(world.tree.childrenWithDynamicModules().map(\.address) == [root.child("b")])
    }
}
