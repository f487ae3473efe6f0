/// The body of `POST /v1/workers/{worker}/kill`.
public struct KillRequest: Hashable, Sendable, Codable {
    /// By name or number, as kill(1) takes them.
    public var signal: String
    public init(signal: String) { self.signal = signal }
}

/// The answer to `POST /v1/workers/{worker}/kill`: who has got which signal.
public struct SentSignal: Hashable, Sendable, Codable {
    public var worker: String
    public var pid: Int32
    public var generation: Int
    /// With its prefix: `SIGTERM`.
    public var signal: String

    public init(worker: String, pid: Int32, generation: Int, signal: String) {
        self.worker = worker
        self.pid = pid
        self.generation = generation
        self.signal = signal
    }
}

/// The answer to `GET /v1/workers/{worker}/log`: where what a worker said is, and what was logged of it.
public struct WorkerLog: Hashable, Sendable, Codable {
    /// The worker's place.
    public var worker: String
    /// What its entries of the journal have, as journalctl(1) takes matches; none where the daemon does not log to the
    /// journal.
    public var journal: [String]?
    /// Where the daemon logs to then: the file, terminal, pipe or socket that is its standard error.
    public var file: String?

    public init(worker: String, journal: [String]? = nil, file: String? = nil) {
        self.worker = worker
        self.journal = journal
        self.file = file
    }
}

extension KillRequest: ControlBody {
    public static var example: String { #"{"signal":"USR1"}"# }

    public func check() throws(ControlError) {
        guard WorkerSignal(signal) != nil else { throw Self.noSignal(signal) }
    }

    public static func noSignal(_ text: String) -> ControlError {
        ControlError(
            .badRequest, "\(text.debugDescription) is no signal: give a name as TERM or USR1, or a number from 1 to 64",
            details: ["signal": text])
    }

    public static var schema: String {
        #"""
        {"type": "object", "required": ["signal"], "additionalProperties": false, "properties": {
          "signal": {"type": "string", "description": "as kill(1) takes it: TERM, SIGTERM, 15, RTMIN+3"}}}
        """#
    }
}

extension SentSignal: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["worker", "pid", "generation", "signal"], "additionalProperties": false,
          "properties": {
          "worker": {"type": "string"},
          "pid": {"type": "integer", "description": "of the process that got it"},
          "generation": {"type": "integer"},
          "signal": {"type": "string", "description": "its name with SIG"}}}
        """#
    }
}

extension WorkerLog: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["worker"], "additionalProperties": false, "properties": {
          "worker": {"type": "string"},
          "journal": {"type": "array", "items": {"type": "string"},
            "description": "matches of journalctl(1) that find it; absent: the daemon does not log to the journal"},
          "file": {"type": "string", "description": "where the daemon logs to then"}}}
        """#
    }
}
