import OrderedCollections
import Instructions
import Terms
import Wire

/// `resume`: who was suspended is to go on, in what is current now. It is carried out by the commit.
///
/// A worker that was suspended for several modules goes on when the last of them is resumed.
extension RelupMachine {
    mutating func beginResume(_ modules: [Atom], _ code: CodeTable) -> Next {
        for module in modules where !suspended.all.contains(where: { $0.modules.contains(module) }) {
            note("no worker is suspended for \(module.name)")
        }
        var ready: [ChildAddress] = []
        for worker in suspended.all where !worker.modules.isDisjoint(with: modules) {
            let remaining = worker.modules.subtracting(modules)
            guard remaining.isEmpty else {
                suspended.update(worker.info.id) { $0.modules = remaining }
                let others = remaining.map(\.name).sorted().joined(separator: ", ")
                note("\(worker.info.id) stays suspended for \(others)")
                continue
            }
            ready.append(worker.info.id)
        }
        let missing = unconverted(ready, code).compactMap { worker, version in
            standbys[worker.info.id]?.sha256 == version.sha256
                ? nil : StandbyOrder(worker: worker.info.id, version: version)
        }
        guard !missing.isEmpty else { return handOffUnconverted(ready, modules, code) }
        return .ask(.startingStandbysToResume(ready, modules: modules), startStandbys(missing))
    }

    mutating func answerStandbysToResume(
        _ ready: [ChildAddress], _ modules: [Atom], _ event: Event, _ code: CodeTable
    ) -> Next? {
        let next = answerStandbys(event)
        guard case .some(.done) = next else { return next }
        touched = []
        return handOffUnconverted(ready, modules, code)
    }

    private mutating func handOffUnconverted(
        _ ready: [ChildAddress], _ modules: [Atom], _ code: CodeTable
    ) -> Next {
        let handoffs = unconverted(ready, code).map { worker, version in
            Handoff(worker: worker.info.id, module: version.module, fromVsn: worker.info.codeVsn, change: .none)
        }
        guard !handoffs.isEmpty else { return postpone(ready, modules) }
        return .ask(
            .handingOffUnconverted(ready, modules: modules),
            .handOff(handoffs, timeoutMilliseconds: options.codeChangeTimeoutMilliseconds))
    }

    /// Those that go on in other code than they run and that no code_change named: a soft update.
    private func unconverted(
        _ ready: [ChildAddress], _ code: CodeTable
    ) -> [(worker: SuspendedWorker, version: CodeVersion)] {
        ready.compactMap { id in
            guard let worker = suspended[id], case .suspended = worker.state, let resident = worker.info.resident,
                let version = code.current[resident], version.kind == .resident
            else { return nil }
            let isOther = hasChanged(resident) ? !alreadyRunsNewCode(worker.info) : code.runsOldCode(worker.info)
            return isOther ? (worker, version) : nil
        }
    }

    mutating func answerSoftHandoff(
        _ ready: [ChildAddress], _ modules: [Atom], _ event: Event, _ code: CodeTable
    ) -> Next? {
        guard case .handedOff(let ok, let failed, let died, let whole) = event else { return nil }
        if let failure = failed.first { return fail(handingOff: failure) }
        let asked = unconverted(ready, code).map(\.worker.info.id)
        if let problem = wereHandedOff(asked, ok: ok, died: died, whole) { return problem }
        touched = []
        return postpone(ready, modules)
    }

    private mutating func postpone(_ ready: [ChildAddress], _ modules: [Atom]) -> Next {
        var workers: [(module: Atom, id: ChildAddress)] = []
        for id in ready {
            guard let worker = suspended[id] else { continue }
            let module = modules.last(where: worker.modules.contains) ?? modules[0]
            workers.append((module, id))
            suspended.update(id) {
                $0.modules = []
                $0.isDue = true
            }
        }
        let mustWait = canFail(after: current)
        if mustWait, !ready.isEmpty { note("carried out with the last group of its transaction") }
        due.append(DueResume(index: current, modules: modules, workers: workers, notes: notes))
        return mustWait ? .postponed : .commit(then: .goOn(current + 1))
    }

    /// A suspend that comes before the commit: these do not go on yet.
    mutating func takeBackResume(of workers: Set<ChildAddress>, modules: [Atom]) {
        for position in due.indices {
            let count = due[position].workers.count
            due[position].workers.removeAll { workers.contains($0.id) }
            due[position].modules.removeAll(where: modules.contains)
            if due[position].workers.count != count { due[position].notes.append("suspended again before it") }
        }
    }
}
