/// How far a long piece of work is.
public struct WorkStep: Hashable, Sendable, Codable {
    public enum Unit: String, Hashable, Sendable, Codable, CaseIterable {
        case bytes
        case files
    }

    /// What is being done, in a few words.
    public var text: String
    /// So much of it is done; nil where nothing can be counted.
    public var done: Int?
    /// Of so much; nil where that is not known.
    public var total: Int?
    public var unit: Unit?

    public init(_ text: String, done: Int? = nil, of total: Int? = nil, _ unit: Unit? = nil) {
        self.text = text
        self.done = done
        self.total = total
        self.unit = unit
    }
}

/// Takes the steps of a long piece of work, on whatever thread that is done.
public typealias WorkTeller = @Sendable (WorkStep) -> Void

/// One line of the stream that an operation with one JSON document for its answer has for those who ask for NDJSON:
/// `{"progress":{…}}` as the work goes on, then one `{"result":{…}}`, or `{"error":{…}}` where it fails.
public enum WorkProgress<Answer: ControlShape & Codable & Hashable>: Hashable, Sendable {
    case progress(WorkStep)
    case result(Answer)
    case error(ControlError)
}

extension WorkProgress: Codable {
    private enum CodingKeys: String, CodingKey { case progress, result, error }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let step = try container.decodeIfPresent(WorkStep.self, forKey: .progress) {
            self = .progress(step)
        } else if let error = try container.decodeIfPresent(ControlError.self, forKey: .error) {
            self = .error(error)
        } else {
            self = .result(try container.decode(Answer.self, forKey: .result))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .progress(let step): try container.encode(step, forKey: .progress)
        case .result(let answer): try container.encode(answer, forKey: .result)
        case .error(let error): try container.encode(error, forKey: .error)
        }
    }
}

extension WorkProgress: ControlLine {
    public static var schemaName: String { "\(Answer.schemaName)Progress" }
    public static var schema: String {
        #"""
        {"oneOf": [
          {"type": "object", "required": ["progress"], "additionalProperties": false, "properties": {
            "progress": {"type": "object", "required": ["text"], "additionalProperties": false, "properties": {
              "text": {"type": "string", "description": "what is being done"},
              "done": {"type": "integer"},
              "total": {"type": "integer", "description": "absent: not known"},
              "unit": {"enum": ["bytes", "files"]}}}}},
          {"type": "object", "required": ["result"], "additionalProperties": false, "properties": {
            "result": {"$ref": "#/components/schemas/\#(Answer.schemaName)"}}},
          {"$ref": "#/components/schemas/ErrorBody"}]}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [Answer.self, ControlErrorBody.self] }
}
