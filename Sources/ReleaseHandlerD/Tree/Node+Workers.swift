import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Finding workers, by name and by module, and asking their supervisors.
extension Node {
    /// How long a worker with `dynamic` modules may take to say which they are.
    static let getModulesMilliseconds = 5_000
    /// How long a question about workers waits for one that is being started.
    static let awaitStartMilliseconds = 30_000

    func place(named text: String) -> Place? {
        ChildAddress(parsing: text).flatMap { places[$0] }
    }

    /// What is verified about every worker that lists one of these modules or executes one, those with `dynamic`
    /// modules asked. Those that are being started have come to the end of that: what they run is known then.
    func workers(listing modules: [Atom], then: @escaping @HostActor ([WorkerInfo]) -> Void) {
        awaitStarts(listing: Set(modules)) { [self] in runningWorkers(listing: modules, then: then) }
    }

    private func awaitStarts(listing modules: Set<Atom>, then: @escaping @HostActor () -> Void) {
        let starts = places.values.compactMap { place -> StartID? in
            guard place.isStarting, let id = place.startID else { return nil }
            return place.spec.listedModules.contains(where: modules.contains) ? id : nil
        }
        let gather = Gather<Bool>(count: starts.count) { _ in then() }
        for (index, start) in starts.enumerated() {
            // Without this limit a start without one would hold up everything.
            let timer = Reactor.shared.schedule(afterMilliseconds: Self.awaitStartMilliseconds) {
                gather.set(index, false)
            }
            startWaiters[start, default: []].append {
                timer.cancel()
                gather.set(index, true)
            }
        }
    }

    private func runningWorkers(listing modules: [Atom], then: @escaping @HostActor ([WorkerInfo]) -> Void) {
        let wanted = Set(modules)
        var candidates: [Place] = []
        for child in tree.allChildren() where child.spec.type == .worker {
            if let place = places[child.address], place.current != nil { candidates.append(place) }
        }
        let supervisors = supervisors(listing: wanted)
        let gather = Gather<WorkerInfo>(count: candidates.count) { infos in
            let found = infos.filter {
                $0.resident.map(wanted.contains) == true || !wanted.isDisjoint(with: $0.modules)
            }
            then(supervisors + found)
        }
        for (index, place) in candidates.enumerated() {
            modulesOf(place) { gather.set(index, Self.info(place, modules: $0)) }
        }
    }

    /// Supervisors that run: a top supervisor by its module, any other by the modules of its spec, as in OTP.
    private func supervisors(listing wanted: Set<Atom>) -> [WorkerInfo] {
        tree.allSupervisors().compactMap { supervisor in
            let modules = tree.child(at: supervisor.address)?.spec.listedModules ?? [supervisor.module]
            guard !wanted.isDisjoint(with: modules) else { return nil }
            return WorkerInfo(
                id: supervisor.address, resident: nil, modules: modules, vsn: nil, sha256: "",
                isSupervisor: true)
        }
    }

    private func modulesOf(_ place: Place, then: @escaping @HostActor ([Atom]) -> Void) {
        if case .list(let modules) = place.spec.modules { return then(modules) }
        guard let generation = place.running else { return then([place.spec.start.module]) }
        generation.ask(within: Self.getModulesMilliseconds, { .getModules(ref: $0) }) { answer in
            guard case .value(.list(let names)) = answer else { return then([place.spec.start.module]) }
            then(names.compactMap(\.asAtom))
        }
    }

    private static func info(_ place: Place, modules: [Atom]) -> WorkerInfo {
        let code = place.current?.code?.version
        return WorkerInfo(
            id: place.address, resident: code?.module, modules: modules,
            vsn: place.current?.vsn.ifDefined, sha256: code?.sha256 ?? "")
    }

    /// Every child, worker or supervisor, whose spec lists the module and that runs; in tree order.
    func children(listing module: Atom) -> [ChildAddress] {
        tree.allChildren().filter { child in
            guard child.state.startID != nil, case .list(let modules) = child.spec.modules else { return false }
            return modules.contains(module)
        }.map(\.address)
    }

    /// Through its supervisor; nil where it went well.
    func terminateChild(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        guard let supervisor = address.parent, let id = address.id else { return then(.atom("not_found")) }
        request(.terminateChild(supervisor: supervisor, id: id)) { then($0.failure) }
    }

    /// Through its supervisor; nil where it went well.
    func restartChild(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        guard let supervisor = address.parent, let id = address.id else { return then(.atom("not_found")) }
        request(.restartChild(supervisor: supervisor, id: id)) { then($0.failure) }
    }
}

extension SupervisorReply {
    /// The error's reason as OTP's term; nil for every other reply.
    var failure: Term? {
        switch self {
        case .error(let error): error.reason
        case .ok, .child, .childspec, .children, .counts: nil
        }
    }
}
