import Glibc
import ReleaseHandling
import Synchronization
import Wire

/// Who may do what, by the peer's credentials.
final class ControlAuthorization: Sendable {
    let group: ControlGroup
    /// The daemon's own user could stop and debug it anyway.
    private let ownUserID: UInt32
    private let readers: Mutex<ControlConfiguration.Readers>

    init(readers: ControlConfiguration.Readers, group: ControlGroup, ownUserID: UInt32) {
        self.group = group
        self.ownUserID = ownUserID
        self.readers = Mutex(readers)
    }

    /// From the next request on.
    func set(_ readers: ControlConfiguration.Readers) { self.readers.withLock { $0 = readers } }

    private func isSelfOrRoot(_ peer: Peer) -> Bool { peer.uid == 0 || peer.uid == ownUserID }

    /// Without waiting: until the group database has answered nobody is of the group, since a database that hangs would let anybody take
    /// what is for those who may change things.
    func mayWellChange(_ peer: Peer) -> Bool {
        if peer == .stranger { return false }
        if isSelfOrRoot(peer) { return true }
        guard let groupID = group.known ?? nil else { return false }
        return peer.gid == groupID || peer.groups.contains(groupID)
    }

    func mayChange(_ peer: Peer) async -> Bool {
        if isSelfOrRoot(peer) { return true }
        guard peer != .stranger, let groupID = await group.id() else { return false }
        return peer.gid == groupID || peer.groups.contains(groupID)
    }

    /// The group is asked for only where it decides: what names it may take its time.
    ///
    /// - Returns: nil where the peer may do it.
    func refusal(of row: ControlRow, to peer: Peer) async -> ControlError? {
        if row.right == .change, let refusal = refusal(ofChange: row, by: peer) { return refusal }
        if isSelfOrRoot(peer) || row.right == .look && readers.withLock({ $0 }) == .everyone { return nil }
        if await mayChange(peer) { return nil }
        let what = row.right == .look ? "look" : Self.verb(row)
        return ControlError(
            .forbidden,
            "\(peer.user) may not \(what) here: \(row.name) is for root and members of the group \(group.name)",
            details: ["uid": String(peer.uid), "group": group.name])
    }

    /// Whoever its user is: a confined worker of root could start another one that is not confined.
    private func refusal(ofChange row: ControlRow, by peer: Peer) -> ControlError? {
        let reason: String
        switch peer.standing {
        case .free: return nil
        case .confined:
            reason = "process \(peer.pid) belongs to this service and is confined: ask from outside of the service"
        case .gone: reason = "process \(peer.pid), which connected, has ended: ask by a process that awaits the answer"
        case .unknown:
            return ControlError(
                .unavailable, "who process \(peer.pid) is could not be seen as it connected: connect again",
                details: ["uid": String(peer.uid), "pid": String(peer.pid)])
        }
        return ControlError(
            .forbidden, "\(peer.user) may not \(Self.verb(row)) here: \(reason)",
            details: ["uid": String(peer.uid), "pid": String(peer.pid)])
    }

    private static func verb(_ row: ControlRow) -> String { row.method == .get ? "read this" : "change things" }
}

extension ControlAuthorization {
    convenience init(configuration: ControlConfiguration) {
        self.init(
            readers: configuration.readers, group: ControlGroup(configuration.group), ownUserID: geteuid())
    }
}
