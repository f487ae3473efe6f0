import Instructions
import Supervision
import Terms
import Testing

/// `start => parallel`
@Suite struct ParallelStartTests {
    private func world(_ strategy: Strategy = .oneForOne, waiting: [Term] = ["a", "b", "c"]) -> ScriptedWorld {
        var world = ScriptedWorld([
            "top_sup": .of(strategy: strategy, start: .parallel, .worker("a"), .worker("b"), .worker("c"))
        ])
        for id in waiting { world.behaviours[id] = .waits }
        return world
    }

    @Test func allStartAtOnceAndAllAreWaitedFor() {
        var world = world()
        world.boot()
        #expect(world.takeLog() == ["start a", "start b", "start c"])
        world.answerStart("c")
        world.answerStart("a")
        #expect(world.takeLog() == [])
        world.answerStart("b")
        #expect(world.takeLog() == ["root started"])
    }

    @Test func aFailureCancelsWhatStartsAndStopsWhatRuns() {
        var world = world()
        world.boot()
        world.answerStart("a")
        world.answerStart("c")
        _ = world.takeLog()
        world.answerStart("b", .fails("no"))
        #expect(
            world.takeLog() == [
                "stop c shutdown", "stop a shutdown", "root failed {shutdown,{failed_to_start_child,b,no}}",
            ])
    }

    @Test func theFirstFailureIsTheReason() {
        var world = world()
        world.boot()
        _ = world.takeLog()
        world.answerStart("c", .fails("first"))
        #expect(world.takeLog() == ["cancel a", "cancel b", "root failed {shutdown,{failed_to_start_child,c,first}}"])
        #expect(world.reports.count == 1)
    }

    @Test func aStartThatCrossesItsCancellationIsStopped() {
        var world = world()
        world.crossing = ["a"]
        world.boot()
        world.answerStart("c", .fails("no"))
        _ = world.takeLog()
        world.answerStart("a")
        #expect(world.takeLog() == ["stop a shutdown", "root failed {shutdown,{failed_to_start_child,c,no}}"])
    }

    @Test func anIgnoredStartIsNoFailure() {
        var world = world()
        world.behaviours["b"] = .ignores
        world.boot()
        world.answerStart("a")
        world.answerStart("c")
        #expect(world.takeLog().last == "root started")
        world.request(.whichChildren(supervisor: ScriptedWorld.root))
        #expect(world.takeLog().first?.contains("{b,undefined,worker,[worker]}") == true)
    }

    @Test func aShutdownOvertakesTheStarts() {
        var world = world()
        world.boot()
        world.answerStart("b")
        _ = world.takeLog()
        world.feed(.stopRoot(ScriptedWorld.root))
        #expect(world.takeLog() == ["cancel a", "cancel c", "stop b shutdown", "root failed shutdown"])
    }

    @Test func aGroupStartsAgainAtOnce() {
        var world = world(.oneForAll, waiting: [])
        world.boot()
        _ = world.takeLog()
        world.behaviours = ["a": .waits, "b": .waits, "c": .waits]
        world.exit("b", "boom")
        #expect(world.takeLog() == ["stop c shutdown", "stop a shutdown", "start a", "start b", "start c"])
        world.request(.whichChildren(supervisor: ScriptedWorld.root))
        world.answerStart("c")
        world.answerStart("a")
        #expect(world.takeLog() == [])
        world.answerStart("b")
        #expect(world.takeLog().count == 1)
    }

    @Test func aFailedRestartIsTriedAgainFromTheFirstThatFailed() {
        var world = ScriptedWorld([
            "top_sup": .of(
                strategy: .restForOne, intensity: 2, start: .parallel, .worker("a"), .worker("b"), .worker("c"),
                .worker("d"))
        ])
        world.boot()
        _ = world.takeLog()
        world.behaviours = ["b": .waits, "c": .waits, "d": .waits]
        world.exit("b", "boom")
        world.answerStart("d", .fails("no"))
        world.answerStart("b")
        #expect(world.takeLog() == ["stop d shutdown", "stop c shutdown", "start b", "start c", "start d"])
        world.behaviours = [:]
        world.answerStart("c", .fails("no"))
        #expect(world.takeLog() == ["start c", "start d"])
    }

    @Test func theStartOfAHeldModuleWaits() {
        var world = world()
        world.behaviours["b"] = .held
        world.boot()
        world.answerStart("a")
        world.answerStart("c")
        #expect(world.takeLog() == ["start a", "start b", "start c"])
        world.behaviours["b"] = .starts
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start b", "root started"])
    }

    @Test func aHeldRestartSetsItsSupervisorFree() {
        var world = world(.oneForAll, waiting: [])
        world.boot()
        world.behaviours = ["a": .held, "c": .held]
        world.exit("b", "boom")
        _ = world.takeLog()
        world.request(.countChildren(supervisor: ScriptedWorld.root))
        #expect(world.takeLog().count == 1)
        world.behaviours = [:]
        world.feed(.startsReleased)
        #expect(world.takeLog() == ["start a", "start c"])
    }

    @Test func theFlagIsRead() throws {
        let text = "{#{start => parallel}, []}."
        let read = try SupervisorInit.parse(Array(text.utf8), file: "f", environment: { _ in nil })
        #expect(read?.flags.start == .parallel)
        #expect(throws: (any Error).self) {
            try SupervisorInit.parse(Array("{#{start => all}, []}.".utf8), file: "f", environment: { _ in nil })
        }
    }
}
