/// So many at once, and so many a second from then on. The time is an argument: monotonic milliseconds.
struct TokenBucket: Hashable, Sendable {
    struct Rate: Hashable, Sendable {
        let atOnce: Int
        let perSecond: Int
    }

    let rate: Rate
    /// Thousandths of a token: one more comes in each millisecond for each token of a second.
    private var thousandths: Int
    private var at: Int

    /// A full one.
    init(_ rate: Rate, now: Int) {
        self.rate = rate
        thousandths = rate.atOnce * 1000
        at = now
    }

    mutating func take(now: Int) -> Bool {
        fill(now: now)
        guard thousandths >= 1000 else { return false }
        thousandths -= 1000
        return true
    }

    /// Until the next one can be taken.
    func millisecondsLeft(now: Int) -> Int {
        var filled = self
        filled.fill(now: now)
        let lacking = max(1000 - filled.thousandths, 0)
        return (lacking + rate.perSecond - 1) / rate.perSecond
    }

    func isFull(now: Int) -> Bool {
        var filled = self
        filled.fill(now: now)
        return filled.thousandths == rate.atOnce * 1000
    }

    private mutating func fill(now: Int) {
        let elapsed = max(now - at, 0)
        // No more than fills it: the product stays small.
        let filling = min(elapsed, rate.atOnce * 1000 / rate.perSecond + 1)
        thousandths = min(thousandths + filling * rate.perSecond, rate.atOnce * 1000)
        at = max(at, now)
    }
}
