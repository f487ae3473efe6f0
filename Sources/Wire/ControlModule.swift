/// One version of a module that the node knows, and who runs it.
public struct ModuleSummary: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// An executable: what its workers run.
        case resident
        /// A `.sup` file.
        case supervisor
        /// A library; this version of the daemon loads none.
        case functional
    }

    public enum Version: String, Hashable, Sendable, Codable, CaseIterable {
        /// What is started from now on.
        case current
        /// Replaced or removed, and not purged yet.
        case old
        /// Neither: forgotten, or replaced on disk without an upgrade, and still run.
        case stray
    }

    public var module: String
    public var kind: Kind
    public var version: Version
    public var library: String
    /// Of the library.
    public var vsn: String
    public var path: String
    /// Hexadecimal digits.
    public var sha256: String
    /// Places in the tree whose workers run these bytes, such as `kv/kv_sup/store`.
    public var workers: [String]

    public init(
        module: String, kind: Kind, version: Version, library: String, vsn: String, path: String, sha256: String,
        workers: [String]
    ) {
        self.module = module
        self.kind = kind
        self.version = version
        self.library = library
        self.vsn = vsn
        self.path = path
        self.sha256 = sha256
        self.workers = workers
    }
}

/// What `GET /v1/modules` answers: by module, the current version before others.
public struct ModuleList: Hashable, Sendable, Codable {
    public var modules: [ModuleSummary]

    public init(modules: [ModuleSummary]) { self.modules = modules }
}

extension ModuleList: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false, "required": ["modules"], "properties": {
          "modules": {"type": "array", "items": {"type": "object", "additionalProperties": false,
            "required": ["module", "kind", "version", "library", "vsn", "path", "sha256", "workers"], "properties": {
              "module": {"type": "string"},
              "kind": {"enum": ["resident", "supervisor", "functional"]},
              "version": {"enum": ["current", "old", "stray"],
                "description": "what is started from now on; replaced and not purged yet; neither, and still run"},
              "library": {"type": "string"},
              "vsn": {"type": "string", "description": "of the library"},
              "path": {"type": "string"},
              "sha256": {"type": "string"},
              "workers": {"type": "array", "items": {"type": "string"},
                "description": "places in the tree whose workers run these bytes"}}}}}}
        """#
    }
}
