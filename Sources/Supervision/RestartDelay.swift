/// How long a child's restart waits, `restart_delay`: an addition of ours, against OTP's way of using up the intensity within
/// milliseconds while what a child needs is away for seconds.
///
/// `Ms` is always as long; of `{Initial, Max, Factor}` the first wait is Initial, each following Factor times as long, Max at the most.
public struct RestartDelay: Hashable, Sendable, Codable {
    public let initialMilliseconds: Int
    public let maximumMilliseconds: Int
    /// From 1.
    public let factor: Double

    /// That of OTP's timers. Source: OTP, erlang(3), `send_after/3`.
    public static let limitMilliseconds = 4_294_967_295

    public init(milliseconds: Int) { self.init(initial: milliseconds, maximum: milliseconds, factor: 1) }

    public init(initial: Int, maximum: Int, factor: Double) {
        initialMilliseconds = initial
        maximumMilliseconds = maximum
        self.factor = factor
    }

    /// `0` is what a child says that is to be restarted as in OTP, whatever its supervisor's flags say.
    var isNone: Bool { maximumMilliseconds == 0 }

    /// - Parameter last: how long the last one was; it may be another delay's.
    func next(after last: Int?) -> Int {
        guard let last else { return initialMilliseconds }
        let longer = min((Double(last) * factor).rounded(), Double(maximumMilliseconds))
        // One that is to grow does, by whole milliseconds.
        let next = factor > 1 ? max(Int(longer), last + 1) : Int(longer)
        return min(max(next, initialMilliseconds), maximumMilliseconds)
    }
}
