import Instructions
import OrderedCollections
import Terms
import Wire

/// `suspend`: module after module, since who is named first may be in the middle of a request to who is named next.
extension RelupMachine {
    /// A suspend under way.
    struct Suspension: Sendable {
        let targets: [SuspendTarget]
        let workers: [ChildAddress: WorkerInfo]
        /// Which of the modules each lists: sought before anybody is suspended.
        let modules: [ChildAddress: Set<Atom>]
        /// Those of one module each, in the order of the modules.
        var batches: ArraySlice<[SuspendOrder]>
        /// Those that were asked last.
        var asked: [SuspendOrder] = []
        var hung: [ChildAddress] = []
        var busySupervisor: ChildAddress?
    }

    mutating func beginSuspend(_ targets: [SuspendTarget], _ code: CodeTable) -> Next {
        copyAhead(targets, code) ?? holdStarts(targets)
    }

    mutating func holdStarts(_ targets: [SuspendTarget]) -> Next {
        let modules = targets.map(\.module)
        heldModules.append(contentsOf: modules)
        return .ask(.holdingStarts(targets), .holdStarts(modules))
    }

    mutating func answerStartsHeld(_ targets: [SuspendTarget], _ event: Event) -> Next? {
        guard case .startsHeld = event else { return nil }
        return .ask(.findingWorkersToSuspend(targets), .findWorkers(targets.map(\.module)))
    }

    mutating func answerMissingStandbys(
        _ targets: [SuspendTarget], _ workers: [WorkerInfo], _ event: Event, _ code: CodeTable
    ) -> Next? {
        let next = answerStandbys(event)
        guard case .some(.done) = next else { return next }
        touched = []
        return suspend(targets, workers, code)
    }

    /// Workers that came since load_object_code get their standby now, while everything still runs.
    mutating func answerWorkersToSuspend(_ targets: [SuspendTarget], _ event: Event, _ code: CodeTable) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        let missing = workers.compactMap { worker -> StandbyOrder? in
            guard targets.contains(where: { worker.modules.contains($0.module) }), suspended[worker.id] == nil,
                let version = successor(of: worker, code), standbys[worker.id] == nil, !alreadyRunsNewCode(worker)
            else { return nil }
            return StandbyOrder(worker: worker.id, version: version)
        }
        guard !missing.isEmpty else { return suspend(targets, workers, code) }
        return .ask(.startingMissingStandbys(targets, workers), startStandbys(missing))
    }

    private mutating func suspend(_ targets: [SuspendTarget], _ workers: [WorkerInfo], _ code: CodeTable) -> Next {
        var modules: [ChildAddress: Set<Atom>] = [:]
        var found: Set<Atom> = []
        var orders: [Atom: [SuspendOrder]] = [:]
        var again: Set<ChildAddress> = []
        for worker in workers {
            let mine = targets.filter { worker.modules.contains($0.module) }
            guard let first = mine.first else { continue }
            let named = Set(mine.map(\.module))
            modules[worker.id] = named
            found.formUnion(named)
            if suspended[worker.id] != nil {
                again.insert(worker.id)
                suspended.update(worker.id) {
                    $0.modules.formUnion(named)
                    $0.isDue = false
                    // It was asked for other modules then.
                    $0.info.functional.merge(worker.functional) { $1 }
                }
            } else {
                let exporting = standbys[worker.id] == nil ? nil : prospect(of: worker, from: current, code)
                let order = SuspendOrder(
                    worker: worker.id, timeoutMilliseconds: limit(mine), exporting: exporting)
                orders[first.module, default: []].append(order)
            }
        }
        // Also those of which nothing is left but that they are to be started.
        for worker in suspended.all where worker.state == .gone && !again.contains(worker.info.id) {
            let mine = targets.map(\.module).filter(worker.info.modules.contains)
            guard !mine.isEmpty else { continue }
            again.insert(worker.info.id)
            suspended.update(worker.info.id) {
                $0.modules.formUnion(mine)
                $0.isDue = false
            }
        }
        takeBackResume(of: again, modules: targets.map(\.module))
        for target in targets where !found.contains(target.module) {
            note("no worker's child spec lists \(target.module.name)")
        }
        let batches = OrderedSet(targets.map(\.module)).compactMap { orders[$0] }
        let known = Dictionary(workers.map { ($0.id, $0) }) { $1 }
        return suspendNext(Suspension(targets: targets, workers: known, modules: modules, batches: batches[...]))
    }

    private mutating func suspendNext(_ suspension: Suspension) -> Next {
        var suspension = suspension
        guard let orders = suspension.batches.popFirst() else { return terminate(suspension, then: nil) }
        suspension.asked = orders
        let isFirst = !hasSuspended
        hasSuspended = true
        // While others are held, one that does not answer may be waiting for one of them.
        let isSomebodyHeld = due.contains { !$0.workers.isEmpty }
        let grace = isSomebodyHeld ? options.suspendGraceMilliseconds : nil
        return .ask(.suspending(suspension), .suspend(orders, isFirst: isFirst, graceMilliseconds: grace))
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

    mutating func answerSuspended(_ suspension: Suspension, _ event: Event) -> Next? {
        guard case .suspended(let ok, var hung, let died, let waiting, let refused) = event else { return nil }
        hung += refused.map(\.worker)
        var suspension = suspension
        let named = Set(ok + hung + died + waiting)
        // Nothing says that one is suspended of which nothing was said.
        hung += suspension.asked.map(\.worker).filter { !named.contains($0) }
        let standing = Set(ok).subtracting(hung).subtracting(died)
        if let busy = hung.first(where: { suspension.workers[$0]?.isSupervisor == true }) {
            suspension.busySupervisor = suspension.busySupervisor ?? busy
            hung.removeAll { suspension.workers[$0]?.isSupervisor == true }
        }
        let isLeftAlone: (ChildAddress) -> Bool = { [options] worker in
            options.hungWorkers == .abort && suspension.workers[worker]?.resident != nil
        }
        for order in suspension.asked where named.contains(order.worker) || hung.contains(order.worker) {
            guard !waiting.contains(order.worker), let worker = suspension.workers[order.worker] else { continue }
            if worker.isSupervisor, !standing.contains(worker.id) { continue }
            let modules = suspension.modules[worker.id] ?? []
            let isHung = hung.contains(worker.id) && isLeftAlone(worker.id)
            let state: SuspendedWorker.State = standing.contains(worker.id) ? .suspended : isHung ? .hung : .gone
            suspended.append(SuspendedWorker(info: worker, modules: modules, state: state))
        }
        touched += ok + hung + died
        if !died.isEmpty { warn("\(names(died)) died while being suspended") }
        for one in refused { warn("\(one.worker) did not suspend, it answered \(one.reason.reasonText)") }
        let left = hung.filter(isLeftAlone)
        // Where this fails nobody awaits their answer any more; it may come yet.
        if !left.isEmpty || suspension.busySupervisor != nil { giveUp(suspension, waiting) }
        suspension.hung += hung.filter { !isLeftAlone($0) }
        if let one = refused.first(where: { left.contains($0.worker) }) {
            return terminate(suspension, then: .refusedSuspend(worker: one.worker, reason: one.reason))
        }
        guard left.isEmpty else { return terminate(suspension, then: .hung(left)) }
        if let busy = suspension.busySupervisor { return terminate(suspension, then: .suspend(supervisor: busy)) }
        guard !waiting.isEmpty else { return suspendNext(suspension) }
        let orders = suspension.asked.filter { waiting.contains($0.worker) }
        suspension.asked = orders
        warn(
            """
            \(names(waiting)) did not answer within \(options.suspendGraceMilliseconds) ms while workers of earlier groups \
            were held, and may use one of them: those groups were committed first
            """)
        return .commit(then: .suspension(index: current, suspension, waiting: orders))
    }

    /// These were asked to suspend and nobody waits for their answer any more: an abort lets them go on.
    mutating func giveUp(_ suspension: Suspension, _ waiting: [ChildAddress]) {
        for worker in waiting.compactMap({ suspension.workers[$0] }) {
            suspended.append(SuspendedWorker(info: worker, modules: [], state: .hung))
        }
    }

    /// The hung ones, once all others are suspended.
    private mutating func terminate(_ suspension: Suspension, then error: RelupError?) -> Next {
        let hung = suspension.hung
        guard !hung.isEmpty else { return error.map { .fail($0) } ?? .done }
        warn("\(names(hung)) did not suspend in time: terminated, and started again at resume")
        return .ask(.terminatingHung(then: error), .terminateHung(hung))
    }

    func answerHungTerminated(_ event: Event, _ error: RelupError?) -> Next? {
        guard case .hungTerminated = event else { return nil }
        return error.map { .fail($0) } ?? .done
    }
}
