import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// A supervisor that an upgrade gave new flags and specs.
struct ChangedSupervisor {
    let address: ChildAddress
    let before: SupervisorSnapshot
    var change: SupervisorChange
}

/// `{update, M, supervisor}`: suspend, code_change and resume of supervisors.
extension Upgrade {
    func supervisor(_ worker: ChildAddress) -> ChildAddress? {
        tree.supervisor(at: worker)?.address
    }

    private enum ChangeResult: Sendable {
        case changed(String)
        case died
        case failed(Term)
    }

    func changeSupervisors(_ workers: [ChildAddress]) {
        each(workers) { (worker, done: @escaping @HostActor (ChangeResult) -> Void) in
            guard let address = supervisor(worker) else { return done(.died) }
            change(address, then: done)
        } then: { results in
            var failed: [RelupMachine.WorkerFailure] = []
            var died: [ChildAddress] = []
            var notes: [String] = []
            for (worker, result) in results {
                switch result {
                case .changed(let summary): notes.append("\(worker): \(summary)")
                case .died: died.append(worker)
                case .failed(let reason): failed.append(.init(worker: worker, reason: reason))
                }
            }
            self.answer(.supervisorsChanged(failed: failed, died: died, notes: notes))
        }
    }

    private func change(_ address: ChildAddress, then: @escaping @HostActor (ChangeResult) -> Void) {
        guard let before = tree.snapshot(of: address) else { return then(.died) }
        let initial: SupervisorInit
        do {
            let result = try tree.supervisorInit(of: before.module, at: address)
            guard let result else { return then(.changed("its init answers ignore: nothing changed")) }
            initial = result
        } catch {
            return then(.failed(error.reason))
        }
        tree.request(.codeChange(supervisor: address, initial)) { [weak self] reply in
            guard let self else { return }
            switch reply {
            case .error(.noproc), .error(.shutdown): return then(.died)
            case .error(let error): return then(.failed(error.reason))
            case .ok, .child, .childspec, .children, .counts: break
            }
            let change = before.change(to: initial)
            self.supervisors.append(ChangedSupervisor(address: address, before: before, change: change))
            self.tree.adoptSpecs(below: address)
            then(.changed(change.summary))
        }
    }

    /// The last change first, each supervisor as it was before. One that was started since has read what was then
    /// current: it gets what is current now.
    func restoreSupervisors(from first: Int) {
        let changed = Array(supervisors[first...].reversed())
        supervisors.removeSubrange(first...)
        each(changed) { (one, done: @escaping @HostActor (Term?) -> Void) in
            within(Self.startMilliseconds, done) { done in restore(one, then: done) }
        } then: { results in
            let failed = results.compactMap { one, reason in
                reason.map { RelupMachine.WorkerFailure(worker: one.address, reason: $0) }
            }
            self.answer(.supervisorsRestored(failed: failed))
        }
    }

    private func restore(_ one: ChangedSupervisor, then: @escaping @HostActor (Term?) -> Void) {
        guard let status = tree.supervisor(at: one.address) else { return then(nil) }
        let request: SupervisorRequest
        if status.startID == one.before.startID {
            request = .restore(supervisor: one.address, one.before)
        } else {
            do {
                let initial = try tree.supervisorInit(of: status.module, at: one.address)
                guard let initial else { return then(nil) }
                request = .codeChange(supervisor: one.address, initial)
            } catch {
                return then(error.reason)
            }
        }
        tree.request(request) { [weak tree] reply in
            tree?.adoptSpecs(below: one.address)
            switch reply {
            case .error(.noproc), .error(.shutdown): then(nil)  // It has ended: what starts reads the old code.
            case .error(let error): then(error.reason)
            case .ok, .child, .childspec, .children, .counts: then(nil)
            }
        }
    }

    // MARK: Warnings

    /// What OTP's users trip over: a code_change of a supervisor starts and stops nobody. Said at the end of the script,
    /// of what the script itself has not seen to.
    func supervisorWarnings() -> [String] {
        var warnings: [String] = []
        for one in supervisors {
            let change = one.change
            let renamed = change.renamed.filter { runs(one, $0.from) && isIdle(one, $0.to) }
            warnings += renamed.map { sentence(one, $0) }
            for id in change.added where isIdle(one, id) && !renamed.contains(where: { $0.to == id }) {
                warnings.append(
                    """
                    \(one.address): the child \(id) is new and nothing starts it; in the relup, \
                    \(one.apply("restart_child", id)) does
                    """)
            }
            for id in change.removed where runs(one, id) && !renamed.contains(where: { $0.from == id }) {
                warnings.append(
                    """
                    \(one.address): the child \(id) is no longer among the specs and still runs; in the relup, \
                    \(one.apply("terminate_child", id)) and \(one.apply("delete_child", id)) end it
                    """)
            }
        }
        return warnings
    }

    /// Who runs on with what a new spec no longer says.
    func specWarnings() -> [String] { handedOffSpecs.warnings(of: supervisors.map(\.address)) }

    private func sentence(_ one: ChangedSupervisor, _ renamed: SupervisorChange.Renamed) -> String {
        """
        \(one.address): the child \(renamed.from) is called \(renamed.to) now: \(renamed.from) runs on and nothing starts \
        \(renamed.to); in the relup, \(one.apply("terminate_child", renamed.from)), \
        \(one.apply("delete_child", renamed.from)) and \(one.apply("restart_child", renamed.to)) see to it
        """
    }

    private func runs(_ one: ChangedSupervisor, _ id: Term) -> Bool {
        tree.child(at: one.address.child(id))?.state.startID != nil
    }

    private func isIdle(_ one: ChangedSupervisor, _ id: Term) -> Bool {
        tree.child(at: one.address.child(id))?.state == .undefined
    }
}

extension ChangedSupervisor {
    fileprivate func apply(_ function: String, _ id: Term) -> String {
        "{apply,{supervisor,\(function),[\(Term.string(address.description)),\(id)]}}"
    }
}
