/// Whether what stands at a place is still there: `watchdog => Ms` of its child spec.
///
/// ```
///              began            half the time      answered
///   (off) ──────────> worker: asked <──────────> resting
///                       │ not in time
///                       ▼                       an answer came
///                     looking ─────────────────────────────> resting
///                       │ no answer was there to be read
///                       ▼
///                     ended
///                       ▲ the same, or WATCHDOG=trigger
///              began    │      WATCHDOG=1
///   (off) ──────────> program: listening ──> listening
/// ```
///
/// A worker is asked as its watch begins and half its time after each answer, and has the whole time for each answer. A program says by
/// itself that it is there, as systemd's services do.
///
/// The time is that in which the daemon could hear an answer: where it comes to the end of it late, it stood still itself (it was
/// stopped, or the machine was busy), and everybody gets the whole time once more. And what is there to be read is read first.
///
/// The driver's obligations:
/// 1. perform the actions of one `handle` in their order;
/// 2. tell `timerFired` for the last `schedule` only, and none after `cancelTimer`;
/// 3. after `look` tell `looked` once all that could be read at that time has been.
///
/// Source: sd_watchdog_enabled(3), systemd.service(5), `WatchdogSec=`.
public struct WatchdogMachine: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        /// Answers when it is asked.
        case worker
        /// Says WATCHDOG=1.
        case program
    }

    /// Who is watched: another process, or another time, is another watch.
    public struct Watch: Hashable, Sendable {
        public let subject: Subject
        public let generation: PlaceMachine.Generation
        public let milliseconds: Int

        public init(_ subject: Subject, _ generation: PlaceMachine.Generation, milliseconds: Int) {
            self.subject = subject
            self.generation = generation
            self.milliseconds = milliseconds
        }
    }

    /// Of the questions to one worker: an answer to another one is none.
    public typealias Question = Int

    public enum Event: Hashable, Sendable {
        /// It runs, and is to be heard of from now on; again and again the same does no harm.
        case runs(Watch)
        /// It does not run, or not now, or nobody wants it watched.
        case rests
        case answered(Question)
        /// WATCHDOG=1
        case alive
        /// WATCHDOG=trigger
        case triggered
        case timerFired
        case looked
    }

    public enum Action: Hashable, Sendable {
        case ask(PlaceMachine.Generation, Question)
        /// In place of an earlier one.
        case schedule(atMilliseconds: Int)
        case cancelTimer
        case look
        /// It has not been heard of: it is ended, with the reason `watchdog`.
        case end
    }

    enum State: Hashable, Sendable {
        case off
        case resting(Watch, until: Int)
        case asked(Watch, until: Int)
        case listening(Watch, until: Int)
        case looking(Watch)
        /// Told to end, and not gone yet.
        case ended(Watch)

        var watch: Watch? {
            switch self {
            case .off: nil
            case .resting(let watch, _), .asked(let watch, _), .listening(let watch, _), .looking(let watch),
                .ended(let watch):
                watch
            }
        }
    }

    private(set) var state = State.off
    public private(set) var lastQuestion: Question = 0

    public init() {}

    /// `now`: monotonic milliseconds.
    public mutating func handle(_ event: Event, now: Int) -> [Action] {
        switch event {
        case .runs(let watch): return watch == state.watch ? [] : begin(watch, now)
        case .rests: return rest()
        case .answered(let question): return question == lastQuestion ? heard(.worker, now) : []
        case .alive: return heard(.program, now)
        case .triggered: return triggered()
        case .timerFired: return timeIsOver(now)
        case .looked: return looked()
        }
    }

    private mutating func begin(_ watch: Watch, _ now: Int) -> [Action] {
        let until = now + watch.milliseconds
        switch watch.subject {
        case .worker:
            lastQuestion += 1
            state = .asked(watch, until: until)
            return [.ask(watch.generation, lastQuestion), .schedule(atMilliseconds: until)]
        case .program:
            state = .listening(watch, until: until)
            return [.schedule(atMilliseconds: until)]
        }
    }

    private mutating func rest() -> [Action] {
        switch state {
        case .off: return []
        case .resting, .asked, .listening, .looking, .ended:
            state = .off
            lastQuestion += 1
            return [.cancelTimer]
        }
    }

    private mutating func heard(_ subject: Subject, _ now: Int) -> [Action] {
        switch state {
        case .asked(let watch, _), .listening(let watch, _), .looking(let watch):
            guard watch.subject == subject else { return [] }
            switch subject {
            case .worker:
                let until = now + watch.milliseconds / 2
                state = .resting(watch, until: until)
                return [.schedule(atMilliseconds: until)]
            case .program: return begin(watch, now)
            }
        case .off, .resting, .ended: return []
        }
    }

    private mutating func triggered() -> [Action] {
        switch state {
        case .listening(let watch, _), .looking(let watch):
            guard watch.subject == .program else { return [] }
            state = .ended(watch)
            return [.cancelTimer, .end]
        case .off, .resting, .asked, .ended: return []
        }
    }

    private mutating func timeIsOver(_ now: Int) -> [Action] {
        switch state {
        case .resting(let watch, _): return begin(watch, now)
        case .asked(let watch, let until), .listening(let watch, let until):
            guard now - until <= Self.lateness(watch) else { return begin(watch, now) }
            state = .looking(watch)
            return [.look]
        case .off, .looking, .ended: return []
        }
    }

    /// More than that a timer is late only where the daemon could not run.
    private static func lateness(_ watch: Watch) -> Int { max(watch.milliseconds / 4, 50) }

    private mutating func looked() -> [Action] {
        guard case .looking(let watch) = state else { return [] }
        state = .ended(watch)
        return [.end]
    }
}
