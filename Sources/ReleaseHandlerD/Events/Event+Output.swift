import Host
import Logging
import Wire

/// What workers say, and how much of it was too much.
enum OutputEvent {
    /// A `log` message.
    case log(ChildAddress, pid: Int32, LogLevel, WorkerLogMessage)
    case line(ChildAddress, pid: Int32, OutputStream, String)
    case limited(ChildAddress, OutputBudget.Limit)
    case dropped(ChildAddress, OutputBudget.Loss)

    var entry: EventEntry {
        switch self {
        case .log(let worker, let pid, let level, let message):
            EventEntry(
                .log, message.text, level: level.loggerLevel, worker: worker,
                fields: message.fields.merging(["pid": "\(pid)"]) { $1 })
        case .line(let worker, let pid, let stream, let line):
            EventEntry(.output, line, worker: worker, fields: ["pid": "\(pid)", "stream": stream.rawValue])
        case .limited(let worker, let limit):
            EventEntry(
                .outputLimited,
                """
                \(worker) says more than \(limit) in \(OutputBudget.intervalMilliseconds / 1000) s: the rest is dropped
                """, level: .warning, worker: worker)
        case .dropped(let worker, let loss):
            EventEntry(
                .outputDropped, "\(loss.lines) lines of \(worker), \(loss.bytes) bytes, were dropped: it said too much",
                level: .warning, worker: worker,
                fields: ["dropped": "\(loss.lines)", "dropped_bytes": "\(loss.bytes)"])
        }
    }
}

extension LogLevel {
    /// swift-log has no `alert` and no `emergency`.
    fileprivate var loggerLevel: Logger.Level {
        switch self {
        case .emergency, .alert, .critical: .critical
        case .error: .error
        case .warning: .warning
        case .notice: .notice
        case .info: .info
        case .debug: .debug
        }
    }
}
