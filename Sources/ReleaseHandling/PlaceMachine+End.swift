import Supervision
import Terms

/// A process of the place has ended.
extension PlaceMachine {
    mutating func ended(_ generation: Generation, _ reason: Term) -> [Action] {
        if spare.generation == generation { return spareFailed(generation, reason, isGone: true) }
        switch state {
        case .starting(let run, let spare, _, let limit) where run.generation == generation:
            state = .empty(spare)
            let why: Term = run.kind == .worker ? reason : .tuple([.atom("exited_before_ready"), reason])
            return cancel(limit) + [.failCalls(reason: reason), .tell(.startFailed(run.start, reason: why))]
        case .discarding(let run, let spare, let outcome) where run.generation == generation:
            state = .empty(spare)
            return [.failCalls(reason: reason), .tell(Self.notice(run.start, outcome))]
        case .running(let run, let spare) where run.generation == generation:
            // Who waits for the copying must find the tree knowing of it.
            return cancelCopy(spare) + exit(run.start, spare.emptied, reason) + answerCopy(spare, reason)
        case .hung(let run, let spare) where run.generation == generation,
            .suspended(let run, let spare) where run.generation == generation:
            // Its next start is in the new code: a standby has nothing to wait for.
            return kill(spare) + exit(run.start, .none, reason) + failed(spare, reason)
        case .suspending(let run, let spare, let step) where run.generation == generation:
            return kill(spare) + exit(run.start, .none, reason) + failed(spare, reason) + [.answer(step, .died(reason))]
        case .lost(let run, _) where run.generation == generation: return exit(run.start, .none, reason)
        case .goingOn(let run, let step) where run.generation == generation:
            return exit(run.start, .none, reason) + [.answer(step, .died(reason))]
        case .stopping(let run, let spare, let signal, let limit) where run.generation == generation:
            let told: Term = Self.isOrderly(reason, of: run.kind, signal) ? .shutdown : reason
            return cancel(limit) + exit(run.start, spare, told, asked: true)
        case .exporting(let run, let standby, _, let step, _):
            return exportingEnded(run, standby, step, generation, reason)
        case .importing(let handover, let step): return importingEnded(handover, step, generation, reason)
        case .imported(let handover): return importedEnded(handover, generation, reason)
        case .resuming(let handover, let step): return resumingEnded(handover, step, generation, reason)
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .lost, .goingOn, .stopping:
            return []  // One that had been let go already.
        }
    }

    private static func notice(_ id: StartID, _ outcome: Discard) -> Notice {
        switch outcome {
        case .ignored: .ignored(id)
        case .failed(let why): .startFailed(id, reason: why)
        case .cancelled: .exited(id, reason: .killed, asked: true)
        }
    }

    /// Whether an end that was asked for came as asked. A program that has no use of its own for the signal ends by it,
    /// which is as good: systemd.service(5), SuccessExitStatus=.
    private static func isOrderly(_ reason: Term, of kind: Kind, _ signal: KillSignal) -> Bool {
        if reason == .atom("normal") { return true }
        return kind != .worker && reason == .tuple([.atom("signal"), .atom(Atom(signal.rawValue))])
    }

    private mutating func exportingEnded(
        _ run: Run, _ standby: Generation, _ step: Step, _ generation: Generation, _ reason: Term
    ) -> [Action] {
        if generation == run.generation {
            return [.cancelTimer, .kill(standby, reason: .killed)] + exit(run.start, .none, reason)
                + [.answer(step, .died(reason))]
        }
        guard generation == standby else { return [] }
        state = .suspended(run, .none)
        return [.cancelTimer, .answer(step, .failed(Self.standbyDied(reason)))]
    }

    private mutating func importingEnded(
        _ handover: Handover, _ step: Step, _ generation: Generation, _ reason: Term
    ) -> [Action] {
        if generation == handover.standby {
            return [.cancelTimer] + giveUp(handover, step, .failed(Self.standbyDied(reason)), isGone: true)
        }
        guard case .stands(generation) = handover.old else { return [] }
        state = .importing(handover.withEndedOld(reason), step)
        return []
    }

    private mutating func importedEnded(_ handover: Handover, _ generation: Generation, _ reason: Term) -> [Action] {
        if generation == handover.standby { return lose(handover, reason) }
        guard case .stands(generation) = handover.old else { return [] }
        state = .imported(handover.withEndedOld(reason))
        return []
    }

    private mutating func resumingEnded(
        _ handover: Handover, _ step: Step, _ generation: Generation, _ reason: Term
    ) -> [Action] {
        if generation == handover.standby { return resumedAndEnded(handover, step, reason) }
        guard case .stands(generation) = handover.old else { return [] }
        // Its successor goes on; the answer to its resume says whether.
        state = .resuming(handover.withEndedOld(reason), step)
        return []
    }

    /// The standby was told to go on and may have read from the connections, written to them, and changed what the state is
    /// about. The old process knows nothing of that, and ends, too: the worker has died.
    private mutating func resumedAndEnded(_ handover: Handover, _ step: Step, _ reason: Term) -> [Action] {
        let why = Term.tuple([.atom("resume_failed"), reason])
        switch handover.old {
        case .stands(let generation):
            state = .goingOn(Run(start: handover.start, generation: generation, kind: .worker), step)
            return [.kill(generation, reason: why)]
        case .ended: return exit(handover.start, .none, why) + [.answer(step, .died(why))]
        }
    }

    /// The state went with the standby. With nobody left to go on that is a death, and its supervisor starts it anew.
    mutating func lose(_ handover: Handover, _ reason: Term) -> [Action] {
        switch handover.old {
        case .stands(let generation):
            state = .lost(Run(start: handover.start, generation: generation, kind: .worker), reason)
            return []
        case .ended(_, let why): return exit(handover.start, .none, why)
        }
    }

    /// The import came to nothing: the suspended process has the state still, where it stands.
    mutating func giveUp(
        _ handover: Handover, _ step: Step, _ result: StepResult, isGone: Bool = false
    ) -> [Action] {
        let kill: [Action] = isGone ? [] : [.kill(handover.standby, reason: .killed)]
        switch handover.old {
        case .stands(let generation):
            state = .suspended(Run(start: handover.start, generation: generation, kind: .worker), .none)
            return kill + [.answer(step, result)]
        case .ended(_, let reason):
            return kill + exit(handover.start, .none, reason) + [.answer(step, .died(reason))]
        }
    }

    static func standbyDied(_ reason: Term) -> Term { .tuple([.atom("standby_died"), reason]) }
}

extension PlaceMachine.Handover {
    fileprivate func withEndedOld(_ reason: Term) -> Self {
        Self(
            start: start, old: .ended(old.generation, reason), standby: standby, importRef: importRef, way: way)
    }
}
