import CHost
import Glibc

/// Processes that an earlier run of the daemon started and that outlived it, as the daemon was killed.
///
/// A worker ends with the daemon, and an unmodified program is sent SIGTERM; one that ignores it, or what stood behind a
/// shell, goes on, and its successor would start beside it. They are known by the mark in their environment. Source:
/// PR_SET_PDEATHSIG(2const), proc_pid_environ(5). Where there are control groups, these tell them whatever they did to that.
@HostActor
public enum EarlierRun {
    /// What the processes of this run are known by: the daemon's pid and when it began, in milliseconds since the machine
    /// did. A run that re-executes the daemon without its workers is another one.
    public private(set) static var currentMark = "\(getpid()).\(Reactor.nowMilliseconds())"

    /// This run goes on where another one of the same processes stood: they keep their mark.
    public static func goOn(withMark mark: String) { currentMark = mark }

    /// A process of the run before, by its name as ps(1) shows it.
    public struct Survivor: Sendable, CustomStringConvertible {
        public let pid: Int32
        public let name: String
        let pidfd: OwnedDescriptor

        public var description: String { "pid \(pid) (\(name))" }
    }

    /// Ends those that the mark names: by SIGTERM, and by SIGKILL where they have not ended by then.
    ///
    /// What runs is looked for anew each time: it may have started others meanwhile.
    /// - Returns: whom it found, and who still runs, as a process in the middle of a disk operation may.
    public static func end(
        mark: String, withinMilliseconds milliseconds: Int
    ) async -> (found: [Survivor], remaining: [Survivor]) {
        defer { Cgroups.shared.removeLeftovers() }
        let found = find(mark)
        var remaining = found
        for signal in [SIGTERM, SIGKILL] where !remaining.isEmpty {
            for survivor in remaining { _ = chost_pidfd_send_signal(survivor.pidfd.raw, signal) }
            await AwaitedEnds.of(remaining, withinMilliseconds: milliseconds)
            remaining = find(mark)
        }
        return (found, remaining)
    }

    /// What stands in a file may be anything.
    private static func isMark(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { Int($0) ?? 0 > 0 }
    }

    /// Those in the control groups of a run before, and those that the mark names.
    private static func find(_ mark: String) -> [Survivor] {
        let isKnown = isMark(mark) && mark != currentMark
        let grouped = Set(Cgroups.shared.leftoverMembers)
        let pids = isKnown ? Directory.names("/proc").compactMap { Int32($0) } : Array(grouped)
        return pids.compactMap { pid -> Survivor? in
            guard pid != getpid() else { return nil }
            // The descriptor first: what is read afterwards is of the process that it names.
            let raw = chost_pidfd_open(pid)
            guard raw >= 0 else { return nil }
            let pidfd = OwnedDescriptor(raw)
            guard grouped.contains(pid) || Orphans.mark(of: pid)?.hasPrefix(mark + ".") == true,
                let status = ProcessStatistics(pid: pid),
                !status.isZombie
            else { return nil }
            return Survivor(pid: pid, name: status.name, pidfd: pidfd)
        }.sorted { $0.pid < $1.pid }
    }

    /// Lives until all have ended or the time is over. Who can't be watched is not waited for: whoever asks looks again.
    @HostActor
    private final class AwaitedEnds {
        private var tell: (() -> Void)?
        private var timer: ScheduledTimer?
        private var watches: [Int32: Watch] = [:]

        static func of(_ survivors: [Survivor], withinMilliseconds milliseconds: Int) async {
            await withCheckedContinuation { continuation in
                AwaitedEnds { continuation.resume() }.begin(survivors, withinMilliseconds: milliseconds)
            }
        }

        private init(then tell: @escaping () -> Void) { self.tell = tell }

        private func begin(_ survivors: [Survivor], withinMilliseconds milliseconds: Int) {
            timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [self] in finish() }
            for survivor in survivors {
                watches[survivor.pid] = try? Reactor.shared.watch(survivor.pidfd.raw, .read) { [self] _ in
                    watches.removeValue(forKey: survivor.pid)?.cancel()
                    if watches.isEmpty { finish() }
                }
            }
            if watches.isEmpty { finish() }
        }

        private func finish() {
            timer?.cancel()
            for watch in watches.values { watch.cancel() }
            watches = [:]
            tell?()
            tell = nil
        }
    }
}
