import CHost
import Glibc

/// The control groups of what the daemon starts: one for each process, beside that of the daemon itself, below the one that the service
/// manager has left to it (`Delegate=` of systemd.resource-control(5)).
///
/// ```
/// .../release-handlerd.service          delegated; nobody in it
///     daemon                            the daemon
///     worker-1234.5678.1                a process that it has started, by its mark, and all that this one starts
///     worker-1234.5678.2
/// ```
///
/// Source: Linux, admin-guide/cgroup-v2.rst, "Delegation" and "No Internal Process Constraint"; systemd, CGROUP_DELEGATION.md.
@HostActor
public final class Cgroups {
    public static let shared = Cgroups()

    public enum Standing: Hashable, Sendable {
        /// Nobody has asked yet.
        case unknown
        /// For this reason.
        case none(String)
        /// At this path.
        case delegated(String)
    }

    public private(set) var standing = Standing.unknown
    /// Those that were there when it began, by their names, until they are taken over or removed.
    private var found: Set<String> = []
    /// Controllers that the groups have.
    private var enabled: Set<String> = []

    /// That in which each process has its own.
    public var path: String? {
        guard case .delegated(let path) = standing else { return nil }
        return path
    }

    /// Why there is none.
    public var obstacle: String? {
        guard case .none(let reason) = standing else { return nil }
        return reason
    }

    nonisolated static let prefix = "worker-"
    nonisolated static let daemonName = "daemon"
    /// Which tell what a group uses. The others change how processors and disks are shared, so they are for who asks.
    private static let usual = ["memory", "pids"]

    nonisolated init() {}

    /// Looks where the daemon stands, and moves it out of the way of the others. Once, before the first process.
    public func begin() {
        guard standing == .unknown else { return }
        let cgroup = CgroupFiles.text("/proc/self/cgroup") ?? ""
        let mountinfo = CgroupFiles.text("/proc/self/mountinfo") ?? ""
        guard let own = CgroupLocation(cgroup: cgroup, mountinfo: mountinfo) else {
            return standing = .none("no version 2 hierarchy of control groups is mounted")
        }
        begin(at: own.path)
    }

    func begin(at own: String) {
        // A program that takes the place of another finds itself in the leaf.
        let isLeaf = own.hasSuffix("/\(Self.daemonName)")
        let base = isLeaf ? String(own.dropLast(Self.daemonName.count + 1)) : own
        if let obstacle = Self.obstacle(base) { return standing = .none(obstacle) }
        let leaf = "\(base)/\(Self.daemonName)"
        let others = Cgroup(path: leaf).members().filter { $0 != getpid() }
        guard others.isEmpty else {
            return standing = .none("process \(others[0]) has the control group \(leaf)")
        }
        do {
            guard mkdir(leaf, 0o755) == 0 || errno == EEXIST else { throw SystemError("mkdir", errno, leaf) }
            if !isLeaf { try CgroupFiles.write("0", to: "\(leaf)/cgroup.procs") }
        } catch {
            return standing = .none("\(error)")
        }
        standing = .delegated(base)
        found = Set(Directory.names(base).filter { $0.hasPrefix(Self.prefix) })
        for controller in Self.usual { _ = obstacle(toController: controller) }
    }

    /// Why this group is not ours to divide. Root may write to all: whose it is, the service manager says at the group itself.
    private static func obstacle(_ path: String) -> String? {
        let isMarked = ["trusted.delegate", "user.delegate"].contains { (name: String) in
            chost_has_mark(path, name) != 0
        }
        guard isMarked || geteuid() != 0 && owner(path) == geteuid() else {
            return "the daemon's is not delegated to it (Delegate=yes in its unit)"
        }
        for file in ["cgroup.procs", "cgroup.subtree_control"] where access("\(path)/\(file)", W_OK) != 0 {
            return "\(path)/\(file): \(SystemError.reason(errno))"
        }
        return nil
    }

    private static func owner(_ path: String) -> uid_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    // MARK: Controllers

    /// Nil where the groups have it from now on.
    func obstacle(toController name: String) -> String? {
        guard !enabled.contains(name) else { return nil }
        guard case .delegated(let base) = standing else { return "no control group is delegated" }
        guard CgroupFiles.words("\(base)/cgroup.controllers").contains(Substring(name)) else {
            return "\(base) has no controller \(name)"
        }
        do {
            try CgroupFiles.write("+\(name)", to: "\(base)/cgroup.subtree_control")
            enabled.insert(name)
            return nil
        } catch {
            return "\(error)"
        }
    }

    // MARK: Groups

    private func path(of mark: String) -> String? {
        guard case .delegated(let base) = standing else { return nil }
        return "\(base)/\(Self.prefix)\(mark)"
    }

    /// For a process with this mark; nil where there are no groups.
    func make(_ mark: String, _ limits: [CgroupLimit]) throws(CgroupRefused) -> Cgroup? {
        guard let path = path(of: mark) else { return nil }
        for limit in limits {
            guard let obstacle = obstacle(toController: limit.controller) else { continue }
            throw CgroupRefused(errno: 0, "the bound \(limit.file) can't be had: \(obstacle)")
        }
        do {
            return try Cgroup.make(at: path, limits)
        } catch {
            throw CgroupRefused(errno: error.number, "no control group can be made: \(error)")
        }
    }

    /// That of a process that the daemon before has started with this mark.
    func adopt(_ mark: String) -> Cgroup? {
        guard found.remove(Self.prefix + mark) != nil, let path = path(of: mark) else { return nil }
        return Cgroup(path: path)
    }

    // MARK: An earlier run

    /// Groups of a run that has ended, as a crash leaves them.
    private var leftovers: [Cgroup] {
        guard case .delegated(let base) = standing else { return [] }
        return found.sorted().map { Cgroup(path: "\(base)/\($0)") }
    }

    var leftoverMembers: [Int32] { leftovers.flatMap { $0.members() } }

    /// Kills who is in them still, and removes them.
    func removeLeftovers() {
        for group in leftovers where !group.remove() {
            group.kill()
            group.whenEmpty(withinMilliseconds: 0) {}
        }
        found = []
    }
}

/// A process can't have its control group.
struct CgroupRefused: Error {
    /// 0 where no system call has failed.
    let errno: Int32
    let sentence: String

    init(errno: Int32, _ sentence: String) {
        self.errno = errno
        self.sentence = sentence
    }
}
