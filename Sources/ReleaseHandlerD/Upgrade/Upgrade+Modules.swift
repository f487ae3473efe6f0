import Host
import ReleaseHandling
import Terms
import Wire

/// Functional modules: loaded into the processes that have them, and what workers keep for them converted.
extension Upgrade {
    func updateModules(_ modules: [Atom]) {
        tree.updateModules(modules) { [weak self] results in
            self?.answer(
                .modulesUpdated(
                    ok: results.filter { $0.reason == nil }.map(\.worker),
                    failed: results.compactMap { worker, reason in
                        reason.map { RelupMachine.WorkerFailure(worker: worker, reason: $0) }
                    }))
        }
    }

    func changeModules(_ changes: [RelupMachine.ModuleChange], _ milliseconds: Int) {
        each(changes) { (change, done: @escaping @HostActor (Answer) -> Void) in
            let place = place(change.target.worker)
            guard let process = change.inStandby ? place?.standbyProcess : place?.current else {
                return done(.died(.atom("noproc")))
            }
            process.change(change.target.module, change.change.forModule, within: milliseconds, then: done)
        } then: { results in
            var ok: [RelupMachine.ModuleOfWorker] = []
            var failed: [RelupMachine.ModuleFailure] = []
            var without: [RelupMachine.ModuleOfWorker] = []
            for (change, answer) in results {
                if case .ok = answer {
                    ok.append(change.target)
                } else if answer.failure?.isNotSupported == true {
                    without.append(change.target)
                } else {
                    failed.append(.init(target: change.target, reason: answer.failure ?? .atom("bad_answer")))
                }
            }
            self.answer(.modulesChanged(ok: ok, failed: failed, without: without))
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
