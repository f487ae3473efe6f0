import Host
import Logging
import Wire

/// What is logged goes into the queue of a `LogWriter`, whichever thread it comes from, and blocks nobody.
///
/// Fields are `RELEASE=`, `INSTRUCTION=`, `WORKER=` and what else a message brings.
struct QueuedLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    private let writer: LogWriter

    init(_ writer: LogWriter) { self.writer = writer }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        writer.append(
            LogEntry(
                level: Self.level(event.level), message: "\(event.message)", fields: fields.mapValues { "\($0)" }))
    }

    private static func level(_ level: Logger.Level) -> LogLevel {
        switch level {
        case .trace, .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}
