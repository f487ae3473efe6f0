import CSystemd
import Glibc

/// What the service manager is told, and what it gave. Without one, telling it does nothing.
///
/// Source: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
public enum SystemdNotify {
    /// Whether there is a service manager that listens.
    public static var isListening: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// READY=1. Returns whether it was sent; false also where nobody listens.
    @discardableResult
    public static func ready(status: String? = nil) -> Bool {
        send("READY=1" + (status.map { "\nSTATUS=\(oneLine($0))" } ?? ""))
    }

    @discardableResult
    public static func status(_ text: String) -> Bool { send("STATUS=\(oneLine(text))") }

    @discardableResult
    public static func stopping() -> Bool { send("STOPPING=1") }

    /// RELOADING=1, which the protocol wants stamped with the monotonic time; `ready` ends it.
    @discardableResult
    public static func reloading() -> Bool {
        send("RELOADING=1\nMONOTONIC_USEC=\(Reactor.nowNanoseconds() / 1000)")
    }

    /// Asks for more time to start or stop, from now on.
    @discardableResult
    public static func extendTimeout(microseconds: Int) -> Bool { send("EXTEND_TIMEOUT_USEC=\(microseconds)") }

    // MARK: Watchdog

    /// How often `watchdog` must be called at least, in microseconds; nil where the service has no watchdog for us.
    public static var watchdogMicroseconds: Int? {
        var microseconds: UInt64 = 0
        return sd_watchdog_enabled(0, &microseconds) > 0 ? Int(microseconds) : nil
    }

    /// WATCHDOG=1
    @discardableResult
    public static func watchdog() -> Bool { send("WATCHDOG=1") }

    /// WATCHDOG=trigger: as if the watchdog had run out.
    @discardableResult
    public static func triggerWatchdog() -> Bool { send("WATCHDOG=trigger") }

    // MARK: Descriptor store

    /// Hands `descriptors` to the manager, which gives them back to the service's next start under `name`.
    @discardableResult
    public static func store(_ descriptors: [Int32], name: String) -> Bool {
        var descriptors = descriptors.map { CInt($0) }
        let count = UInt32(descriptors.count)
        return sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=\(oneLine(name))", &descriptors, count) > 0
    }

    @discardableResult
    public static func removeStored(name: String) -> Bool { send("FDSTOREREMOVE=1\nFDNAME=\(oneLine(name))") }

    /// What the manager gave at the start, by name, close-on-exec. Once: the variables are taken from the environment.
    ///
    /// Call it before there are other threads.
    public static func receivedDescriptors() -> [(name: String, descriptor: OwnedDescriptor)] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = Int(sd_listen_fds_with_names(1, &names))
        guard count > 0 else { return [] }
        defer { free(names) }
        return (0..<count).map { index in
            let name = names?[index].map { name in
                defer { free(name) }
                return String(cString: name)
            }
            // sd_listen_fds(3): the first is always SD_LISTEN_FDS_START, which is 3, and all are close-on-exec.
            return (name ?? "unknown", OwnedDescriptor(Int32(3 + index)))
        }
    }

    private static func send(_ state: String) -> Bool { sd_notify(0, state) > 0 }

    /// A newline would begin another assignment.
    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
