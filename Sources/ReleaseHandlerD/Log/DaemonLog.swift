public import Host
public import Logging
public import ReleaseHandling

/// Where the daemon logs to: the journal where standard error is connected to it, else standard error itself.
public struct DaemonLog: Sendable {
    private let writer: LogWriter
    private let threshold = LogThreshold()

    public init() {
        if Journal.isConnected {
            writer = LogWriter { Journal.send($0) }
        } else {
            let terminal = TerminalLog()
            writer = LogWriter { terminal.write($0) }
        }
    }

    /// Makes the thread that writes.
    public func start() throws(SystemError) { try writer.start() }

    /// May be called from any thread, and blocks none.
    public var handler: any LogHandler { QueuedLogHandler(writer, threshold) }

    /// From now on; `info` where nothing is said.
    public func setLevel(_ level: DaemonOptions.LogLevel?) {
        threshold.level = level.flatMap { Logger.Level(rawValue: $0.rawValue) } ?? .info
    }

    /// Entries that nobody took in time.
    public var dropped: Int { writer.dropped }

    /// Waits until what was logged is written, before the process ends or becomes another; a second at most where nobody
    /// reads it.
    public func flush() { writer.flush() }
}
