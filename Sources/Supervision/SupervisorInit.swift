/// What a supervisor does when a child ended and is to be started again.
public enum Strategy: String, Hashable, Sendable, Codable, CaseIterable {
    case oneForOne = "one_for_one"
    case oneForAll = "one_for_all"
    case restForOne = "rest_for_one"
    case simpleOneForOne = "simple_one_for_one"
}

/// Whether a supervisor ends by itself once significant children did.
public enum AutoShutdown: String, Hashable, Sendable, Codable, CaseIterable {
    case never
    case anySignificant = "any_significant"
    case allSignificant = "all_significant"
}

/// How a supervisor starts several children: at its own start, and when its strategy starts a group again.
///
/// An addition of ours; OTP's supervisor is sequential.
public enum StartMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// One after the other, each when the one before is ready.
    case sequential
    /// All at once; it is done when all are ready.
    case parallel
}

/// Source: OTP, supervisor(3), `sup_flags()`, with its defaults; `start` and `restart_delay` are ours.
public struct SupervisorFlags: Hashable, Sendable, Codable {
    public var strategy: Strategy
    /// More restarts than this within `periodSeconds` and the supervisor gives up.
    public var intensity: Int
    public var periodSeconds: Int
    public var autoShutdown: AutoShutdown
    public var start: StartMode
    /// Of every child that has none of its own.
    public var restartDelay: RestartDelay?

    public init(
        strategy: Strategy = .oneForOne, intensity: Int = 1, periodSeconds: Int = 5,
        autoShutdown: AutoShutdown = .never,
        start: StartMode = .sequential, restartDelay: RestartDelay? = nil
    ) {
        self.strategy = strategy
        self.intensity = intensity
        self.periodSeconds = periodSeconds
        self.autoShutdown = autoShutdown
        self.start = start
        self.restartDelay = restartDelay
    }
}

/// What a supervisor module's `init/1` returns; here what its `.sup` file holds.
///
/// For `simple_one_for_one`, `children` is the one spec of all its dynamic children.
public struct SupervisorInit: Hashable, Sendable, Codable {
    public var flags: SupervisorFlags
    public var children: [ChildSpec]

    public init(flags: SupervisorFlags, children: [ChildSpec]) {
        self.flags = flags
        self.children = children
    }
}
