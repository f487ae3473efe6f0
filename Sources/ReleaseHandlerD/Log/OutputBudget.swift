/// How much one worker may say: so many lines and so many bytes in each interval; what is more is counted and dropped.
///
/// A worker that floods its output would otherwise take the log's own limit from all others.
/// Source: journald.conf(5), RateLimitIntervalSec= and RateLimitBurst=, which count a whole service as one.
struct OutputBudget: Equatable, Codable {
    static let lines = 1_000
    static let bytes = 1024 * 1024
    static let intervalMilliseconds = 10_000

    enum Limit: Equatable {
        case lines, bytes
    }

    struct Amount: Equatable, Codable {
        var lines = 0
        var bytes = 0
    }

    /// What was dropped in one interval.
    typealias Loss = Amount

    enum Verdict: Equatable {
        case admit
        /// The first of a new interval; what was dropped in the one before is not told yet.
        case admitAfter(Loss)
        /// `reached` is the limit that was, for the first that is dropped in this interval.
        case drop(reached: Limit?)
    }

    private var intervalStart: Int?
    private var said = Amount()
    private var dropped = Loss()

    var isDropping: Bool { dropped != Loss() }

    /// Decides about one line. One that begins within the budget is admitted whole, and its bytes are then to be spent.
    mutating func next(bytes: Int, now milliseconds: Int) -> Verdict {
        guard let start = intervalStart, milliseconds - start < Self.intervalMilliseconds else {
            let lost = dropped
            intervalStart = milliseconds
            said = Amount(lines: 1)
            dropped = Loss()
            return lost == Loss() ? .admit : .admitAfter(lost)
        }
        guard let reached else {
            said.lines += 1
            return .admit
        }
        dropped.lines += 1
        dropped.bytes += bytes
        return .drop(reached: dropped.lines == 1 ? reached : nil)
    }

    private var reached: Limit? {
        if said.lines >= Self.lines { return .lines }
        return said.bytes >= Self.bytes ? .bytes : nil
    }

    /// What was dropped in an interval that is over, where that is not told yet; taken as told from now on.
    mutating func takeLoss(now milliseconds: Int) -> Loss? {
        guard dropped != Loss(), millisecondsLeft(now: milliseconds) == 0 else { return nil }
        defer { dropped = Loss() }
        return dropped
    }

    /// Of the interval.
    func millisecondsLeft(now milliseconds: Int) -> Int {
        intervalStart.map { max($0 + Self.intervalMilliseconds - milliseconds, 0) } ?? 0
    }

    /// What an admitted line came to.
    mutating func spend(bytes: Int) { said.bytes += bytes }
}

extension OutputBudget.Limit: CustomStringConvertible {
    /// The limit as a figure with its unit.
    var description: String {
        switch self {
        case .lines: "\(OutputBudget.lines) lines"
        case .bytes: "\(OutputBudget.bytes) bytes"
        }
    }
}
