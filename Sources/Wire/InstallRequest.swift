/// What an install is asked to do otherwise than the new release's `sys.config` says.
///
/// Source: OTP release_handler(3), `install_release/2`.
public struct InstallRequest: Hashable, Sendable, Codable {
    /// What becomes of a worker that does not answer its suspend in time.
    public enum HungWorkers: String, Hashable, Sendable, Codable, CaseIterable {
        /// It is ended, and started again in the new code.
        case terminate
        /// It is left alone, and the install is called off.
        case abort
    }

    /// What becomes of the release once it has passed its probation.
    public enum MakePermanent: String, Hashable, Sendable, Codable, CaseIterable {
        /// It becomes permanent.
        case auto
        /// It stays current until somebody makes it permanent.
        case manual
    }

    /// For a suspend without a time of its own.
    public var suspendTimeoutMilliseconds: Int?
    /// For the handoff of each worker, from its export to its import.
    public var codeChangeTimeoutMilliseconds: Int?
    public var hungWorkers: HungWorkers?
    /// How long a worker may take to answer its suspend while those of earlier groups are held.
    public var suspendGraceMilliseconds: Int?
    /// Whether the release may be of another product than the one that runs: its name is another.
    public var rename: Bool?
    public var makePermanent: MakePermanent?

    public static let timeouts = 1...86_400_000

    public init(
        suspendTimeoutMilliseconds: Int? = nil, codeChangeTimeoutMilliseconds: Int? = nil,
        hungWorkers: HungWorkers? = nil, suspendGraceMilliseconds: Int? = nil,
        rename: Bool? = nil, makePermanent: MakePermanent? = nil
    ) {
        self.suspendTimeoutMilliseconds = suspendTimeoutMilliseconds
        self.codeChangeTimeoutMilliseconds = codeChangeTimeoutMilliseconds
        self.hungWorkers = hungWorkers
        self.suspendGraceMilliseconds = suspendGraceMilliseconds
        self.rename = rename
        self.makePermanent = makePermanent
    }

    private enum CodingKeys: String, CodingKey {
        case suspendTimeoutMilliseconds = "suspend_timeout_ms"
        case codeChangeTimeoutMilliseconds = "code_change_timeout_ms"
        case hungWorkers = "hung_workers"
        case suspendGraceMilliseconds = "suspend_grace_ms"
        case rename
        case makePermanent = "make_permanent"
    }
}

extension InstallRequest: ControlBody {
    public static var example: String { #"{"hung_workers": "abort", "suspend_timeout_ms": 5000}"# }
    public static var absent: Self? { Self() }

    public func check() throws(ControlError) {
        try check(suspendTimeoutMilliseconds, .suspendTimeoutMilliseconds)
        try check(codeChangeTimeoutMilliseconds, .codeChangeTimeoutMilliseconds)
        try check(suspendGraceMilliseconds, .suspendGraceMilliseconds)
    }

    private func check(_ value: Int?, _ key: CodingKeys) throws(ControlError) {
        guard let value, !Self.timeouts.contains(value) else { return }
        throw ControlError(
            .badRequest,
            "\(key.rawValue) is \(value): it must be \(Self.timeouts.lowerBound) to \(Self.timeouts.upperBound) ms")
    }

    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false, "properties": {
          "suspend_timeout_ms": {"type": "integer", "minimum": 1, "maximum": 86400000,
            "description": "for a suspend without a time of its own"},
          "code_change_timeout_ms": {"type": "integer", "minimum": 1, "maximum": 86400000,
            "description": "for each worker's handoff, from export to import"},
          "hung_workers": {"enum": ["terminate", "abort"],
            "description": "what becomes of a worker that does not answer its suspend in time"},
          "suspend_grace_ms": {"type": "integer", "minimum": 1, "maximum": 86400000,
            "description": "how long a worker may take to suspend while those of earlier groups are held"},
          "rename": {"type": "boolean",
            "description": "whether the release may have another name than the one that runs"},
          "make_permanent": {"enum": ["auto", "manual"],
            "description": "whether the release becomes permanent by itself once it has passed its probation"}}}
        """#
    }
}
