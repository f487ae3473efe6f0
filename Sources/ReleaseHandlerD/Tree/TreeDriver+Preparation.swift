import Host
import Instructions
import Supervision
import Terms
import Wire

/// What a start needs that this thread may not wait for: a program that was not read yet, and the user database.
extension TreeDriver {
    /// A start whose needs are being seen to: its process comes after that.
    struct Preparing {
        let address: ChildAddress
        let spec: ChildSpec
    }

    /// - Returns: nil where nothing has to be waited for.
    func preparation(of spec: ChildSpec) -> (@Sendable () async -> Void)? {
        let modules = unreadModules(of: spec)
        let accounts = Self.accounts(of: spec)
        guard !modules.isEmpty || accounts != nil else { return nil }
        return { [code] in
            for module in modules { await code.prefetch(module) }
            await accounts?()
        }
    }

    /// What a process of this spec begins with and is not read yet: its program, and the functional modules that it lists.
    func unreadModules(of spec: ChildSpec) -> [Atom] {
        guard !spec.isUnmodifiedProgram else { return [] }
        let others = spec.listedModules.filter { $0 != spec.start.module && !code.isAbsent($0) }
        return ([spec.start.module] + others).filter(code.mustRead)
    }

    /// Has the user database asked for whom a spec names; nil where it names nobody.
    static func accounts(of spec: ChildSpec) -> (@Sendable () async -> Void)? {
        let users = [spec.user].compactMap(\.self) + spec.sockets.compactMap(\.user)
        let groups = spec.sockets.compactMap(\.group)
        guard !users.isEmpty || !groups.isEmpty else { return nil }
        return { await DiskWork.run { Accounts.refresh(users: users, groups: groups) } }
    }

    /// The start under way at a place, its preparation included.
    func startUnderWay(at address: ChildAddress) -> StartID? {
        if let place = places[address], place.isStarting { return place.startID }
        return preparing.first { $0.value.address == address }?.key
    }

    /// Those under way of children that list one of these modules.
    func startsUnderWay(listing modules: Set<Atom>) -> [StartID] {
        let starting = places.values.compactMap { place -> StartID? in
            guard place.isStarting, let id = place.startID else { return nil }
            return place.spec.listedModules.contains(where: modules.contains) ? id : nil
        }
        let prepared = preparing.filter { $0.value.spec.listedModules.contains(where: modules.contains) }
        return starting + prepared.keys
    }
}
