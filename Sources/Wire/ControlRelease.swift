/// An application and its version within a release.
public struct ApplicationVersion: Hashable, Sendable, Codable {
    public var name: String
    public var vsn: String

    public init(name: String, vsn: String) {
        self.name = name
        self.vsn = vsn
    }
}

/// One release that the node has, as `release_handler:which_releases/0` lists it.
public struct ReleaseSummary: Hashable, Sendable, Codable {
    /// Source: OTP `release_handler`, "Release Status".
    public enum Status: String, Hashable, Sendable, Codable, CaseIterable {
        case unpacked
        case current
        case permanent
        case old
        case temporaryCurrent = "tmp_current"
    }

    public var name: String
    public var vsn: String
    /// The emulator's version that the release was made for.
    public var erts: String
    public var status: Status
    public var applications: [ApplicationVersion]

    public init(name: String, vsn: String, erts: String, status: Status, applications: [ApplicationVersion]) {
        self.name = name
        self.vsn = vsn
        self.erts = erts
        self.status = status
        self.applications = applications
    }
}

/// What `install_release` would do now. Making it changes nothing.
public struct InstallPlan: Hashable, Sendable, Codable {
    public enum Direction: String, Hashable, Sendable, Codable, CaseIterable { case up, down }

    /// One instruction of the script and the workers that it would touch as things are.
    public struct Instruction: Hashable, Sendable, Codable {
        /// From 0, in the order of the script.
        public var index: Int
        /// The instruction as a term.
        public var text: String
        /// Places in the tree, such as `kv/kv_sup/store`.
        public var workers: [String]
        /// Sentences, where there is something to tell of it.
        public var notes: [String]

        public init(index: Int, text: String, workers: [String], notes: [String] = []) {
            self.index = index
            self.text = text
            self.workers = workers
            self.notes = notes
        }
    }

    public var from: String
    public var to: String
    public var direction: Direction
    /// The relup entry's own description, as text.
    public var description: String
    public var instructions: [Instruction]
    public var warnings: [String]

    public init(
        from: String, to: String, direction: Direction, description: String, instructions: [Instruction],
        warnings: [String] = []
    ) {
        self.from = from
        self.to = to
        self.direction = direction
        self.description = description
        self.instructions = instructions
        self.warnings = warnings
    }
}

/// The body of `POST /v1/releases`.
public struct UnpackRequest: Hashable, Sendable, Codable {
    /// The absolute path of a release package (`.tar.gz`) that the daemon can read.
    public var package: String
    public init(package: String) { self.package = package }
}

/// The answer to `GET /v1/releases`.
public struct ReleaseList: Hashable, Sendable, Codable {
    public var releases: [ReleaseSummary]
    public init(releases: [ReleaseSummary]) { self.releases = releases }
}

/// The answer to `DELETE /v1/releases/{vsn}`.
public struct RemovedRelease: Hashable, Sendable, Codable {
    /// The vsn of the release that is gone.
    public var removed: String
    public init(removed: String) { self.removed = removed }
}

extension ReleaseList: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["releases"], "additionalProperties": false, "properties": {
          "releases": {"type": "array", "items": {"$ref": "#/components/schemas/ReleaseSummary"}}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [ReleaseSummary.self] }
}

extension ReleaseSummary: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["name", "vsn", "erts", "status", "applications"], "properties": {
          "name": {"type": "string"},
          "vsn": {"type": "string"},
          "erts": {"type": "string"},
          "status": {"enum": ["unpacked", "current", "permanent", "old", "tmp_current"]},
          "applications": {"type": "array", "items": {"type": "object", "required": ["name", "vsn"],
            "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "vsn": {"type": "string"}}}}}}
        """#
    }
}

extension RemovedRelease: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["removed"], "additionalProperties": false, "properties": {
          "removed": {"type": "string"}}}
        """#
    }
}

extension UnpackRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["package"], "additionalProperties": false, "properties": {
          "package": {"type": "string", "description": "the absolute path of a .tar.gz that the daemon can read"}}}
        """#
    }

    public static var example: String { #"{"package":"/srv/packages/kv-2.0.0.tar.gz"}"# }

    public func check() throws(ControlError) {
        guard package.hasPrefix("/"), !package.utf8.contains(0) else {
            throw ControlError(.badRequest, "\(package.debugDescription) is no absolute path: name the package by one")
        }
    }
}

extension InstallPlan: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["from", "to", "direction", "description", "instructions", "warnings"], "properties": {
          "from": {"type": "string"},
          "to": {"type": "string"},
          "direction": {"enum": ["up", "down"]},
          "description": {"type": "string"},
          "instructions": {"type": "array", "items": {"type": "object",
            "required": ["index", "text", "workers", "notes"], "additionalProperties": false, "properties": {
            "index": {"type": "integer"},
            "text": {"type": "string", "description": "the instruction as a term"},
            "workers": {"type": "array", "items": {"type": "string"}},
            "notes": {"type": "array", "items": {"type": "string"}}}}},
          "warnings": {"type": "array", "items": {"type": "string"}}}}
        """#
    }
}
