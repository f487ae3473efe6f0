import Glibc
import NIOCore
import NIOPosix
import Wire

/// Who may do what, by the peer's credentials.
struct ControlAuthorization: Sendable {
    var readers: ControlConfiguration.Readers
    var group: String
    /// nil where the group does not exist.
    var groupID: UInt32?
    /// The daemon's own user could stop and debug it anyway.
    var ownUserID: UInt32

    /// - Returns: nil where the peer may do it.
    func refusal(of row: ControlRow, to peer: Peer) -> ControlError? {
        if isTrusted(peer) { return nil }
        if row.right == .look, readers == .everyone { return nil }
        let what = row.right == .look ? "look" : row.method == .get ? "read this" : "change things"
        return ControlError(
            .forbidden,
            "user \(peer.uid) may not \(what) here: \(row.name) is for root and members of the group \(group)",
            details: ["uid": String(peer.uid), "group": group])
    }

    /// Whether the answer may depend on the peer's supplementary groups, which cost a look-up.
    func needsGroups(of peer: Peer, for row: ControlRow) -> Bool {
        guard groupID != nil, !isTrusted(peer) else { return false }
        return row.right == .change || readers == .group
    }

    private func isTrusted(_ peer: Peer) -> Bool {
        if peer.uid == 0 || peer.uid == ownUserID { return true }
        guard let groupID else { return false }
        return peer.gid == groupID || peer.groups.contains(groupID)
    }
}

extension ControlAuthorization {
    init(configuration: ControlConfiguration) {
        self.init(
            readers: configuration.readers, group: configuration.group,
            groupID: Self.groupID(named: configuration.group), ownUserID: geteuid())
    }

    private static func groupID(named name: String) -> UInt32? {
        withRecordBuffer { start, size in
            var record = Glibc.group()
            var result: UnsafeMutablePointer<Glibc.group>?
            let code = getgrnam_r(name, &record, start, size, &result)
            return (code, result == nil ? nil : record.gr_gid)
        }
    }

    /// Calls `body` with ever larger buffers while it answers `ERANGE`.
    fileprivate static func withRecordBuffer<Value>(
        _ body: (UnsafeMutablePointer<CChar>, Int) -> (code: Int32, value: Value?)
    ) -> Value? {
        var size = 1_024
        while size <= 1 << 20 {
            let start = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { start.deallocate() }
            let (code, value) = body(start, size)
            if code != ERANGE { return value }
            size *= 4
        }
        return nil
    }
}

extension Peer {
    /// The kernel's own record, laid out as `struct ucred`.
    private struct Credentials: Sendable {
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
    }

    /// The process that connected, as it was at connect(2). Source: unix(7), `SO_PEERCRED`.
    static func connected(to channel: any Channel) async throws -> Peer {
        guard let options = channel as? any SocketOptionProvider else { throw ChannelError.operationUnsupported }
        let credentials: Credentials = try await options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        ).get()
        return Peer(pid: credentials.pid, uid: credentials.uid, gid: credentials.gid)
    }

    /// With the groups that the group database gives the user; unchanged for a user that it does not know.
    ///
    /// Runs on a thread of its own kind: a look-up may ask a directory service and block.
    func resolvingGroups() async -> Peer {
        let peer = self
        let groups = try? await NIOThreadPool.singleton.runIfActive { Self.groups(of: peer) }
        return Peer(pid: pid, uid: uid, gid: gid, groups: groups ?? [gid])
    }

    /// Source: getgrouplist(3).
    private static func groups(of peer: Peer) -> [UInt32] {
        let user: (name: String, gid: UInt32)? = ControlAuthorization.withRecordBuffer { start, size in
            var record = passwd()
            var result: UnsafeMutablePointer<passwd>?
            let code = getpwuid_r(peer.uid, &record, start, size, &result)
            guard result != nil, let name = record.pw_name else { return (code, nil) }
            return (code, (String(cString: name), record.pw_gid))
        }
        guard let user else { return [peer.gid] }
        var count: Int32 = 32
        while count <= 65_536 {
            var groups = [gid_t](repeating: 0, count: Int(count))
            let room = count
            if getgrouplist(user.name, user.gid, &groups, &count) >= 0 { return groups.prefix(Int(count)) + [peer.gid] }
            count = max(count, room * 2)
        }
        return [peer.gid]
    }
}
