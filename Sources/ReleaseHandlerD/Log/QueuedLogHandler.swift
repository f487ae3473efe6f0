import Host
import Logging
import Synchronization
import Wire

/// What is logged goes into the queue of a `LogWriter`, whichever thread it comes from, and blocks nobody.
///
/// Fields are `RELEASE=`, `INSTRUCTION=`, `WORKER=` and what else a message brings.
struct QueuedLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    /// That of all, but where this one was given its own.
    var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    private var ownLevel: Logger.Level?
    private let threshold: LogThreshold
    private let writer: LogWriter

    init(_ writer: LogWriter, _ threshold: LogThreshold) {
        self.writer = writer
        self.threshold = threshold
    }

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

/// The least severe level that is logged, for all handlers of one log; any thread may change it.
final class LogThreshold: Sendable {
    private let index = Atomic<Int>(LogThreshold.index(.info))

    var level: Logger.Level {
        get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(newValue), ordering: .relaxed) }
    }

    private static func index(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}
