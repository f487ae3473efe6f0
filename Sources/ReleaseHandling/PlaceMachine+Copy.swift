import Terms
import Wire

/// A state that is copied into the standby in parts, while its worker goes on. Whatever fails of it leaves the worker as it
/// was, and the handoff is done as one of the whole.
extension PlaceMachine {
    mutating func copyAhead(_ step: Step, _ order: CopyOrder, _ now: Int) -> [Action] {
        guard case .running(let run, .waiting(let standby)) = state, run.kind == .worker else {
            return [.answer(step, .failed(.atom("noproc")))]
        }
        return askForPart(.snapshot, run, standby, Copy(step, order, now), now)
    }

    private mutating func askForPart(
        _ part: StatePart, _ run: Run, _ standby: Generation, _ copy: Copy, _ now: Int
    ) -> [Action] {
        var copy = copy
        guard let transfer = copy.transfer(part) else { return loaded(run, standby, copy) }
        let filling = Filling(change: copy.order.change, stage: .exporting(transfer), copy: copy)
        state = .running(run, .filling(standby, filling))
        return [.schedule(atMilliseconds: now + copy.order.milliseconds), .export(run.generation, transfer.request)]
    }

    /// The rest goes over once the worker is suspended.
    private mutating func loaded(_ run: Run, _ standby: Generation, _ copy: Copy) -> [Action] {
        let filling = Filling(change: copy.order.change, stage: .loaded)
        state = .running(run, .filling(standby, filling))
        return [.cancelTimer, .answer(copy.step, .done)]
    }

    mutating func partExported(
        _ run: Run, _ standby: Generation, _ filling: Filling, _ transfer: StateTransfer, _ answer: Answer, _ now: Int
    ) -> [Action] {
        var filling = filling
        switch answer {
        case .exported(let size, let descriptors, let left):
            switch transfer.announce(size: size, descriptors: descriptors) {
            case .violated(let reason): return giveUpCopy(run, standby, filling, reason)
            case .nothing:
                guard let copy = filling.copy else { return [] }
                return loaded(run, standby, copy)
            case .complete(let content):
                guard let copy = filling.copy, transfer.part == .snapshot || copy.isBearable(size) else {
                    return giveUpCopy(run, standby, filling, Self.tooFast(size))
                }
                filling.stage = .importing(transfer, bytes: size, left: left)
                state = .running(run, .filling(standby, filling))
                return [
                    .schedule(atMilliseconds: now + copy.order.milliseconds),
                    .importState(standby, ref: transfer.importRef, transfer.part, content),
                ]
            }
        case .failed(let reason): return giveUpCopy(run, standby, filling, reason)
        case .died(let reason): return ended(run.generation, reason)
        case .ok, .acknowledged, .ignored, .value, .timedOut:
            let reason = StateTransfer.violation("an export of a part got an answer of another kind")
            return giveUpCopy(run, standby, filling, reason)
        }
    }

    mutating func partImported(
        _ run: Run, _ standby: Generation, _ filling: Filling, _ bytes: Int, left: Int, _ answer: Answer,
        _ now: Int
    ) -> [Action] {
        guard var copy = filling.copy else { return [] }
        switch answer {
        case .ok:
            switch copy.next(after: bytes, left: left) {
            case .another where now < copy.deadline: return askForPart(.changes(isLast: false), run, standby, copy, now)
            case .another, .enough: return loaded(run, standby, copy)
            }
        // By its own word it is as empty as it was.
        case .failed(let reason): return giveUpCopy(run, standby, filling, reason)
        case .died(let reason): return ended(standby, reason)
        case .acknowledged, .ignored, .value, .exported, .timedOut:
            let reason = StateTransfer.violation("an import of a part got an answer of another kind")
            return [.kill(standby, reason: .killed)] + spareFailed(standby, reason, isGone: true)
        }
    }

    mutating func copyTimedOut(_ run: Run, _ standby: Generation, _ filling: Filling) -> [Action] {
        guard let copy = filling.copy else { return [] }
        let reason = Term.tuple([.atom("timeout"), .integer(copy.order.milliseconds)])
        guard case .importing = filling.stage else { return giveUpCopy(run, standby, filling, reason) }
        // It may hang for ever, and would not take the whole either.
        return [.kill(standby, reason: .killed)] + spareFailed(standby, reason, isGone: true)
    }

    /// The standby waits for the whole: what it has of parts it drops then.
    mutating func giveUpCopy(_ run: Run, _ standby: Generation, _ filling: Filling, _ reason: Term) -> [Action] {
        state = .running(run, .waiting(standby))
        return [.endSnapshot(run.generation)] + interrupted(.filling(standby, filling), reason)
    }

    /// Who waits for the copying is told that nothing came of it.
    func interrupted(_ spare: Spare, _ reason: Term) -> [Action] {
        cancelCopy(spare) + answerCopy(spare, reason)
    }

    func cancelCopy(_ spare: Spare) -> [Action] { Self.copy(spare) == nil ? [] : [.cancelTimer] }

    func answerCopy(_ spare: Spare, _ reason: Term) -> [Action] {
        Self.copy(spare).map { [.answer($0.step, .failed(reason))] } ?? []
    }

    private static func copy(_ spare: Spare) -> Copy? {
        guard case .filling(_, let filling) = spare else { return nil }
        return filling.copy
    }

    private static func tooFast(_ bytes: Int) -> Term {
        .text("the state changes as fast as it is copied: \(bytes) bytes meanwhile")
    }
}

extension PlaceMachine.Spare {
    /// The same once what it was given ahead is of no use: the whole replaces it.
    var emptied: Self {
        guard case .filling(let generation, _) = self else { return self }
        return .waiting(generation)
    }

    /// The same once nobody copies any more: what came over before the suspend came is whole only if all parts were in.
    var copyInterrupted: Self {
        guard case .filling(let generation, let filling) = self, filling.stage != .loaded else { return self }
        return .waiting(generation)
    }
}
