import CHost
import CSystemd
import Dispatch
import Glibc
import Synchronization

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

    /// WATCHDOG=1. Left out while the one before is not sent yet: a manager that does not read has no use for more.
    @discardableResult
    public static func watchdog() -> Bool {
        guard isListening, !isPinging.exchange(true, ordering: .relaxed) else { return false }
        thread.run {
            sd_notify(0, "WATCHDOG=1")
            isPinging.store(false, ordering: .relaxed)
        }
        return true
    }

    /// WATCHDOG=trigger: as if the watchdog had run out.
    @discardableResult
    public static func triggerWatchdog() -> Bool { send("WATCHDOG=trigger") }

    // MARK: Descriptor store

    /// Hands `descriptors` to the manager, which gives them back to the service's next start under `name`.
    @discardableResult
    public static func store(_ descriptors: [Int32], name: String) -> Bool {
        // Copies: who handed them over may close them before they are sent.
        let copies = descriptors.compactMap { chost_fcntl($0, F_DUPFD_CLOEXEC, 3) }.filter { $0 >= 0 }
            .map { OwnedDescriptor($0) }
        guard isListening, copies.count == descriptors.count else { return false }
        let state = "FDSTORE=1\nFDNAME=\(oneLine(name))"
        thread.run {
            var raw = copies.map { CInt($0.raw) }
            sd_pid_notify_with_fds(0, 0, state, &raw, UInt32(raw.count))
            withExtendedLifetime(copies) {}
        }
        return true
    }

    @discardableResult
    public static func removeStored(name: String) -> Bool { send("FDSTOREREMOVE=1\nFDNAME=\(oneLine(name))") }

    /// The numbers of what the manager gave, before `receivedDescriptors` takes it. Source: sd_listen_fds(3).
    public static var givenDescriptors: [Int32] {
        guard let pid = getenv("LISTEN_PID").flatMap({ Int32(String(cString: $0)) }), pid == getpid(),
            let count = getenv("LISTEN_FDS").flatMap({ Int32(String(cString: $0)) }), count > 0
        else { return [] }
        return Array(3..<(3 + count))
    }

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

    /// sd_notify(3) blocks while the manager does not read, and the thread of everything else must not: messages go out
    /// in their order on a thread of their own.
    public static let thread = WorkThreads(1, name: "sd_notify")
    private static let isPinging = Atomic<Bool>(false)

    private static func send(_ state: String) -> Bool {
        guard isListening else { return false }
        thread.run { sd_notify(0, state) }
        return true
    }

    /// Waits until what was said has been sent, at most this long: before the process ends or becomes another.
    public static func flush(milliseconds: Int = 1_000) {
        let sent = DispatchSemaphore(value: 0)
        thread.run { sent.signal() }
        _ = sent.wait(timeout: .now() + .milliseconds(milliseconds))
    }

    /// A newline would begin another assignment.
    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
