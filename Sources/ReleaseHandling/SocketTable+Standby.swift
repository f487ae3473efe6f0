public import Supervision
public import Wire

/// What a standby was given: beside what its place has, until it is known what becomes of it.
extension SocketTable {
    /// A standby has it too, under the name of its spec: it listens where the worker does.
    public mutating func borrowed(_ number: Number, _ spec: SocketSpec, of place: ChildAddress) {
        offered[place, default: [:]][spec.name] = number
    }

    /// The standby is the worker: the place has what that was given, with its access, and no others.
    public mutating func handOver(_ place: ChildAddress, _ specs: [SocketSpec]) -> [Action] {
        let before = names[place] ?? [:]
        let given = offered.removeValue(forKey: place) ?? [:]
        var now: [String: Number] = [:]
        var actions: [Action] = []
        for spec in specs {
            guard let number = given[spec.name] ?? before[spec.name], let socket = kept[number] else { continue }
            now[spec.name] = number
            // One that was borrowed listens elsewhere: the next start of the place binds what the spec says.
            guard isWhere(socket, spec) else { continue }
            if !socket.spec.hasAccess(of: spec) { actions.append(.access(number, spec)) }
            kept[number]?.spec = spec
        }
        names[place] = now.isEmpty ? nil : now
        return actions + closeUnused(Array(before.values) + given.values, of: place) + storeAnew(place, specs)
    }

    private func isWhere(_ socket: Kept, _ spec: SocketSpec) -> Bool {
        guard socket.spec.listen != spec.listen else { return true }
        guard let address = ListenAddress(spec.listen) else { return false }
        return socket.listenAddress == address
    }

    /// The standby is gone: what it alone had is closed.
    public mutating func withdraw(_ place: ChildAddress) -> [Action] {
        let given = offered.removeValue(forKey: place) ?? [:]
        return closeUnused(given.values, of: place)
    }
}
