import Glibc

/// What keeps a process from what its user may do, as far as neither it nor what it executes can shed it, and where it belongs.
///
/// Source: proc_pid_status(5), proc_pid_cgroup(5), proc_pid_ns(5), capabilities(7).
public struct ProcessBounds: Equatable, Sendable {
    let hasNoNewPrivileges: Bool
    /// Of system calls, those of its parents included.
    let filters: Int
    /// Capabilities that it may have at all.
    let boundingSet: UInt64
    /// Its mount namespace; nil where that is not for us to see.
    let mounts: String?
    /// By hierarchy.
    let groups: [String: String]

    /// - Throws: ENOENT, EACCES or EPERM where there is no such process, or /proc does not show it.
    public init(pid: Int32) throws(SystemError) {
        let (status, cgroup) = (try Self.text("/proc/\(pid)/status"), try Self.text("/proc/\(pid)/cgroup"))
        let mounts = Directory.linkTarget("/proc/\(pid)/ns/mnt").map(Directory.text)
        guard let bounds = ProcessBounds(status: status, cgroup: cgroup, mounts: mounts) else {
            throw SystemError("read", EINVAL, "/proc/\(pid)/status")
        }
        self = bounds
    }

    init?(status: String, cgroup: String, mounts: String?) {
        var fields: [Substring: Substring] = [:]
        for line in status.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == "\t" || $0 == " " }
        }
        guard let set = fields["CapBnd"].flatMap({ UInt64($0, radix: 16) }) else { return nil }
        boundingSet = set
        hasNoNewPrivileges = fields["NoNewPrivs"] == "1"
        // Older kernels say only whether there is one.
        filters = (fields["Seccomp_filters"] ?? fields["Seccomp"]).flatMap { Int($0) } ?? 0
        self.mounts = mounts
        var groups: [String: String] = [:]
        for line in cgroup.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            if parts.count == 3 { groups[String(parts[1])] = String(parts[2]) }
        }
        self.groups = groups
    }

    /// This process; nil where there is no /proc.
    public static let own = try? ProcessBounds(pid: getpid())

    /// Whether it belongs to that one's service, as all that it has started does, and is bound more closely.
    ///
    /// What it sees of files counts in the control group of a worker only: what the service manager runs for the service, and whoever
    /// has come into a container, sees another part of them, too.
    public func isConfined(beside daemon: ProcessBounds) -> Bool {
        let place = place(beside: daemon)
        guard place != .elsewhere else { return false }
        let seesOthers = mounts != nil && daemon.mounts != nil && mounts != daemon.mounts
        return hasNoNewPrivileges && !daemon.hasNoNewPrivileges || filters > daemon.filters
            || boundingSet != daemon.boundingSet && boundingSet & ~daemon.boundingSet == 0
            || place == .worker && seesOthers
    }

    private enum Place {
        case worker
        case service
        case elsewhere
        /// The daemon is in no group of its own.
        case unknown
    }

    /// By the hierarchies of the service manager, which nobody leaves but who may write to them.
    private func place(beside daemon: ProcessBounds) -> Place {
        for hierarchy in ["", "name=systemd"] {
            guard let place = daemon.groups[hierarchy], let own = groups[hierarchy] else { continue }
            // Outside of what this namespace of control groups shows. Source: cgroup_namespaces(7).
            if own == "/.." || own.hasPrefix("/../") { return .elsewhere }
            let leaf = "/\(Cgroups.daemonName)"
            let isDelegated = place.hasSuffix(leaf)
            let service = isDelegated ? String(place.dropLast(leaf.count)) : place
            if isDelegated, own.hasPrefix("\(service)/\(Cgroups.prefix)") { return .worker }
            guard service != "/", !service.isEmpty else { continue }
            return own == service || own.hasPrefix("\(service)/") ? .service : .elsewhere
        }
        return .unknown
    }

    private static func text(_ path: String) throws(SystemError) -> String {
        String(decoding: try FileContents.read(path, limit: 4 << 20), as: UTF8.self)
    }
}

extension OwnedDescriptor {
    /// Of a descriptor of a process: whether that one has not ended. Source: pidfd_open(2).
    public var isProcessThere: Bool {
        var descriptor = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 0
    }
}
