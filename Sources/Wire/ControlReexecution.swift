/// The body of `POST /v1/reexec`: all of it may be left out.
public struct ReexecutionRequest: Hashable, Sendable, Codable {
    /// The absolute path of the program that goes on; that of the daemon where it is left out, as it lies there now.
    public var program: String?

    public init(program: String? = nil) { self.program = program }
}

extension ReexecutionRequest: ControlBody {
    public static var example: String { #"{"program": "/usr/sbin/release-handlerd"}"# }
    public static var absent: Self? { Self() }

    public func check() throws(ControlError) {
        guard let program else { return }
        guard program.hasPrefix("/"), !program.utf8.contains(0) else {
            throw ControlError(
                .badRequest, "the program must be an absolute path, found \(program)", details: ["program": program])
        }
    }

    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false, "properties": {
          "program": {"type": "string",
            "description": "the absolute path of the program that goes on; without it the daemon's own"}}}
        """#
    }
}

/// What `POST /v1/reexec` answers: by the program that goes on.
public struct Reexecuted: Hashable, Sendable, Codable {
    /// As it was before.
    public var pid: Int32
    /// The version that goes on, and the one that went before it.
    public var erts: String
    public var previousErts: String
    /// Workers that it went on with.
    public var workers: Int
    /// From the last thing that the one before did to the first that this one does.
    public var pauseMicroseconds: Int

    public init(pid: Int32, erts: String, previousErts: String, workers: Int, pauseMicroseconds: Int) {
        self.pid = pid
        self.erts = erts
        self.previousErts = previousErts
        self.workers = workers
        self.pauseMicroseconds = pauseMicroseconds
    }

    private enum CodingKeys: String, CodingKey {
        case pid, erts, workers
        case previousErts = "previous_erts"
        case pauseMicroseconds = "pause_us"
    }
}

extension Reexecuted: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["pid", "erts", "previous_erts", "workers", "pause_us"], "properties": {
          "pid": {"type": "integer", "description": "as it was before"},
          "erts": {"type": "string", "description": "the version that goes on"},
          "previous_erts": {"type": "string", "description": "the version that went before it"},
          "workers": {"type": "integer", "description": "processes of workers that it went on with"},
          "pause_us": {"type": "integer",
            "description": "microseconds in which nobody was there for them"}}}
        """#
    }
}
