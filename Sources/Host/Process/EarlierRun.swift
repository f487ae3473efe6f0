import CHost
import Glibc

/// Processes that an earlier run of the daemon started and that outlived it, as the daemon was killed.
///
/// A worker ends with the daemon, and an unmodified program is sent SIGTERM; one that ignores it, or what stood behind a
/// shell, goes on, and its successor would start beside it. They are known by the mark in their environment. Source:
/// PR_SET_PDEATHSIG(2const), proc_pid_environ(5).
@HostActor
public enum EarlierRun {
    /// What the processes of this run are known by: the daemon's pid and when it began, in milliseconds since the machine
    /// did. A run that re-executes the daemon is another one.
    public static let currentMark = "\(getpid()).\(Reactor.nowMilliseconds())"

    /// Ends those that the mark names: by SIGTERM, and by SIGKILL where they have not ended by then. Returns once they have.
    ///
    /// - Returns: which those were, sorted.
    public static func end(mark: String, withinMilliseconds milliseconds: Int) async -> [LeftProcess] {
        guard isMark(mark), mark != currentMark else { return [] }
        let survivors = find(mark)
        guard !survivors.isEmpty else { return [] }
        for survivor in survivors { _ = chost_pidfd_send_signal(survivor.pidfd.raw, SIGTERM) }
        if await !ends(of: survivors, withinMilliseconds: milliseconds) {
            // What they started since is among them by now.
            let last = survivors + find(mark)
            for survivor in last { _ = chost_pidfd_send_signal(survivor.pidfd.raw, SIGKILL) }
            // A process in the middle of a disk operation ends when that is done.
            _ = await ends(of: last, withinMilliseconds: milliseconds)
        }
        return survivors.map { LeftProcess(pid: $0.pid, name: $0.name, hasLeftGroup: false) }.sorted { $0.pid < $1.pid }
    }

    private struct Survivor {
        let pid: Int32
        let name: String
        let pidfd: OwnedDescriptor
    }

    /// What stands in a file may be anything.
    private static func isMark(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { Int($0) ?? 0 > 0 }
    }

    private static func find(_ mark: String) -> [Survivor] {
        Directory.names("/proc").compactMap { name in
            guard let pid = Int32(name), pid != getpid() else { return nil }
            // The descriptor first: what is read afterwards is of the process that it names.
            let raw = chost_pidfd_open(pid)
            guard raw >= 0 else { return nil }
            let pidfd = OwnedDescriptor(raw)
            guard Orphans.mark(of: pid)?.hasPrefix(mark + ".") == true, let status = OrphanStatus(pid: pid),
                !status.isZombie
            else { return nil }
            return Survivor(pid: pid, name: status.name, pidfd: pidfd)
        }
    }

    /// Whether all have ended in time.
    private static func ends(of survivors: [Survivor], withinMilliseconds milliseconds: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            AwaitedEnds(survivors) { continuation.resume(returning: $0) }.begin(withinMilliseconds: milliseconds)
        }
    }

    /// Lives until it has told.
    @HostActor
    private final class AwaitedEnds {
        private let survivors: [Survivor]
        private var tell: ((Bool) -> Void)?
        private var timer: ScheduledTimer?
        private var watches: [Int32: Watch] = [:]

        init(_ survivors: [Survivor], then tell: @escaping (Bool) -> Void) {
            self.survivors = survivors
            self.tell = tell
        }

        func begin(withinMilliseconds milliseconds: Int) {
            timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [self] in finish(false) }
            for survivor in survivors {
                // Where it can't be watched the time limit stands for its end.
                watches[survivor.pid] = try? Reactor.shared.watch(survivor.pidfd.raw, .read) { [self] _ in
                    watches.removeValue(forKey: survivor.pid)?.cancel()
                    if watches.isEmpty { finish(true) }
                }
            }
        }

        private func finish(_ allEnded: Bool) {
            timer?.cancel()
            for watch in watches.values { watch.cancel() }
            watches = [:]
            tell?(allEnded)
            tell = nil
        }
    }
}
