/// What `POST /v1/reload` answers.
public struct ReloadedConfiguration: Hashable, Sendable, Codable {
    public var release: String
    /// Sentences about workers that could not be told of their application's environment.
    public var failures: [String]

    public init(release: String, failures: [String]) {
        self.release = release
        self.failures = failures
    }
}

extension ReloadedConfiguration: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false, "required": ["release", "failures"], "properties": {
          "release": {"type": "string", "description": "whose configuration was read"},
          "failures": {"type": "array", "items": {"type": "string"},
            "description": "sentences about workers that could not be told of their environment"}}}
        """#
    }
}
