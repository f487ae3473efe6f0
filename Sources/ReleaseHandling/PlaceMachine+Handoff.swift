import Terms
import Wire

/// Suspend, handoff and resume.
extension PlaceMachine {
    // MARK: Suspend

    /// An unmodified program can't be suspended, and one that is still starting does not answer: both are to be
    /// stopped and started, which is what `hung` asks for.
    mutating func suspend(_ step: Step, _ milliseconds: Int?) -> [Action] {
        switch state {
        case .running(let run, let spare):
            guard run.kind == .worker else { return [.answer(step, .hung)] }
            state = .suspending(run, spare, step)
            return [.suspend(run.generation, withinMilliseconds: milliseconds)]
        case .starting: return [.answer(step, .hung)]
        case .empty, .discarding, .suspending, .hung, .suspended, .exporting, .importing, .imported, .resuming, .lost,
            .goingOn, .stopping:
            return [.answer(step, .died(.atom("noproc")))]
        }
    }

    mutating func suspendAnswered(_ generation: Generation, _ answer: Answer) -> [Action] {
        guard case .suspending(let run, let spare, let step) = state, run.generation == generation else { return [] }
        switch answer {
        case .ok:
            state = .suspended(run, spare)
            return [.answer(step, .done)]
        case .died(let reason): return ended(generation, reason)
        case .failed(let reason):
            state = .hung(run, spare)
            return [.answer(step, .failed(reason))]
        case .timedOut, .acknowledged, .ignored, .value, .exported:
            state = .hung(run, spare)
            return [.answer(step, .hung)]
        }
    }

    // MARK: Handoff

    /// Moves the state and the descriptors from the suspended process into its standby. Nothing is resumed.
    mutating func handOff(_ step: Step, _ order: HandoffOrder, _ now: Int) -> [Action] {
        switch state {
        case .suspended(let run, .waiting(let standby)):
            state = .exporting(run, to: standby, StateTransfer(order), step)
            return [
                .schedule(atMilliseconds: now + order.milliseconds),
                .export(run.generation, ref: order.exportRef, order.change.exporting),
            ]
        case .suspended, .lost: return [.answer(step, .failed(.atom("no_standby")))]
        case .empty, .starting, .discarding, .running, .suspending, .hung, .exporting, .importing, .imported,
            .resuming, .goingOn, .stopping:
            return [.answer(step, .died(.atom("noproc")))]
        }
    }

    mutating func exportAnswered(_ generation: Generation, _ answer: Answer) -> [Action] {
        guard case .exporting(let run, let standby, let transfer, let step) = state, run.generation == generation
        else { return [] }
        switch answer {
        case .exported(let size, let descriptors):
            switch transfer.announce(size: size, descriptors: descriptors) {
            case .violated(let reason): return exportFailed(run, standby, step, .failed(reason))
            case .complete(let content):
                state = .importing(Handover(start: run.start, old: .stands(run.generation), standby: standby), step)
                return [.importState(standby, ref: transfer.importRef, content)]
            }
        case .failed(let reason): return exportFailed(run, standby, step, .failed(reason))
        case .died(let reason): return ended(generation, reason)
        case .ok, .acknowledged, .ignored, .value, .timedOut:
            let reason = StateTransfer.violation("export_state got an answer of another kind")
            return exportFailed(run, standby, step, .failed(reason))
        }
    }

    mutating func received(
        _ generation: Generation, _ packet: TransferPacket, _ memory: StateTransfer.Memory
    ) -> [Action] {
        guard case .exporting(let run, let standby, var transfer, let step) = state, run.generation == generation
        else { return [] }
        switch transfer.receive(packet, memory) {
        case .violated(let reason): return exportFailed(run, standby, step, .failed(reason))
        case .relayed(let packet):
            state = .exporting(run, to: standby, transfer, step)
            return [.relay(to: standby, packet)]
        }
    }

    private mutating func exportFailed(
        _ run: Run, _ standby: Generation, _ step: Step, _ result: StepResult
    ) -> [Action] {
        state = .suspended(run, .none)
        return [.cancelTimer, .kill(standby, reason: .killed), .answer(step, result)]
    }

    mutating func importAnswered(_ generation: Generation, _ answer: Answer) -> [Action] {
        guard case .importing(let handover, let step) = state, handover.standby == generation else { return [] }
        switch answer {
        case .ok:
            state = .imported(handover)
            return [.cancelTimer, .answer(step, .done)]
        case .failed(let reason): return [.cancelTimer] + giveUp(handover, step, .failed(reason))
        case .died(let reason): return ended(generation, reason)
        case .acknowledged, .ignored, .value, .exported, .timedOut:
            let reason = StateTransfer.violation("import_state got an answer of another kind")
            return [.cancelTimer] + giveUp(handover, step, .failed(reason))
        }
    }

    // MARK: Resume

    mutating func resume(_ step: Step, _ milliseconds: Int) -> [Action] {
        switch state {
        case .imported(let handover):
            state = .resuming(handover, step)
            return [.resume(handover.standby, withinMilliseconds: milliseconds)]
        case .lost(_, let reason): return [.answer(step, .failed(Self.standbyDied(reason)))]
        case .suspended(let run, let spare):
            return kill(spare) + goOn(run, step, milliseconds) + failed(spare, .killed)
        case .suspending(let run, let spare, let suspension):
            // It never said that it is suspended; the same stream brings it the resume after the suspend.
            return kill(spare) + goOn(run, step, milliseconds) + failed(spare, .killed)
                + [.answer(suspension, .hung)]
        case .hung(let run, let spare):
            return kill(spare) + goOn(run, step, milliseconds) + failed(spare, .killed)
        case .empty, .starting, .discarding, .running, .exporting, .importing, .resuming, .goingOn, .stopping:
            return [.answer(step, .died(.atom("noproc")))]
        }
    }

    /// The same stream brings it the resume after what it is at, and then what waits for it.
    mutating func leaveAlone(_ step: Step) -> [Action] {
        guard case .hung(let run, let spare) = state, run.kind == .worker else {
            return [.answer(step, .died(.atom("noproc")))]
        }
        state = .running(run, .none)
        return kill(spare) + failed(spare, .killed)
            + [
                .resume(run.generation, withinMilliseconds: nil), .deliverMailbox(to: run.generation),
                .answer(step, .done),
            ]
    }

    private mutating func goOn(_ run: Run, _ step: Step, _ milliseconds: Int) -> [Action] {
        state = .goingOn(run, step)
        return [.resume(run.generation, withinMilliseconds: milliseconds)]
    }

    mutating func resumeAnswered(_ generation: Generation, _ answer: Answer) -> [Action] {
        switch state {
        case .resuming(let handover, let step) where handover.standby == generation:
            return standbyResumed(handover, step, answer)
        case .goingOn(let run, let step) where run.generation == generation: return oldResumed(run, step, answer)
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing,
            .imported, .resuming, .lost, .goingOn, .stopping:
            return []
        }
    }

    private mutating func standbyResumed(_ handover: Handover, _ step: Step, _ answer: Answer) -> [Action] {
        switch answer {
        case .ok:
            state = .running(handover.new, .none)
            let old = handover.old
            return [
                .handedOver(from: old.generation, to: handover.standby), .deliverMailbox(to: handover.standby),
            ] + letGo(old) + [.answer(step, .done)]
        case .failed(let reason):
            // By its own word it has not gone on and has read nothing: the old process, which stands, is whole.
            return [.kill(handover.standby, reason: .killed)] + lose(handover, .atom("resume_failed"))
                + [.answer(step, .failed(reason))]
        case .died(let reason): return ended(handover.standby, reason)
        // Its end, which is awaited, is then the worker's.
        case .timedOut(let milliseconds):
            return [.kill(handover.standby, reason: .tuple([.atom("timeout"), .integer(milliseconds)]))]
        case .acknowledged, .ignored, .value, .exported:
            let reason = StateTransfer.violation("resume got an answer of another kind")
            return [.kill(handover.standby, reason: reason)]
        }
    }

    private mutating func oldResumed(_ run: Run, _ step: Step, _ answer: Answer) -> [Action] {
        switch answer {
        case .ok:
            state = .running(run, .none)
            return [.deliverMailbox(to: run.generation), .answer(step, .done)]
        case .died(let reason): return ended(run.generation, reason)
        case .failed(let reason):
            state = .hung(run, .none)
            return [.kill(run.generation, reason: reason), .answer(step, .failed(reason))]
        case .timedOut, .acknowledged, .ignored, .value, .exported:
            state = .hung(run, .none)
            return [.kill(run.generation, reason: .atom("resume_timeout")), .answer(step, .hung)]
        }
    }
}
