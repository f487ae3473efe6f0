import DequeModule
import Wire

/// The entries that wait to be written, first in, first out, and no more of them than the limits say.
///
/// What finds no room is dropped and counted, and the count comes out of the queue in the place of what is missing.
/// Once it was full, it takes nothing more until half of it is written: a reader that is a little too slow finds few
/// large gaps, not one after each line. The last quarter is for the entries of level notice and above, so that
/// what workers write to their outputs does not push out what happens to them.
struct LogQueue {
    struct Limits {
        var entries = 10_000
        var bytes = 8 * 1024 * 1024
    }

    /// How much was dropped.
    struct Loss: Equatable {
        var entries = 0
        var bytes = 0
    }

    enum Item {
        case entry(LogEntry)
        case loss(Loss)
    }

    private struct Slot {
        let entry: LogEntry
        /// What was dropped between the entry before and this one.
        var lossBefore: Loss
    }

    /// Whom the queue turns away until half of it is written.
    private enum Shedding: Int {
        case nobody, ordinary, everybody
    }

    private let limits: Limits
    private var slots: Deque<Slot> = []
    private var bytes = 0
    private var shedding = Shedding.nobody
    /// Since the last entry that was taken in.
    private var loss = Loss()
    /// Entries, ever.
    private(set) var dropped = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    var count: Int { slots.count }

    mutating func append(_ entry: LogEntry) {
        guard admits(entry) else {
            loss.entries += 1
            dropped += 1
            loss.bytes += entry.byteCount
            return
        }
        slots.append(Slot(entry: entry, lossBefore: loss))
        loss = Loss()
        bytes += entry.byteCount
    }

    private mutating func admits(_ entry: LogEntry) -> Bool {
        if count <= limits.entries / 2, bytes <= limits.bytes / 2 { shedding = .nobody }
        let isOrdinary = entry.level.priority > LogLevel.notice.priority
        let quarters = isOrdinary ? 3 : 4
        let fits = count < limits.entries * quarters / 4 && bytes + entry.byteCount <= limits.bytes * quarters / 4
        if !fits, shedding != .everybody { shedding = isOrdinary ? .ordinary : .everybody }
        return switch shedding {
        case .nobody: true
        case .ordinary: !isOrdinary
        case .everybody: false
        }
    }

    /// What is to be written next; nil where there is nothing.
    mutating func next() -> Item? {
        guard let slot = slots.first else {
            guard loss != Loss() else { return nil }
            defer { loss = Loss() }
            return .loss(loss)
        }
        if slot.lossBefore != Loss() {
            slots[0].lossBefore = Loss()
            return .loss(slot.lossBefore)
        }
        slots.removeFirst()
        bytes -= slot.entry.byteCount
        return .entry(slot.entry)
    }
}
