/// One row of the table of operations: all that is said of an operation anywhere, said once.
///
/// The server routes and authorizes by it, the audit log and `releasectl` name it by it, the OpenAPI document is made
/// from it.
public struct ControlRow: Sendable {
    public enum Method: String, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    public enum Right: Hashable, Sendable {
        case look
        /// Audited, and for root and the group alone. A call may change a worker's state. What may hold secrets is its
        /// users' own, so that reading it is treated as a change: a worker's state, an application's environment, a
        /// child spec with its `env` and arguments.
        case change
    }

    /// As `releasectl` names it.
    public let name: String
    public let method: Method
    public let path: ControlPath
    public let right: Right
    public let parameters: [ControlParameter]
    /// None where it takes no body.
    public let body: (any ControlBody.Type)?
    /// Whether asking twice does no more than asking once.
    public var isRepeatable: Bool { method == .get }
    /// Of a stream, one line.
    public let answer: any ControlShape.Type
    public let streams: Bool
    /// What who asks for NDJSON gets in its place: one line of how far the work is, and at last the answer.
    public internal(set) var progress: (any ControlLine.Type)?
    /// The HTTP status of success.
    public let status: Int
    /// One sentence without its full stop, in the imperative.
    public let help: String
}

/// A row with its types, so that server and client can't disagree about what is sent.
public struct ControlOperation<Parameters: ControlParameters, Body: ControlBody, Answer: ControlShape>: Sendable {
    public private(set) var row: ControlRow
    /// What the audit log says that it is about.
    public let target: @Sendable (Parameters, Body) -> [String]
    /// Of whom the audit log speaks; without a body where the request was turned down before it was read.
    public let worker: @Sendable (Parameters, Body?) -> AuditedPlace?

    init(
        _ name: String, _ method: ControlRow.Method, _ template: String, may right: ControlRow.Right,
        status: Int = 200, help: String,
        target: @escaping @Sendable (Parameters, Body) -> [String] = { parameters, _ in parameters.values },
        worker: @escaping @Sendable (Parameters, Body?) -> AuditedPlace? = { parameters, _ in parameters.place }
    ) {
        row = ControlRow(
            name: name, method: method, path: ControlPath(template), right: right, parameters: Parameters.described,
            body: Body.self == NoBody.self ? nil : Body.self, answer: Answer.self,
            streams: Answer.self is any ControlLine.Type, status: status, help: help)
        self.target = target
        self.worker = worker
    }

    /// The path of a request.
    public func path(_ parameters: Parameters) -> String { row.path.filled(with: parameters.values) }
}

extension ControlOperation where Answer: Codable & Hashable {
    /// The same, which tells who asks for NDJSON how far it is.
    func tellingProgress() -> Self {
        var operation = self
        operation.row.progress = WorkProgress<Answer>.self
        return operation
    }
}

/// Any operation, whatever its types.
public protocol ControlOperationRow {
    var row: ControlRow { get }
}

extension ControlOperation: ControlOperationRow {}
