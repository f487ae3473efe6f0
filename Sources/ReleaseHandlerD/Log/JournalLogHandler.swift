import Host
public import Logging

/// Logs to the journal with fields: `RELEASE=`, `INSTRUCTION=`, `WORKER=` and what else a message brings.
public struct JournalLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .info

    public init() {}

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        Journal.send(
            message: "\(event.message)", priority: Self.priority(event.level),
            fields: fields.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
    }

    /// Source: syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
