/// How often users who may look only may do something: each for itself, and all of them together.
struct UserRates: Sendable {
    struct Allowance: Hashable, Sendable {
        let each: TokenBucket.Rate
        let together: TokenBucket.Rate
    }

    /// Milliseconds until it may be tried again.
    enum Refusal: Hashable, Sendable {
        case own(milliseconds: Int)
        case together(milliseconds: Int)
    }

    let allowance: Allowance
    private var users: [UInt32: TokenBucket] = [:]
    private var together: TokenBucket

    init(_ allowance: Allowance, now: Int) {
        self.allowance = allowance
        together = TokenBucket(allowance.together, now: now)
    }

    /// What is refused costs nothing of either.
    mutating func take(_ user: UInt32, now: Int) -> Refusal? {
        var own = users[user] ?? TokenBucket(allowance.each, now: now)
        guard own.take(now: now) else { return .own(milliseconds: own.millisecondsLeft(now: now)) }
        guard together.take(now: now) else { return .together(milliseconds: together.millisecondsLeft(now: now)) }
        users[user] = own
        if users.count > Self.manyUsers { users = users.filter { !$0.value.isFull(now: now) } }
        return nil
    }

    var userCount: Int { users.count }

    /// Who has been quiet for long enough is forgotten from then on: what all may do together in the time that fills one's own bounds how many
    /// are known.
    private static let manyUsers = 256
}
