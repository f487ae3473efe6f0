import OrderedCollections
import Instructions
import Terms
import Wire

/// `code_change`: the states of suspended workers go into their standbys, converted.
extension RelupMachine {
    mutating func beginCodeChange(
        _ mode: CodeChangeMode, _ targets: [CodeChangeTarget], _ code: CodeTable
    ) -> Next {
        var handoffs: [Handoff] = []
        var named: Set<ChildAddress> = []
        var supervisors: [(module: Atom, id: ChildAddress)] = []
        var modules: [ModuleChange] = []
        for target in targets {
            let mine = suspended.all.filter { $0.modules.contains(target.module) }
            if mine.isEmpty { note("no worker is suspended for \(target.module.name)") }
            for worker in mine {
                if worker.info.isSupervisor {
                    if named.insert(worker.info.id).inserted { supervisors.append((target.module, worker.info.id)) }
                    continue
                }
                if let functional = moduleChange(mode, target, worker) {
                    modules.append(functional)
                    continue
                }
                switch conversion(mode, target, worker, code) {
                case .handOff(let handoff):
                    guard named.insert(handoff.worker).inserted else {
                        return .fail(convertedTwice(target.module, handoff.worker))
                    }
                    handoffs.append(handoff)
                case .skip(let reason): note(reason)
                case .fail(let error): return .fail(error)
                }
            }
        }
        // What they keep for functional modules goes over with their states.
        guard !supervisors.isEmpty else { return change(modules, then: handoffs) }
        let ids = supervisors.map(\.id)
        changedSupervisors.append(contentsOf: ids)
        // They first: what is wrong with a `.sup` file is found before any state is on its way.
        return .ask(.changingSupervisors(supervisors, modules, then: handoffs), .changeSupervisors(ids))
    }

    /// Where the module is a functional one of this worker's: what it keeps for it.
    private func moduleChange(
        _ mode: CodeChangeMode, _ target: CodeChangeTarget, _ worker: SuspendedWorker
    ) -> ModuleChange? {
        let module = target.module
        guard worker.info.resident != module, worker.info.functional[module] != nil,
            worker.state == .suspended || worker.state == .handedOff
        else { return nil }
        let loaded = self.change(of: module)
        let change: Handoff.Change
        switch mode {
        case .up: change = .up(from: loaded?.before?.codeVsn ?? .atom("undefined"), extra: target.extra)
        case .down:
            let to = objectCode[module]?.codeVsn ?? loaded?.current?.codeVsn ?? .atom("undefined")
            change = .down(to: to, extra: target.extra, convertsIn: .oldProcess)
        }
        return ModuleChange(
            target: ModuleOfWorker(worker: worker.info.id, module: module), change: change,
            inStandby: worker.state == .handedOff)
    }

    private func change(_ modules: [ModuleChange], then handoffs: [Handoff]) -> Next {
        guard !modules.isEmpty else { return convert(handoffs) }
        return .ask(
            .changingModules(modules, then: handoffs),
            .changeModules(modules, timeoutMilliseconds: options.codeChangeTimeoutMilliseconds))
    }

    mutating func answerModulesChanged(
        _ changes: [ModuleChange], _ handoffs: [Handoff], _ event: Event
    ) -> Next? {
        guard case .modulesChanged(let ok, let failed, let without, let died) = event else { return nil }
        for worker in died { suspended.update(worker) { $0.state = .gone } }
        if !died.isEmpty { warn("\(names(died)) died while suspended") }
        // In a standby it goes with it.
        let inStandby = Set(changes.filter(\.inStandby).map(\.target))
        convertedModules.append(contentsOf: ok.filter { !inStandby.contains($0) })
        touched += OrderedSet(ok.map(\.worker)).elements
        for target in without { note("\(target.worker) keeps nothing for \(target.module.name): not converted") }
        if let failure = failed.first {
            // It may have converted a part.
            convertedModules.append(contentsOf: failed.map(\.target).filter { !inStandby.contains($0) })
            let target = failure.target
            return .fail(.codeChange(module: target.module, worker: target.worker, reason: failure.reason))
        }
        return convert(handoffs.filter { !died.contains($0.worker) })
    }

    private func convert(_ handoffs: [Handoff]) -> Next {
        guard !handoffs.isEmpty else { return .done }
        return .ask(
            .convertingCode(handoffs),
            .handOff(handoffs, timeoutMilliseconds: options.codeChangeTimeoutMilliseconds))
    }

    mutating func answerSupervisorsChanged(
        _ orders: [(module: Atom, id: ChildAddress)], _ modules: [ModuleChange], _ handoffs: [Handoff], _ event: Event
    ) -> Next? {
        guard case .supervisorsChanged(let failed, let died, let sentences) = event else { return nil }
        if let failure = failed.first {
            let module = orders.first { $0.id == failure.worker }?.module ?? orders[0].module
            return .fail(.codeChange(module: module, worker: failure.worker, reason: failure.reason))
        }
        for sentence in sentences { note(sentence) }
        if !died.isEmpty { warn("\(names(died)) ended while suspended: what starts in its place reads the new code") }
        suspended.remove { died.contains($0.info.id) }
        touched += orders.map(\.id).filter { !died.contains($0) }
        return change(modules, then: handoffs)
    }

    private enum Conversion {
        case handOff(Handoff)
        case skip(String)
        case fail(RelupError)
    }

    private func conversion(
        _ mode: CodeChangeMode, _ target: CodeChangeTarget, _ worker: SuspendedWorker, _ code: CodeTable
    ) -> Conversion {
        let info = worker.info
        guard info.resident == target.module else {
            let resident = info.resident?.name ?? "an os program"
            return .skip("\(info.id) lists \(target.module.name) but its state is that of \(resident): not converted")
        }
        switch worker.state {
        case .gone, .hung: return .skip("\(info.id) has no state left; it is started in the new code")
        case .handedOff: return .fail(convertedTwice(target.module, info.id))
        case .suspended: break
        }
        guard !alreadyRunsNewCode(info) else {
            return .skip("\(info.id) runs the new code already: nothing to convert")
        }
        guard let version = successor(of: info, code) else {
            return .skip("\(info.id): \(target.module.name) has no new code to convert for")
        }
        let loaded = self.change(of: target.module)
        let change = change(
            mode, target, info, to: version, from: loaded?.before, isLoaded: loaded != nil)
        return .handOff(Handoff(worker: info.id, module: target.module, fromVsn: info.codeVsn, change: change))
    }

    private func convertedTwice(_ module: Atom, _ worker: ChildAddress) -> RelupError {
        .codeChange(module: module, worker: worker, reason: .text("the script converts its state a second time"))
    }

    mutating func answerConversion(_ handoffs: [Handoff], _ event: Event) -> Next? {
        guard case .handedOff(let ok, let failed, let died, let whole) = event else { return nil }
        if let failure = failed.first {
            return .fail(conversionError(handoffs, failure))
        }
        // A process that ends in its own code_change has not just died: that is the conversion's failure.
        for worker in died {
            guard let handoff = handoffs.first(where: { $0.worker == worker }) else { continue }
            if case .down(_, _, convertsIn: .oldProcess) = handoff.change {
                let reason = Term.text("the process ended in code_change")
                return .fail(.codeChange(module: handoff.module, worker: worker, reason: reason))
            }
        }
        return wereHandedOff(handoffs.map(\.worker), ok: ok, died: died, whole) ?? .done
    }

    func fail(handingOff failure: WorkerFailure) -> Next {
        .fail(.handOff(worker: failure.worker, reason: failure.reason))
    }

    private func conversionError(_ handoffs: [Handoff], _ failure: WorkerFailure) -> RelupError {
        guard let handoff = handoffs.first(where: { $0.worker == failure.worker }) else {
            return .handOff(worker: failure.worker, reason: failure.reason)
        }
        return .codeChange(module: handoff.module, worker: failure.worker, reason: failure.reason)
    }

    /// Notes who was handed off; `nil` where all is well.
    mutating func wereHandedOff(
        _ asked: [ChildAddress], ok: [ChildAddress], died: [ChildAddress], _ whole: [WorkerFailure]
    ) -> Next? {
        for worker in whole {
            note("the last changes of \(worker.worker) were not taken (\(sentence(worker.reason))): handed over whole")
        }
        touched += ok
        for worker in ok {
            let successor = standbys[worker]
            suspended.update(worker) {
                $0.state = .handedOff
                $0.successor = successor
            }
        }
        for worker in died { suspended.update(worker) { $0.state = .gone } }
        if !died.isEmpty { warn("\(names(died)) died while suspended") }
        let answered = Set(ok + died)
        guard let missing = asked.first(where: { !answered.contains($0) }) else { return nil }
        return .fail(.handOff(worker: missing, reason: .text("nothing was answered for it")))
    }
}
