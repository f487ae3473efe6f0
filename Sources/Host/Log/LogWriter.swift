import Dispatch
import Synchronization
import Wire

/// Takes the entries of the log from any thread without ever blocking it, and has them written by a thread of its own.
///
/// Nobody may read what is written, or not fast enough: that must not hold up supervision. So entries wait in a bounded
/// queue, and what finds no room there is dropped; the log itself tells how much, in the place of what is missing
/// (`EVENT=log_dropped`). Entries are written in the order in which they were taken.
public final class LogWriter: Sendable {
    private struct State {
        var queue: LogQueue
        /// The thread is at work, and will look into the queue again.
        var isWriting = false
        /// Entries, ever.
        var written = 0
    }

    private let state: Mutex<State>
    private let thread = WorkThreads(1, name: "log")
    private let write: @Sendable (LogEntry) -> Void

    /// `write` is called on the writer's thread, one entry after the other, and may block.
    public convenience init(write: @escaping @Sendable (LogEntry) -> Void) {
        self.init(limits: LogQueue.Limits(), write: write)
    }

    init(limits: LogQueue.Limits, write: @escaping @Sendable (LogEntry) -> Void) {
        state = Mutex(State(queue: LogQueue(limits: limits)))
        self.write = write
    }

    /// Makes its thread, which else is made for the first entry.
    public func start() throws(SystemError) { try thread.start() }

    /// How many entries found no room.
    public var dropped: Int { state.withLock { $0.queue.dropped } }

    public func append(_ entry: LogEntry) {
        let mustStart = state.withLock { state in
            state.queue.append(entry)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { thread.run { [self] in writeAll() } }
    }

    private func writeAll() {
        while let entry = next() {
            // Without the lock: who logs meanwhile goes on.
            write(entry)
            state.withLock { $0.written += 1 }
        }
    }

    private func next() -> LogEntry? {
        let item = state.withLock { state in
            let item = state.queue.next()
            state.isWriting = item != nil
            return item
        }
        switch item {
        case .entry(let entry): return entry
        case .loss(let loss): return Self.entry(for: loss)
        case nil: return nil
        }
    }

    private static func entry(for loss: LogQueue.Loss) -> LogEntry {
        LogEntry(
            level: .warning,
            message: """
                \(loss.entries) lines of the log, \(loss.bytes) bytes, were dropped here: it was not read in time
                """,
            fields: ["EVENT": "log_dropped", "DROPPED": "\(loss.entries)", "DROPPED_BYTES": "\(loss.bytes)"])
    }

    /// Waits until what was taken is written: before the process ends or becomes another.
    ///
    /// Given up after `idleMilliseconds` in which not one entry was written, as where nobody reads, and after
    /// `milliseconds` in all. Returns whether everything was written.
    @discardableResult
    public func flush(idleMilliseconds: Int = 1_000, milliseconds: Int = 5_000) -> Bool {
        let done = DispatchSemaphore(value: 0)
        thread.run { done.signal() }
        let deadline = DispatchTime.now() + .milliseconds(milliseconds)
        var before = state.withLock { $0.written }
        while DispatchTime.now() < deadline {
            let patience = min(DispatchTime.now() + .milliseconds(idleMilliseconds), deadline)
            if done.wait(timeout: patience) == .success { return true }
            let written = state.withLock { $0.written }
            if written == before { return false }
            before = written
        }
        return false
    }
}
