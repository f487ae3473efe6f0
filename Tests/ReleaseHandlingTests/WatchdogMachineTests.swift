import ReleaseHandling
import Testing

/// When a worker is asked, and when one that is not heard of is ended.
@Suite struct WatchdogMachineTests {
    typealias Machine = WatchdogMachine
    typealias Action = WatchdogMachine.Action

    private static let worker = Machine.Watch(.worker, 3, milliseconds: 1_000)
    private static let program = Machine.Watch(.program, 3, milliseconds: 1_000)

    private static func watching(_ watch: Machine.Watch) -> Machine {
        var machine = Machine()
        _ = machine.handle(.runs(watch), now: 0)
        return machine
    }

    @Test func aWorkerIsAskedHalfItsTimeAfterEachAnswer() {
        var machine = Machine()
        #expect(machine.handle(.runs(Self.worker), now: 100) == [.ask(3, 1), .schedule(atMilliseconds: 1_100)])
        #expect(machine.handle(.answered(1), now: 150) == [.schedule(atMilliseconds: 650)])
        #expect(machine.handle(.timerFired, now: 650) == [.ask(3, 2), .schedule(atMilliseconds: 1_650)])
        // The whole time is for the answer.
        #expect(machine.handle(.answered(2), now: 1_640) == [.schedule(atMilliseconds: 2_140)])
    }

    @Test func oneThatDoesNotAnswerIsEndedOnce() {
        var machine = Self.watching(Self.worker)
        #expect(machine.handle(.timerFired, now: 1_001) == [.look])
        #expect(machine.handle(.looked, now: 1_001) == [.end])
        for event in [Machine.Event.answered(1), .timerFired, .looked, .runs(Self.worker), .alive, .triggered] {
            #expect(machine.handle(event, now: 1_002) == [])
        }
        // Its successor is watched as any.
        let next = Machine.Watch(.worker, 4, milliseconds: 1_000)
        #expect(machine.handle(.rests, now: 1_003) == [.cancelTimer])
        #expect(machine.handle(.runs(next), now: 1_500) == [.ask(4, 3), .schedule(atMilliseconds: 2_500)])
    }

    /// What had come, and was not read yet.
    @Test func anAnswerThatIsThereCounts() {
        var machine = Self.watching(Self.worker)
        #expect(machine.handle(.timerFired, now: 1_000) == [.look])
        #expect(machine.handle(.answered(1), now: 1_000) == [.schedule(atMilliseconds: 1_500)])
        #expect(machine.handle(.looked, now: 1_000) == [])
    }

    /// The daemon was stopped, or the machine too busy for it: nobody pays for that.
    @Test(arguments: [worker, program])
    func whoeverIsLateItselfAsksAnew(_ watch: Machine.Watch) {
        var machine = Self.watching(watch)
        let anew: [Action] = watch.subject == .worker ? [.ask(3, 2)] : []
        #expect(machine.handle(.timerFired, now: 60_000) == anew + [.schedule(atMilliseconds: 61_000)])
        // The answer to the question before says nothing of now.
        #expect(machine.handle(.answered(1), now: 60_001) == [])
        #expect(machine.handle(.timerFired, now: 61_250) == [.look])
    }

    @Test func nobodyIsWatchedWhoDoesNotRun() {
        var machine = Self.watching(Self.worker)
        #expect(machine.handle(.rests, now: 900) == [.cancelTimer])
        for event in [Machine.Event.rests, .answered(1), .timerFired, .looked, .alive, .triggered] {
            #expect(machine.handle(event, now: 5_000) == [])
        }
        // Resumed, it has all its time.
        #expect(machine.handle(.runs(Self.worker), now: 9_000) == [.ask(3, 3), .schedule(atMilliseconds: 10_000)])
    }

    @Test func theSameAgainChangesNothingAndAnotherTimeDoes() {
        var machine = Self.watching(Self.worker)
        #expect(machine.handle(.runs(Self.worker), now: 500) == [])
        let shorter = Machine.Watch(.worker, 3, milliseconds: 200)
        #expect(machine.handle(.runs(shorter), now: 500) == [.ask(3, 2), .schedule(atMilliseconds: 700)])
    }

    @Test func aProgramSaysItByItself() {
        var machine = Machine()
        #expect(machine.handle(.runs(Self.program), now: 0) == [.schedule(atMilliseconds: 1_000)])
        #expect(machine.handle(.alive, now: 900) == [.schedule(atMilliseconds: 1_900)])
        #expect(machine.handle(.timerFired, now: 1_900) == [.look])
        #expect(machine.handle(.looked, now: 1_900) == [.end])
    }

    @Test func aProgramMayAskToBeEnded() {
        var machine = Self.watching(Self.program)
        #expect(machine.handle(.triggered, now: 10) == [.cancelTimer, .end])
        var other = Self.watching(Self.worker)
        #expect(other.handle(.triggered, now: 10) == [] && other.handle(.alive, now: 10) == [])
    }
}
