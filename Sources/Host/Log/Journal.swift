import CSystemd
import Glibc

/// The journal, with fields. Source: sd_journal_sendv(3), systemd.journal-fields(7).
public enum Journal {
    /// Whether standard error is the journal's, so that entries sent to it directly are where people look.
    public static var isConnected: Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        let parts = String(cString: stream).split(separator: ":").compactMap { UInt64($0) }
        guard parts.count == 2, let identity = try? FileStatus(of: STDERR_FILENO).identity else { return false }
        return parts[0] == identity.device && parts[1] == identity.inode
    }

    /// Sends one entry; blocks while the journal takes none.
    public static func send(_ entry: LogEntry) {
        send(message: entry.message, priority: entry.level.priority, fields: entry.fields)
    }

    /// Sends one entry. Names are upper-case letters, digits and `_`, not beginning with `_` or a digit (others are
    /// left out); values are any text. `priority` is syslog(3)'s, 0 to 7.
    @discardableResult
    public static func send(message: String, priority: Int, fields: [(name: String, value: String)] = []) -> Bool {
        let all = [("MESSAGE", message), ("PRIORITY", "\(priority)")] + fields.filter { isFieldName($0.name) }
        let arena = CArena()
        let vectors = all.map { name, value in
            let bytes = Array("\(name)=\(value)".utf8)
            return iovec(iov_base: UnsafeMutableRawPointer(mutating: arena.array(bytes)), iov_len: bytes.count)
        }
        return withExtendedLifetime(arena) { sd_journal_sendv(vectors, Int32(vectors.count)) == 0 }
    }

    static func isFieldName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (65...90).contains(first), name.utf8.count <= 64 else { return false }
        return name.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == 95 }
    }
}
