/// One message of an unmodified program to its NOTIFY_SOCKET; assignments that mean nothing here are left out.
///
/// Source: sd_notify(3).
public struct ProgramNotification: Hashable, Sendable {
    /// READY=1
    public var isReady = false
    /// STATUS=, as far as it is shown.
    public var status: String?
    /// MAINPID=: which process the program says that it is from now on.
    public var mainPid: Int32?
    /// EXTEND_TIMEOUT_USEC=, in milliseconds: how long from now the start or the stop may still take.
    public var extendTimeoutMilliseconds: Int?

    public enum Watchdog: String, Hashable, Sendable {
        case alive = "1"
        /// It asks to be ended as one that is not.
        case trigger
    }

    /// WATCHDOG=
    public var watchdog: Watchdog?

    /// Bytes of a message, as the service manager takes them: what is longer is cut.
    static let limit = 4096
    /// Characters of a status that are kept.
    static let statusLimit = 256
    /// Milliseconds, some three weeks: more is a mistake, and would overflow the clock.
    static let extensionLimit: UInt64 = 1 << 31

    init(_ bytes: some Collection<UInt8>) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let value = String(decoding: parts[1], as: UTF8.self)
            switch String(decoding: parts[0], as: UTF8.self) {
            case "READY": isReady = isReady || value == "1"
            case "STATUS": status = String(value.prefix(Self.statusLimit))
            case "MAINPID": mainPid = Int32(value)
            case "WATCHDOG": watchdog = Watchdog(rawValue: value) ?? watchdog
            case "EXTEND_TIMEOUT_USEC":
                guard let microseconds = UInt64(value) else { continue }
                extendTimeoutMilliseconds = Int(min(microseconds / 1000, Self.extensionLimit))
            default: continue
            }
        }
    }
}
