/// One version of a module that the node knows, and who runs it.
public struct ModuleSummary: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// An executable: what its workers run.
        case resident
        /// A `.sup` file.
        case supervisor
        /// A library that workers call into.
        case functional
    }

    public enum Version: String, Hashable, Sendable, Codable, CaseIterable {
        /// What is started from now on.
        case current
        /// Replaced or removed, and not purged yet.
        case old
        /// Neither: forgotten, or replaced on disk without an upgrade, and still run.
        case stray
        /// A library that was purged, and that processes have mapped still since it can't be unmapped. Nobody runs it any more.
        case mapped
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
    /// Those whose processes have a purged library mapped still: it is never entered again.
    public var mappedBy: [String]

    public init(
        module: String, kind: Kind, version: Version, library: String, vsn: String, path: String, sha256: String,
        workers: [String], mappedBy: [String] = []
    ) {
        self.module = module
        self.kind = kind
        self.version = version
        self.library = library
        self.vsn = vsn
        self.path = path
        self.sha256 = sha256
        self.workers = workers
        self.mappedBy = mappedBy
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
            "required": ["module", "kind", "version", "library", "vsn", "path", "sha256", "workers", "mappedBy"], "properties": {
              "module": {"type": "string"},
              "kind": {"enum": ["resident", "supervisor", "functional"]},
              "version": {"enum": ["current", "old", "stray", "mapped"],
                "description": "what is started from now on; replaced and not purged yet; neither, and still run; purged, and only mapped"},
              "library": {"type": "string"},
              "vsn": {"type": "string", "description": "of the library"},
              "path": {"type": "string"},
              "sha256": {"type": "string"},
              "workers": {"type": "array", "items": {"type": "string"},
                "description": "places in the tree whose workers run these bytes"},
              "mappedBy": {"type": "array", "items": {"type": "string"},
                "description": "workers that have a purged library mapped still, never to be entered again"}}}}}}
        """#
    }
}
