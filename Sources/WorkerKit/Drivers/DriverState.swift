/// One driver of a `DriverTable`.
struct DriverState {
    typealias Action = DriverTable.Action

    /// A reload that was accepted.
    struct Reload: Hashable {
        let user: DriverUser
        let ticket: Int?
        /// Whether who asked has its answer, that it is pending.
        var isAnswered = false
        /// Loads that came since: of the version to come.
        var awaiting: [Waiting] = []
    }

    struct Waiting: Hashable {
        let user: DriverUser
        let ticket: Int?
    }

    /// What an outcome is awaited of.
    enum Phase: Hashable {
        case absent
        case fetchingToLoad(DriverUser, killPorts: Bool)
        case starting(DriverUser, killPorts: Bool)
        case fetchingToReload(Reload)
        case swapping(Reload)
        case openingPort(Int, DriverUser)
        case loaded
    }

    let limits: DriverTable.Limits
    private(set) var phase = Phase.absent
    private(set) var killPorts = false
    /// How often each has loaded it; never 0.
    private(set) var users: [DriverUser: Int] = [:]
    private(set) var ports: [Int: DriverUser] = [:]
    private(set) var reload: Reload?
    /// Whom to tell that it is unloaded.
    private var unloadTickets: [Int] = []

    init(limits: DriverTable.Limits) { self.limits = limits }

    var isAbsent: Bool { phase == .absent }

    // MARK: Requests

    mutating func load(_ user: DriverUser, killPorts: Bool, ticket: Int?) -> [Action] {
        if isAbsent {
            phase = .fetchingToLoad(user, killPorts: killPorts)
            return [.fetch]
        }
        guard killPorts == self.killPorts else { return [.fail(.inconsistent)] }
        if let reload {
            guard reload.awaiting.count < limits.waiting else {
                return [.fail(.systemLimit("\(limits.waiting) loads that wait"))]
            }
            self.reload?.awaiting.append(Waiting(user: user, ticket: ticket))
            return [.answer(.state(isHeld(from: reload.user) ? .pendingProcess : .pendingDriver))]
        }
        let cancelled = users.isEmpty ? tellUnloads(.unloadCancelled) : []
        users[user, default: 0] += 1
        return cancelled + [.answer(.state(.alreadyLoaded))]
    }

    mutating func unload(_ user: DriverUser, killPorts: Bool, ticket: Int?) -> [Action] {
        guard !isAbsent else { return [.fail(.notLoaded)] }
        guard ticket == nil || unloadTickets.count < limits.waiting else {
            return [.fail(.systemLimit("\(limits.waiting) unloads that wait"))]
        }
        guard let count = users[user] else { return unloadAwaited(user, ticket: ticket) }
        users[user] = count > 1 ? count - 1 : nil
        let before = reload?.user == user && users[user] == nil ? cancelReload() : []
        let after = settle(killPorts: killPorts)
        guard !isAbsent else { return before + after + [.answer(.state(.unloaded))] }
        if let ticket { unloadTickets.append(ticket) }
        return before + [.answer(.state(users.isEmpty ? .pendingDriver : .pendingProcess))] + after
    }

    /// Takes back a load of the version to come.
    private mutating func unloadAwaited(_ user: DriverUser, ticket: Int?) -> [Action] {
        guard let index = reload?.awaiting.lastIndex(where: { $0.user == user }),
            let waiting = reload?.awaiting.remove(at: index)
        else { return [.fail(.notLoadedByThisProcess)] }
        if let ticket { unloadTickets.append(ticket) }
        return tell(waiting.ticket, .loadCancelled) + [.answer(.state(.pendingProcess))]
    }

    mutating func reload(
        _ user: DriverUser, _ option: DriverReload, killPorts: Bool, isWaiting: Bool, ticket: Int?
    ) -> [Action] {
        guard !isAbsent else { return [.fail(.notLoaded)] }
        guard reload == nil else { return [.fail(.pendingReload)] }
        // In erl_ddll's order.
        guard option == .pending || !isHeld(from: user) else { return [.fail(.pendingProcess)] }
        guard killPorts == self.killPorts else { return [.fail(.inconsistent)] }
        guard users[user] != nil else { return [.fail(.notLoadedByThisProcess)] }
        guard !isWaiting || killPorts || !ports.values.contains(user) else { return [.fail(.pendingDriver)] }
        phase = .fetchingToReload(Reload(user: user, ticket: ticket))
        return [.fetch]
    }

    mutating func open(_ user: DriverUser, port: Int) -> [Action] {
        guard !isAbsent else { return [.fail(.notLoaded)] }
        guard ports.count < limits.ports else { return [.fail(.systemLimit("\(limits.ports) ports"))] }
        phase = .openingPort(port, user)
        return [.openPort(port)]
    }

    mutating func close(_ port: Int) -> [Action] {
        guard ports.removeValue(forKey: port) != nil else { return [.fail(.notOpen)] }
        return [.closePort(port), .answer(.done)] + settle()
    }

    mutating func userEnded(_ user: DriverUser) -> [Action] {
        guard !isAbsent else { return [.answer(.done)] }
        var actions: [Action] = []
        for waiting in reload?.awaiting ?? [] where waiting.user == user {
            actions += tell(waiting.ticket, .loadCancelled)
        }
        reload?.awaiting.removeAll { $0.user == user }
        actions += closePorts { $0 == user }
        users[user] = nil
        if reload?.user == user { actions += cancelReload() }
        return actions + [.answer(.done)] + settle()
    }

    // MARK: Outcomes

    mutating func fetched() -> [Action] {
        switch phase {
        case .fetchingToLoad(let user, let killPorts):
            phase = .starting(user, killPorts: killPorts)
            return [.start]
        case .fetchingToReload(var reload):
            phase = .loaded
            let isHeld = isHeld(from: reload.user)
            reload.isAnswered = isHeld || !(ports.isEmpty || killPorts)
            self.reload = reload
            guard reload.isAnswered else { return settle() }
            return [.answer(.state(isHeld ? .pendingProcess : .pendingDriver))]
        // It is what comes of `fetch`, in the same turn of the driver as that: nobody else changes the phase meanwhile.
        default: preconditionFailure("nothing was to be fetched")
        }
    }

    mutating func notFetched(_ why: String) -> [Action] {
        if case .fetchingToReload = phase { phase = .loaded } else { phase = .absent }
        return [.fail(.loadFailure(why))]
    }

    mutating func started() -> [Action] {
        guard case .starting(let user, let killPorts) = phase else { preconditionFailure("nothing was to be started") }
        phase = .loaded
        self.killPorts = killPorts
        users = [user: 1]
        return [.answer(.state(.loaded))]
    }

    mutating func notStarted(_ why: String) -> [Action] {
        phase = .absent
        return [.fail(.loadFailure(why))]
    }

    mutating func swapped() -> [Action] {
        let reload = endSwap()
        var actions = tellUnloads(.unloaded)
        for waiting in reload.awaiting {
            users[waiting.user, default: 0] += 1
            actions += tell(waiting.ticket, .loaded)
        }
        return actions + (reload.isAnswered ? tell(reload.ticket, .loaded) : [.answer(.state(.loaded))])
    }

    /// Who awaited the version to come does not have it, and is no user by that.
    mutating func kept(_ why: String) -> [Action] {
        let reload = endSwap()
        let actions = reload.awaiting.flatMap { tell($0.ticket, .loadFailure(why)) }
        return actions + (reload.isAnswered ? tell(reload.ticket, .loadFailure(why)) : [.fail(.loadFailure(why))])
    }

    mutating func lost(_ why: String) -> [Action] {
        let actions = kept(why) + tellUnloads(.unloaded)
        phase = .absent
        return actions
    }

    mutating func portOpened() -> [Action] {
        let (port, user) = endOpening()
        ports[port] = user
        return [.answer(.port(port))]
    }

    mutating func portRefused(_ code: Int) -> [Action] {
        _ = endOpening()
        return [.fail(.openFailed(code))]
    }

    // MARK: Steps

    /// Whether others than the user have it loaded.
    private func isHeld(from user: DriverUser) -> Bool { users.keys.contains { $0 != user } }

    /// Does what waited for users and ports, where these are gone.
    private mutating func settle(killPorts killsNow: Bool = false) -> [Action] {
        if let reload {
            guard !isHeld(from: reload.user), ports.isEmpty || killPorts else { return [] }
            let actions = closePorts { _ in true }
            self.reload = nil
            phase = .swapping(reload)
            return actions + [.swap]
        }
        guard users.isEmpty, ports.isEmpty || killPorts || killsNow else { return [] }
        let actions = closePorts { _ in true }
        phase = .absent
        return actions + [.stop] + tellUnloads(.unloaded)
    }

    /// Who awaited the version to come uses the one that is there.
    private mutating func cancelReload() -> [Action] {
        guard let reload else { return [] }
        self.reload = nil
        var actions = [.drop] + tell(reload.ticket, .loadCancelled)
        for waiting in reload.awaiting {
            users[waiting.user, default: 0] += 1
            actions += tell(waiting.ticket, .loaded)
        }
        return actions
    }

    private mutating func endSwap() -> Reload {
        guard case .swapping(let reload) = phase else { preconditionFailure("nothing was to be swapped") }
        phase = .loaded
        return reload
    }

    private mutating func endOpening() -> (Int, DriverUser) {
        guard case .openingPort(let port, let user) = phase else { preconditionFailure("no port was to be opened") }
        phase = .loaded
        return (port, user)
    }

    private mutating func closePorts(where isMeant: (DriverUser) -> Bool) -> [Action] {
        let closing = ports.filter { isMeant($0.value) }.keys.sorted()
        for port in closing { ports[port] = nil }
        return closing.map { .closePort($0) }
    }

    private mutating func tellUnloads(_ outcome: DriverOutcome) -> [Action] {
        defer { unloadTickets.removeAll() }
        return unloadTickets.map { .tell(ticket: $0, outcome) }
    }

    private func tell(_ ticket: Int?, _ outcome: DriverOutcome) -> [Action] {
        ticket.map { [.tell(ticket: $0, outcome)] } ?? []
    }
}
