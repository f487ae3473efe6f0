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

    /// Nil where there is no such process, or /proc does not show it.
    public init?(pid: Int32) {
        guard let status = Self.text("/proc/\(pid)/status"), let cgroup = Self.text("/proc/\(pid)/cgroup") else {
            return nil
        }
        self.init(
            status: status, cgroup: cgroup, mounts: Directory.linkTarget("/proc/\(pid)/ns/mnt").map(Directory.text))
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
    public static let own = ProcessBounds(pid: getpid())

    /// Whether it belongs to that one's service, as all that it has started does, and is bound more closely.
    ///
    /// Where control groups do not say whose it is, what it sees of files says nothing: the daemon itself may see another part of them.
    public func isConfined(beside daemon: ProcessBounds) -> Bool {
        let isInService = isInService(of: daemon)
        guard isInService != false else { return false }
        let seesOthers = mounts != nil && daemon.mounts != nil && mounts != daemon.mounts
        return hasNoNewPrivileges && !daemon.hasNoNewPrivileges || filters > daemon.filters
            || boundingSet != daemon.boundingSet && boundingSet & ~daemon.boundingSet == 0
            || isInService == true && seesOthers
    }

    /// By the hierarchies of the service manager, which nobody leaves but who may write to them. Nil where the daemon is in no group of its own.
    private func isInService(of daemon: ProcessBounds) -> Bool? {
        for hierarchy in ["", "name=systemd"] {
            guard let place = daemon.groups[hierarchy], let own = groups[hierarchy] else { continue }
            let leaf = "/\(Cgroups.daemonName)"
            let service = place.hasSuffix(leaf) ? String(place.dropLast(leaf.count)) : place
            guard service != "/", !service.isEmpty else { continue }
            return own == service || own.hasPrefix("\(service)/")
        }
        return nil
    }

    private static func text(_ path: String) -> String? {
        (try? FileContents.read(path, limit: 64 * 1024)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension OwnedDescriptor {
    /// Of a descriptor of a process: whether that one has not ended. Source: pidfd_open(2).
    public var isProcessThere: Bool {
        var descriptor = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 0
    }
}
