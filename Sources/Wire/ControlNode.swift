/// The node as a whole.
public struct NodeStatus: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case starting, running, upgrading, stopping
    }

    public var state: State
    /// The node's name among others, `name@host`.
    public var node: String
    /// The release's name, as its `.rel` says.
    public var name: String
    /// The vsn of the release that runs.
    public var release: String
    /// The vsn of the release that the next boot takes.
    public var permanent: String
    /// The emulator's (this daemon's) version.
    public var erts: String
    public var pid: Int32
    public var uptimeSeconds: Double
    /// The release root.
    public var root: String
    /// Children whose restart waits (`restart_delay`); nil where there are none.
    public var waitingRestarts: Int?
    /// The control group that is left to the daemon, in which each process has one of its own; nil where none is.
    public var cgroup: String?
    /// Why none is.
    public var noCgroup: String?
    /// What is not as it should be, or is under way; nil from a daemon that does not say.
    public var notices: [Notice]?
    /// The one under way.
    public var install: Install?

    /// How far an install is.
    public struct Install: Hashable, Sendable, Codable {
        public var from: String
        public var to: String
        /// The instruction that is carried out, from 0.
        public var index: Int
        /// How many there are.
        public var count: Int
        /// The instruction as a term.
        public var text: String
        public var elapsedMilliseconds: Double

        public init(from: String, to: String, index: Int, count: Int, text: String, elapsedMilliseconds: Double) {
            self.from = from
            self.to = to
            self.index = index
            self.count = count
            self.text = text
            self.elapsedMilliseconds = elapsedMilliseconds
        }

        private enum CodingKeys: String, CodingKey {
            case from, to, index, count, text
            case elapsedMilliseconds = "elapsed_ms"
        }
    }

    /// One thing that who looks has to know.
    public struct Notice: Hashable, Sendable, Codable {
        public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            case probation
            case restartsWaiting = "restarts_waiting"
            /// A permanent release did not boot, and the one before it is permanent again.
            case bootFallback = "boot_fallback"
            /// A restart has dropped a release that was not permanent.
            case releaseDropped = "release_dropped"
            /// A release passed its probation, and the disk does not take that yet.
            case notPermanentYet = "not_permanent_yet"
            /// The release that runs has passed its probation, and waits for somebody to make it permanent.
            case notPermanent = "not_permanent"
            case rootUnwritable = "root_unwritable"
            /// Files of the root were gone, empty or damaged as the daemon started.
            case rootRepaired = "root_repaired"
            /// An application runs in another version than the release has, since upgrade_app, and until a restart.
            case applicationChanged = "application_changed"
        }

        public var kind: Kind
        public var message: String

        public init(kind: Kind, message: String) {
            self.kind = kind
            self.message = message
        }
    }

    public init(
        state: State, node: String, name: String, release: String, permanent: String, erts: String, pid: Int32,
        uptimeSeconds: Double, root: String, waitingRestarts: Int? = nil,
        cgroup: String? = nil, noCgroup: String? = nil, notices: [Notice]? = nil, install: Install? = nil
    ) {
        self.state = state
        self.node = node
        self.name = name
        self.release = release
        self.permanent = permanent
        self.erts = erts
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.root = root
        self.waitingRestarts = waitingRestarts
        self.notices = notices
        self.install = install
        self.cgroup = cgroup
        self.noCgroup = noCgroup
    }

    private enum CodingKeys: String, CodingKey {
        case state, node, name, release, permanent, erts, pid
        case uptimeSeconds = "uptime_s"
        case root, cgroup, notices, install
        case waitingRestarts = "waiting_restarts"
        case noCgroup = "no_cgroup"
    }
}

/// Something that happened on the node: one line of `GET /v1/events`.
public struct NodeEvent: Hashable, Sendable, Codable {
    /// Ever increasing while the daemon runs; a gap means that events were dropped for a slow reader.
    public var sequence: Int
    /// RFC 3339 in UTC with milliseconds.
    public var time: String
    /// The name of a `NodeEventKind`; a text, since a client may follow a newer daemon that knows more of them.
    public var kind: String
    public var worker: String?
    public var release: String?
    public var instruction: String?
    public var message: String
    public var fields: [String: String]

    public init(
        sequence: Int, millisecondsSince1970: Int, kind: String, worker: String? = nil, release: String? = nil,
        instruction: String? = nil, message: String, fields: [String: String] = [:]
    ) {
        self.sequence = sequence
        self.time = ControlTime.rfc3339(millisecondsSince1970: millisecondsSince1970)
        self.kind = kind
        self.worker = worker
        self.release = release
        self.instruction = instruction
        self.message = message
        self.fields = fields
    }

    /// For who may look and not change things: what a worker says is left out.
    public var withoutWords: Self {
        guard NodeEventKind.spoken.contains(where: { $0.rawValue == kind }) else { return self }
        var event = self
        event.message = "what \(worker ?? "a worker") says is shown to those who may change things"
        event.fields = [:]
        return event
    }
}

/// The body of `POST /v1/call`.
public struct CallRequest: Hashable, Sendable, Codable {
    /// The worker's place in the tree, or its last parts where they name one only.
    public var worker: String
    /// A term, as text.
    public var request: String
    /// From 1 to 3,600,000; 5,000 where it is not given, as `gen_server:call/2`.
    public var timeoutMilliseconds: Int

    public static let standardTimeoutMilliseconds = 5_000
    public static let maximumTimeoutMilliseconds = 3_600_000

    public init(worker: String, request: String, timeoutMilliseconds: Int = Self.standardTimeoutMilliseconds) {
        self.worker = worker
        self.request = request
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case worker, request
        case timeoutMilliseconds = "timeout_ms"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        worker = try container.decode(String.self, forKey: .worker)
        request = try container.decode(String.self, forKey: .request)
        timeoutMilliseconds =
            try container.decodeIfPresent(Int.self, forKey: .timeoutMilliseconds) ?? Self.standardTimeoutMilliseconds
    }
}

/// The answer to `POST /v1/call`: the worker's reply, a term as text.
public struct CallReply: Hashable, Sendable, Codable {
    public var reply: String
    public init(reply: String) { self.reply = reply }
}

/// Times as the control interface writes them.
public enum ControlTime {
    /// `2026-01-31T09:05:07.042Z` for the milliseconds since 1970-01-01T00:00:00Z (negative ones are before it).
    public static func rfc3339(millisecondsSince1970 milliseconds: Int) -> String {
        let (days, ofDay) = floorDivision(milliseconds, 86_400_000)
        // Years are counted from 1 March, so that the leap day is a year's last and months follow one formula.
        let (era, dayOfEra) = floorDivision(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let minutes = ofDay / 60_000
        let time = "\(padded(minutes / 60, 2)):\(padded(minutes % 60, 2)):\(padded(ofDay / 1_000 % 60, 2))"
        return "\(date)T\(time).\(padded(ofDay % 1_000, 3))Z"
    }

    private static func floorDivision(_ value: Int, _ divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension NodeStatus: ControlShape {
    public static var schema: String {
        let kinds = Notice.Kind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return #"""
            {"type": "object", "additionalProperties": false,
              "required": ["state", "node", "name", "release", "permanent", "erts", "pid", "uptime_s", "root"], "properties": {
              "state": {"enum": ["starting", "running", "upgrading", "stopping"]},
              "node": {"type": "string", "description": "its name among other nodes, name@host"},
              "name": {"type": "string"},
              "release": {"type": "string", "description": "the vsn that runs"},
              "permanent": {"type": "string", "description": "the vsn that the next boot takes"},
              "erts": {"type": "string", "description": "the daemon's own version"},
              "pid": {"type": "integer"},
              "uptime_s": {"type": "number"},
              "root": {"type": "string", "description": "the release root"},
              "cgroup": {"type": "string", "description": "the control group in which each process has one of its own"},
              "no_cgroup": {"type": "string", "description": "why processes have no control groups"},
              "waiting_restarts": {"type": "integer", "description": "children whose restart waits, where there are any"},
              "install": {"type": "object", "additionalProperties": false, "description": "the one under way",
                "required": ["from", "to", "index", "count", "text", "elapsed_ms"], "properties": {
                "from": {"type": "string"}, "to": {"type": "string"},
                "index": {"type": "integer", "description": "of the instruction that is carried out, from 0"},
                "count": {"type": "integer"}, "text": {"type": "string", "description": "the instruction as a term"},
                "elapsed_ms": {"type": "number"}}},
              "notices": {"type": "array", "description": "what is not as it should be, or is under way", "items": {
                "type": "object", "additionalProperties": false, "required": ["kind", "message"], "properties": {
                "kind": {"type": "string", "enum": [\#(kinds)]},
                "message": {"type": "string"}}}}}}
            """#
    }
}

extension NodeEvent: ControlLine {
    public static var schema: String {
        let kinds = NodeEventKind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return #"""
            {"type": "object", "additionalProperties": false,
              "required": ["sequence", "time", "kind", "message", "fields"], "properties": {
              "sequence": {"type": "integer", "description": "a gap means that events were dropped for a slow reader"},
              "time": {"type": "string", "format": "date-time"},
              "kind": {"type": "string", "enum": [\#(kinds)]},
              "worker": {"type": "string"},
              "release": {"type": "string"},
              "instruction": {"type": "string"},
              "message": {"type": "string"},
              "fields": {"type": "object", "additionalProperties": {"type": "string"}}}}
            """#
    }
}

extension CallRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["worker", "request"], "additionalProperties": false, "properties": {
          "worker": {"type": "string", "description": "the place in the tree, or its last parts"},
          "request": {"type": "string", "description": "a term as text"},
          "timeout_ms": {"type": "integer", "minimum": 1, "maximum": 3600000, "default": 5000}}}
        """#
    }

    public static var example: String { #"{"worker":"kv/kv_sup/store","request":"get_size","timeout_ms":5000}"# }

    public var namedWorker: String? {
        get { worker }
        set { worker = newValue ?? worker }
    }

    public func check() throws(ControlError) {
        guard (1...Self.maximumTimeoutMilliseconds).contains(timeoutMilliseconds) else {
            throw ControlError(
                .badRequest, "timeout_ms is \(timeoutMilliseconds): give 1 to \(Self.maximumTimeoutMilliseconds)")
        }
    }
}

extension CallReply: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply"], "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "a term as text"}}}
        """#
    }
}
