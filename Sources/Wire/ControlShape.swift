/// What stands in a body of the control interface, with its description for the OpenAPI document.
public protocol ControlShape: Sendable {
    /// Under `components/schemas` of the document; the type's own name unless it is a part of another.
    static var schemaName: String { get }
    /// Its JSON Schema. Absent is how a missing value is written.
    ///
    /// Source: OpenAPI Specification 3.1.0, "Schema Object".
    static var schema: String { get }
    /// Those that the schema refers to, itself excepted.
    static var schemasUsed: [any ControlShape.Type] { get }
    /// What an answer of it may be written as.
    static var mediaTypes: [String] { get }
}

extension ControlShape {
    public static var schemaName: String { String(describing: Self.self) }
    public static var schemasUsed: [any ControlShape.Type] { [] }
    public static var mediaTypes: [String] { ["application/json"] }
}

/// One line of an answer that is a stream (NDJSON).
public protocol ControlLine: ControlShape, Codable {}

extension ControlLine {
    public static var mediaTypes: [String] { ["application/x-ndjson"] }
}

/// The body of a request. Its schema describes each member that it has: the server refuses any other.
public protocol ControlBody: ControlShape, Codable {
    /// JSON like it, for the error of who sent something else.
    static var example: String { get }
    /// What a request without a body stands for; nil where there must be one.
    static var absent: Self? { get }
    /// The worker that it names, by its place or the last parts of that; nil where it names none.
    var namedWorker: String? { get set }
    /// Checks what the types can't say.
    func check() throws(ControlError)
}

extension ControlBody {
    public static var absent: Self? { nil }
    public func check() throws(ControlError) {}

    public var namedWorker: String? {
        get { nil }
        set {}
    }
}

/// Of an operation that takes no body; one that comes all the same is not looked at.
public struct NoBody: ControlBody, Hashable {
    public init() {}
    public static var schema: String { "{}" }
    public static var example: String { "{}" }
    public static var absent: Self? { Self() }
}

/// The OpenAPI document.
public struct ControlDocument: ControlShape {
    public let text: String
    public init(text: String) { self.text = text }

    public static var schemaName: String { "Document" }
    public static var schema: String {
        #"{"type": "object", "required": ["openapi", "info", "paths", "components"]}"#
    }
}
