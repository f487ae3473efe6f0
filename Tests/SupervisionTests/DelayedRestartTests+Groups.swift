import Supervision
import Terms
import Testing

extension DelayedRestartTests {
    /// Who stands behind one whose start fails is started with it, and not without.
    @Test(arguments: [StartMode.sequential, .parallel])
    func whoStandsBehindOneThatFailsIsNotStartedWithoutIt(_ start: StartMode) {
        let delay = RestartDelay(milliseconds: 100)
        var world = Self.world(
            .restForOne, delay: nil, start: start, .worker("a", delay: delay), .worker("b", delay: delay),
            .worker("c", delay: delay))
        world.behaviours["a"] = .fails("no")
        world.exit("a", "boom")
        _ = world.takeLog()
        world.pass(milliseconds: 100)
        let first = world.takeLog()
        if start == .sequential { #expect(first == ["start a"]) }
        world.pass(milliseconds: 99)
        #expect(world.takeLog() == [])
        world.behaviours["a"] = .starts
        world.pass(milliseconds: 1)
        #expect(world.takeLog() == ["start a", "start b", "start c"])
    }
}
