import Instructions
import Supervision
import Terms
import Testing
import Wire

/// suspend, code_change, restore and resume of supervisors.
@Suite struct SupervisorChangeTests {
    private let root = ScriptedWorld.root

    private func booted(_ initial: SupervisorInit) -> ScriptedWorld {
        var world = ScriptedWorld(["top_sup": initial])
        world.boot()
        _ = world.takeLog()
        return world
    }

    @Test func aSuspendedSupervisorRestartsNobodyUntilItIsResumed() {
        var world = booted(.of(intensity: 5, .worker("a"), .worker("b")))
        world.request(.suspend(supervisor: root))
        world.exit("a", "boom")
        #expect(world.takeLog() == ["ok"])
        #expect(world.tree.supervisor(at: root)?.isSuspended == true)
        // What is asked of it is served all the same.
        world.request(.terminateChild(supervisor: root, id: "b"))
        world.request(.restartChild(supervisor: root, id: "b"))
        #expect(world.takeLog() == ["stop b shutdown", "ok", "start b", #"{ok,<<"app/top_sup/b">>}"#])
        world.request(.resume(supervisor: root))
        #expect(world.takeLog() == ["ok", "start a"])
    }

    @Test func aSuspendWaitsForTheStartInHand() {
        var world = booted(.of(intensity: 5, .worker("a"), .worker("b")))
        world.behaviours["a"] = .waits
        world.exit("a", "boom")
        world.request(.suspend(supervisor: root))
        world.exit("b", "boom")
        #expect(world.takeLog() == ["start a"])
        world.answerStart("a")
        #expect(world.takeLog() == ["ok"])
        world.request(.resume(supervisor: root))
        #expect(world.takeLog() == ["ok", "start b"])
    }

    @Test func aSuspendedSupervisorEndsWhenItsParentWantsItTo() {
        var world = booted(.of(.worker("a")))
        world.request(.suspend(supervisor: root))
        world.feed(.stopRoot(root))
        #expect(world.takeLog() == ["ok", "stop a shutdown", "root stopped shutdown"])
    }

    @Test func restoreGivesBackFlagsSpecsAndOrder() throws {
        let initial = SupervisorInit.of(intensity: 5, .worker("a"), .worker("b"), .worker("c", restart: .temporary))
        var world = booted(initial)
        let before = try #require(world.tree.snapshot(of: root))
        let changed = SupervisorInit.of(
            strategy: .oneForAll, intensity: 9, .worker("new"), .worker("b", shutdown: .brutalKill))
        world.request(.codeChange(supervisor: root, changed))
        world.exit("c", "boom")
        world.request(.restore(supervisor: root, before))
        #expect(world.takeLog() == ["ok", "ok"])
        #expect(world.tree.allChildren().map { $0.address.id } == ["a", "b"])
        #expect(world.tree.child(at: root.child("b"))?.spec == initial.children[1])
        #expect(world.tree.supervisor(at: root)?.flags == initial.flags)
        world.exit("a", "boom")
        #expect(world.takeLog() == ["start a"])
    }

    @Test func restoreIsForThatRunOfTheSupervisorOnly() throws {
        var world = booted(.of(.worker("a")))
        let before = try #require(world.tree.snapshot(of: root))
        world.feed(.stopRoot(root))
        world.boot()
        _ = world.takeLog()
        world.request(.restore(supervisor: root, before))
        #expect(world.takeLog() == ["{error,noproc}"])
    }

    @Test func aChangeIsToldByWhatItDoes() throws {
        let world = booted(.of(.worker("a"), .worker("b"), .worker("c")))
        let before = try #require(world.tree.snapshot(of: root))
        var renamed = ChildSpec.worker("z")
        renamed.start = MFA(module: "other", function: "start_link", arguments: [])
        let change = before.change(
            to: .of(intensity: 2, .worker("a", shutdown: .infinity), .worker("b"), renamed))
        #expect(change.added == ["z"])
        #expect(change.removed == ["c"])
        #expect(change.changed == ["a"])
        #expect(change.renamed == [])
        #expect(
            change.summary
                == "flags changed, 1 child added (z), 1 child removed (c), 1 child with a new spec (a)")
        #expect(before.change(to: .of(.worker("a"), .worker("b"), .worker("c"))).summary == "nothing changed")
    }

    @Test func aChildOfTheSameStartHasANewId() throws {
        var world = ScriptedWorld(["top_sup": .of(.worker("a"), .supervisor("s")), "s": .of()])
        world.boot()
        let before = try #require(world.tree.snapshot(of: root))
        var again = ChildSpec.supervisor("s")
        again.id = "t"
        let change = before.change(to: .of(.worker("a"), again))
        #expect(change.renamed.map(\.from) == ["s"])
        #expect(change.renamed.map(\.to) == ["t"])
    }

    @Test func anIgnoringSupervisorDoesNotRun() {
        var world = booted(.of(.worker("a")))
        world.request(.startChild(supervisor: root, .supervisor("s")))
        #expect(world.takeLog().map { String($0.prefix(20)) } == ["{error,{enoent,#{id "])
        world.ignoring = ["s"]
        world.request(.startChild(supervisor: root, .supervisor("s")))
        #expect(world.takeLog() == ["{ok,undefined}"])
        #expect(world.tree.child(at: root.child("s"))?.state == .undefined)
        #expect(world.tree.supervisor(at: root.child("s")) == nil)
    }

    @Test func aTopSupervisorThatIgnoresIsAnError() {
        var world = ScriptedWorld([:])
        world.ignoring = ["top_sup"]
        world.boot()
        #expect(world.takeLog() == ["root failed {bad_return,{top_sup,ignore}}"])
    }
}
