import OrderedCollections
import Instructions
import Terms
import Wire

extension RelupMachine {
    mutating func beginSuspend(_ targets: [SuspendTarget]) -> Next {
        let modules = targets.map(\.module)
        heldModules.append(contentsOf: modules)
        return .ask(.holdingStarts(targets), .holdStarts(modules))
    }

    mutating func answerStartsHeld(_ targets: [SuspendTarget], _ event: Event) -> Next? {
        guard case .startsHeld = event else { return nil }
        return .ask(.findingWorkersToSuspend(targets), .findWorkers(targets.map(\.module)))
    }

    mutating func answerMissingStandbys(
        _ targets: [SuspendTarget], _ workers: [WorkerInfo], _ event: Event
    ) -> Next? {
        let next = answerStandbys(event)
        guard case .some(.done) = next else { return next }
        touched = []
        return suspend(targets, workers)
    }

    func answerHungTerminated(_ event: Event, _ error: RelupError?) -> Next? {
        guard case .hungTerminated = event else { return nil }
        return error.map { .fail($0) } ?? .done
    }

    /// Workers that came since load_object_code get their standby now, while everything still runs.
    mutating func answerWorkersToSuspend(_ targets: [SuspendTarget], _ event: Event) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        let missing = workers.compactMap { worker -> StandbyOrder? in
            guard targets.contains(where: { worker.modules.contains($0.module) }), !standbys.contains(worker.id),
                let version = successor(of: worker), !alreadyRunsNewCode(worker), suspended[worker.id] == nil
            else { return nil }
            return StandbyOrder(worker: worker.id, version: version)
        }
        guard !missing.isEmpty else { return suspend(targets, workers) }
        return .ask(.startingMissingStandbys(targets, workers), startStandbys(missing))
    }

    private mutating func suspend(_ targets: [SuspendTarget], _ workers: [WorkerInfo]) -> Next {
        var found: [Atom: Set<ChildAddress>] = [:]
        var orders: [SuspendOrder] = []
        var fresh: [WorkerInfo] = []
        for worker in workers {
            let mine = targets.filter { worker.modules.contains($0.module) }
            guard !mine.isEmpty else { continue }
            for target in mine { found[target.module, default: []].insert(worker.id) }
            if suspended[worker.id] != nil {
                suspended.update(worker.id) { $0.modules.formUnion(mine.map(\.module)) }
            } else {
                fresh.append(worker)
                orders.append(SuspendOrder(worker: worker.id, timeoutMilliseconds: limit(mine)))
            }
        }
        for target in targets where found[target.module] == nil {
            note("no worker's child spec lists \(target.module.name)")
        }
        guard !orders.isEmpty else { return .done }
        let isFirst = !hasSuspended
        hasSuspended = true
        return .ask(.suspending(fresh, found), .suspend(orders, isFirst: isFirst))
    }

    /// The longest of a worker's limits; `nil` is without end.
    private func limit(_ targets: [SuspendTarget]) -> Int? {
        var longest = 0
        for target in targets {
            switch target.timeout ?? .standard {
            case .standard: longest = max(longest, options.suspendTimeoutMilliseconds)
            case .milliseconds(let time): longest = max(longest, time)
            case .infinity: return nil
            }
        }
        return longest
    }

    mutating func answerSuspended(_ workers: [WorkerInfo], _ found: [Atom: Set<ChildAddress>], _ event: Event) -> Next?
    {
        guard case .suspended(let ok, var hung, let died) = event else { return nil }
        let standing = Set(ok).subtracting(hung).subtracting(died)
        let named = Set(ok + hung + died)
        // Nothing says that one is suspended of which nothing was said.
        hung += workers.map(\.id).filter { !named.contains($0) }
        let supervisors = Set(workers.filter(\.isSupervisor).map(\.id))
        let busy = hung.first(where: supervisors.contains)
        hung.removeAll(where: supervisors.contains)
        for worker in workers {
            if worker.isSupervisor, !standing.contains(worker.id) { continue }
            let modules = Set(found.filter { $0.value.contains(worker.id) }.map(\.key))
            let state: SuspendedWorker.State = standing.contains(worker.id) ? .suspended : .gone
            suspended.append(SuspendedWorker(info: worker, modules: modules, state: state))
        }
        touched += ok + hung + died
        if !died.isEmpty { warn("\(names(died)) died while being suspended; started again at resume") }
        let error = busy.map { RelupError.suspend(supervisor: $0) }
        guard !hung.isEmpty else { return error.map { .fail($0) } ?? .done }
        warn("\(names(hung)) did not suspend in time: terminated, and started again at resume")
        return .ask(.terminatingHung(then: error), .terminateHung(hung))
    }
}
