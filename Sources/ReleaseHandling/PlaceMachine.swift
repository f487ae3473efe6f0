public import Supervision
public import Terms

/// A worker's place in the tree: which processes stand there, and what becomes of them.
///
/// ```
/// life       launched, acknowledged             stop               its process ends
/// empty ──> starting ──────────────> running ───────────> stopping ────────────────> empty
///              │ failed, ignored                    (stop: from wherever a worker stands)
///              └────> discarding ── its process ends ──> empty
///
/// change            answered       hand off       announced      ok          resume        ok
/// running ─> suspending ─> suspended ─> exporting ──> importing ──> imported ──> resuming ──> running
///                                                                        (the standby is the worker now)
///            held, without a question
/// running ──────────────────────────> suspended
/// ```
///
/// What leads off that way (where the old process has ended by itself meanwhile, to `empty` in place of `suspended`, `lost`
/// and the last `goingOn`):
///
/// | from | when | to |
/// |---|---|---|
/// | `suspending` | it does not answer in time, or something else | `hung` |
/// | `hung` | it is to be left alone | `running` |
/// | `suspending`, `suspended`, `hung` | it is to go on where it is | `goingOn`, then `running`, or `hung` and killed |
/// | `exporting` | the export fails | `suspended` |
/// | `exporting` | its time is over | `hung` |
/// | `importing` | the import fails, or its time is over | `suspended` |
/// | `imported` | the standby ends | `lost` |
/// | `imported`, `lost` | the standby is to end (`endStandby`) | `suspended` |
/// | `resuming` | the standby says that it could not go on | `lost` |
/// | `resuming` | the standby ends, or says nothing | `goingOn`, and killed: the worker has died |
///
/// Each process has a number, the generation; a number is never used again at its place. Beside the worker there may
/// stand a *spare*: a standby that was started ahead of its need. It may be *filled* ahead, too: with the state in parts
/// while the worker runs (`copyAhead`), and with what the worker sends together with its answer to `suspend`; one that is
/// at rest with all in its standby is `suspended` without being asked (`held`). It outlives the worker's end while another start of
/// the worker is awaited, which then needs it, and is ended once none is (`noneAwaited`): a permanent worker that crashes
/// before its suspend keeps its standby, a temporary one that is gone does not.
///
/// Irreversible: the end of a process, and a standby that is told to go on: it may read and write from then on, whether it
/// says so or not. Up to there the old process stands, suspended and whole, and also where the standby answers that it
/// could not go on; where it ended by itself after its state was complete in the standby, the worker lives on in that,
/// and a failure is then the worker's death. A standby that ends, or says nothing, after it was told to go on takes the
/// old process with it.
///
/// The driver's obligations:
/// 1. perform the actions of one `handle` in their order; each may bring further events, which are handled at once;
/// 2. answer `launch` and `launchStandby` by `launched` or `launchFailed`, and ask a worker that was launched by `init`
///    within its spec's limit, which `initAnswered` ends;
/// 3. tell exactly one answer to each question (`suspend`, `export`, `importState`, `resume`), which may be that it died;
/// 4. tell the `ended` of a process once, after all that it said, and before the answers that it leaves open; tell the
///    packets of an export before its `exportAnswered`;
/// 5. after `cancelTimer`, or another `schedule`, tell no `timerFired` of the one before;
/// 6. keep calls for the worker while `delivery` says so, give them over with `deliverMailbox`, in order;
/// 7. tell `noneAwaited` once nobody will start the worker here again, also before the place is forgotten.
///
/// Source: DESIGN section 5, one worker's part of it.
public struct PlaceMachine: Hashable, Sendable {
    /// A process of the place: 1 is the first.
    public typealias Generation = Int
    /// What somebody waits for; answered once.
    public typealias Step = Int

    public enum Kind: Hashable, Sendable, Codable {
        /// Speaks the worker protocol.
        case worker
        /// Started as soon as it runs.
        case program
        /// Says by READY=1 when it is started.
        case notifyingProgram
    }

    /// The process at the place and the start that it came of. What kind of program it is stays with it.
    public struct Run: Hashable, Sendable, Codable {
        public let start: StartID
        public let generation: Generation
        public let kind: Kind

        public init(start: StartID, generation: Generation, kind: Kind) {
            self.start = start
            self.generation = generation
            self.kind = kind
        }
    }

    /// A standby beside the worker, which holds no state yet.
    public enum Spare: Hashable, Sendable {
        case none
        /// Not acknowledged yet.
        case preparing(Generation, Step)
        case waiting(Generation)
        /// It is given its state ahead, or has a part of it.
        case filling(Generation, Filling)

        var generation: Generation? {
            switch self {
            case .none: nil
            case .preparing(let generation, _), .waiting(let generation), .filling(let generation, _): generation
            }
        }
    }

    /// How long a program's start, or a stop, may still take.
    public enum Limit: Hashable, Sendable, Codable {
        case none
        /// Monotonic milliseconds.
        case until(Int)
    }

    /// What is told once the process of a failed start is gone.
    public enum Discard: Hashable, Sendable, Codable {
        case ignored
        case failed(Term)
        case cancelled
    }

    /// A worker's state is in its standby.
    public struct Handover: Hashable, Sendable {
        public let start: StartID
        public var old: Old
        public let standby: Generation
        /// The reference of the import.
        public let importRef: Int
        public let way: HandoffWay

        public init(start: StartID, old: Old, standby: Generation, importRef: Int, way: HandoffWay = .whole) {
            self.start = start
            self.old = old
            self.standby = standby
            self.importRef = importRef
            self.way = way
        }

        init(_ run: Run, _ standby: Generation, _ transfer: StateTransfer, _ way: HandoffWay) {
            self.init(
                start: run.start, old: .stands(run.generation), standby: standby, importRef: transfer.importRef,
                way: way)
        }

        var new: Run { Run(start: start, generation: standby, kind: .worker) }
    }

    /// The process that was suspended.
    public enum Old: Hashable, Sendable {
        case stands(Generation)
        /// It ended once its state was in the standby: the worker lives on in that.
        case ended(Generation, Term)

        var generation: Generation {
            switch self {
            case .stands(let generation), .ended(let generation, _): generation
            }
        }
    }

    public enum State: Hashable, Sendable {
        /// No worker; a standby may wait for its next start.
        case empty(Spare)
        /// Not acknowledged yet. The limit is a program's: a worker has that of its `init`.
        case starting(Run, Spare, timeoutMilliseconds: Int, Limit)
        /// The start has failed or was ignored; its process is on its way out.
        case discarding(Run, Spare, Discard)
        case running(Run, Spare)
        /// Asked to suspend.
        case suspending(Run, Spare, Step)
        /// Did not answer in time what it was asked; it may do so yet, or end.
        case hung(Run, Spare)
        case suspended(Run, Spare)
        /// Its state is on its way into the standby; complete once it is announced.
        case exporting(Run, to: Generation, StateTransfer, Step, HandoffWay)
        /// The standby has all of it and works on it.
        case importing(Handover, Step)
        /// The standby holds the state; nothing of it is used yet.
        case imported(Handover)
        /// The standby was told to go on; its answer makes it the worker.
        case resuming(Handover, Step)
        /// The standby ended that held the state, for this reason. It was to go on in new code: going on in the old would only
        /// look like success, and is for who ends the standby by its word.
        case lost(Run, Term)
        /// The suspended process was told to go on; or it is being ended, after its standby that may have gone on.
        case goingOn(Run, Step)
        /// The signal is what asks a program to end.
        case stopping(Run, Spare, KillSignal, Limit)
    }

    public internal(set) var state = State.empty(.none)
    /// The process that was suspended last without being asked.
    var held: Generation?
    /// Processes that were started here, standbys included.
    var generations = 0

    /// What is asked of the place most often, by which nobody needs to take a copy of the whole.
    public private(set) var look = Look()

    public init() {}

    mutating func nextGeneration() -> Generation {
        generations += 1
        return generations
    }

    /// `now`: monotonic milliseconds.
    public mutating func handle(_ event: Event, now: Int) -> [Action] {
        let actions = actions(on: event, now)
        lookAgain()
        return actions
    }

    mutating func lookAgain() {
        look = Look(phase: phase, startID: startID, current: current, standby: standby, isCopied: isCopied)
    }

    private mutating func actions(on event: Event, _ now: Int) -> [Action] {
        switch event {
        case .start(let id, let kind, let milliseconds): start(id, kind, milliseconds)
        case .launched(let generation): launched(generation, now)
        case .launchFailed(let generation, let reason): launchFailed(generation, reason)
        case .initAnswered(let generation, let answer): initAnswered(generation, answer)
        case .ready(let generation): ready(generation)
        case .extendLimit(let generation, let milliseconds): extendLimit(generation, to: now + milliseconds)
        case .stop(let shutdown, let signal): stop(shutdown, signal, now)
        case .end(let reason): end(reason)
        case .ended(let generation, let reason): ended(generation, reason)
        case .timerFired: timerFired()
        case .noneAwaited: noneAwaited()
        case .prepareStandby(let step, let version): prepareStandby(step, version)
        case .endStandby: endStandby()
        case .copyAhead(let step, let order): copyAhead(step, order, now)
        case .suspend(let step, let milliseconds, let order): suspend(step, milliseconds, order)
        case .suspendAnswered(let generation, let answer): suspendAnswered(generation, answer)
        case .held(let step, let order): held(step, order)
        case .handOff(let step, let order): handOff(step, order, now)
        case .exportAnswered(let generation, let ref, let answer): exportAnswered(generation, ref, answer, now)
        case .packet(let generation, let packet, let memory): received(generation, packet, memory)
        case .importAnswered(let generation, let ref, let answer): importAnswered(generation, ref, answer, now)
        case .resume(let step, let milliseconds): resume(step, milliseconds)
        case .leaveAlone(let step): leaveAlone(step)
        case .resumeAnswered(let generation, let answer): resumeAnswered(generation, answer)
        }
    }
}
