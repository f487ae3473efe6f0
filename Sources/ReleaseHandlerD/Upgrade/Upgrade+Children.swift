import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// `stop` and `start`.
extension Upgrade {
    /// A child as it was before the script stopped it.
    struct StoppedRecord {
        let spec: ChildSpec
        /// Its supervisor with all its specs, in their order.
        let supervisor: SupervisorSnapshot?
        /// Of a child of `simple_one_for_one`: what was added to the template's arguments.
        let arguments: [Term]?
    }

    func stopChildren(_ modules: [Atom]) {
        tree.children(listing: modules, survey: survey) { [weak self] found in
            var stopped: [(module: Atom, address: ChildAddress)] = []
            for one in found where !stopped.contains(where: { $0.address == one.child }) {
                stopped.append((one.module, one.child))
            }
            self?.stop(stopped)
        }
    }

    private func stop(_ stopped: [(module: Atom, address: ChildAddress)]) {
        for child in stopped { note(stopOf: child.address) }
        each(stopped) { (child, done: @escaping @HostActor (Term?) -> Void) in
            within(Self.stopMilliseconds, done) { tree.terminateChild(child.address, then: $0) }
        } then: { results in
            var ok: [RelupMachine.StoppedChild] = []
            var failed: [RelupMachine.WorkerFailure] = []
            for (child, reason) in results {
                let worker = child.address
                if let reason {
                    failed.append(.init(worker: worker, reason: reason))
                } else {
                    let isForgotten = self.tree.child(at: worker) == nil
                    ok.append(.init(module: child.module, child: worker, isForgotten: isForgotten))
                }
            }
            self.answer(.childrenStopped(ok, failed: failed))
        }
    }

    /// What is needed to start it again where its supervisor forgets it.
    func record(_ address: ChildAddress) {
        guard let child = tree.child(at: address), let parent = address.parent else { return }
        let template = tree.template(of: parent)
        stoppedChildren[address] = StoppedRecord(
            spec: child.spec, supervisor: tree.snapshot(of: parent),
            arguments: template.map { Array(child.spec.start.arguments.dropFirst($0.start.arguments.count)) })
    }

    private func note(stopOf address: ChildAddress) {
        guard let child = tree.child(at: address) else { return }
        record(address)
        let isStarted = entry.script.contains { instruction in
            guard case .start(let modules) = instruction else { return false }
            return modules.contains(where: child.spec.listedModules.contains)
        }
        for place in tree.places.values where address == place.address || place.address.isBelow(address) {
            ledger.note(.script("stopped by the script"), of: place.address, start: place.startID)
            if !isStarted { ledger.means(toEnd: place.address) }
        }
    }

    /// One after the other, in the order given: what starts first may be what the next one needs.
    func startChildren(_ workers: [ChildAddress]) {
        tree.permit(workers)
        startNext(workers[...], ok: [], failed: []) { [weak self] address, done in
            self?.tree.restartChild(address, then: done)
        } then: { [weak self] in
            self?.tree.endPermission(of: workers)
            self?.answer($0)
        }
    }

    /// Back to what was stopped: by their supervisors, which get those anew that they have forgotten.
    func restoreChildren(_ children: [RelupMachine.StoppedChild]) {
        let forgotten = Set(children.filter(\.isForgotten).map(\.child))
        var workers: [ChildAddress] = []
        for child in children where !workers.contains(child.child) { workers.append(child.child) }
        tree.permit(workers)
        startNext(workers[...], ok: [], failed: []) { [weak self] address, done in
            guard let self else { return }
            guard forgotten.contains(address) else { return tree.restartChild(address, then: done) }
            startAnew(address, then: done)
        } then: { [weak self] event in
            self?.tree.endPermission(of: workers)
            self?.restoreOrder(of: forgotten)
            self?.answer(event)
        }
    }

    func startAnew(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        guard let record = stoppedChildren[address], let supervisor = address.parent else {
            return then(.atom("not_found"))
        }
        startedAnew.insert(address)
        let request: SupervisorRequest =
            record.arguments.map { .startDynamicChild(supervisor: supervisor, arguments: $0) }
            ?? .startChild(supervisor: supervisor, record.spec)
        tree.request(request) { [weak self] reply in
            if case .child(let new, _) = reply { self?.ledger.moved(address, to: new) }
            then(reply.failure)
        }
    }

    /// A child that is started anew comes behind the others: with `rest_for_one` the place says who is restarted with whom.
    func restoreOrder(of children: Set<ChildAddress>) {
        for (supervisor, record) in Dictionary(
            children.compactMap { child in
                child.parent.flatMap { parent in stoppedChildren[child].map { (parent, $0) } }
            }, uniquingKeysWith: { first, _ in first })
        {
            let isChanged = supervisors.contains { $0.address == supervisor }
            guard record.arguments == nil, !isChanged, let snapshot = record.supervisor else { continue }
            tree.request(.restore(supervisor: supervisor, snapshot)) { _ in }
        }
    }

    private func startNext(
        _ waiting: ArraySlice<ChildAddress>, ok: [ChildAddress], failed: [RelupMachine.WorkerFailure],
        _ start: @escaping @HostActor (ChildAddress, @escaping @HostActor (Term?) -> Void) -> Void,
        then: @escaping @HostActor (RelupMachine.Event) -> Void
    ) {
        guard let worker = waiting.first else { return then(.childrenStarted(ok: ok, failed: failed)) }
        within(Self.startMilliseconds) { [weak self] reason in
            self?.progressed()
            if let reason {
                let failure = RelupMachine.WorkerFailure(worker: worker, reason: reason)
                self?.startNext(waiting.dropFirst(), ok: ok, failed: failed + [failure], start, then: then)
            } else {
                self?.startNext(waiting.dropFirst(), ok: ok + [worker], failed: failed, start, then: then)
            }
        } _: {
            start(worker, $0)
        }
    }

    /// A module of the spec whose starts wait for a resume: a start of it now would wait for what comes after it.
    func heldModule(of spec: ChildSpec?) -> Atom? {
        spec?.listedModules.first(where: tree.heldModules.contains)
    }

    static func isHeld(_ module: Atom) -> Term { .tuple([.atom("suspended"), .atom(module)]) }
}
