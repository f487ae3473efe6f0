/// What one key may hold, as far as its only writer can know: whether a deadline has passed is certain only outside the time
/// that the request took.
struct ModelKey {
    enum Presence {
        case absent
        case present
        case maybe
    }

    /// When a key expires, in nanoseconds of CLOCK_MONOTONIC: somewhere in between.
    struct Deadline {
        let earliest: Int
        let latest: Int

        /// What the server's clock may be away from ours while it runs, its rounding to milliseconds included.
        static let slack = 20_000_000

        init(milliseconds: Int, _ request: Window) {
            earliest = request.sent + milliseconds * 1_000_000 - Self.slack
            latest = request.received + milliseconds * 1_000_000 + Self.slack
        }
    }

    /// Between the writing of a request and the reading of its answer.
    struct Window {
        let sent: Int
        let received: Int
    }

    private(set) var value = 0
    private(set) var deadline: Deadline?
    private var known = Presence.absent

    func presence(in window: Window) -> Presence {
        guard known != .absent, let deadline else { return known }
        if deadline.latest < window.sent { return .absent }
        return deadline.earliest > window.received ? known : .maybe
    }

    mutating func set(_ value: Int) {
        self.value = value
        deadline = nil
        known = .present
    }

    mutating func increment(by amount: Int, to value: Int) {
        // One that was there keeps its deadline; of one that may have expired nobody knows.
        if value == amount { deadline = nil }
        self.value = value
        known = .present
    }

    mutating func remove() {
        deadline = nil
        known = .absent
    }

    /// It was seen.
    mutating func exists() { known = .present }

    mutating func expire(_ deadline: Deadline) {
        self.deadline = deadline
        known = .present
    }

    mutating func persist() {
        deadline = nil
        known = .present
    }

    /// Version 1 has taken over, which lets nothing expire: what had not expired by then stays.
    ///
    /// - Parameter window: from when version 2 still answered to when version 1 did.
    mutating func keep(_ window: Window) {
        known = presence(in: window)
        deadline = nil
    }
}
