/// Who is at the other end of a control connection, as the kernel said when it was made.
///
/// Source: unix(7), `SO_PEERCRED`; socket(7), `SO_PEERGROUPS`.
public struct Peer: Hashable, Sendable, CustomStringConvertible {
    public var pid: Int32
    public var uid: UInt32
    public var gid: UInt32
    /// The supplementary groups that the process had, whatever the user database says of its user.
    public var groups: [UInt32]
    /// Where it has to do with a worker of the node.
    public var origin: Origin?
    /// What is known of the process's own bounds, as they were when it was let in.
    var standing = Standing.free

    enum Standing: String, Hashable, Sendable, Codable {
        case free
        /// It is of this service, and confined: a worker, or what one has started.
        case confined
        /// The process that connected had ended by then: who has the connection is anybody.
        case gone
        /// It could not be looked at, for want of descriptors, say.
        case unknown
    }

    public enum Origin: Hashable, Sendable, CustomStringConvertible {
        /// It is that worker's process, or one of its process group.
        case process(of: String)
        /// It runs as the user as whom that worker runs, and so many others; it may be anybody's of that user.
        case user(of: String, others: Int)

        /// The worker, where there is but one that it can be.
        public var worker: String? {
            switch self {
            case .process(let worker), .user(let worker, 0): worker
            case .user: nil
            }
        }

        public var description: String {
            switch self {
            case .process(let worker): "worker \(worker)"
            case .user(let worker, 0): "the user of worker \(worker)"
            case .user(let worker, let others): "the user of worker \(worker) and \(others) others"
            }
        }
    }

    /// Somebody of whom nothing is known, whoever it is.
    static let stranger = Peer(pid: 0, uid: .max, gid: .max)

    public init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// `uid=1000 gid=1000 pid=4711`, for logs; and which worker that is, where it is one.
    public var description: String {
        "uid=\(uid) gid=\(gid) pid=\(pid)" + (origin.map { " (\($0))" } ?? "")
    }

    /// `user 1000`, for sentences: who they are for a person.
    var user: String { (self == .stranger ? "a stranger" : "user \(uid)") + (origin.map { " (\($0))" } ?? "") }
}
