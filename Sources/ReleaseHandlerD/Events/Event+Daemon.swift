import Wire
import Logging

/// The life of the node and of the process that it runs in.
enum DaemonEvent {
    case booting(release: String, vsn: String)
    /// With what the service manager shows.
    case running(status: String)
    /// `why`: what the node comes to its end by.
    case stopping(why: String)
    case stopped
    /// Processes of the daemon's run before, which were ended.
    case earlierRunEnded([String])
    /// Those that SIGKILL did not end.
    case earlierRunRemains([String])
    case earlierRunUnknown(error: String)
    case watchdogStarved(reason: String, leftMilliseconds: Int)
    case watchdogFed
    /// `failures`: sentences about workers that could not be told.
    case reloaded(vsn: String, failures: [String])
    case reloadFailed(reason: String)
    case signalIgnored(name: String)
    /// By the one that goes on.
    case reexecuted(erts: String, previous: String, workers: Int, pauseMicroseconds: Int)
    case reexecutionFailed(reason: String)
    /// Why the other nodes of the machine do not know this one.
    case nodeNotRegistered(node: String, reason: String)

    var entry: EventEntry {
        switch self {
        case .booting(let release, let vsn):
            EventEntry(.boot, "booting release \(release) \(vsn)", level: .notice)
        case .running(let status): EventEntry(.running, status, level: .notice)
        case .stopping(let why): EventEntry(.stopping, "stopping: \(why)", level: .notice)
        case .stopped: EventEntry(.stopped, "the node is down")
        case .earlierRunEnded(let processes):
            EventEntry(
                .earlierRunEnded,
                "the daemon's run before left \(processes.firstListed): ended before anything starts", level: .warning,
                fields: ["count": "\(processes.count)"])
        case .earlierRunRemains(let processes):
            EventEntry(
                .earlierRunRemains,
                """
                the daemon's run before left \(processes.firstListed), which SIGKILL did not end: it runs beside what starts \
                now
                """, level: .error, fields: ["count": "\(processes.count)"])
        case .earlierRunUnknown(let error):
            EventEntry(
                .earlierRunUnknown, "the next run will not know what this one leaves behind: \(error)", level: .warning)
        case .watchdogStarved(let reason, let leftMilliseconds):
            EventEntry(
                .watchdogStarved,
                """
                \(reason): the watchdog is not told that all is well; unless that changes, the service manager ends the \
                daemon in \(leftMilliseconds) ms, and the permanent release boots
                """, level: .critical, fields: ["reason": reason])
        case .reexecuted(let erts, let previous, let workers, let pauseMicroseconds):
            EventEntry(
                .reexecuted,
                """
                release-handlerd \(erts) goes on in the place of \(previous), with \(workers) processes of workers, after \
                \(pauseMicroseconds / 1000) ms
                """, level: .notice,
                fields: [
                    "erts": erts, "previous_erts": previous, "workers": "\(workers)",
                    "pause_us": "\(pauseMicroseconds)",
                ])
        case .reexecutionFailed(let reason):
            EventEntry(
                .reexecutionFailed, "the daemon was not executed anew, and goes on as it is: \(reason)", level: .error,
                fields: ["reason": reason])
        case .reloaded(let vsn, let failures):
            EventEntry(
                .reloaded,
                "the configuration of release \(vsn) is read anew"
                    + (failures.isEmpty ? "" : "; \(failures.firstListed)"),
                level: failures.isEmpty ? .notice : .warning,
                fields: ["failures": "\(failures.count)"])
        case .reloadFailed(let reason):
            EventEntry(
                .reloadFailed, "the configuration was not read anew, and stays as it was: \(reason)", level: .error,
                fields: ["reason": reason])
        case .signalIgnored(let name):
            EventEntry(
                .signalIgnored,
                "\(name) came, which means nothing here: SIGTERM stops the node, SIGHUP reads its configuration anew",
                level: .notice, fields: ["signal": name])
        case .nodeNotRegistered(let node, let reason):
            EventEntry(
                .nodeNotRegistered,
                "the other nodes of this machine do not know \(node), and do not wait for it: \(reason)",
                level: .warning,
                fields: ["node": node, "reason": reason])
        case .watchdogFed:
            EventEntry(.watchdogFed, "the watchdog is told again that all is well", level: .notice)
        }
    }
}

extension [String] {
    /// Five of them, and whether there are more.
    var firstListed: String { prefix(5).joined(separator: ", ") + (count > 5 ? ", …" : "") }
}
