import Glibc

/// What a process has of the daemon's own environment. Source: docs/supervision.md, "Child specs".
enum WorkerEnvironment {
    /// Meant for the daemon alone.
    private static let own = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
        "RELEASE_HANDLER_STATE", "RELEASE_HANDLER_STARTED", "RELEASE_HANDLER_STARTED_ERTS", "RELEASE_HANDLER_CHANNEL",
        "RELEASE_HANDLER_TRANSFER", "INVOCATION_ID",
        "JOURNAL_STREAM",
    ]
    /// All that another user's process gets of it, beside `LC_...`: where programs are, what people read. What else is
    /// in the daemon's environment may be a secret of the daemon's user.
    private static let forOthers = ["PATH", "LANG", "LANGUAGE", "TZ"]

    static func inherited(forOtherUser isOther: Bool) -> [String: String] { isOther ? others : all }

    /// A variable of the daemon's; nil where it is not set.
    static func variable(_ name: String) -> String? { all[name] }

    /// Of a program that a release has run once: a health command, a program that an `apply` calls.
    static func ofRelease(_ vsn: String, root: String) -> [String: String] {
        all.merging(["RELEASE_ROOT": root, "RELEASE_VSN": vsn]) { $1 }
    }

    private static let all: [String: String] = {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        for name in own { result[name] = nil }
        return result
    }()

    private static let others = all.filter { name, _ in forOthers.contains(name) || name.hasPrefix("LC_") }
}
