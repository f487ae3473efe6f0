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
            World.importing, World.oldEnds, .importAnswered(2, ref: 31, .ok), .resume(8, withinMilliseconds: 60),
            .resumeAnswered(2, .ok))
        #expect(
            actions == [
                "cancel timer", "answer 7 done", "resume 2 within 60", "handed over 1 to 2", "mailbox to 2",
                "answer 8 done",
            ])
        #expect(machine.look.current == 2 && machine.look.phase == .running && machine.delivery == .now(2))
    }

    @Test func withBothGoneTheWorkerHasDied() {
        let (machine, actions) = Self.run(
            World.importing, World.oldEnds, .importAnswered(2, ref: 31, .failed(World.reason)))
        #expect(
            actions == [
                "cancel timer", "kill 2 killed", "calls fail gone", "tell exited #4 gone", "answer 7 died gone",
            ])
        #expect(machine.look.phase == .empty)
    }

    /// It was to go on in new code; ended by word, the standby leaves the old process to go on.
    @Test func aStandbyThatIsLostWithTheStateIsNoSuccess() {
        let (machine, actions) = Self.run(
            World.imported, .ended(2, reason: World.reason), .resume(8, withinMilliseconds: 60), .endStandby,
            .resume(9, withinMilliseconds: 60), .resumeAnswered(1, .ok))
        #expect(
            actions == ["answer 8 failed {standby_died,boom}", "resume 1 within 60", "mailbox to 1", "answer 9 done"])
        #expect(machine.look.current == 1 && machine.look.phase == .running)
    }

    /// It may have read from the connections: the old process must not go on as if nothing had been.
    @Test func aStandbyThatEndsOnceItWasToldToGoOnIsTheWorkersEnd() {
        let (machine, actions) = Self.run(
            World.resuming, .ended(2, reason: World.reason), .resumeAnswered(2, .died(World.reason)),
            .ended(1, reason: .tuple([.atom("resume_failed"), World.reason])))
        #expect(
            actions == [
                "kill 1 {resume_failed,boom}", "calls fail {resume_failed,boom}",
                "tell exited #4 {resume_failed,boom}", "answer 7 died {resume_failed,boom}",
            ])
        #expect(machine.look.phase == .empty)
    }

    @Test func soIsOneThatDoesNotAnswer() {
        let timeout = Term.tuple([.atom("timeout"), .integer(60)])
        let (machine, actions) = Self.run(
            World.resuming, .resumeAnswered(2, .timedOut(milliseconds: 60)), .ended(2, reason: timeout),
            .ended(1, reason: .tuple([.atom("resume_failed"), timeout])))
        #expect(
            actions == [
                "kill 2 {timeout,60}", "kill 1 {resume_failed,{timeout,60}}",
                "calls fail {resume_failed,{timeout,60}}", "tell exited #4 {resume_failed,{timeout,60}}",
                "answer 7 died {resume_failed,{timeout,60}}",
            ])
        #expect(machine.look.phase == .empty)
    }

    @Test func withTheOldProcessGoneNobodyElseHasToEnd() {
        let (machine, actions) = Self.run(World.resuming, World.oldEnds, .ended(2, reason: World.reason))
        #expect(
            actions == [
                "calls fail {resume_failed,boom}", "tell exited #4 {resume_failed,boom}",
                "answer 7 died {resume_failed,boom}",
            ])
        #expect(machine.look.phase == .empty)
    }

    /// By its own word it has read nothing.
    @Test func aResumeThatIsAnsweredWithAnErrorLeavesTheOldProcess() {
        let (machine, actions) = Self.run(
            World.resuming, .resumeAnswered(2, .failed(World.reason)), .ended(2, reason: .atom("killed")), .endStandby,
            .resume(9, withinMilliseconds: 60), .resumeAnswered(1, .ok))
        #expect(
            actions == [
                "kill 2 killed", "answer 7 failed boom", "resume 1 within 60", "mailbox to 1", "answer 9 done",
            ])
        #expect(machine.look.current == 1 && machine.look.phase == .running)
    }

    /// Its next start, in the old code, has it for its handoff.
    @Test func aStandbyOutlivesACrashWhoseRestartIsAwaited() {
        let again = PlaceMachine.Event.start(StartID(number: 5), .worker, timeoutMilliseconds: 100)
        let (machine, _) = Self.run(
            World.withSpare, .ended(1, reason: World.reason), again, .launched(3),
            .initAnswered(3, .acknowledged(vsn: .undefined)), .suspend(8, withinMilliseconds: 50, exporting: nil),
            .suspendAnswered(3, .ok))
        #expect(World.name(machine.state) == "suspended 3, spare 2")
    }

    @Test func aStandbyEndsOnceNobodyIsAwaited() {
        let (machine, actions) = Self.run(World.withSpare, .ended(1, reason: World.reason), .noneAwaited)
        #expect(actions == ["calls fail boom", "tell exited #4 boom", "kill 2 killed"])
        #expect(machine.look.standby == nil)
    }

    @Test func theImportBeginsOnceAllThatCameIsAnnounced() {
        let export = PlaceMachine.Event.exportAnswered(1, ref: 30, .exported(size: 9, descriptors: 2))
        let state = PlaceMachine.Event.packet(1, .state(ref: 30, size: 9), .sound)
        let first = PlaceMachine.Event.packet(1, .descriptors(ref: 30, first: 0, count: 1), .sound)
        let second = PlaceMachine.Event.packet(1, .descriptors(ref: 30, first: 1, count: 1), .sound)
        for events in [
            [state, first, second, export], [first, second, state, export], [first, state, second, export],
        ] {
            var machine = World.exporting
            let actions = events.flatMap { machine.handle($0, now: 0) }.map(World.name)
            #expect(actions.last == "import 2 ref 31 9+2 up from \"1\"" && actions.count == 4)
            #expect(World.kind(of: machine.state) == .importing)
        }
    }

    /// One that waited for what can't come would hold all other workers for the whole limit.
    @Test(arguments: [
        (9, 20, [19], "a state of 9 bytes and 20 descriptors, but a state of 9 bytes and 19 descriptors came"),
        (9, 20, [20, 1], "a state of 9 bytes and 20 descriptors, but a state of 9 bytes and 21 descriptors came"),
        (8, 0, [], "a state of 8 bytes and 0 descriptors, but a state of 9 bytes and 0 descriptors came"),
        (nil, 1, [1], "a state of 9 bytes and 1 descriptors, but no state and 1 descriptors came"),
    ])
    func countsThatCannotComeTrueFailAtOnce(size: Int?, descriptors: Int, packets: [Int], sentence: String) {
        var machine = World.exporting
        if size != nil { _ = machine.handle(.packet(1, .state(ref: 30, size: 9), .sound), now: 0) }
        var first = 0
        for count in packets {
            _ = machine.handle(.packet(1, .descriptors(ref: 30, first: first, count: count), .sound), now: 0)
            first += count
        }
        let actions = machine.handle(
            .exportAnswered(1, ref: 30, .exported(size: size ?? 9, descriptors: descriptors)), now: 0)
        let reason = Term.tuple([.atom("protocol_error"), .text("export announced \(sentence)")])
        #expect(actions == [.cancelTimer, .kill(2, reason: .atom("killed")), .answer(7, .failed(reason))])
        #expect(World.name(machine.state) == "suspended 1")
    }

    @Test(arguments: [
        (PlaceMachine.Event.packet(1, .state(ref: 32, size: 9), .sound), "a packet of another export, ref 32"),
        (.packet(1, .state(ref: 30, size: 9), .unsound("bad")), "bad"),
        (.packet(1, .state(ref: 30, size: 9), .sound), "more than one state in one export"),
        (.packet(1, .descriptors(ref: 30, first: 0, count: 1), .sound), "descriptors out of order"),
        (.exportAnswered(1, ref: 30, .ok), "an export got an answer of another kind"),
    ]) func anExportThatIsNotAsItSaysFails(event: PlaceMachine.Event, sentence: String) {
        var machine = World.sent
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
