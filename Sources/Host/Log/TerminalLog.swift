import Glibc
import Wire

/// The log of a terminal or a pipe: one line an entry, its fields behind it.
///
/// On standard error, since standard output belongs to whoever started the daemon in a terminal.
public struct TerminalLog: Sendable {
    private let descriptor: Int32

    public init() { self.init(descriptor: STDERR_FILENO) }

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Blocks until the line is written. What a closed terminal refuses is lost with it.
    public func write(_ entry: LogEntry) {
        let line = Array(Self.line(entry).utf8)
        var written = 0
        while written < line.count {
            let count = line.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                // Whoever shares the terminal has made it non-blocking.
                var full = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&full, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }

    static func line(_ entry: LogEntry) -> String {
        let time = ControlTime.rfc3339(millisecondsSince1970: entry.millisecondsSince1970)
        var line = "\(time) \(entry.level.rawValue.uppercased()) \(entry.message)"
        for field in entry.fields { line += " \(field.name)=\(field.value)" }
        return line + "\n"
    }
}
