/// How much one worker may say: so many messages in each interval, what is more is counted and dropped.
///
/// A worker that floods its output would otherwise take the log's own limit from all others.
/// Source: journald.conf(5), RateLimitIntervalSec= and RateLimitBurst=, which count a whole service as one.
struct OutputBudget {
    static let burst = 1_000
    static let intervalMilliseconds = 10_000

    enum Verdict: Equatable {
        case admit
        /// The first of a new interval, after so many were dropped in the one before.
        case admitAfter(dropped: Int)
        /// `isFirst`: the first that is dropped in this interval.
        case drop(isFirst: Bool)
    }

    private var intervalStart: Int?
    private var admitted = 0
    private var dropped = 0

    mutating func next(now milliseconds: Int) -> Verdict {
        if let start = intervalStart, milliseconds - start < Self.intervalMilliseconds {
            guard admitted < Self.burst else {
                dropped += 1
                return .drop(isFirst: dropped == 1)
            }
            admitted += 1
            return .admit
        }
        let lost = dropped
        intervalStart = milliseconds
        admitted = 1
        dropped = 0
        return lost > 0 ? .admitAfter(dropped: lost) : .admit
    }
}
