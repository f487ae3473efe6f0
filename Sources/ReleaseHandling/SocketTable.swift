public import Supervision
public import Wire

/// Which listening socket is whose: bound once, handed to every generation of a place, closed when nobody has it.
///
/// ```
///  the run before, the manager's store ──(left)──┐ asked for by name, or by its address
///                                                ▼
///  nobody has it ───────── bind ──────────────> kept for a place ── its place is vacant ──> another place that
///                                                │  ▲    listens there
///                      name gone from the spec,  │  └──── another name of the same place, same address
///                      place forgotten           ▼
///                                              closed
/// ```
///
/// A spec asks for its sockets one by one (`decide`), each decision is performed and told (`took`, `bound`) before the
/// next, and at the end the place keeps what it was given and nothing else (`settle`). A standby asks too, beside the
/// process that still serves, perhaps with another spec: what it is given stands beside what the place has, under its
/// names, and nothing of the place's is changed, until it has become the worker (`handOver`) or is gone (`withdraw`). So a
/// spec that comes with an upgrade may be called off.
///
/// Irreversible: `close` of a socket, with what waits in its backlog. It is closed before another is bound only where
/// both can't be.
///
/// The driver's obligations:
/// 1. perform `use` (its access) or `bind`, then tell it by `took` or `bound`; an error of the system ends the asking,
///    and what was taken before stays taken;
/// 2. perform the actions of each answer in their order;
/// 3. look at the files of a place's unix sockets before it asks: `unreachable` are those whose path leads elsewhere or
///    nowhere, so that nobody could ever connect.
///
/// Source: sd_listen_fds(3), sd_pid_notify_with_fds(3) for the store.
public struct SocketTable: Hashable, Sendable {
    /// A socket, as long as the daemon runs.
    public typealias Number = Int

    public enum Purpose: Hashable, Sendable {
        /// No process of the place runs.
        case start
        /// The worker's own process runs beside it.
        case standby
    }

    /// How one socket of a spec is to be had.
    public enum Decision: Hashable, Sendable {
        /// `access`: its file has another one, or an unknown one, and is to be given the spec's.
        case use(Number, access: Bool)
        /// After these are closed, which are in the way.
        case bind(after: [Action])
        /// For a standby whose worker listens where the spec does no more, or not yet: it gets what its worker has, and
        /// the next start of the place binds what the spec says.
        case borrow(Number)
        /// Another place has the address.
        case held(by: ChildAddress)
    }

    public enum Action: Hashable, Sendable {
        case close(Number)
        /// Give its file the access of its spec.
        case access(Number, SocketSpec)
        /// Hand it to the service manager, which gives it to the daemon's next run.
        case store(Number, name: String)
        case unstore(name: String)
    }

    /// One that a place has.
    struct Kept: Hashable, Codable {
        var owner: ChildAddress
        var spec: SocketSpec
        var storeName: String
        /// With the port that the system chose.
        var address: String
        var listenAddress: ListenAddress?
    }

    /// What the run before this one left, until a place asks for it.
    struct Left: Hashable, Codable {
        let storeName: String
        let listenAddress: ListenAddress?
    }

    var kept: [Number: Kept] = [:]
    var left: [Number: Left] = [:]
    var names: [ChildAddress: [String: Number]] = [:]
    /// What a standby of the place was given, by the names of its spec.
    var offered: [ChildAddress: [String: Number]] = [:]
    /// By what only one can listen at, so that a question costs the same however many there are.
    var byKey: [ListenAddress.Key: Set<Number>] = [:]
    var leftByName: [String: Number] = [:]
    var last = 0

    public init() {}

    private mutating func next() -> Number {
        last += 1
        return last
    }

    // MARK: Asking

    /// Takes what the service manager, or the daemon's own re-execution, handed over.
    public mutating func inherit(storeName: String, _ address: ListenAddress?) -> Number {
        let number = next()
        left[number] = Left(storeName: storeName, listenAddress: address)
        leftByName[storeName] = number
        if let address { byKey[address.key, default: []].insert(number) }
        return number
    }

    /// How the place gets one socket of its spec. `isVacant`: whether nobody has a place any more.
    public func decide(
        _ spec: SocketSpec, of place: ChildAddress, for purpose: Purpose, unreachable: Set<Number> = [],
        isVacant: (ChildAddress) -> Bool
    ) -> Decision {
        if let number = names[place]?[spec.name], let own = kept[number], own.spec.listen == spec.listen,
            !unreachable.contains(number)
        {
            return .use(number, access: purpose == .start && !own.spec.hasAccess(of: spec))
        }
        // The store names what a place had by what its spec said: the same spec has the same socket.
        if let number = leftByName[Self.storeName(place, spec)], !unreachable.contains(number) {
            return .use(number, access: true)
        }
        let asked = ListenAddress(spec.listen)
        let near = rivals(asked).filter { !unreachable.contains($0) }
        if let number = near.first(where: { isMine($0, place, isVacant) && isSame($0, spec, asked) }) {
            let isOwn = kept[number]?.owner == place
            return .use(
                number, access: !(isOwn && purpose == .standby) && kept[number]?.spec.hasAccess(of: spec) != true)
        }
        var closed: [Number] = []
        for number in near where asked.map({ excludes(number, $0) }) == true {
            if let owner = kept[number]?.owner {
                if owner == place, purpose == .standby { return .borrow(number) }
                guard owner == place || isVacant(owner) else { return .held(by: owner) }
            }
            closed.append(number)
        }
        return .bind(after: closed.flatMap { [unstore($0), .close($0)] })
    }

    private func rivals(_ asked: ListenAddress?) -> [Number] {
        asked.flatMap { byKey[$0.key] }.map { $0.sorted() } ?? []
    }

    private func isMine(_ number: Number, _ place: ChildAddress, _ isVacant: (ChildAddress) -> Bool) -> Bool {
        kept[number].map { $0.owner == place || isVacant($0.owner) } ?? true
    }

    /// Of two with a port that the system chose the text says that they are meant to be one.
    private func isSame(_ number: Number, _ spec: SocketSpec, _ asked: ListenAddress?) -> Bool {
        if let own = kept[number] { return own.spec.listen == spec.listen || own.listenAddress == asked }
        return left[number].map { $0.listenAddress == asked } ?? false
    }

    private func excludes(_ number: Number, _ asked: ListenAddress) -> Bool {
        (kept[number]?.listenAddress ?? left[number]?.listenAddress)?.excludes(asked) ?? false
    }

    func unstore(_ number: Number) -> Action {
        .unstore(name: kept[number]?.storeName ?? left[number]?.storeName ?? "")
    }

    // MARK: Outcomes

    /// It is the place's now, or its standby's, under this name. `address`: what the socket says where it listens.
    public mutating func took(
        _ number: Number, _ spec: SocketSpec, of place: ChildAddress, for purpose: Purpose = .start, address: String
    ) -> [Action] {
        if let found = left.removeValue(forKey: number) {
            leftByName[found.storeName] = nil
            kept[number] = Kept(
                owner: place, spec: spec, storeName: found.storeName, address: address,
                listenAddress: found.listenAddress)
        } else if let owner = kept[number]?.owner {
            if owner != place {
                names[owner] = names[owner]?.filter { $0.value != number }
                if names[owner]?.isEmpty == true { names[owner] = nil }
                kept[number]?.owner = place
                kept[number]?.spec = spec
            } else if purpose == .start {
                kept[number]?.spec = spec
            }
        }
        return put(number, spec, place, purpose)
    }

    public mutating func bound(
        _ spec: SocketSpec, of place: ChildAddress, for purpose: Purpose = .start, address: String,
        _ listenAddress: ListenAddress?
    ) -> (number: Number, actions: [Action]) {
        let number = next()
        let storeName = Self.storeName(place, spec)
        kept[number] = Kept(
            owner: place, spec: spec, storeName: storeName, address: address, listenAddress: listenAddress)
        let replaced = put(number, spec, place, purpose)
        return (number, replaced + [.store(number, name: storeName)])
    }

    /// What `bind` wanted closed is closed, whatever becomes of the bind.
    public mutating func closed(_ actions: [Action]) {
        for case .close(let number) in actions { forget(number) }
    }

    private mutating func put(
        _ number: Number, _ spec: SocketSpec, _ place: ChildAddress, _ purpose: Purpose
    ) -> [Action] {
        for key in keys(of: number) { byKey[key, default: []].insert(number) }
        if purpose == .standby {
            offered[place, default: [:]][spec.name] = number
            return []
        }
        let before = names[place]?[spec.name]
        names[place, default: [:]][spec.name] = number
        // What had this name listens elsewhere, or where nobody can reach it.
        guard let before, before != number else { return [] }
        return closeUnused([before], of: place)
    }

    /// What the place has is what its spec says. Under the store's name of it, which the next run looks for.
    public mutating func settle(_ place: ChildAddress, _ specs: [SocketSpec]) -> [Action] {
        guard let own = names[place] else { return [] }
        let wanted = Set(specs.map(\.name))
        let rest = own.filter { wanted.contains($0.key) }
        names[place] = rest.isEmpty ? nil : rest
        return closeUnused(own.values, of: place) + storeAnew(place, specs)
    }

    /// Closes those that neither the place nor its standby has any more.
    mutating func closeUnused(_ numbers: some Sequence<Number>, of place: ChildAddress) -> [Action] {
        let used = Set((names[place] ?? [:]).values).union((offered[place] ?? [:]).values)
        var actions: [Action] = []
        for number in Set(numbers).subtracting(used).sorted() {
            actions += [unstore(number), .close(number)]
            forget(number)
        }
        return actions
    }

    mutating func storeAnew(_ place: ChildAddress, _ specs: [SocketSpec]) -> [Action] {
        var actions: [Action] = []
        for spec in specs {
            // One that was borrowed listens elsewhere than the spec says: the next run must not find it under that.
            guard let number = names[place]?[spec.name], let socket = kept[number], socket.spec.listen == spec.listen
            else { continue }
            let storeName = Self.storeName(place, spec)
            guard socket.storeName != storeName else { continue }
            kept[number]?.storeName = storeName
            // The store takes no socket that it has already, whatever the name.
            actions += [.unstore(name: socket.storeName), .store(number, name: storeName)]
        }
        return actions
    }

    /// The place is gone.
    public mutating func close(of place: ChildAddress) -> [Action] { withdraw(place) + settle(place, []) }

    /// Closes what nobody asked for: the release that booted has no such place.
    public mutating func forgetUnclaimed() -> [Action] {
        let numbers = left.keys.sorted()
        defer { for number in numbers { forget(number) } }
        return numbers.flatMap { [unstore($0), .close($0)] }
    }

    func keys(of number: Number) -> Set<ListenAddress.Key> {
        let asked = kept[number].flatMap { ListenAddress($0.spec.listen) }
        let bound = kept[number]?.listenAddress ?? left[number]?.listenAddress
        return Set([asked, bound].compactMap { $0?.key })
    }

    mutating func forget(_ number: Number) {
        for key in keys(of: number) {
            byKey[key]?.remove(number)
            if byKey[key]?.isEmpty == true { byKey[key] = nil }
        }
        if let owner = kept.removeValue(forKey: number)?.owner {
            names[owner] = names[owner]?.filter { $0.value != number }
            if names[owner]?.isEmpty == true { names[owner] = nil }
            offered[owner] = offered[owner]?.filter { $0.value != number }
            if offered[owner]?.isEmpty == true { offered[owner] = nil }
        }
        if let storeName = left.removeValue(forKey: number)?.storeName { leftByName[storeName] = nil }
    }
}

extension SocketTable {
    // MARK: Looking

    /// Name, socket and address of each, by name.
    public func list(of place: ChildAddress) -> [(name: String, number: Number, address: String)] {
        (names[place] ?? [:]).sorted { $0.key < $1.key }.compactMap { name, number in
            kept[number].map { (name, number, $0.address) }
        }
    }

    /// Unix sockets that this spec could be given: those whose files the driver looks at.
    public func candidates(for specs: [SocketSpec]) -> Set<Number> {
        var found: Set<Number> = []
        for case .path(let path)? in specs.map({ ListenAddress($0.listen) }) {
            found.formUnion(byKey[.path(path)] ?? [])
        }
        return found
    }

    /// All that places have, by the names under which the next run finds them.
    public var all: [(storeName: String, number: Number)] {
        kept.map { ($0.value.storeName, $0.key) }.sorted { $0.storeName < $1.storeName }
    }

    /// A name that the store takes (at most 255 characters, no colon) and that is the same in every run: FNV-1a over
    /// the place, the socket's name and where it listens.
    static func storeName(_ place: ChildAddress, _ spec: SocketSpec) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(place)\n\(spec.name)\n\(spec.listen)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return "listen-" + String(hash, radix: 16)
    }
}

extension SocketSpec {
    func hasAccess(of other: SocketSpec) -> Bool {
        mode == other.mode && user == other.user && group == other.group
    }
}
