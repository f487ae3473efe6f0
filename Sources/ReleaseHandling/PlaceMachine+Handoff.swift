import Terms
import Wire

/// Suspend, handoff and resume.
extension PlaceMachine {
    // MARK: Suspend

    /// An unmodified program can't be suspended, and one that is still starting does not answer: both are to be
    /// stopped and started, which is what `hung` asks for.
    mutating func suspend(_ step: Step, _ milliseconds: Int?, _ order: HandoffOrder?) -> [Action] {
        switch state {
        case .running(let run, let spare):
            guard run.kind == .worker else { return [.answer(step, .hung)] }
            held = nil
            let told = interrupted(spare, .atom("suspended"))
            let (filled, transfer) = ahead(spare, order)
            state = .suspending(run, filled, step)
            return told
                + [.suspend(run.generation, withinMilliseconds: milliseconds, exporting: transfer?.request)]
        case .starting: return [.answer(step, .hung)]
        case .empty, .discarding, .suspending, .hung, .suspended, .exporting, .importing, .imported, .resuming, .lost,
            .goingOn, .stopping:
            return [.answer(step, .died(.atom("noproc")))]
        }
    }

    /// What is asked for with the suspend: of a state that was copied in parts the last one, else the whole.
    private func ahead(_ spare: Spare, _ order: HandoffOrder?) -> (Spare, StateTransfer?) {
        guard let order else { return (spare.copyInterrupted, nil) }
        let standby: Generation
        var part = StatePart.whole
        switch spare {
        case .none, .preparing: return (spare, nil)
        case .waiting(let generation): standby = generation
        case .filling(let generation, let filling):
            standby = generation
            if filling.stage == .loaded, filling.change == order.change { part = .changes(isLast: true) }
        }
        let transfer = StateTransfer(order, part)
        return (.filling(standby, Filling(change: order.change, stage: .exporting(transfer))), transfer)
    }

    /// Suspended without a question. The standby has all of it where what it was given is of the handoff that follows.
    mutating func held(_ step: Step, _ order: HandoffOrder) -> [Action] {
        guard case .running(let run, let spare) = state, run.kind == .worker else {
            return [.answer(step, .died(.atom("noproc")))]
        }
        held = run.generation
        let told = interrupted(spare, .atom("suspended"))
        if case .filling(let standby, var filling) = spare, filling.stage == .loaded, filling.change == order.change {
            filling.stage = .complete(StateTransfer(order, .changes(isLast: true)))
            state = .suspended(run, .filling(standby, filling))
        } else {
            state = .suspended(run, spare.copyInterrupted)
        }
        return told + [.answer(step, .done)]
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
        case .suspended(let run, .waiting(let standby)): return exportWhole(run, standby, step, order, now, .whole)
        case .suspended(let run, .filling(let standby, let filling)):
            // What was asked for with the suspend was a guess at what the script would ask for here.
            guard filling.change == order.change else { return exportWhole(run, standby, step, order, now, .whole) }
            return handOff(run, standby, filling, step, order, now)
        case .suspended, .lost: return [.answer(step, .failed(.atom("no_standby")))]
        case .empty, .starting, .discarding, .running, .suspending, .hung, .exporting, .importing, .imported,
            .resuming, .goingOn, .stopping:
            return [.answer(step, .died(.atom("noproc")))]
        }
    }

    private mutating func exportWhole(
        _ run: Run, _ standby: Generation, _ step: Step, _ order: HandoffOrder, _ now: Int, _ way: HandoffWay
    ) -> [Action] {
        let transfer = StateTransfer(order)
        state = .exporting(run, to: standby, transfer, step, way)
        return [
            .schedule(atMilliseconds: now + order.milliseconds), .export(run.generation, transfer.request),
        ]
    }

    private mutating func handOff(
        _ run: Run, _ standby: Generation, _ filling: Filling, _ step: Step, _ order: HandoffOrder, _ now: Int
    ) -> [Action] {
        let schedule = Action.schedule(atMilliseconds: now + order.milliseconds)
        switch filling.stage {
        case .exporting(let transfer):
            state = .exporting(run, to: standby, transfer, step, Self.way(transfer.part, order))
            return [schedule]
        case .complete(let transfer):
            return takeOver(standby, run, transfer, step, Self.way(transfer.part, order))
        case .exported(let transfer, let content):
            return [schedule] + importInto(standby, run, transfer, content, step, Self.way(transfer.part, order))
        case .failed(.whole, let reason):
            state = .suspended(run, .none)
            return [.kill(standby, reason: .killed), .answer(step, .failed(reason))]
        case .failed(.changes, let reason), .failed(.snapshot, let reason):
            return exportWhole(run, standby, step, order, now, .wholeInstead(reason))
        case .importing, .loaded: return exportWhole(run, standby, step, order, now, .whole)
        }
    }

    private static func way(_ part: StatePart, _ order: HandoffOrder) -> HandoffWay {
        part == .whole ? .whole : .changes(otherwise: order)
    }

    /// The standby has the state already.
    private mutating func takeOver(
        _ standby: Generation, _ run: Run, _ transfer: StateTransfer, _ step: Step, _ way: HandoffWay
    ) -> [Action] {
        let handover = Handover(run, standby, transfer, way)
        state = .imported(handover)
        return [.answer(step, handover.way.done)]
    }

    private mutating func importInto(
        _ standby: Generation, _ run: Run, _ transfer: StateTransfer, _ content: StateImport, _ step: Step,
        _ way: HandoffWay
    ) -> [Action] {
        state = .importing(Handover(run, standby, transfer, way), step)
        return [.importState(standby, ref: transfer.importRef, transfer.part, content)]
    }

    mutating func exportAnswered(_ generation: Generation, _ ref: Int, _ answer: Answer, _ now: Int) -> [Action] {
        switch state {
        case .exporting(let run, let standby, let transfer, let step, let way)
        where run.generation == generation && transfer.exportRef == ref:
            return exported(run, standby, transfer, step, way, answer)
        case .running(let run, .filling(let standby, let filling)):
            guard run.generation == generation, case .exporting(let transfer) = filling.stage,
                transfer.exportRef == ref
            else { return [] }
            return partExported(run, standby, filling, transfer, answer, now)
        case .suspending(let run, .filling(let standby, let filling), let step) where run.generation == generation:
            guard let filled = filling.answered(ref, answer) else { return [] }
            state = .suspending(run, .filling(standby, filled), step)
            return []
        case .suspended(let run, .filling(let standby, let filling)) where run.generation == generation:
            guard let filled = filling.answered(ref, answer) else { return [] }
            state = .suspended(run, .filling(standby, filled))
            return []
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing,
            .imported, .resuming, .lost, .goingOn, .stopping:
            return []
        }
    }

    private mutating func exported(
        _ run: Run, _ standby: Generation, _ transfer: StateTransfer, _ step: Step, _ way: HandoffWay,
        _ answer: Answer
    ) -> [Action] {
        switch answer {
        case .exported(let size, let descriptors, _):
            switch transfer.announce(size: size, descriptors: descriptors) {
            case .violated(let reason): return exportFailed(run, standby, step, way, reason)
            case .nothing: return [.cancelTimer] + takeOver(standby, run, transfer, step, way)
            case .complete(let content): return importInto(standby, run, transfer, content, step, way)
            }
        case .failed(let reason): return exportFailed(run, standby, step, way, reason)
        case .died(let reason): return ended(run.generation, reason)
        case .ok, .acknowledged, .ignored, .value, .timedOut:
            let reason = StateTransfer.violation("an export got an answer of another kind")
            return exportFailed(run, standby, step, way, reason)
        }
    }

    mutating func received(
        _ generation: Generation, _ packet: TransferPacket, _ memory: StateTransfer.Memory
    ) -> [Action] {
        switch state {
        case .exporting(let run, let standby, var transfer, let step, let way) where run.generation == generation:
            switch transfer.receive(packet, memory) {
            case .stale: return []
            case .violated(let reason): return exportFailed(run, standby, step, way, reason)
            case .relayed(let packet):
                state = .exporting(run, to: standby, transfer, step, way)
                return [.relay(to: standby, packet)]
            }
        case .running(let run, .filling(let standby, var filling)) where run.generation == generation:
            switch filling.received(packet, memory) {
            case .stale: return []
            case .violated(let reason): return giveUpCopy(run, standby, filling, reason)
            case .relayed(let packet):
                state = .running(run, .filling(standby, filling))
                return [.relay(to: standby, packet)]
            }
        case .suspending(let run, .filling(let standby, var filling), let step) where run.generation == generation:
            let actions = filling.receivedAhead(packet, memory, standby)
            state = .suspending(run, .filling(standby, filling), step)
            return actions
        case .suspended(let run, .filling(let standby, var filling)) where run.generation == generation:
            let actions = filling.receivedAhead(packet, memory, standby)
            state = .suspended(run, .filling(standby, filling))
            return actions
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing,
            .imported, .resuming, .lost, .goingOn, .stopping:
            return []
        }
    }

    /// A part that did not come is no harm where the whole does.
    private mutating func exportFailed(
        _ run: Run, _ standby: Generation, _ step: Step, _ way: HandoffWay, _ reason: Term
    ) -> [Action] {
        if case .changes(let whole) = way {
            let transfer = StateTransfer(whole)
            state = .exporting(run, to: standby, transfer, step, .wholeInstead(reason))
            return [.export(run.generation, transfer.request)]
        }
        state = .suspended(run, .none)
        return [.cancelTimer, .kill(standby, reason: .killed), .answer(step, .failed(reason))]
    }

    mutating func importAnswered(_ generation: Generation, _ ref: Int, _ answer: Answer, _ now: Int) -> [Action] {
        if case .running(let run, .filling(let standby, let filling)) = state, standby == generation,
            case .importing(let transfer, let bytes, let left) = filling.stage, transfer.importRef == ref
        {
            return partImported(run, standby, filling, bytes, left: left, answer, now)
        }
        guard case .importing(let handover, let step) = state, handover.standby == generation,
            handover.importRef == ref
        else { return [] }
        switch answer {
        case .ok:
            state = .imported(handover)
            return [.cancelTimer, .answer(step, handover.way.done)]
        case .failed(let reason):
            if case .changes = handover.way, case .stands(let old) = handover.old {
                let run = Run(start: handover.start, generation: old, kind: .worker)
                return exportFailed(run, handover.standby, step, handover.way, reason)
            }
            return [.cancelTimer] + giveUp(handover, step, .failed(reason))
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
        let (run, spare): (Run, Spare)
        switch state {
        // One that was held has never said that it takes anything.
        case .hung(let hung, let beside), .suspended(let hung, let beside): (run, spare) = (hung, beside)
        case .empty, .starting, .discarding, .running, .suspending, .exporting, .importing, .imported, .resuming, .lost,
            .goingOn, .stopping:
            return [.answer(step, .died(.atom("noproc")))]
        }
        guard run.kind == .worker else { return [.answer(step, .died(.atom("noproc")))] }
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
