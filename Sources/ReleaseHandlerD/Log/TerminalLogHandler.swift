import Glibc
import Host
public import Logging
import Wire

/// Logs for a terminal or a pipe: one line a message on standard error, its fields behind it.
///
/// Standard error, since standard output belongs to whoever started the daemon in a terminal.
public struct TerminalLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .info

    public init() {}

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let time = ControlTime.rfc3339(millisecondsSince1970: WallClock.milliseconds())
        var line = "\(time) \(event.level.rawValue.uppercased()) \(event.message)"
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += "\n"
        // One write a line, so that lines of several threads do not mix; what a closed terminal refuses is lost with it.
        var bytes = Array(line.utf8)
        while !bytes.isEmpty {
            let written = writeSome(bytes)
            if written <= 0 { return }
            bytes.removeFirst(written)
        }
    }

    private func writeSome(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
