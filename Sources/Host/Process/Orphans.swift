import CHost
import Glibc

/// A process that its program left behind.
public struct LeftProcess: Hashable, Sendable {
    public let pid: Int32
    /// Its name, as ps(1) shows it: at most 15 bytes.
    public let name: String
    /// Whether it had left the process group of the program, as what puts itself into the background does.
    public let hasLeftGroup: Bool
}

/// Processes whose parent has ended and that came to the daemon in its place, since it is their subreaper.
///
/// What a worker starts is killed with its process group. What leaves the group (a program that puts itself into the
/// background) would live on and hold what its successor needs: a port, a lock, a file. Here such processes are found, killed
/// when their worker ends, and reaped. Source: PR_SET_CHILD_SUBREAPER(2const), proc_pid_task(5).
@HostActor
final class Orphans {
    static let shared = Orphans()

    /// In the environment of all that a subreaper starts, so that who left its group is still known by it.
    static let variable = "RELEASE_HANDLER_PROCESS"

    private struct Orphan {
        let pidfd: OwnedDescriptor
        var watch: Watch?
        /// Whose it is, where that is known.
        let mark: String?
    }

    /// Whose processes are looked for.
    struct Origin: Codable, Equatable {
        let pid: Int32
        /// Once it is, its pid may be another's.
        var isReaped = false
        let mark: String
        /// What it was executing when it began.
        let executable: FileIdentity?

        var group: Int32? { isReaped ? nil : pid }
    }

    private(set) var isReaper = false
    private var known: [Int32: Orphan] = [:]
    /// Processes that the daemon has started and not reaped.
    var started: Set<Int32> = []

    func becomeReaper() throws(SystemError) {
        let status = chost_become_subreaper()
        guard status == 0 else { throw SystemError("prctl PR_SET_CHILD_SUBREAPER", -status) }
        isReaper = true
    }

    /// Kills what a process that has ended and is not reaped yet left behind: its group and those that left it.
    ///
    /// Who left the group is known by the mark, or, where it overwrote its environment to change its title, by its running
    /// the same program. Any other may be one that another worker wants: it is left alone, and reaped when it ends.
    ///
    /// To be called by what `whenLooked` calls: it is the look that finds them.
    func killLeftovers(of origin: Origin) -> [LeftProcess] {
        guard isReaper else { return [] }
        var left: [LeftProcess] = []
        for (pid, orphan) in known {
            guard let process = ProcessStatistics(pid: pid), !process.isZombie else { continue }
            let isSameProgram =
                orphan.mark == nil && origin.executable != nil && Self.executable(of: pid) == origin.executable
            if process.group == origin.group || orphan.mark == origin.mark
                || isSameProgram && !started.contains(process.group)
            {
                left.append(kill(pid, process, origin))
            }
        }
        return left.sorted { $0.pid < $1.pid }
    }

    /// Whether any process of this group lives that has come to the daemon; the group's leader has ended.
    ///
    /// Those that another member has started come to the daemon with that one's end. Until `forgetGroup`, `then` is called
    /// when an orphan has ended. As `killLeftovers`, to be called after a look.
    func hasMembers(ofGroup group: Int32, whenOneEnds then: @escaping @HostActor () -> Void) -> Bool {
        guard isReaper else { return false }
        awaitedGroups[group] = then
        return known.keys.contains { pid in
            guard let process = ProcessStatistics(pid: pid) else { return false }
            return process.group == group && !process.isZombie
        }
    }

    func forgetGroup(_ group: Int32) { awaitedGroups[group] = nil }

    private var awaitedGroups: [Int32: @HostActor () -> Void] = [:]

    // MARK: Looking

    /// Who waits for the next look.
    private var waiting: [@HostActor () -> Void] = []
    /// Monotonic nanoseconds until which there is none.
    private var restsUntil = 0

    /// Calls `then` once it is known which processes came to the daemon up to now.
    ///
    /// A look reads the list of all children, so ends that come together share one, and after a look there is none for ten
    /// times the processor time that it took: however many processes end, looking takes less than a tenth of the time.
    func whenLooked(_ then: @escaping @HostActor () -> Void) {
        guard isReaper else { return then() }
        waiting.append(then)
        guard waiting.count == 1 else { return }
        let rest = max(0, restsUntil - Reactor.nowNanoseconds())
        // Of 0 ms it is due behind the other events of this turn.
        Reactor.shared.schedule(afterMilliseconds: (rest + 999_999) / 1_000_000) { [self] in look() }
    }

    private func look() {
        let began = chost_thread_nanoseconds()
        findNew()
        restsUntil = Reactor.nowNanoseconds() + 10 * Int(chost_thread_nanoseconds() - began)
        let told = waiting
        waiting = []
        for then in told { then() }
    }

    /// Processes that came to the daemon since it last looked.
    private func findNew() {
        for pid in unexpectedChildren() where known[pid] == nil && !started.contains(pid) {
            // One in the daemon's own group is a library's, which waits for it itself.
            guard let process = ProcessStatistics(pid: pid), process.group != getpgrp() else { continue }
            watch(pid, mark: process.isZombie ? nil : Self.mark(of: pid))
        }
    }

    private func kill(_ pid: Int32, _ process: ProcessStatistics, _ origin: Origin) -> LeftProcess {
        if let pidfd = known[pid]?.pidfd { _ = chost_pidfd_send_signal(pidfd.raw, SIGKILL) }
        condemned[pid] = Origin(pid: origin.pid, isReaped: true, mark: origin.mark, executable: origin.executable)
        return LeftProcess(pid: pid, name: process.name, hasLeftGroup: process.group != origin.group)
    }

    /// Those that were killed: what they had started comes to the daemon at their end, and goes the same way.
    var condemned: [Int32: Origin] = [:]

    private func watch(_ pid: Int32, mark: String?) {
        let raw = chost_pidfd_open(pid)
        guard raw >= 0 else { return }
        let pidfd = OwnedDescriptor(raw)
        known[pid] = Orphan(pidfd: pidfd, watch: nil, mark: mark)
        // Where it can't be watched it is reaped with the daemon's own end.
        known[pid]?.watch = try? Reactor.shared.watch(raw, .read) { [weak self] _ in self?.ended(pid) }
    }

    private func ended(_ pid: Int32) {
        guard let orphan = known[pid] else { return }
        var code: Int32 = 0
        var status: Int32 = 0
        guard chost_wait(orphan.pidfd.raw, 1, &code, &status) != 0 else { return }
        orphan.watch?.cancel()
        known[pid] = nil
        if let origin = condemned.removeValue(forKey: pid) { whenLooked { [self] in _ = killLeftovers(of: origin) } }
        for then in Array(awaitedGroups.values) { then() }
    }

    /// The daemon's children, of whichever of its threads, where there are more than it knows of; none where there are not,
    /// which costs counting them only.
    private func unexpectedChildren() -> [Int32] {
        let lists = Directory.names("/proc/self/task").compactMap { thread in
            try? FileContents.read("/proc/self/task/\(thread)/children", limit: 1 << 20)
        }
        let count = lists.reduce(0) { $0 + $1.count { $0 == UInt8(ascii: " ") } }
        guard count > started.count + known.count else { return [] }
        return lists.flatMap { list in
            String(decoding: list, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }
    }

    static func executable(of pid: Int32) -> FileIdentity? { (try? FileStatus(of: "/proc/\(pid)/exe"))?.identity }

    static func mark(of pid: Int32) -> String? {
        guard let bytes = try? FileContents.read("/proc/\(pid)/environ", limit: 4 << 20) else { return nil }
        let prefix = Array("\(variable)=".utf8)
        for entry in bytes.split(separator: 0) where entry.starts(with: prefix) {
            return String(decoding: entry.dropFirst(prefix.count), as: UTF8.self)
        }
        return nil
    }
}

/// The daemon as the parent of what its workers leave behind.
@HostActor
public enum Subreaper {
    /// From now on this process gets the orphans of all that it starts. Once, before the first worker.
    public static func begin() throws(SystemError) { try Orphans.shared.becomeReaper() }
}
