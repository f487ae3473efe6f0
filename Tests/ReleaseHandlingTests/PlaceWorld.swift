import ReleaseHandling
import Supervision
import Terms
import Wire

/// Places in every state, and everything that can happen to one. Process 1 is the worker's, 2 its standby; step 7 is what
/// somebody waits for, 8 what is asked next.
enum PlaceWorld {
    typealias Machine = PlaceMachine

    static let start = StartID(number: 4)
    static let version = CodeVersion(
        module: "m", kind: .resident, library: "a", libraryVsn: "2", path: "/m", sha256: "5")
    static let order = Machine.HandoffOrder(
        exportRef: 30, importRef: 31, change: .up(from: .string("1"), extra: .nil), fromVsn: .string("1"),
        milliseconds: 500)
    /// What the script comes to be handed over with, where another was asked for with the suspend.
    static let otherOrder = Machine.HandoffOrder(
        exportRef: 60, importRef: 61, change: .none, fromVsn: .string("1"), milliseconds: 500)
    /// The same with the references that it has when it comes.
    static let otherRefs = Machine.HandoffOrder(
        exportRef: 60, importRef: 61, change: order.change, fromVsn: .string("1"), milliseconds: 500)
    static let copy = Machine.CopyOrder(
        references: 40..<40 + Machine.CopyOrder.referenceCount, change: order.change, fromVsn: .string("1"),
        milliseconds: 900)
    static let reason = Term.atom("boom")

    /// As many events bring a fresh machine there; all at the time 0.
    static func machine(_ events: Machine.Event...) -> Machine {
        var machine = Machine()
        for event in events { _ = machine.handle(event, now: 0) }
        return machine
    }

    static func after(_ machine: Machine, _ events: Machine.Event...) -> Machine {
        var machine = machine
        for event in events { _ = machine.handle(event, now: 0) }
        return machine
    }

    static let startingWorker = machine(.start(start, .worker, timeoutMilliseconds: 100), .launched(1))
    static let startingProgram = machine(.start(start, .notifyingProgram, timeoutMilliseconds: 100), .launched(1))
    static let running = after(startingWorker, .initAnswered(1, .acknowledged(vsn: .undefined)))
    static let program = machine(.start(start, .program, timeoutMilliseconds: 100), .launched(1))
    static let preparing = after(running, .prepareStandby(7, version), .launched(2))
    static let withSpare = after(preparing, .initAnswered(2, .acknowledged(vsn: .undefined)))
    static let suspending = after(withSpare, .suspend(7, withinMilliseconds: 50, exporting: nil))
    static let suspended = after(suspending, .suspendAnswered(1, .ok))
    static let exporting = after(suspended, .handOff(7, order))
    static let sent = after(
        exporting, .packet(1, .descriptors(ref: 30, first: 0, count: 1), .sound),
        .packet(1, .state(ref: 30, size: 9), .sound))
    static let importing = after(sent, .exportAnswered(1, ref: 30, .exported(size: 9, descriptors: 1)))
    static let imported = after(importing, .importAnswered(2, ref: 31, .ok))
    static let resuming = after(imported, .resume(7, withinMilliseconds: 60))
    // With what was asked for ahead.
    static let copying = after(withSpare, .copyAhead(7, copy))
    static let snapshotTaken = after(
        copying, .packet(1, .state(ref: 40, size: 100_000), .sound),
        .exportAnswered(1, ref: 40, .exported(size: 100_000, descriptors: 0)))
    static let changing = after(snapshotTaken, .importAnswered(2, ref: 41, .ok))
    static let changesTaken = after(
        changing, .packet(1, .state(ref: 42, size: 9), .sound),
        .exportAnswered(1, ref: 42, .exported(size: 9, descriptors: 0)))
    static let copied = after(changesTaken, .importAnswered(2, ref: 43, .ok))
    static let complete = after(
        copied, .suspend(7, withinMilliseconds: 50, exporting: order), .suspendAnswered(1, .ok),
        .exportAnswered(1, ref: 30, .exported(size: 0, descriptors: 0)))
    static let asked = after(withSpare, .suspend(7, withinMilliseconds: 50, exporting: order))
    static let askedForChanges = after(copied, .suspend(7, withinMilliseconds: 50, exporting: order))
    static let allCame: [Machine.Event] = [
        .suspendAnswered(1, .ok), .packet(1, .descriptors(ref: 30, first: 0, count: 1), .sound),
        .packet(1, .state(ref: 30, size: 9), .sound), .exportAnswered(1, ref: 30, .exported(size: 9, descriptors: 1)),
    ]
    static let whole = after(asked, allCame[0], allCame[1], allCame[2], allCame[3])
    static let lastChanges = after(askedForChanges, allCame[0], allCame[1], allCame[2], allCame[3])
    static let wholeInstead = after(
        askedForChanges, allCame[0], .exportAnswered(1, ref: 30, .failed(reason)), .handOff(7, order))
    static let oldEnds = Machine.Event.ended(1, reason: .atom("gone"))

    static let samples: [(name: String, machine: Machine)] = [
        ("empty", Machine()),
        ("empty, spare 2", after(withSpare, .ended(1, reason: reason))),
        ("empty, preparing 2 for 7", after(preparing, .ended(1, reason: reason))),
        ("starting worker 1", startingWorker),
        ("starting notifyingProgram 1 until 100", startingProgram),
        ("discarding 1: failed boom", after(startingWorker, .initAnswered(1, .failed(reason)))),
        ("discarding 1: ignored", after(startingWorker, .initAnswered(1, .ignored))),
        ("discarding 1: cancelled", after(startingWorker, .stop(.infinity, .sigterm))),
        ("running worker 1", running),
        ("running worker 1, preparing 2 for 7", preparing),
        ("running worker 1, spare 2", withSpare),
        ("running worker 1, 2 exporting snapshot for 7", copying),
        ("running worker 1, 2 importing snapshot for 7", snapshotTaken),
        ("running worker 1, 2 exporting changes for 7", changing),
        ("running worker 1, 2 importing changes for 7", changesTaken),
        ("running worker 1, 2 loaded", copied),
        ("running program 1", program),
        ("suspending 1 for 7, 2 exporting whole", asked),
        ("suspending 1 for 7, 2 exporting last changes", askedForChanges),
        ("suspended 1, 2 exporting whole", after(asked, allCame[0])),
        ("suspended 1, 2 exported whole", whole),
        ("suspended 1, 2 exported last changes", lastChanges),
        ("suspended 1, 2 complete", complete),
        ("suspended 1, 2 without whole: boom", after(asked, allCame[0], .exportAnswered(1, ref: 30, .failed(reason)))),
        (
            "suspended 1, 2 without last changes: boom",
            after(askedForChanges, allCame[0], .exportAnswered(1, ref: 30, .failed(reason)))
        ),
        ("exporting 1 to 2 for 7, else whole", after(askedForChanges, allCame[0], .handOff(7, otherRefs))),
        ("importing 1 to 2 for 7, else whole", after(lastChanges, .handOff(7, otherRefs))),
        ("exporting 1 to 2 for 7, whole: boom", wholeInstead),
        (
            "importing 1 to 2 for 7, whole: boom",
            after(wholeInstead, allCame[1], allCame[2], allCame[3])
        ),
        ("suspending 1 for 7, spare 2", suspending),
        ("hung 1, spare 2", after(suspending, .suspendAnswered(1, .timedOut(milliseconds: 50)))),
        ("suspended 1", after(suspended, .endStandby)),
        ("suspended 1, spare 2", suspended),
        ("exporting 1 to 2 for 7", exporting),
        ("exporting 1 to 2 for 7", sent),
        ("importing 1 to 2 for 7", importing),
        ("importing 1 (ended gone) to 2 for 7", after(importing, oldEnds)),
        ("imported 1 to 2", imported),
        ("imported 1 (ended gone) to 2", after(imported, oldEnds)),
        ("resuming 1 to 2 for 7", resuming),
        ("resuming 1 (ended gone) to 2 for 7", after(resuming, oldEnds)),
        ("lost 1: boom", after(imported, .ended(2, reason: reason))),
        ("goingOn 1 for 7", after(suspended, .resume(7, withinMilliseconds: 60))),
        ("stopping worker 1 until 200", after(running, .stop(.milliseconds(200), .sigterm))),
        ("stopping program 1, sigint", after(program, .stop(.infinity, .sigint))),
        ("stopping worker 1, spare 2", after(withSpare, .stop(.brutalKill, .sigterm))),
    ]

    static let answers: [(String, Answer)] = [
        ("ok", .ok), ("acknowledged", .acknowledged(vsn: .undefined)), ("ignored", .ignored), ("value", .value(.nil)),
        ("exported", .exported(size: 9, descriptors: 1)), ("nothing", .exported(size: 0, descriptors: 0)),
        ("failed", .failed(reason)), ("died", .died(reason)), ("timedOut", .timedOut(milliseconds: 50)),
    ]

    static let events: [(name: String, event: Machine.Event)] =
        [
            ("start", .start(StartID(number: 5), .worker, timeoutMilliseconds: 100)),
            ("launched 1", .launched(1)), ("launched 2", .launched(2)),
            ("launchFailed 1", .launchFailed(1, reason)), ("launchFailed 2", .launchFailed(2, reason)),
            ("ready 1", .ready(1)), ("extendLimit 1", .extendLimit(1, byMilliseconds: 10_000)),
            ("stop softly", .stop(.milliseconds(200), .sigterm)), ("stop brutally", .stop(.brutalKill, .sigterm)),
            ("stop infinitely", .stop(.infinity, .sigterm)), ("end", .end(reason: reason)),
            ("ended 1", .ended(1, reason: reason)), ("ended 1 normal", .ended(1, reason: .normal)),
            ("ended 1 sigint", .ended(1, reason: .tuple([.atom("signal"), .atom("sigint")]))),
            ("ended 2", .ended(2, reason: reason)), ("ended 9", .ended(9, reason: reason)),
            ("timerFired", .timerFired), ("noneAwaited", .noneAwaited),
            ("prepareStandby 8", .prepareStandby(8, version)), ("endStandby", .endStandby),
            ("suspend 8", .suspend(8, withinMilliseconds: 50, exporting: nil)),
            ("suspend and export 8", .suspend(8, withinMilliseconds: 50, exporting: order)),
            ("held 8", .held(8, order)), ("held 8 otherwise", .held(8, otherOrder)),
            ("copyAhead 8", .copyAhead(8, copy)), ("handOff 8", .handOff(8, order)),
            ("handOff 8 otherwise", .handOff(8, otherOrder)),
            ("state", .packet(1, .state(ref: 30, size: 9), .sound)),
            ("other state", .packet(1, .state(ref: 29, size: 9), .sound)),
            ("bad state", .packet(1, .state(ref: 30, size: 9), .unsound("bad"))),
            ("descriptors", .packet(1, .descriptors(ref: 30, first: 0, count: 1), .sound)),
            ("later descriptors", .packet(1, .descriptors(ref: 30, first: 1, count: 1), .sound)),
            ("latch", .packet(1, .latch(ref: 40), .sound)),
            ("bad latch", .packet(1, .latch(ref: 40), .unsound("bad"))),
            ("state of 2", .packet(2, .state(ref: 30, size: 9), .sound)),
            ("resume 8", .resume(8, withinMilliseconds: 60)),
            ("leave alone 8", .leaveAlone(8)),
        ] + answers.map { ("init 1 \($0)", .initAnswered(1, $1)) }
        + answers.map { ("init 2 \($0)", .initAnswered(2, $1)) }
        + answers.map { ("suspend 1 \($0)", .suspendAnswered(1, $1)) }
        + answers.map { ("export 1 \($0)", .exportAnswered(1, ref: 30, $1)) }
        + answers.map { ("import 2 \($0)", .importAnswered(2, ref: 31, $1)) }
        + answers.map { ("snapshot 1 \($0)", .exportAnswered(1, ref: 40, $1)) }
        + answers.map { ("import snapshot 2 \($0)", .importAnswered(2, ref: 41, $1)) }
        + answers.map { ("changes 1 \($0)", .exportAnswered(1, ref: 42, $1)) }
        + answers.map { ("import changes 2 \($0)", .importAnswered(2, ref: 43, $1)) }
        + answers.map { ("resume 1 \($0)", .resumeAnswered(1, $1)) }
        + answers.map { ("resume 2 \($0)", .resumeAnswered(2, $1)) }

    // MARK: Kinds, exhaustively

    enum StateKind: CaseIterable {
        case empty, starting, discarding, running, suspending, hung, suspended, exporting, importing, imported, resuming
        case lost, goingOn, stopping
    }

    static func kind(of state: Machine.State) -> StateKind {
        switch state {
        case .empty: .empty
        case .starting: .starting
        case .discarding: .discarding
        case .running: .running
        case .suspending: .suspending
        case .hung: .hung
        case .suspended: .suspended
        case .exporting: .exporting
        case .importing: .importing
        case .imported: .imported
        case .resuming: .resuming
        case .lost: .lost
        case .goingOn: .goingOn
        case .stopping: .stopping
        }
    }

    enum EventKind: CaseIterable {
        case start, launched, launchFailed, initAnswered, ready, extendLimit, stop, end, ended, timerFired, noneAwaited
        case prepareStandby, endStandby, copyAhead, suspend, suspendAnswered, held, handOff, exportAnswered, packet,
            importAnswered
        case resume, leaveAlone, resumeAnswered
    }

    static func kind(of event: Machine.Event) -> EventKind {
        switch event {
        case .start: .start
        case .launched: .launched
        case .launchFailed: .launchFailed
        case .initAnswered: .initAnswered
        case .ready: .ready
        case .extendLimit: .extendLimit
        case .stop: .stop
        case .end: .end
        case .ended: .ended
        case .timerFired: .timerFired
        case .noneAwaited: .noneAwaited
        case .prepareStandby: .prepareStandby
        case .endStandby: .endStandby
        case .copyAhead: .copyAhead
        case .suspend: .suspend
        case .suspendAnswered: .suspendAnswered
        case .held: .held
        case .handOff: .handOff
        case .exportAnswered: .exportAnswered
        case .packet: .packet
        case .importAnswered: .importAnswered
        case .resume: .resume
        case .leaveAlone: .leaveAlone
        case .resumeAnswered: .resumeAnswered
        }
    }
}
