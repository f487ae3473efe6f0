/// What users who may not change things were refused, told in few lines: of each user and operation the first at once, and how many more there
/// were once an interval. The time is an argument: monotonic milliseconds.
///
/// Whoever may connect makes such lines as fast as the daemon answers, and the journal takes so many of a unit and no more: the next line, of a
/// change that was made, would be dropped.
struct RefusalSums: Sendable {
    static let intervalMilliseconds = 60_000
    /// Of further ones only the number is kept, and the last.
    static let maxKept = 256

    private struct Subject: Hashable {
        let user: UInt32
        let operation: String
    }

    private struct Sum {
        var since: Int
        /// Since the last line.
        var count = 0
        var last: ControlAuditRecord
    }

    private var sums: [Subject: Sum] = [:]
    private var further: Sum?

    /// - Returns: whether it is to be told at once.
    mutating func add(_ record: ControlAuditRecord, now: Int) -> Bool {
        let subject = Subject(user: record.peer.uid, operation: record.operation)
        if sums[subject] != nil {
            sums[subject]?.count += 1
            sums[subject]?.last = record
            return false
        }
        guard sums.count < Self.maxKept else {
            var sum = further ?? Sum(since: now, last: record)
            sum.count += 1
            sum.last = record
            further = sum
            return false
        }
        sums[subject] = Sum(since: now, last: record)
        return true
    }

    /// What is to be told by now; who was quiet for an interval is forgotten.
    mutating func due(now: Int) -> [ControlAuditRecord] {
        take(now: now) { now - $0.since >= Self.intervalMilliseconds }
    }

    /// All that was not told.
    mutating func all(now: Int) -> [ControlAuditRecord] { take(now: now) { _ in true } }

    private mutating func take(now: Int, where isDue: (Sum) -> Bool) -> [ControlAuditRecord] {
        var told: [ControlAuditRecord] = []
        for (subject, sum) in sums where isDue(sum) {
            if let record = Self.record(sum, now: now, ofSeveral: false) {
                told.append(record)
                sums[subject] = Sum(since: now, last: sum.last)
            } else {
                sums[subject] = nil
            }
        }
        if let sum = further, isDue(sum) {
            if let record = Self.record(sum, now: now, ofSeveral: true) { told.append(record) }
            further = nil
        }
        return told.sorted { ($0.peer.uid, $0.operation) < ($1.peer.uid, $1.operation) }
    }

    private static func record(_ sum: Sum, now: Int, ofSeveral: Bool) -> ControlAuditRecord? {
        guard sum.count > 0, case .failed(let error) = sum.last.outcome else { return nil }
        var record = sum.last
        record.outcome = .refused(
            ControlAuditRecord.Refusals(
                count: sum.count, seconds: max(now - sum.since, 0) / 1000, isOfSeveral: ofSeveral, last: error))
        return record
    }
}
