import ReleaseHandling
import Supervision
import Terms
import Testing
import Wire

/// What happens to a place in a row. `PlaceMachineTableTests` has every single step.
@Suite struct PlaceMachineTests {
    typealias World = PlaceWorld

    /// All actions of these events, in short.
    private static func run(_ machine: PlaceMachine, _ events: PlaceMachine.Event...) -> (PlaceMachine, [String]) {
        var machine = machine
        let actions = events.flatMap { machine.handle($0, now: 1_000) }.map(World.name)
        return (machine, actions)
    }

    @Test func anOldProcessThatEndsWhileItsStateIsImportedIsNotMissed() {
        let (machine, actions) = Self.run(
            World.importing, World.oldEnds, .importAnswered(2, .ok), .resume(8, withinMilliseconds: 60),
            .resumeAnswered(2, .ok))
        #expect(
            actions == [
                "cancel timer", "answer 7 done", "resume 2 within 60", "handed over 1 to 2", "mailbox to 2",
                "answer 8 done",
            ])
        #expect(machine.current == 2 && machine.phase == .running && machine.delivery == .now(2))
    }

    @Test func withBothGoneTheWorkerHasDied() {
        let (machine, actions) = Self.run(World.importing, World.oldEnds, .importAnswered(2, .failed(World.reason)))
        #expect(
            actions == [
                "cancel timer", "kill 2 killed", "calls fail gone", "tell exited #4 gone", "answer 7 died gone",
            ])
        #expect(machine.phase == .empty)
    }

    /// It was to go on in new code; ended by word, the standby leaves the old process to go on.
    @Test func aStandbyThatIsLostWithTheStateIsNoSuccess() {
        let (machine, actions) = Self.run(
            World.imported, .ended(2, reason: World.reason), .resume(8, withinMilliseconds: 60), .endStandby,
            .resume(9, withinMilliseconds: 60), .resumeAnswered(1, .ok))
        #expect(
            actions == ["answer 8 failed {standby_died,boom}", "resume 1 within 60", "mailbox to 1", "answer 9 done"])
        #expect(machine.current == 1 && machine.phase == .running)
    }

    @Test func aResumeThatIsNotAcknowledgedLeavesTheOldProcess() {
        let (machine, actions) = Self.run(
            World.resuming, .resumeAnswered(2, .timedOut(milliseconds: 60)), .ended(2, reason: .atom("killed")))
        #expect(actions == ["kill 2 killed", "answer 7 hung"])
        #expect(World.name(machine.state) == "lost 1: resume_failed" && machine.delivery == .later)
    }

    /// Its next start, in the old code, has it for its handoff.
    @Test func aStandbyOutlivesACrashWhoseRestartIsAwaited() {
        let again = PlaceMachine.Event.start(StartID(number: 5), .worker, timeoutMilliseconds: 100)
        let (machine, _) = Self.run(
            World.withSpare, .ended(1, reason: World.reason), again, .launched(3),
            .initAnswered(3, .acknowledged(vsn: .undefined)), .suspend(8, withinMilliseconds: 50),
            .suspendAnswered(3, .ok))
        #expect(World.name(machine.state) == "suspended 3, spare 2")
    }

    @Test func aStandbyEndsOnceNobodyIsAwaited() {
        let (machine, actions) = Self.run(World.withSpare, .ended(1, reason: World.reason), .noneAwaited)
        #expect(actions == ["calls fail boom", "tell exited #4 boom", "kill 2 killed"])
        #expect(machine.standby == nil)
    }

    @Test func whatWasAnnouncedAndWhatCameMeetInAnyOrder() {
        let export = PlaceMachine.Event.exportAnswered(1, .exported(size: 9, descriptors: 2))
        let state = PlaceMachine.Event.packet(1, .state(ref: 30, size: 9), .sound)
        let first = PlaceMachine.Event.packet(1, .descriptors(ref: 30, first: 0, count: 1), .sound)
        let second = PlaceMachine.Event.packet(1, .descriptors(ref: 30, first: 1, count: 1), .sound)
        for events in [
            [export, state, first, second], [first, export, second, state], [first, second, state, export],
        ] {
            var machine = World.exporting
            let actions = events.flatMap { machine.handle($0, now: 0) }.map(World.name)
            #expect(actions.last == "import 2 ref 31 9+2 up from \"1\"" && actions.count == 4)
            #expect(World.kind(of: machine.state) == .importing)
        }
    }

    @Test(arguments: [
        (PlaceMachine.Event.packet(1, .state(ref: 29, size: 9), .sound), "a packet of another export, ref 29"),
        (.packet(1, .state(ref: 30, size: 9), .unsound("bad")), "bad"),
        (.packet(1, .descriptors(ref: 30, first: 1, count: 1), .sound), "descriptors out of order"),
        (.packet(1, .descriptors(ref: 30, first: 0, count: 5), .sound), "export announced other sizes than it sent"),
        (.exportAnswered(1, .ok), "export_state got an answer of another kind"),
    ]) func anExportThatIsNotAsItSaysFails(event: PlaceMachine.Event, sentence: String) {
        var machine = World.exporting
        _ = machine.handle(.exportAnswered(1, .exported(size: 9, descriptors: 4)), now: 0)
        _ = machine.handle(.packet(1, .state(ref: 30, size: 9), .sound), now: 0)
        if case .packet(_, .state(ref: 30, _), _) = event { machine = World.exporting }
        let actions = machine.handle(event, now: 0)
        #expect(actions.last == .answer(7, .failed(.tuple([.atom("protocol_error"), .text(sentence)]))))
        #expect(World.name(machine.state) == "suspended 1")
    }

    @Test func aProgramsTimeIsExtendedAndNeverShortened() {
        let (machine, actions) = Self.run(
            World.startingProgram, .extendLimit(1, byMilliseconds: 500), .extendLimit(1, byMilliseconds: 10),
            .timerFired)
        #expect(actions == ["schedule 1500", "kill 1 killed"])
        #expect(World.name(machine.state) == "discarding 1: failed {start_timeout,100}")
    }
}
