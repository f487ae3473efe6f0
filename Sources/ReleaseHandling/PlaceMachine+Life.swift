import Supervision
import Terms

/// Start, stop and end of the worker.
extension PlaceMachine {
    // MARK: Start

    mutating func start(_ id: StartID, _ kind: Kind, _ milliseconds: Int) -> [Action] {
        switch state {
        case .empty(let spare):
            let run = Run(start: id, generation: nextGeneration(), kind: kind)
            state = .starting(run, spare, timeoutMilliseconds: milliseconds, .none)
            return [.launch(run.generation)]
        case .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing, .imported,
            .resuming, .lost, .goingOn, .stopping:
            // The tree starts nobody twice.
            return []
        }
    }

    mutating func launched(_ generation: Generation, _ now: Int) -> [Action] {
        guard case .starting(let run, let spare, let milliseconds, .none) = state, run.generation == generation else {
            return []
        }
        switch run.kind {
        case .worker: return []
        case .program: return becomeStarted(run, spare)
        case .notifyingProgram:
            let end = now + milliseconds
            state = .starting(run, spare, timeoutMilliseconds: milliseconds, .until(end))
            return [.schedule(atMilliseconds: end)]
        }
    }

    mutating func launchFailed(_ generation: Generation, _ reason: Term) -> [Action] {
        if case .starting(let run, let spare, _, let limit) = state, run.generation == generation {
            state = .empty(spare)
            return cancel(limit) + [.tell(.startFailed(run.start, reason: reason))]
        }
        return spareFailed(generation, reason, isGone: true)
    }

    mutating func initAnswered(_ generation: Generation, _ answer: Answer) -> [Action] {
        guard case .starting(let run, let spare, _, _) = state, run.generation == generation else {
            return standbyAnswered(generation, answer)
        }
        switch answer {
        case .acknowledged: return becomeStarted(run, spare)
        case .ignored: return discard(run, spare, .ignored)
        case .failed(let reason): return discard(run, spare, .failed(reason))
        case .timedOut(let milliseconds):
            return discard(run, spare, .failed(.tuple([.atom("start_timeout"), .integer(milliseconds)])))
        case .died(let reason): return ended(generation, reason)
        case .ok, .value, .exported:
            return discard(run, spare, .failed(StateTransfer.violation("init got no ack")))
        }
    }

    mutating func ready(_ generation: Generation) -> [Action] {
        guard case .starting(let run, let spare, _, let limit) = state, run.generation == generation else { return [] }
        return cancel(limit) + becomeStarted(run, spare)
    }

    private mutating func becomeStarted(_ run: Run, _ spare: Spare) -> [Action] {
        state = .running(run, spare)
        return [.tell(.started(run.start))]
    }

    private mutating func discard(_ run: Run, _ spare: Spare, _ outcome: Discard) -> [Action] {
        state = .discarding(run, spare, outcome)
        return [.kill(run.generation, reason: .killed)]
    }

    // MARK: Time

    func cancel(_ limit: Limit) -> [Action] {
        switch limit {
        case .none: []
        case .until: [.cancelTimer]
        }
    }

    /// Never to less than is left.
    mutating func extendLimit(_ generation: Generation, to end: Int) -> [Action] {
        switch state {
        case .starting(let run, let spare, let milliseconds, .until(let before))
        where run.generation == generation && end > before:
            state = .starting(run, spare, timeoutMilliseconds: milliseconds, .until(end))
        case .stopping(let run, let spare, let signal, .until(let before))
        where run.generation == generation && end > before:
            state = .stopping(run, spare, signal, .until(end))
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing,
            .imported, .resuming, .lost, .goingOn, .stopping:
            return []
        }
        return [.schedule(atMilliseconds: end)]
    }

    mutating func timerFired() -> [Action] {
        switch state {
        case .starting(let run, let spare, let milliseconds, .until):
            return discard(run, spare, .failed(.tuple([.atom("start_timeout"), .integer(milliseconds)])))
        case .stopping(let run, let spare, let signal, .until):
            state = .stopping(run, spare, signal, .none)
            return [.kill(run.generation, reason: .killed)]
        case .running(let run, .filling(let standby, let filling)): return copyTimedOut(run, standby, filling)
        case .exporting(let run, let standby, _, let step, _):
            state = .hung(run, .none)
            return [.kill(standby, reason: .killed), .answer(step, .hung)]
        case .importing(let handover, let step): return giveUp(handover, step, .hung)
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .imported, .resuming, .lost,
            .goingOn, .stopping:
            return []
        }
    }

    // MARK: Stop

    mutating func stop(_ shutdown: Shutdown, _ signal: KillSignal, _ now: Int) -> [Action] {
        switch state {
        case .empty, .stopping: return []
        case .starting(let run, let spare, _, let limit): return cancel(limit) + discard(run, spare, .cancelled)
        case .discarding(let run, let spare, _):
            state = .discarding(run, spare, .cancelled)
            return []
        case .running(let run, let spare):
            return interrupted(spare, .shutdown) + stop(run, spare.emptied, shutdown, signal, now)
        case .suspending(let run, let spare, let step):
            return kill(spare) + stop(run, .none, shutdown, signal, now) + failed(spare, .shutdown)
                + [.answer(step, .died(.shutdown))]
        case .hung(let run, let spare), .suspended(let run, let spare):
            // Its next start is in the new code: a standby has nothing to wait for.
            return kill(spare) + stop(run, .none, shutdown, signal, now) + failed(spare, .shutdown)
        case .exporting(let run, let standby, _, let step, _):
            return [.cancelTimer, .kill(standby, reason: .killed)] + stop(run, .none, shutdown, signal, now)
                + [.answer(step, .died(.shutdown))]
        case .importing(let handover, let step):
            return [.cancelTimer] + stop(handover, shutdown, signal, now) + [.answer(step, .died(.shutdown))]
        case .imported(let handover): return stop(handover, shutdown, signal, now)
        case .lost(let run, _): return stop(run, .none, shutdown, signal, now)
        case .goingOn(let run, let step):
            return stop(run, .none, shutdown, signal, now) + [.answer(step, .died(.shutdown))]
        case .resuming(let handover, let step):
            // It may have gone on already: it is the one to be told.
            return letGo(handover.old) + stop(handover.new, .none, shutdown, signal, now)
                + [.answer(step, .died(.shutdown))]
        }
    }

    private mutating func stop(_ handover: Handover, _ shutdown: Shutdown, _ signal: KillSignal, _ now: Int) -> [Action]
    {
        let kill = Action.kill(handover.standby, reason: .killed)
        switch handover.old {
        case .stands(let generation):
            let run = Run(start: handover.start, generation: generation, kind: .worker)
            return [kill] + stop(run, .none, shutdown, signal, now)
        case .ended: return [kill] + exit(handover.start, .none, .shutdown, asked: true)
        }
    }

    private mutating func stop(
        _ run: Run, _ spare: Spare, _ shutdown: Shutdown, _ signal: KillSignal, _ now: Int
    ) -> [Action] {
        let ask: Action = run.kind == .worker ? .terminate(run.generation) : .signal(run.generation, signal)
        switch shutdown {
        case .brutalKill:
            state = .stopping(run, spare, signal, .none)
            return [.kill(run.generation, reason: .killed)]
        case .milliseconds(let milliseconds):
            state = .stopping(run, spare, signal, .until(now + milliseconds))
            return [ask, .schedule(atMilliseconds: now + milliseconds)]
        case .infinity:
            state = .stopping(run, spare, signal, .none)
            return [ask]
        }
    }

    mutating func end(_ reason: Term) -> [Action] {
        switch state {
        case .empty: return []
        case .starting(let run, _, _, _), .discarding(let run, _, _), .running(let run, _), .suspending(let run, _, _),
            .hung(let run, _), .lost(let run, _), .goingOn(let run, _), .stopping(let run, _, _, _):
            return [.kill(run.generation, reason: reason)]
        case .suspended(let run, let spare):
            state = .suspended(run, .none)
            return kill(spare) + [.kill(run.generation, reason: reason)] + failed(spare, reason)
        case .exporting(let run, let standby, _, let step, _):
            state = .suspended(run, .none)
            return [
                .cancelTimer, .kill(standby, reason: .killed), .kill(run.generation, reason: reason),
                .answer(step, .died(reason)),
            ]
        case .importing(let handover, let step):
            return [.cancelTimer] + end(handover, reason) + [.answer(step, .died(reason))]
        case .imported(let handover): return end(handover, reason)
        case .resuming(let handover, let step): return end(handover, reason) + [.answer(step, .died(reason))]
        }
    }

    private mutating func end(_ handover: Handover, _ reason: Term) -> [Action] {
        let kill = Action.kill(handover.standby, reason: .killed)
        switch handover.old {
        case .stands(let generation):
            state = .suspended(Run(start: handover.start, generation: generation, kind: .worker), .none)
            return [kill, .kill(generation, reason: reason)]
        case .ended: return [kill] + exit(handover.start, .none, reason)
        }
    }

    func letGo(_ old: Old) -> [Action] {
        switch old {
        case .stands(let generation): [.letGo(generation)]
        case .ended: []
        }
    }

    /// The worker is no more. Its spare waits for whether it is started again.
    mutating func exit(_ id: StartID, _ spare: Spare, _ reason: Term, asked: Bool = false) -> [Action] {
        state = .empty(spare)
        return [.failCalls(reason: reason), .tell(.exited(id, reason: reason, asked: asked))]
    }
}

extension Term {
    static let killed = Term.atom("killed")
}
