import Terms

/// Standbys that are started ahead of their need.
extension PlaceMachine {
    var spare: Spare {
        switch state {
        case .empty(let spare), .starting(_, let spare, _, _), .discarding(_, let spare, _), .running(_, let spare),
            .suspending(_, let spare, _), .hung(_, let spare), .suspended(_, let spare), .stopping(_, let spare, _, _):
            spare
        case .exporting, .importing, .imported, .resuming, .lost, .goingOn: .none
        }
    }

    /// Changes the spare where the state has room for one.
    private mutating func put(_ spare: Spare) {
        switch state {
        case .empty: state = .empty(spare)
        case .starting(let run, _, let milliseconds, let limit):
            state = .starting(run, spare, timeoutMilliseconds: milliseconds, limit)
        case .discarding(let run, _, let outcome): state = .discarding(run, spare, outcome)
        case .running(let run, _): state = .running(run, spare)
        case .suspending(let run, _, let step): state = .suspending(run, spare, step)
        case .hung(let run, _): state = .hung(run, spare)
        case .suspended(let run, _), .lost(let run, _): state = .suspended(run, spare)
        case .stopping(let run, _, let signal, let limit): state = .stopping(run, spare, signal, limit)
        case .exporting, .importing, .imported, .resuming, .goingOn: break
        }
    }

    mutating func prepareStandby(_ step: Step, _ version: CodeVersion) -> [Action] {
        switch state {
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .lost, .stopping:
            let before = spare
            let generation = nextGeneration()
            put(.preparing(generation, step))
            return forget(before) + kill(before) + failed(before, .killed) + [.launchStandby(generation, version)]
        case .exporting, .importing, .imported, .resuming, .goingOn:
            // Its standby is in use: another one would have nothing to wait for.
            return [.answer(step, .failed(.atom("busy")))]
        }
    }

    mutating func standbyAnswered(_ generation: Generation, _ answer: Answer) -> [Action] {
        guard case .preparing(generation, let step) = spare else { return [] }
        switch answer {
        case .acknowledged:
            put(.waiting(generation))
            return [.answer(step, .done)]
        case .failed(let reason): return spareFailed(generation, reason, isGone: false)
        case .died(let reason): return ended(generation, reason)
        case .timedOut(let milliseconds):
            let reason = Term.tuple([.atom("start_timeout"), .integer(milliseconds)])
            return spareFailed(generation, reason, isGone: false)
        case .ok, .ignored, .value, .exported:
            let reason = StateTransfer.violation("a standby must answer init with ack")
            return spareFailed(generation, reason, isGone: false)
        }
    }

    /// `isGone`: its process is no more, or never was.
    mutating func spareFailed(_ generation: Generation, _ reason: Term, isGone: Bool) -> [Action] {
        let before = spare
        guard before.generation == generation else { return [] }
        put(.none)
        return forget(before) + (isGone ? [] : kill(before)) + failed(before, reason)
    }

    mutating func noneAwaited() -> [Action] {
        switch state {
        case .empty(let spare):
            state = .empty(.none)
            return kill(spare) + failed(spare, .atom("noproc"))
        case .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing, .imported,
            .resuming, .lost, .goingOn, .stopping:
            return []
        }
    }

    mutating func endStandby() -> [Action] {
        switch state {
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .stopping:
            let before = spare
            put(.none)
            return forget(before) + kill(before) + failed(before, .killed)
        case .lost(let run, _):
            state = .suspended(run, .none)
            return []
        case .exporting(let run, let standby, _, let step, _):
            state = .suspended(run, .none)
            return [.cancelTimer, .kill(standby, reason: .killed), .answer(step, .failed(Self.standbyDied(.killed)))]
        case .importing(let handover, let step):
            return [.cancelTimer] + giveUp(handover, step, .failed(Self.standbyDied(.killed)))
        case .imported(let handover):
            let kill = Action.kill(handover.standby, reason: .killed)
            switch handover.old {
            case .stands(let generation):
                state = .suspended(Run(start: handover.start, generation: generation, kind: .worker), .none)
                return [kill]
            case .ended(_, let reason): return [kill] + exit(handover.start, .none, reason)
            }
        case .resuming, .goingOn: return []  // It is the worker as good as already; or there is none.
        }
    }

    func kill(_ spare: Spare) -> [Action] {
        spare.generation.map { [.kill($0, reason: .killed)] } ?? []
    }

    /// Who waits for one that is being prepared, or given a state, is told that nothing comes of it.
    func failed(_ spare: Spare, _ reason: Term) -> [Action] {
        switch spare {
        case .none, .waiting: []
        case .preparing(_, let step): [.answer(step, .failed(reason))]
        case .filling: interrupted(spare, reason)
        }
    }

    /// A worker that runs on records nothing any more for a standby that is gone.
    private func forget(_ spare: Spare) -> [Action] {
        guard case .running(let run, _) = state, case .filling = spare else { return [] }
        return [.endSnapshot(run.generation)]
    }
}
