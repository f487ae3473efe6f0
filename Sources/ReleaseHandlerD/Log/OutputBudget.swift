/// How much one worker may say: so many lines and so many bytes in each interval; what is more is counted and dropped.
///
/// A worker that floods its output would otherwise take the log's own limit from all others.
/// Source: journald.conf(5), RateLimitIntervalSec= and RateLimitBurst=, which count a whole service as one.
struct OutputBudget {
    static let lines = 1_000
    static let bytes = 1024 * 1024
    static let intervalMilliseconds = 10_000

    enum Limit: Equatable {
        case lines, bytes
    }

    enum Verdict: Equatable {
        case admit
        /// The first of a new interval, after so much was dropped in the one before.
        case admitAfter(droppedLines: Int, bytes: Int)
        /// `reached` is the limit that was, for the first that is dropped in this interval.
        case drop(reached: Limit?)
    }

    private var intervalStart: Int?
    private var said = (lines: 0, bytes: 0)
    private var dropped = (lines: 0, bytes: 0)

    /// Decides about one line. One that begins within the budget is admitted whole, and its bytes are then to be spent.
    mutating func next(bytes: Int, now milliseconds: Int) -> Verdict {
        guard let start = intervalStart, milliseconds - start < Self.intervalMilliseconds else {
            let lost = dropped
            intervalStart = milliseconds
            said = (1, 0)
            dropped = (0, 0)
            return lost.lines > 0 ? .admitAfter(droppedLines: lost.lines, bytes: lost.bytes) : .admit
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
