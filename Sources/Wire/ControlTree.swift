/// One application, supervisor or worker of the supervision tree, with all below it.
public struct TreeNode: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable { case application, supervisor, worker }

    /// What a child is at; `undefined` is OTP's word for one that is specified and does not run.
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case starting, running, suspended, restarting, stopping, undefined
    }

    /// The child's id within its supervisor, as text.
    public var id: String
    /// The place in the tree, such as `kv/kv_sup/store`.
    public var address: String
    public var kind: Kind
    public var state: State
    public var pid: Int32?
    /// Which OS process stands behind the worker: 1 for the first, one more at each start and handoff.
    public var generation: Int?
    public var module: String?
    public var vsn: String?
    public var restarts: Int
    /// For how long its restart still waits, where it does (`restart_delay`).
    public var restartInSeconds: Double?
    /// A supervisor's restart strategy, such as `one_for_one`.
    public var strategy: String?
    /// Private memory (`RssAnon` of proc(5)).
    public var rssAnonKiB: Int?
    /// How long this generation has run.
    public var ageSeconds: Double?
    /// What an unmodified program says of itself (`STATUS=` of sd_notify(3)).
    public var status: String?
    /// Where it has a control group of its own.
    public var usage: WorkerUsage?
    public var children: [TreeNode]

    public init(
        id: String, address: String, kind: Kind, state: State, pid: Int32? = nil, generation: Int? = nil,
        module: String? = nil, vsn: String? = nil, restarts: Int = 0, restartInSeconds: Double? = nil,
        strategy: String? = nil, rssAnonKiB: Int? = nil, ageSeconds: Double? = nil, status: String? = nil,
        children: [TreeNode] = []
    ) {
        self.id = id
        self.address = address
        self.kind = kind
        self.state = state
        self.pid = pid
        self.generation = generation
        self.module = module
        self.vsn = vsn
        self.restarts = restarts
        self.restartInSeconds = restartInSeconds
        self.strategy = strategy
        self.rssAnonKiB = rssAnonKiB
        self.ageSeconds = ageSeconds
        self.status = status
        self.children = children
    }

    private enum CodingKeys: String, CodingKey {
        case id, address, kind, state, pid, generation, module, vsn, restarts, strategy
        case restartInSeconds = "restart_in_s"
        case rssAnonKiB = "rss_anon_kib"
        case ageSeconds = "age_s"
        case status, usage, children
    }
}

/// A listening socket that the daemon keeps for a worker.
public struct SocketSummary: Hashable, Sendable, Codable {
    public var name: String
    /// Where it listens: `127.0.0.1:6379`, `[::1]:80`, a path, `@` and an abstract name.
    public var address: String

    public init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// One worker, as `releasectl ps` lists it.
public struct WorkerSummary: Hashable, Sendable, Codable {
    public var address: String
    public var state: TreeNode.State
    public var pid: Int32?
    public var generation: Int?
    public var module: String?
    public var vsn: String?
    public var restarts: Int
    /// For how long its restart still waits, where it does (`restart_delay`).
    public var restartInSeconds: Double?
    public var sockets: [SocketSummary]
    public var rssAnonKiB: Int?
    public var ageSeconds: Double?
    /// What an unmodified program says of itself (`STATUS=` of sd_notify(3)).
    public var status: String?
    /// Where it has a control group of its own.
    public var usage: WorkerUsage?

    public init(
        address: String, state: TreeNode.State, pid: Int32? = nil, generation: Int? = nil, module: String? = nil,
        vsn: String? = nil, restarts: Int = 0, restartInSeconds: Double? = nil, sockets: [SocketSummary] = [],
        rssAnonKiB: Int? = nil,
        ageSeconds: Double? = nil, status: String? = nil
    ) {
        self.address = address
        self.state = state
        self.pid = pid
        self.generation = generation
        self.module = module
        self.vsn = vsn
        self.restarts = restarts
        self.restartInSeconds = restartInSeconds
        self.sockets = sockets
        self.rssAnonKiB = rssAnonKiB
        self.ageSeconds = ageSeconds
        self.status = status
    }

    private enum CodingKeys: String, CodingKey {
        case address, state, pid, generation, module, vsn, restarts, sockets, status, usage
        case restartInSeconds = "restart_in_s"
        case rssAnonKiB = "rss_anon_kib"
        case ageSeconds = "age_s"
    }
}

/// The answer to `GET /v1/tree`.
public struct ApplicationList: Hashable, Sendable, Codable {
    public var applications: [TreeNode]
    public init(applications: [TreeNode]) { self.applications = applications }
}

/// The answer to `GET /v1/workers`.
public struct WorkerList: Hashable, Sendable, Codable {
    public var workers: [WorkerSummary]
    public init(workers: [WorkerSummary]) { self.workers = workers }
}

extension ApplicationList: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["applications"], "additionalProperties": false,
          "properties": {
          "applications": {"type": "array", "items": {"$ref": "#/components/schemas/TreeNode"}}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [TreeNode.self] }
}

extension TreeNode: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["id", "address", "kind", "state", "restarts", "children"], "properties": {
          "id": {"type": "string"},
          "address": {"type": "string", "description": "the place in the tree, such as kv/kv_sup/store"},
          "kind": {"enum": ["application", "supervisor", "worker"]},
          "state": {"$ref": "#/components/schemas/ChildState"},
          "pid": {"type": "integer"},
          "generation": {"type": "integer"},
          "module": {"type": "string"},
          "vsn": {"type": "string"},
          "restarts": {"type": "integer"},
          "restart_in_s": {"type": "number", "description": "for how long its restart still waits"},
          "strategy": {"type": "string"},
          "rss_anon_kib": {"type": "integer"},
          "age_s": {"type": "number"},
          "status": {"type": "string", "description": "what an unmodified program says of itself"},
          "usage": {"$ref": "#/components/schemas/WorkerUsage"},
          "children": {"type": "array", "items": {"$ref": "#/components/schemas/TreeNode"}}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [TreeNode.State.self, WorkerUsage.self] }
}

extension TreeNode.State: ControlShape {
    public static var schemaName: String { "ChildState" }
    public static var schema: String {
        #"""
        {"enum": ["starting", "running", "suspended", "restarting", "stopping", "undefined"]}
        """#
    }
}

extension WorkerList: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["workers"], "additionalProperties": false, "properties": {
          "workers": {"type": "array", "items": {"$ref": "#/components/schemas/WorkerSummary"}}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [WorkerSummary.self] }
}

extension WorkerSummary: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "required": ["address", "state", "restarts", "sockets"], "properties": {
          "address": {"type": "string"},
          "state": {"$ref": "#/components/schemas/ChildState"},
          "pid": {"type": "integer"},
          "generation": {"type": "integer"},
          "module": {"type": "string"},
          "vsn": {"type": "string"},
          "restarts": {"type": "integer"},
          "restart_in_s": {"type": "number", "description": "for how long its restart still waits"},
          "sockets": {"type": "array", "items": {"type": "object", "required": ["name", "address"],
            "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "address": {"type": "string"}}}},
          "rss_anon_kib": {"type": "integer"},
          "age_s": {"type": "number"},
          "status": {"type": "string", "description": "what an unmodified program says of itself"},
          "usage": {"$ref": "#/components/schemas/WorkerUsage"}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [TreeNode.State.self, WorkerUsage.self] }
}
