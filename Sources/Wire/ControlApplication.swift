/// The answer to `GET /v1/applications`: as in the `.rel`, and after those what still runs of an earlier release.
public struct WhichApplications: Hashable, Sendable, Codable {
    public var reply: String
    public var applications: [ApplicationStatus]

    public init(reply: String, applications: [ApplicationStatus]) {
        self.reply = reply
        self.applications = applications
    }
}

/// One application of the release.
public struct ApplicationStatus: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case loaded, starting, running, stopping
        case notLoaded = "not_loaded"
    }

    public var name: String
    /// None where the release does not have it (any more).
    public var vsn: String?
    /// That with which it was started; where it does not run, that of the `.rel`.
    public var type: String?
    public var state: State

    public init(name: String, vsn: String?, type: String?, state: State) {
        self.name = name
        self.vsn = vsn
        self.type = type
        self.state = state
    }
}

/// The body of `POST /v1/applications/{application}/start`; there need not be one.
public struct StartApplicationRequest: Hashable, Sendable, Codable {
    /// `permanent`, `transient` or `temporary`; without it, what the `.rel` says.
    public var type: String?
    public init(type: String? = nil) { self.type = type }
}

/// What a function of `application` was answered with.
public struct ApplicationAnswer: Hashable, Sendable, Codable {
    /// A term as text.
    public var reply: String
    public init(reply: String) { self.reply = reply }
}

/// The answer to `GET /v1/applications/{application}/env`. Source: OTP application(3), `get_all_env/1`.
public struct ApplicationEnvironment: Hashable, Sendable, Codable {
    /// Both are terms as text.
    public struct Parameter: Hashable, Sendable, Codable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var reply: String
    public var parameters: [Parameter]

    public init(reply: String, parameters: [Parameter]) {
        self.reply = reply
        self.parameters = parameters
    }
}

/// The answer to `GET /v1/applications/{application}/env/{key}`. Source: OTP application(3), `get_env/2`.
public struct EnvironmentValue: Hashable, Sendable, Codable {
    public var reply: String
    /// A term as text; none where the parameter is undefined.
    public var value: String?

    public init(reply: String, value: String?) {
        self.reply = reply
        self.value = value
    }
}

/// The body of `PUT /v1/applications/{application}/env/{key}`.
public struct SetEnvironmentRequest: Hashable, Sendable, Codable {
    /// A term as text.
    public var value: String
    public init(value: String) { self.value = value }
}

/// What a change of an environment was answered with.
public struct EnvironmentAnswer: Hashable, Sendable, Codable {
    public var reply: String
    /// One for each worker that could not be told; the change is made all the same.
    public var warnings: [String]

    public init(reply: String, warnings: [String] = []) {
        self.reply = reply
        self.warnings = warnings
    }
}

extension WhichApplications: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply", "applications"],
          "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "that of which_applications/0, a term as text"},
          "applications": {"type": "array", "items": {"type": "object", "required": ["name", "state"],
            "additionalProperties": false, "properties": {
            "name": {"type": "string"},
            "vsn": {"type": "string", "description": "absent: the release does not have it any more"},
            "type": {"enum": ["permanent", "transient", "temporary", "load", "none"]},
            "state": {"enum": ["loaded", "starting", "running", "stopping", "not_loaded"]}}}}}}
        """#
    }
}

extension StartApplicationRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false, "properties": {
          "type": {"enum": ["permanent", "transient", "temporary"], "description": "absent: that of the .rel"}}}
        """#
    }

    public static var example: String { #"{"type":"temporary"}"# }

    /// A start needs no body.
    public static var absent: Self? { Self() }
}

extension ApplicationAnswer: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string", "description": "what OTP's function answers, a term as text"}}}
        """#
    }
}

extension ApplicationEnvironment: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply", "parameters"],
          "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "that of get_all_env/1, a term as text"},
          "parameters": {"type": "array", "items": {"type": "object", "required": ["key", "value"],
            "additionalProperties": false, "properties": {
            "key": {"type": "string", "description": "an atom as text"},
            "value": {"type": "string", "description": "a term as text"}}}}}}
        """#
    }
}

extension EnvironmentValue: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string", "description": "that of get_env/2, a term as text"},
          "value": {"type": "string", "description": "a term as text; absent: undefined"}}}
        """#
    }
}

extension SetEnvironmentRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["value"], "additionalProperties": false, "properties": {
          "value": {"type": "string", "description": "a term as text"}}}
        """#
    }

    public static var example: String { #"{"value":"10"}"# }
}

extension EnvironmentAnswer: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply", "warnings"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string"},
          "warnings": {"type": "array", "items": {"type": "string"},
            "description": "workers that could not be told"}}}
        """#
    }
}
