/// How the release that runs proves itself: what `GET /v1/probation` answers.
public struct ProbationStatus: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// Nothing has to prove itself.
        case none
        case onProbation = "on_probation"
        /// The time is over; the health command decides.
        case proving
        /// Another release is being installed.
        case interrupted
        case goingBack = "going_back"
    }

    public var state: State
    /// The release under observation; it and what follows is absent where there is none.
    public var release: String?
    /// What it is taken back to.
    public var fallback: String?
    /// Until the time is over; 0 afterwards.
    public var remainingMilliseconds: Int?
    /// Restarts that were held against it, of all workers together.
    public var restarts: Int?
    public var allowedRestarts: Int?
    /// Whether it becomes permanent by itself once it has passed; nil from a daemon that does not say.
    public var makePermanent: InstallRequest.MakePermanent?

    public init(
        state: State, release: String? = nil, fallback: String? = nil, remainingMilliseconds: Int? = nil,
        restarts: Int? = nil, allowedRestarts: Int? = nil, makePermanent: InstallRequest.MakePermanent? = nil
    ) {
        self.state = state
        self.release = release
        self.fallback = fallback
        self.remainingMilliseconds = remainingMilliseconds
        self.restarts = restarts
        self.allowedRestarts = allowedRestarts
        self.makePermanent = makePermanent
    }

    private enum CodingKeys: String, CodingKey {
        case state, release, fallback
        case remainingMilliseconds = "remaining_ms"
        case restarts
        case allowedRestarts = "allowed_restarts"
        case makePermanent = "make_permanent"
    }
}

extension ProbationStatus: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false, "required": ["state"], "properties": {
          "state": {"enum": ["none", "on_probation", "proving", "interrupted", "going_back"]},
          "release": {"type": "string", "description": "the vsn under observation; absent where there is none"},
          "fallback": {"type": "string", "description": "the vsn that it is taken back to"},
          "remaining_ms": {"type": "integer", "description": "until its time is over"},
          "restarts": {"type": "integer", "description": "those held against it"},
          "allowed_restarts": {"type": "integer"},
          "make_permanent": {"enum": ["auto", "manual"],
            "description": "whether it becomes permanent by itself once it has passed"}}}
        """#
    }
}
