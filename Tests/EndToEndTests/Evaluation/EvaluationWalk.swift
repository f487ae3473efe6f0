import Instructions
import Terms

/// What a worker is to go through here: OTP's record of it with the decided differences put in, each told where it is.
struct EvaluationWalk {
    private let golden: EvaluationCase
    private let worker: EvaluationCase.Worker
    private let listed: Set<String>
    private let module: String

    private(set) var events: [EvaluationEvent] = []
    /// Whether these are all; else what follows can't be said.
    private(set) var isWhole = true
    /// What it may run at the end; nil is nothing.
    private(set) var end: Set<String?> = []
    /// Where it was resumed, and in which code.
    private(set) var resumptions: [(number: Int, vsn: String)] = []
    /// The suspension in which it was ended, or suspended again, was still held: whether it was resumed in between is
    /// nobody's business.
    private(set) var mayBeResumedBetween = false

    private var isSuspended = false
    /// The modules for which it is suspended.
    private var pending: Set<String> = []
    /// What it becomes, as its resume decided; that is carried out at the end of the transaction.
    private var decided: String?
    private var deferred: String?
    private var running: String?

    /// - Parameter last: the instruction at which the script ends, where that is before its end.
    init(_ golden: EvaluationCase, _ worker: EvaluationCase.Worker, until last: Int? = nil) {
        (self.golden, self.worker) = (golden, worker)
        listed = Set(worker.child.listed)
        module = worker.child.start
        running = worker.before
        for (number, instruction) in golden.numbered where number <= last ?? .max {
            guard step(number, instruction) else { return }
        }
        guard last == nil else {
            // OTP's record ends where its script failed.
            isWhole = false
            end = [worker.before, golden.current(module)]
            return
        }
        carryOut(golden.script.count + 1)
        if isSuspended {
            // Decided (docs/instructions.md, "what is suspended must be resumed"): a resume that the script forgot is done at
            // its end, and told as a warning. In OTP the worker stays suspended.
            resume(golden.current(module))
        }
        for recorded in worker.recorded where recorded.instruction == nil { guard take(recorded, .max) else { return } }
        end = [running]
    }

    private mutating func step(_ number: Int, _ instruction: LowLevelInstruction) -> Bool {
        if golden.commits(before: number) { carryOut(number) }
        if case .suspend(let targets) = instruction, running != nil {
            pending.formUnion(listed.intersection(targets.map(\.module.name)))
        }
        if case .resume(let modules) = instruction { pending.subtract(modules.map(\.name)) }
        for recorded in worker.recorded where recorded.instruction == number {
            guard take(recorded, number) else { return false }
        }
        // Decided (golden f10): one that lists two modules and was suspended for both is resumed when the last of them is;
        // in OTP at the first, in code that is half of it old, while the other module is loaded beneath it.
        if case .resume = instruction, let vsn = deferred, pending.isEmpty {
            decided = golden.isLoaded(module, until: number) ? golden.new : vsn
            deferred = nil
        }
        return true
    }

    /// One event; returns whether what follows can be said, too.
    private mutating func take(_ recorded: EvaluationCase.Recorded, _ number: Int) -> Bool {
        switch recorded.event {
        case .suspended:
            // Decided (design.md 6, one transaction): resumed by an earlier group and suspended by a later one it is suspended
            // from the first to the last.
            if !isSuspended { events.append(.suspended) }
            if golden.isUnanswered(number) { mayBeResumedBetween = true }
            (isSuspended, decided, deferred) = (true, nil, nil)
        case .resumed(let vsn):
            if pending.isEmpty { decided = vsn } else { deferred = vsn }
        case .continued:
            // In OTP it ran already (golden f10).
            if !isSuspended { events.append(recorded.event) }
        case .codeChange, .codeChangeFails:
            // Decided (design.md 1 and 5, docs/glossary.md): the resident module owns the state; another module that the spec
            // lists has none to convert. OTP calls the process' code_change for each.
            if recorded.module == module { events.append(converted(recorded.event, number)) }
        case .noAnswer:
            // Decided (design.md 6, docs/instructions.md): one that does not answer suspend is ended, and started in the new
            // code at the resume. OTP goes on without it: it runs old code, until a purge kills it.
            isWhole = false
            let isStopped = worker.end == .down && worker.recorded.last?.event == .stopped
            end = [isStopped ? nil : golden.current(module)]
            return false
        case .killed: return kill(number)
        case .stopped, .started, .hung: live(recorded.event)
        }
        return true
    }

    /// Decided (design.md 5): on the way down the code that runs converts. In OTP that is the code that is current: another one
    /// where the process has not come along to it, and that knows nothing of the state that it is given.
    private func converted(_ event: EvaluationEvent, _ number: Int) -> EvaluationEvent {
        guard case .codeChange(let old, let extra, let vsn) = event, old.hasPrefix("{down,"),
            !golden.isLoaded(module, until: number)
        else { return event }
        return .codeChange(old: old, extra: extra, vsn: running ?? vsn)
    }

    private mutating func live(_ event: EvaluationEvent) {
        events.append(event)
        (isSuspended, decided, deferred, pending) = (false, nil, nil, [])
        if case .started(let vsn) = event { running = vsn } else { running = nil }
    }

    private mutating func kill(_ number: Int) -> Bool {
        if isSuspended { mayBeResumedBetween = true }
        live(.killed)
        guard number != .max, golden.isLoaded(module, from: number) else { return true }
        // A race in OTP: what is killed starts again at once, before a load that comes later (for what a load's own purge
        // kills: before it is done) and in code that is old then; or after it, in the new code.
        isWhole = false
        let old = worker.end == .hung ? worker.before : worker.end.vsn
        end = [old, worker.end == .down ? nil : golden.current(module)]
        return false
    }

    /// Decided (design.md 6, one transaction): what it becomes is decided by its resume; carried out is that when the last
    /// conversion of the last group has succeeded. In OTP at once.
    private mutating func carryOut(_ number: Int) {
        guard let vsn = decided else { return }
        resume(vsn)
        resumptions.append((number, vsn))
    }

    private mutating func resume(_ vsn: String) {
        events.append(.resumed(vsn))
        (isSuspended, decided, deferred, running) = (false, nil, nil, vsn)
    }
}
