/// Who is at the other end of a control connection, as the kernel said when it was made.
///
/// Source: unix(7), `SO_PEERCRED`; socket(7), `SO_PEERGROUPS`.
public struct Peer: Hashable, Sendable, CustomStringConvertible {
    public var pid: Int32
    public var uid: UInt32
    public var gid: UInt32
    /// The supplementary groups that the process had, whatever the user database says of its user.
    public var groups: [UInt32]

    public init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// `uid=1000 gid=1000 pid=4711`, for logs.
    public var description: String { "uid=\(uid) gid=\(gid) pid=\(pid)" }
}
