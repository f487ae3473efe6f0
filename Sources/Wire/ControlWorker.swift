/// The answer to `GET /v1/workers/{worker}/status`: what the worker says of itself, a map as text.
///
/// Source: `docs/worker-protocol.md`, `get_status`; OTP sys(3).
public struct WorkerStatus: Hashable, Sendable, Codable {
    public var worker: String
    public var status: String

    public init(worker: String, status: String) {
        self.worker = worker
        self.status = status
    }
}

/// The answer to `GET /v1/workers/{worker}/state`, and to the `PUT` that replaces it: the state, a term as text.
public struct WorkerState: Hashable, Sendable, Codable {
    public var worker: String
    public var state: String

    public init(worker: String, state: String) {
        self.worker = worker
        self.state = state
    }
}

/// The body of `PUT /v1/workers/{worker}/state`.
public struct ReplaceStateRequest: Hashable, Sendable, Codable {
    /// A term, as text.
    public var state: String
    public init(state: String) { self.state = state }
}

/// The answer to `GET /v1/workers/{worker}/statistics`: of the worker since it was started, handoffs included.
///
/// Source: OTP sys(3), `statistics/2`. It is always on; in place of reductions there is the processor's time.
public struct WorkerStatistics: Hashable, Sendable, Codable {
    public var worker: String
    /// RFC 3339 in UTC with milliseconds.
    public var startTime: String
    public var currentTime: String
    /// Calls that it was given.
    public var messagesIn: Int
    /// Replies that it gave.
    public var messagesOut: Int
    /// Calls that it has and has not answered.
    public var openCalls: Int
    /// Calls that wait in its mailbox while it is suspended.
    public var mailbox: Int
    /// Log messages and lines of output that it was allowed; see `dropped`.
    public var logged: Int
    /// Those beyond what it may say.
    public var dropped: Int
    /// User and system time of the process that runs now.
    public var cpuMilliseconds: Int?
    /// Private memory (`RssAnon` of proc(5)) of that process.
    public var rssAnonKiB: Int?

    public init(
        worker: String, startTime: String, currentTime: String, messagesIn: Int, messagesOut: Int, openCalls: Int,
        mailbox: Int, logged: Int, dropped: Int, cpuMilliseconds: Int? = nil, rssAnonKiB: Int? = nil
    ) {
        self.worker = worker
        self.startTime = startTime
        self.currentTime = currentTime
        self.messagesIn = messagesIn
        self.messagesOut = messagesOut
        self.openCalls = openCalls
        self.mailbox = mailbox
        self.logged = logged
        self.dropped = dropped
        self.cpuMilliseconds = cpuMilliseconds
        self.rssAnonKiB = rssAnonKiB
    }

    private enum CodingKeys: String, CodingKey {
        case worker
        case startTime = "start_time"
        case currentTime = "current_time"
        case messagesIn = "messages_in"
        case messagesOut = "messages_out"
        case openCalls = "open_calls"
        case mailbox, logged, dropped
        case cpuMilliseconds = "cpu_ms"
        case rssAnonKiB = "rss_anon_kib"
    }
}

extension WorkerStatus: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["worker", "status"], "additionalProperties": false,
          "properties": {
          "worker": {"type": "string"},
          "status": {"type": "string", "description": "a map, a term as text"}}}
        """#
    }
}

extension WorkerState: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["worker", "state"], "additionalProperties": false,
          "properties": {
          "worker": {"type": "string"},
          "state": {"type": "string", "description": "a term as text"}}}
        """#
    }
}

extension ReplaceStateRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["state"], "additionalProperties": false, "properties": {
          "state": {"type": "string", "description": "a term as text"}}}
        """#
    }

    public static var example: String { #"{"state":"{counter,7}"}"# }
}

extension WorkerStatistics: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["worker", "start_time", "current_time", "messages_in", "messages_out", "open_calls", "mailbox",
            "logged", "dropped"], "properties": {
          "worker": {"type": "string"},
          "start_time": {"type": "string", "format": "date-time"},
          "current_time": {"type": "string", "format": "date-time"},
          "messages_in": {"type": "integer", "description": "calls that it was given since its start"},
          "messages_out": {"type": "integer", "description": "replies that it gave"},
          "open_calls": {"type": "integer", "description": "calls that it has and has not answered"},
          "mailbox": {"type": "integer", "description": "calls that wait while it is suspended"},
          "logged": {"type": "integer", "description": "its log messages and lines of output"},
          "dropped": {"type": "integer", "description": "those beyond what it may say"},
          "cpu_ms": {"type": "integer", "description": "processor time of the process that runs now"},
          "rss_anon_kib": {"type": "integer"}}}
        """#
    }
}
