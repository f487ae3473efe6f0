import Terms

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

extension StartChildRequest: ControlBody {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["spec"], "additionalProperties": false, "properties": {
          "spec": {"type": "string", "description":
            "a child spec, a term as text; under simple_one_for_one the list of further arguments"}}}
        """#
    }

    public static var example: String { ##"{"spec":"#{id => c2, start => {kv_server, start_link, []}}"}"## }
}

extension ChildAnswer: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply"], "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "what OTP's function answers, a term as text"},
          "child": {"type": "string", "description": "the place of the child that was started"}}}
        """#
    }
}

extension ChildList: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply", "children"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string"},
          "children": {"type": "array", "items": {"type": "object", "additionalProperties": false,
            "required": ["id", "address", "state", "type"], "properties": {
            "id": {"type": "string", "description": "a term as text; undefined under simple_one_for_one"},
            "address": {"type": "string"},
            "state": {"$ref": "#/components/schemas/ChildState"},
            "type": {"enum": ["worker", "supervisor"]},
            "modules": {"type": "array", "items": {"type": "string"}, "description": "absent: dynamic"}}}}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [TreeNode.State.self] }
}

extension ChildCounts: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply", "specs", "active", "supervisors", "workers"],
          "additionalProperties": false, "properties": {
          "reply": {"type": "string"},
          "specs": {"type": "integer"},
          "active": {"type": "integer"},
          "supervisors": {"type": "integer"},
          "workers": {"type": "integer"}}}
        """#
    }
}

extension ChildSpecification: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "required": ["reply", "childspec"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string"},
          "childspec": {"type": "string", "description": "a map, a term as text"}}}
        """#
    }
}

// MARK: - What the audit log says of a start

extension StartChildRequest {
    /// What the spec starts: the id, and the module or, of an `os` program, the program. Its arguments and its `env`
    /// may hold secrets and stay out.
    var started: [String] {
        guard let (id, start) = idAndStart else { return [] }
        guard case .tuple(let parts)? = start, parts.count == 3, case .atom(let module) = parts[0] else {
            return [Self.shortened(id)]
        }
        var what = Self.shortened(parts[0])
        if module == "os", let program = parts[2].asList?.first, program.asText != nil {
            what += " " + Self.shortened(program)
        }
        return [Self.shortened(id), "(\(what))"]
    }

    /// The id of the child that is to be started, as text.
    var startedID: String? { idAndStart?.id.description }

    /// Of a map or a tuple of six; a list of further arguments has neither.
    private var idAndStart: (id: Term, start: Term?)? {
        switch try? TermText.parseTerm(spec) {
        case .map(let map)?: map[.atom("id")].map { ($0, map[.atom("start")]) }
        case .tuple(let parts)? where parts.count == 6: (parts[0], parts[1])
        default: nil
        }
    }

    private static func shortened(_ term: Term) -> String {
        let text = term.description
        return text.count <= maximumWord ? text : text.prefix(maximumWord) + "…"
    }

    /// Characters of a term that a line of the audit log shows.
    private static let maximumWord = 200
}
