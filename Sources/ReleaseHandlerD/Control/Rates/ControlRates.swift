import Host
import Synchronization
import Wire

/// How often the control interface serves users who may look only. Root, the daemon's own user and the group are not counted.
final class ControlRates: Sendable {
    /// For a person, a script and a page that is looked at; not for a loop.
    static let standardRequests = UserRates.Allowance(
        each: TokenBucket.Rate(atOnce: 100, perSecond: 20), together: TokenBucket.Rate(atOnce: 400, perSecond: 200))
    /// More than requests, so that who asks once on each is told.
    static let standardConnections = UserRates.Allowance(
        each: TokenBucket.Rate(atOnce: 200, perSecond: 40), together: TokenBucket.Rate(atOnce: 800, perSecond: 400))

    private let allowance: UserRates.Allowance
    private let now: @Sendable () -> Int
    private let requests: Mutex<UserRates>
    private let connections: Mutex<UserRates>

    /// - Parameter now: monotonic milliseconds.
    init(
        requests: UserRates.Allowance = ControlRates.standardRequests,
        connections: UserRates.Allowance = ControlRates.standardConnections,
        now: @escaping @Sendable () -> Int = Reactor.nowMilliseconds
    ) {
        allowance = requests
        self.now = now
        self.requests = Mutex(UserRates(requests, now: now()))
        self.connections = Mutex(UserRates(connections, now: now()))
    }

    /// Whether one more connection of that user is served.
    func mayConnect(_ user: UInt32) -> Bool {
        connections.withLock { $0.take(user, now: now()) == nil }
    }

    /// - Returns: nil where it is served; else the answer, and the milliseconds after which it is given, so that a client that asks on and on is
    ///   no more work than one that keeps to its rate.
    func refusal(of peer: Peer) -> (error: ControlError, delayMilliseconds: Int)? {
        switch requests.withLock({ $0.take(peer.uid, now: now()) }) {
        case nil: return nil
        case .own(let milliseconds):
            let each = allowance.each
            return (
                .tooManyRequests(
                    """
                    \(peer.user) asks more often than a user who may look only may, \(each.perSecond) times a second and \(each.atOnce) \
                    times at once
                    """, retryAfterSeconds: Self.seconds(milliseconds), details: ["limit_per_s": "\(each.perSecond)"]),
                milliseconds
            )
        case .together(let milliseconds):
            let all = allowance.together
            return (
                .tooManyRequests(
                    "all users who may look only ask more often together than they may, \(all.perSecond) times a second",
                    retryAfterSeconds: Self.seconds(milliseconds), details: ["limit_per_s": "\(all.perSecond)"]),
                milliseconds
            )
        }
    }

    private static func seconds(_ milliseconds: Int) -> Int { max((milliseconds + 999) / 1000, 1) }
}
