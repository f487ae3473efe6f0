/// The body of `POST /v1/supervisors/{supervisor}/children`.
public struct StartChildRequest: Hashable, Sendable, Codable {
    /// A term as text: a child spec, or under `simple_one_for_one` the list of further arguments.
    public var spec: String
    public init(spec: String) { self.spec = spec }
}

/// What a change of a supervisor's children was answered with.
public struct ChildAnswer: Hashable, Sendable, Codable {
    /// What OTP's function of the same name answers, a term as text; for a pid stands the child's place in the tree.
    public var reply: String
    /// The place of the child that was started; none where its start answered `ignore`.
    public var child: String?

    public init(reply: String, child: String? = nil) {
        self.reply = reply
        self.child = child
    }
}

/// The answer to `GET /v1/supervisors/{supervisor}/children`: the last started first, as in OTP.
public struct ChildList: Hashable, Sendable, Codable {
    public struct Child: Hashable, Sendable, Codable {
        /// A term as text; `undefined` under `simple_one_for_one`.
        public var id: String
        public var address: String
        public var state: TreeNode.State
        /// `worker` or `supervisor`.
        public var type: String
        /// None where the spec says `dynamic`.
        public var modules: [String]?

        public init(id: String, address: String, state: TreeNode.State, type: String, modules: [String]?) {
            self.id = id
            self.address = address
            self.state = state
            self.type = type
            self.modules = modules
        }
    }

    public var reply: String
    public var children: [Child]

    public init(reply: String, children: [Child]) {
        self.reply = reply
        self.children = children
    }
}

/// The answer to `GET /v1/supervisors/{supervisor}/counts`. Source: OTP supervisor(3), `count_children/1`.
public struct ChildCounts: Hashable, Sendable, Codable {
    public var reply: String
    public var specs: Int
    public var active: Int
    public var supervisors: Int
    public var workers: Int

    public init(reply: String, specs: Int, active: Int, supervisors: Int, workers: Int) {
        self.reply = reply
        self.specs = specs
        self.active = active
        self.supervisors = supervisors
        self.workers = workers
    }
}

/// The answer to `GET /v1/supervisors/{supervisor}/children/{id}`.
public struct ChildSpecification: Hashable, Sendable, Codable {
    public var reply: String
    /// The spec, a map as text.
    public var childspec: String

    public init(reply: String, childspec: String) {
        self.reply = reply
        self.childspec = childspec
    }
}
