import CHost
import Glibc

/// The control group of one process that the daemon has started, and of all that it starts in its turn, whatever becomes of its session,
/// its parent and its environment.
@HostActor
final class Cgroup {
    let path: String

    init(path: String) { self.path = path }

    // MARK: Making

    /// Makes it, bounded so. Nothing of it is left where that fails.
    static func make(at path: String, _ limits: [CgroupLimit]) throws(SystemError) -> Cgroup {
        guard mkdir(path, 0o755) == 0 else { throw SystemError("mkdir", errno, path) }
        let group = Cgroup(path: path)
        do {
            for limit in limits { try CgroupFiles.write(limit.value, to: "\(path)/\(limit.file)") }
            // A worker of which the OOM killer has taken a part is no worker any more. Older kernels lack the file.
            if limits.contains(where: { $0.file == "memory.max" }) {
                try? CgroupFiles.write("1", to: "\(path)/memory.oom.group")
            }
        } catch {
            group.remove()
            throw error
        }
        return group
    }

    /// For the process that is made in it.
    func opened() throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY)
    }

    /// False while processes are in it, or below it. True also where it is gone.
    @discardableResult
    func remove() -> Bool {
        if rmdir(path) == 0 || errno == ENOENT { return true }
        // It may have made some of its own.
        guard errno == EBUSY || errno == ENOTEMPTY else { return false }
        for child in children { child.remove() }
        return rmdir(path) == 0 || errno == ENOENT
    }

    private var children: [Cgroup] {
        // It has some sixty files, and hardly any group in it.
        guard CgroupFiles.value("nr_descendants", in: "\(path)/cgroup.stat") != 0 else { return [] }
        return Directory.names(path).map { "\(path)/\($0)" }.filter(Directory.isDirectory).map { Cgroup(path: $0) }
    }

    /// Where it can't be frozen either, who forks on and on is not to hold up the daemon.
    private static let mostKilledOneByOne = 100_000

    // MARK: Members

    /// Of it and of what is below it; those that have ended are none.
    func members() -> [Int32] {
        CgroupFiles.words("\(path)/cgroup.procs").compactMap { Int32($0) } + children.flatMap { $0.members() }
    }

    /// Kills all that are in it and below it, and whatever these start meanwhile. Source: Linux, admin-guide/cgroup-v2.rst, `cgroup.kill`.
    func kill() {
        if (try? CgroupFiles.write("1", to: "\(path)/cgroup.kill")) != nil { return }
        // Before Linux 5.14: who is frozen starts nobody, and still takes the signal.
        try? CgroupFiles.write("1", to: "\(path)/cgroup.freeze")
        var killed: Set<Int32> = []
        while true {
            // One of another pid namespace is shown as 0, which would be our own process group.
            let new = members().filter { $0 > 0 && killed.insert($0).inserted }
            guard !new.isEmpty, killed.count < Self.mostKilledOneByOne else { break }
            for pid in new { _ = Glibc.kill(pid, SIGKILL) }
        }
        try? CgroupFiles.write("0", to: "\(path)/cgroup.freeze")
    }

    /// Whether the kernel's OOM killer has taken any of its processes, and at which limit: that of the group, in bytes, or none where it was
    /// the machine's memory or that of a group above.
    var outOfMemory: OutOfMemory? {
        guard let killed = CgroupFiles.value("oom_kill", in: "\(path)/memory.events"), killed > 0 else { return nil }
        let isOwn = CgroupFiles.value("oom", in: "\(path)/memory.events").map { $0 > 0 } ?? false
        return OutOfMemory(limitBytes: isOwn ? CgroupFiles.number("\(path)/memory.max") : nil)
    }

    // MARK: The end

    /// Lives until the group is empty.
    private final class Wait {
        let events: OwnedDescriptor
        var watch: Watch?
        var timer: ScheduledTimer?
        var then: (@HostActor () -> Void)?

        init(_ events: OwnedDescriptor) { self.events = events }
    }

    /// Calls `then` once nobody is in it any more, at the latest after this time: who is in the middle of a call of the kernel's ends after
    /// it. The group is removed as it becomes empty.
    func whenEmpty(withinMilliseconds milliseconds: Int, _ then: @escaping @HostActor () -> Void) {
        guard !remove() else { return then() }
        let wait: Wait
        do {
            wait = Wait(try OwnedDescriptor.open("\(path)/cgroup.events", O_RDONLY))
            wait.then = then
            wait.watch = try Reactor.shared.watch(wait.events.raw, .priority) { [self] _ in lookAgain(wait) }
        } catch {
            return then()
        }
        wait.timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { Self.tell(wait) }
        // It may have become empty before it was watched.
        lookAgain(wait)
    }

    private func lookAgain(_ wait: Wait) {
        // Reading it is also what makes the next change an event.
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(wait.events.raw, &bytes, bytes.count, 0)
        let isPopulated = count > 0 && String(decoding: bytes[..<count], as: UTF8.self).contains("populated 1")
        guard !isPopulated, wait.watch?.isCancelled == false else { return }
        remove()
        wait.watch?.cancel()
        Self.tell(wait)
    }

    private static func tell(_ wait: Wait) {
        wait.timer?.cancel()
        let then = wait.then
        wait.then = nil
        then?()
    }
}

/// An end by the OOM killer.
public struct OutOfMemory: Hashable, Sendable {
    /// That of the worker's own group, where that is what was reached.
    public let limitBytes: Int?
}
