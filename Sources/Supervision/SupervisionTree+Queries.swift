public import Terms
public import Wire

/// Questions that change nothing and never wait for a busy supervisor.
extension SupervisionTree {
    /// The top supervisors' places, in the order in which they were started.
    public var rootAddresses: [ChildAddress] { roots.compactMap { supervisors[$0]?.address } }

    /// Every child of every supervisor, each before its own children, in start order.
    public func allChildren() -> [ChildStatus] {
        var found: [ChildStatus] = []
        for root in roots { collect(root, into: &found) }
        return found
    }

    /// Every supervisor, each before those below it.
    public func allSupervisors() -> [SupervisorStatus] {
        var found: [SupervisorStatus] = []
        for root in roots { collect(root, into: &found) }
        return found
    }

    public func child(at address: ChildAddress) -> ChildStatus? {
        guard let parent = address.parent, let key = address.id, let id = places[parent],
            let supervisor = supervisors[id]
        else { return nil }
        return status(supervisor, key)
    }

    /// Whether a child at this place runs or may be started again.
    public func prospect(of address: ChildAddress) -> ChildProspect {
        if child(at: address) != nil { return .specified }
        var above = address.parent
        while let place = above {
            if let supervisor = supervisor(at: place) { return supervisor.phase == .running ? .deleted : .awaited }
            switch child(at: place)?.state {
            case .starting?, .running?, .restarting?: return .awaited
            case .undefined?: return .down
            case nil: above = place.parent
            }
        }
        return .down
    }

    /// Whether its supervisor is at the restart of several children of which it is one: some end first, then they start.
    public func isInRestartUnderWay(_ address: ChildAddress) -> Bool {
        guard let key = address.id, let supervisor = address.parent.flatMap({ places[$0] }).flatMap({ supervisors[$0] })
        else { return false }
        return switch supervisor.phase {
        case .stopping(_, _, .restartGroup(let group, _)), .stopping(_, _, .delayGroup(_, _, let group, _)):
            group.contains(key)
        case .starting(_, let starting, .restartGroup(let rest)): starting == key || rest.contains(key)
        case .reading, .idle, .starting, .startingTogether, .stopping, .stoppingDynamic, .killed: false
        }
    }

    public func supervisor(at address: ChildAddress) -> SupervisorStatus? {
        places[address].flatMap { supervisors[$0] }.map(status)
    }

    /// The spec of the children of a `simple_one_for_one` supervisor; none for any other.
    public func template(of supervisor: ChildAddress) -> ChildSpec? {
        places[supervisor].flatMap { supervisors[$0]?.template }
    }

    /// The child that a start belongs to, while it runs or is under way.
    public func child(_ id: StartID) -> ChildStatus? {
        guard let owner = owners[id], let supervisor = supervisors[owner.supervisor] else { return nil }
        return status(supervisor, owner.key)
    }

    /// The workers, running or not, whose spec's `modules` list that module; not those with `dynamic`.
    public func children(listing module: Atom) -> [ChildStatus] {
        allChildren().filter { child in
            guard child.spec.type == .worker, case .list(let modules) = child.spec.modules else { return false }
            return modules.contains(module)
        }
    }

    /// The workers that are to be asked for their modules.
    public func childrenWithDynamicModules() -> [ChildStatus] {
        allChildren().filter { $0.spec.type == .worker && $0.spec.modules == .dynamic }
    }

    /// Supervisors whose `.sup` is being read: who goes on with the tree reads it anew.
    public var reading: [(id: StartID, address: ChildAddress, module: Atom)] {
        supervisors.values.filter { if case .reading = $0.phase { true } else { false } }
            .sorted { $0.id < $1.id }.map { ($0.id, $0.address, $0.module) }
    }

    private func collect(_ id: StartID, into found: inout [ChildStatus]) {
        guard let supervisor = supervisors[id] else { return }
        for key in supervisor.children.keys {
            guard let child = status(supervisor, key) else { continue }
            found.append(child)
            if let attempt = child.state.startID { collect(attempt, into: &found) }
        }
    }

    private func collect(_ id: StartID, into found: inout [SupervisorStatus]) {
        guard let supervisor = supervisors[id] else { return }
        found.append(status(supervisor))
        for key in supervisor.children.keys {
            if let attempt = supervisor.children[key]?.state.startID { collect(attempt, into: &found) }
        }
    }

    private func status(_ supervisor: Supervisor, _ key: Term) -> ChildStatus? {
        supervisor.children[key].map {
            ChildStatus(
                address: supervisor.address.child(key), spec: $0.spec, state: $0.state, restarts: $0.restarts,
                restartDueMilliseconds: $0.dueMilliseconds)
        }
    }

    private func status(_ supervisor: Supervisor) -> SupervisorStatus {
        let phase: SupervisorStatus.Phase
        switch supervisor.phase {
        case .stoppingDynamic, .killed, .stopping(_, _, .end): phase = .terminating
        case .reading, .idle, .starting, .startingTogether, .stopping:
            phase = supervisor.isInitialized ? .running : .initializing
        }
        var flags: SupervisorFlags? = supervisor.flags
        if case .reading = supervisor.phase { flags = nil }
        return SupervisorStatus(
            address: supervisor.address, startID: supervisor.id, module: supervisor.module, flags: flags, phase: phase,
            isBusy: !supervisor.isIdle, isSuspended: supervisor.isSuspended)
    }
}
