import CSystemd
import Glibc

/// Where this process' log goes.
public enum LogTarget: Hashable, Sendable {
    /// With what all its entries have, as journalctl(1) takes matches: fields that the journal itself writes.
    case journal(matches: [String])
    /// What standard error is: a file, a terminal, `pipe:[…]`.
    case standardError(String)

    /// As it is now.
    public static var current: LogTarget {
        guard Journal.isConnected else { return .standardError(standardError) }
        return .journal(matches: ["_UID=\(geteuid())"] + unit)
    }

    /// The service manager's unit that this process is of: one of the system's, or of a user's.
    ///
    /// Source: sd_pid_get_unit(3), systemd.journal-fields(7).
    private static var unit: [String] {
        for (field, ask) in [
            ("_SYSTEMD_USER_UNIT", sd_pid_get_user_unit), ("_SYSTEMD_UNIT", sd_pid_get_unit),
        ] {
            var name: UnsafeMutablePointer<CChar>?
            guard ask(0, &name) >= 0, let name else { continue }
            defer { free(name) }
            return ["\(field)=\(String(cString: name))"]
        }
        return []
    }

    private static var standardError: String {
        guard let target = Directory.linkTarget("/proc/self/fd/2") else { return "standard error" }
        return String(decoding: target.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
