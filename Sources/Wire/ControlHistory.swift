/// One thing that became of the releases: an event that is kept.
public struct HistoryRecord: Hashable, Sendable, Codable {
    /// RFC 3339 in UTC with milliseconds.
    public var time: String
    /// The name of a `NodeEventKind`; a text, since another version of the daemon may have written it.
    public var kind: String
    /// The vsn of the release that ran.
    public var release: String?
    public var message: String
    public var fields: [String: String]

    public init(time: String, kind: String, release: String? = nil, message: String, fields: [String: String] = [:]) {
        self.time = time
        self.kind = kind
        self.release = release
        self.message = message
        self.fields = fields
    }
}

/// The answer to `GET /v1/history`, the last one last.
public struct HistoryList: Hashable, Sendable, Codable {
    public var records: [HistoryRecord]
    public init(records: [HistoryRecord]) { self.records = records }
}

extension NodeEventKind {
    /// Those that are kept.
    public static let historic: Set<Self> = [
        .boot, .reexecuted, .unpacked, .removed, .fileInstalled, .recovered, .rootRepaired, .releaseDropped,
        .bootRetried, .bootProved, .bootFallback,
        .bootFallbackFailed, .madePermanent, .makePermanentFailed, .installRelease, .releaseInstalled,
        .upgradeApplication,
        .applicationUpgraded, .installRefused,
        .installAborted, .installTakingBack, .installStopped, .installFailed, .probationPassed, .probationFailed,
    ]
}

extension HistoryList: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["records"], "additionalProperties": false, "properties": {
          "records": {"type": "array", "description": "the last one last", "items": {
            "type": "object", "additionalProperties": false, "required": ["time", "kind", "message", "fields"],
            "properties": {
            "time": {"type": "string", "format": "date-time"},
            "kind": {"type": "string", "description": "as of an event"},
            "release": {"type": "string", "description": "the vsn that ran"},
            "message": {"type": "string"},
            "fields": {"type": "object", "additionalProperties": {"type": "string"}}}}}}}
        """#
    }
}
