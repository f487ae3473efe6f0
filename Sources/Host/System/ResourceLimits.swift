import CHost
import Glibc
import Synchronization

/// One resource limit of a process. Source: setrlimit(2); names as in systemd's `Limit...=` and prlimit(1).
public struct ResourceLimit: Hashable, Sendable {
    /// Lower case, such as "nofile".
    public let name: String
    /// nil for no limit.
    public let soft: UInt64?
    public let hard: UInt64?
    let resource: Int32

    public static let names = numbers.keys.sorted()

    /// nil where no resource has that name.
    public init?(name: String, soft: UInt64?, hard: UInt64?) {
        guard let resource = Self.numbers[name] else { return nil }
        self.name = name
        self.soft = soft
        self.hard = hard
        self.resource = resource
    }

    private static let numbers: [String: Int32] = [
        "as": Int32(RLIMIT_AS.rawValue), "core": Int32(RLIMIT_CORE.rawValue), "cpu": Int32(RLIMIT_CPU.rawValue),
        "data": Int32(RLIMIT_DATA.rawValue), "fsize": Int32(RLIMIT_FSIZE.rawValue),
        "locks": Int32(__RLIMIT_LOCKS.rawValue), "memlock": Int32(__RLIMIT_MEMLOCK.rawValue),
        "msgqueue": Int32(__RLIMIT_MSGQUEUE.rawValue), "nice": Int32(__RLIMIT_NICE.rawValue),
        "nofile": Int32(RLIMIT_NOFILE.rawValue), "nproc": Int32(__RLIMIT_NPROC.rawValue),
        "rss": Int32(__RLIMIT_RSS.rawValue), "rtprio": Int32(__RLIMIT_RTPRIO.rawValue),
        "rttime": Int32(__RLIMIT_RTTIME.rawValue), "sigpending": Int32(__RLIMIT_SIGPENDING.rawValue),
        "stack": Int32(RLIMIT_STACK.rawValue),
    ]

    static func name(of resource: Int32) -> String {
        numbers.first { $0.value == resource }?.key ?? "\(resource)"
    }
}

/// The daemon's own limit of open files: raised for itself, kept as it was for workers.
public enum DescriptorLimit {
    private static let original = Mutex<ResourceLimit?>(nil)

    /// Raises the soft limit to the hard one, once, at the daemon's start. Returns the limit that is now in force.
    ///
    /// A worker that uses select(2) breaks above 1024, so workers get the soft limit that the daemon was given.
    @discardableResult
    public static func raise() -> UInt64 {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        original.withLock { original in
            guard original == nil else { return }
            original = ResourceLimit(name: "nofile", soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }

    /// The limit in force.
    public static var current: Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// Descriptors that this process has open. Reads a list as long as that: not for the reactor's thread.
    public static func openCount() -> Int {
        // The list itself is read by one.
        max(0, Directory.names("/proc/self/fd").count - 1)
    }

    /// What the daemon was started with, for the one that goes on in its place: that one finds the limit raised.
    struct Given: Sendable, Codable {
        let soft: UInt64?
        let hard: UInt64?
    }

    static var given: Given? {
        get { ofWorkers.map { Given(soft: $0.soft, hard: $0.hard) } }
        set {
            original.withLock { $0 = newValue.flatMap { ResourceLimit(name: "nofile", soft: $0.soft, hard: $0.hard) } }
        }
    }

    /// The limit that the daemon was started with; nil where `raise` was not called.
    static var ofWorkers: ResourceLimit? { original.withLock { $0 } }
}
