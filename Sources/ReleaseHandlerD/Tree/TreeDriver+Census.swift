import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Who has which modules: what is verified about workers, for upgrades and purges.
extension TreeDriver {
    /// How long a worker with `dynamic` modules may take to say which they are.
    static let getModulesMilliseconds = 5_000
    /// How long a question about workers waits for one that is being started.
    static let awaitStartMilliseconds = 30_000

    /// What is verified about every worker that lists one of these modules or executes one, those with `dynamic`
    /// modules asked. Those that are being started have come to the end of that: what they run is known then.
    ///
    /// All of it is true in the turn in which `then` is called: what was asked for meanwhile is looked at last.
    func workers(listing modules: [Atom], then: @escaping @HostActor ([WorkerInfo]) -> Void) {
        awaitStarts(listing: Set(modules)) { [self] in runningWorkers(listing: modules, then: then) }
    }

    private func awaitStarts(listing modules: Set<Atom>, then: @escaping @HostActor () -> Void) {
        let starts = startsUnderWay(listing: modules)
        let gather = Gather<Bool>(count: starts.count) { _ in then() }
        for (index, start) in starts.enumerated() {
            // Without this limit a start without one would hold up everything.
            let timer = Reactor.shared.schedule(afterMilliseconds: Self.awaitStartMilliseconds) {
                gather.set(index, false)
            }
            whenEnded(start) {
                timer.cancel()
                gather.set(index, true)
            }
        }
    }

    private func runningWorkers(listing modules: [Atom], then: @escaping @HostActor ([WorkerInfo]) -> Void) {
        let wanted = Set(modules)
        let dynamic = allChildren().compactMap { child -> Place? in
            guard child.spec.type == .worker, case .dynamic = child.spec.modules else { return nil }
            return places[child.address]
        }
        let gather = Gather<[Atom]?>(count: dynamic.count) { [self] answers in
            let said = Dictionary(zip(dynamic.map(\.address), answers), uniquingKeysWith: { $1 })
            then(supervisors(listing: wanted) + workers(listing: wanted, said.compactMapValues(\.self)))
        }
        for (index, place) in dynamic.enumerated() { askModules(of: place) { gather.set(index, $0) } }
    }

    private func workers(listing wanted: Set<Atom>, _ dynamic: [ChildAddress: [Atom]]) -> [WorkerInfo] {
        allChildren().compactMap { child in
            guard child.spec.type == .worker, let place = places[child.address], let generation = place.current else {
                return nil
            }
            let modules = dynamic[child.address] ?? place.spec.listedModules
            let version = generation.code?.version
            guard version.map({ wanted.contains($0.module) }) == true || !wanted.isDisjoint(with: modules) else {
                return nil
            }
            return WorkerInfo(
                id: place.address, resident: version?.module, modules: modules, vsn: generation.vsn.ifDefined,
                sha256: version?.sha256 ?? "")
        }
    }

    /// Supervisors that run: a top supervisor by its module, any other by the modules of its spec, as in OTP.
    private func supervisors(listing wanted: Set<Atom>) -> [WorkerInfo] {
        allSupervisors().compactMap { supervisor in
            let modules = child(at: supervisor.address)?.spec.listedModules ?? [supervisor.module]
            guard !wanted.isDisjoint(with: modules) else { return nil }
            return WorkerInfo(
                id: supervisor.address, resident: nil, modules: modules, vsn: nil, sha256: "", isSupervisor: true)
        }
    }

    /// Nil where it can't be asked, or answers something else: it has at least its start module.
    private func askModules(of place: Place, then: @escaping @HostActor ([Atom]?) -> Void) {
        guard let generation = place.running else { return then(nil) }
        generation.ask(within: Self.getModulesMilliseconds, { .getModules(ref: $0) }) { answer in
            guard case .value(.list(let names)) = answer else { return then(nil) }
            then(names.compactMap(\.asAtom))
        }
    }

    /// Every child, worker or supervisor, whose spec lists the module and that runs; in tree order.
    func children(listing module: Atom) -> [ChildAddress] {
        allChildren().filter { child in
            guard child.state.startID != nil, case .list(let modules) = child.spec.modules else { return false }
            return modules.contains(module)
        }.map(\.address)
    }
}

extension ChildSpec {
    /// The modules that it lists; a worker with `dynamic` ones has at least its start module.
    var listedModules: [Atom] {
        switch modules {
        case .list(let modules): modules
        case .dynamic: [start.module]
        }
    }
}

extension Term {
    /// Nil for `undefined`.
    var ifDefined: Term? { self == .atom("undefined") ? nil : self }
}
