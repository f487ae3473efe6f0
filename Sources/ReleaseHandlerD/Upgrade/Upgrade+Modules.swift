import Host
import ReleaseHandling
import Terms
import Wire

/// Functional modules: loaded into the processes that have them, and what workers keep for them converted.
extension Upgrade {
    func updateModules(_ modules: [Atom]) {
        tree.updateModules(modules, isUndoing: isUndoing) { [weak self] updates in
            guard let self, !isOver else { return }
            ledger.concerns(updates.map(\.worker))
            // What was loaded for nothing is not to stay mapped.
            if isUndoing { tree.purgeModules(modules.filter { code.table.old[$0] == nil }) }
            answer(Self.event(of: updates, isUndoing: isUndoing))
        }
    }

    private static func event(
        of updates: [(worker: ChildAddress, update: ModuleUpdate)], isUndoing: Bool
    ) -> RelupMachine.Event {
        var ok: [ChildAddress] = []
        var failed: [RelupMachine.WorkerFailure] = []
        var unanswered: [RelupMachine.WorkerFailure] = []
        for (worker, update) in updates {
            switch update {
            case .done: if !ok.contains(worker) { ok.append(worker) }
            case .failed(let reason): failed.append(.init(worker: worker, reason: reason))
            case .unanswered(let reason): unanswered.append(.init(worker: worker, reason: reason))
            // On the way back its supervisor has started another one by now, with what is current again.
            case .died(let reason): if !isUndoing { failed.append(.init(worker: worker, reason: reason)) }
            case .gone: break
            }
        }
        return .modulesUpdated(ok: ok, failed: failed, unanswered: unanswered)
    }

    func changeModules(_ changes: [RelupMachine.ModuleChange], _ milliseconds: Int) {
        ledger.concerns(changes.map(\.target.worker))
        each(changes) { (change, done: @escaping @HostActor (Answer?) -> Void) in
            let place = place(change.target.worker)
            let standing = change.inStandby ? place?.standbyProcess : place?.current
            guard let process = standing, process.isAlive else {
                // Where the one before stands, nothing is lost yet, and the upgrade can be called off.
                let canGoBack = change.inStandby && place?.current?.isAlive == true
                return done(canGoBack ? .failed(.atom("standby_died")) : nil)
            }
            process.change(change.target.module, change.change.forModule, within: milliseconds, then: done)
        } then: { results in
            var ok: [RelupMachine.ModuleOfWorker] = []
            var failed: [RelupMachine.ModuleFailure] = []
            var without: [RelupMachine.ModuleOfWorker] = []
            var died: [ChildAddress] = []
            for (change, answer) in results {
                switch answer {
                // It had ended before it was asked: that is not the conversion's failure.
                case nil: if !died.contains(change.target.worker) { died.append(change.target.worker) }
                case .ok?: ok.append(change.target)
                case let answer? where answer.failure?.isNotSupported == true: without.append(change.target)
                case let answer?:
                    failed.append(.init(target: change.target, reason: answer.failure ?? .atom("bad_answer")))
                }
            }
            self.answer(.modulesChanged(ok: ok, failed: failed, without: without, died: died))
        }
    }

    /// One that has ended meanwhile has nothing to restore: it starts anew.
    func restoreModules(_ targets: [RelupMachine.ModuleOfWorker]) {
        each(targets) { (target, done: @escaping @HostActor (Answer) -> Void) in
            guard let process = place(target.worker)?.current else { return done(.ok) }
            process.change(target.module, .none, within: Generation.moduleMilliseconds, then: done)
        } then: { results in
            let failed = results.compactMap { target, answer -> RelupMachine.WorkerFailure? in
                if case .died = answer { return nil }
                return answer.failure.map { .init(worker: target.worker, reason: $0) }
            }
            self.answer(.modulesRestored(failed: failed))
        }
    }
}

extension RelupMachine.Handoff.Change {
    fileprivate var forModule: CodeChange {
        switch self {
        case .none: .none
        case .up(let from, let extra): .up(from: from, extra: extra)
        case .down(let to, let extra, _): .down(to: to, extra: extra)
        }
    }
}

extension Term {
    /// `{not_supported, Text}`
    fileprivate var isNotSupported: Bool { asTuple?.first == .atom("not_supported") }
}
