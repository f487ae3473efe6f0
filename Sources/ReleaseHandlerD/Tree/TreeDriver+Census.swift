import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Who has which modules: what is verified about workers, for upgrades and purges.
extension TreeDriver {
    /// How long a question about workers waits for one that is being started.
    static let awaitStartMilliseconds = 30_000

    /// What is verified about every worker that lists one of these modules or executes one, those with `dynamic`
    /// modules asked. Those that are being started have come to the end of that: what they run is known then.
    ///
    /// All of it is true in the turn in which `then` is called: what was asked for meanwhile is looked at last.
    ///
    /// - Parameter survey: what those with `dynamic` modules answered before; without one all are asked.
    func workers(
        listing modules: [Atom], survey: ModuleSurvey? = nil, then: @escaping @HostActor ([WorkerInfo]) -> Void
    ) {
        let survey = survey ?? ModuleSurvey()
        awaitStarts(listing: Set(modules)) { [self] in
            survey.ask(dynamicPlaces) { [self] in
                let wanted = Set(modules)
                let processes = places.values.compactMap(\.current).filter(\.isAlive)
                askVersions(of: processes, among: wanted) { [self] versions in
                    then(supervisors(listing: wanted) + workers(listing: wanted, survey, versions))
                }
            }
        }
    }

    /// Those of workers that are asked which modules they have.
    private var dynamicPlaces: [Place] {
        allChildren().compactMap { child in
            guard let place = places[child.address], case .dynamic = place.spec.modules, place.current != nil,
                place.speaksProtocol
            else { return nil }
            return place
        }
    }

    private func awaitStarts(listing modules: Set<Atom>, then: @escaping @HostActor () -> Void) {
        // One that waits for room runs nothing: it begins in what is current then, and not while that is held.
        let waiting = Set(places.values.filter { !$0.launches.isEmpty }.compactMap(\.startID))
        let starts = startsUnderWay(listing: modules).filter { !waiting.contains($0) }
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

    private func workers(
        listing wanted: Set<Atom>, _ survey: ModuleSurvey, _ versions: [ObjectIdentifier: [Atom: FunctionalCode]]
    ) -> [WorkerInfo] {
        allChildren().compactMap { child in
            // One that is being stopped is nobody's any more, whatever code it was in.
            guard let place = places[child.address], place.phase != .stopping, let generation = place.current
            else { return nil }
            let modules = self.modules(of: place, survey)
            let version = generation.code
            let functional = versions[ObjectIdentifier(generation)] ?? [:]
            let isConcerned = version.map { wanted.contains($0.module) } == true || !functional.isEmpty
            guard isConcerned || !wanted.isDisjoint(with: modules) else { return nil }
            return WorkerInfo(
                id: place.address, resident: version?.module, modules: modules, vsn: generation.vsn.ifDefined,
                sha256: version?.sha256 ?? "", isIncremental: generation.isIncremental,
                functional: functional)
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

    /// Of a worker with `dynamic` ones what it said, else what its spec lists.
    private func modules(of place: Place, _ survey: ModuleSurvey?) -> [Atom] {
        guard case .dynamic = place.spec.modules, let generation = place.current else {
            return place.spec.listedModules
        }
        return survey?.modules(of: generation) ?? place.spec.listedModules
    }

    /// Every child, worker or supervisor, that lists the module and runs; in tree order.
    ///
    /// - Parameter survey: what workers with `dynamic` modules answered; one that it has nothing of has its start module.
    func children(listing module: Atom, survey: ModuleSurvey? = nil) -> [ChildAddress] {
        allChildren().filter { child in
            guard child.state.startID != nil else { return false }
            guard let place = places[child.address], place.current != nil else {
                return child.spec.listedModules.contains(module)
            }
            return modules(of: place, survey).contains(module)
        }.map(\.address)
    }

    /// The same, once those with `dynamic` modules have been asked.
    func children(
        listing modules: [Atom], survey: ModuleSurvey,
        then: @escaping @HostActor ([(module: Atom, child: ChildAddress)]) -> Void
    ) {
        survey.ask(dynamicPlaces) { [self] in
            then(modules.flatMap { module in children(listing: module, survey: survey).map { (module, $0) } })
        }
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
