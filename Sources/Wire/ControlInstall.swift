/// How an install ended.
public struct InstallResult: Hashable, Sendable, Codable {
    public enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// The new release runs.
        case done
        /// Turned down before the point of no return; nothing changed.
        case refused
        /// Failed and taken back; the old release runs on, as if nothing had happened to whom `lost` does not name.
        case aborted
        /// With a reason, the node ends and boots the permanent release next; without, it restarts as the script says.
        case restarting
    }

    /// The instruction at which it failed.
    public struct FailedInstruction: Hashable, Sendable, Codable {
        public var index: Int
        public var text: String

        public init(index: Int, text: String) {
            self.index = index
            self.text = text
        }
    }

    /// What one instruction did, to whom, and how long it took.
    public struct Instruction: Hashable, Sendable, Codable {
        public var index: Int
        public var text: String
        /// Places in the tree of the workers that it touched.
        public var workers: [String]
        public var milliseconds: Double
        public var note: String?

        public init(index: Int, text: String, workers: [String], milliseconds: Double, note: String? = nil) {
            self.index = index
            self.text = text
            self.workers = workers
            self.milliseconds = milliseconds
            self.note = note
        }
    }

    /// A worker whose state or connections did not come over.
    public struct Loss: Hashable, Sendable, Codable {
        /// Its place in the tree.
        public var worker: String
        /// What it had and has no more, such as `state and connections`.
        public var what: String
        /// What became of its process.
        public var why: String

        public init(worker: String, what: String, why: String) {
            self.worker = worker
            self.what = what
            self.why = why
        }
    }

    public var outcome: Outcome
    public var from: String
    public var to: String
    public var failedInstruction: FailedInstruction?
    /// The worker that it failed for.
    public var worker: String?
    public var reason: String?
    /// From the first suspend sent to the last resume acknowledged; nil where nothing was suspended.
    public var suspendToResumeMicroseconds: Int?
    public var totalMilliseconds: Double
    public var instructions: [Instruction]
    public var warnings: [String]
    /// Whether what was committed was taken back by the script for the other direction: what runs is the old code with
    /// states that were converted back, in other processes than before. Nil where it was not.
    public var wasTakenBack: Bool?
    /// Nobody else has lost anything.
    public var lost: [Loss]
    /// The file with what a failed upgrade did; nil where there is none.
    public var trace: String?
    /// What OTP's function answers, a term as text; of a change of one application only.
    public var reply: String?

    public init(
        outcome: Outcome, from: String, to: String, failedInstruction: FailedInstruction? = nil,
        worker: String? = nil, reason: String? = nil, suspendToResumeMicroseconds: Int? = nil,
        totalMilliseconds: Double, instructions: [Instruction] = [], warnings: [String] = [],
        wasTakenBack: Bool? = nil, lost: [Loss] = [], trace: String? = nil,
        reply: String? = nil
    ) {
        self.outcome = outcome
        self.from = from
        self.to = to
        self.failedInstruction = failedInstruction
        self.worker = worker
        self.reason = reason
        self.suspendToResumeMicroseconds = suspendToResumeMicroseconds
        self.totalMilliseconds = totalMilliseconds
        self.instructions = instructions
        self.warnings = warnings
        self.wasTakenBack = wasTakenBack
        self.lost = lost
        self.trace = trace
        self.reply = reply
    }

    private enum CodingKeys: String, CodingKey {
        case outcome, from, to
        case failedInstruction = "failed_instruction"
        case worker, reason
        case suspendToResumeMicroseconds = "suspend_to_resume_us"
        case totalMilliseconds = "total_ms"
        case instructions, warnings
        case wasTakenBack = "taken_back"
        case lost, trace, reply
    }
}

extension InstallResult.Instruction {
    private enum CodingKeys: String, CodingKey {
        case index, text, workers
        case milliseconds = "ms"
        case note
    }
}

/// One line of an install's stream: `{"progress":{…}}` as instructions begin, then one `{"result":{…}}`.
///
/// Where the daemon can't say how it ended, the last line is `{"error":{…}}` instead.
public enum InstallProgress: Hashable, Sendable {
    case progress(Step)
    case result(InstallResult)
    case error(ControlError)

    /// The instruction that is evaluated now.
    public struct Step: Hashable, Sendable, Codable {
        public var index: Int
        /// How many instructions the script has.
        public var count: Int
        public var text: String

        public init(index: Int, count: Int, text: String) {
            self.index = index
            self.count = count
            self.text = text
        }
    }
}

extension InstallProgress: Codable {
    private enum CodingKeys: String, CodingKey { case progress, result, error }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let step = try container.decodeIfPresent(Step.self, forKey: .progress) {
            self = .progress(step)
        } else if let error = try container.decodeIfPresent(ControlError.self, forKey: .error) {
            self = .error(error)
        } else {
            self = .result(try container.decode(InstallResult.self, forKey: .result))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .progress(let step): try container.encode(step, forKey: .progress)
        case .result(let result): try container.encode(result, forKey: .result)
        case .error(let error): try container.encode(error, forKey: .error)
        }
    }
}

extension InstallProgress: ControlLine {
    public static var schema: String {
        #"""
        {"oneOf": [
          {"type": "object", "required": ["progress"], "additionalProperties": false, "properties": {
            "progress": {"type": "object", "required": ["index", "count", "text"], "additionalProperties": false,
              "properties": {"index": {"type": "integer"}, "count": {"type": "integer"},
              "text": {"type": "string"}}}}},
          {"type": "object", "required": ["result"], "additionalProperties": false, "properties": {
            "result": {"$ref": "#/components/schemas/InstallResult"}}},
          {"$ref": "#/components/schemas/ErrorBody"}]}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [InstallResult.self, ControlErrorBody.self] }
}

extension InstallResult: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["outcome", "from", "to", "total_ms", "instructions", "warnings", "lost"], "properties": {
          "outcome": {"enum": ["done", "refused", "aborted", "restarting"]},
          "from": {"type": "string"},
          "to": {"type": "string"},
          "failed_instruction": {"type": "object", "required": ["index", "text"], "additionalProperties": false,
            "properties": {"index": {"type": "integer"}, "text": {"type": "string"}}},
          "worker": {"type": "string"},
          "reason": {"type": "string"},
          "suspend_to_resume_us": {"type": "integer",
            "description": "from the first suspend sent to the last resume acknowledged"},
          "total_ms": {"type": "number"},
          "instructions": {"type": "array", "items": {"type": "object", "additionalProperties": false,
            "required": ["index", "text", "workers", "ms"], "properties": {
            "index": {"type": "integer"},
            "text": {"type": "string"},
            "workers": {"type": "array", "items": {"type": "string"}, "description": "whom it touched"},
            "ms": {"type": "number"},
            "note": {"type": "string"}}}},
          "warnings": {"type": "array", "items": {"type": "string"}},
          "taken_back": {"type": "boolean",
            "description": "what was committed was taken back by the script for the other direction"},
          "lost": {"type": "array", "description": "whose state or connections did not come over",
            "items": {"type": "object", "additionalProperties": false, "required": ["worker", "what", "why"],
            "properties": {"worker": {"type": "string"}, "what": {"type": "string"}, "why": {"type": "string"}}}},
          "trace": {"type": "string", "description": "the file with what a failed upgrade did, step by step"},
          "reply": {"type": "string",
            "description": "of a change of one application what OTP's function answers, a term as text"}}}
        """#
    }
}
