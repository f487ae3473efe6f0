/// One `{…}` part of an operation's path.
public struct ControlParameter: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// A release's vsn: the name of a directory under `releases/`.
        case vsn
        /// A status that a release may have.
        case status
        /// The node looks for what it names.
        case name
        /// A worker's place in the tree; its last parts where they name one only.
        case worker
        /// A supervisor's place in the tree, the same way, or its module where it is the only one.
        case supervisor
    }

    public let name: String
    public let kind: Kind
    /// For the OpenAPI document.
    public let description: String

    init(_ name: String, _ kind: Kind, _ description: String) {
        self.name = name
        self.kind = kind
        self.description = description
    }

    /// - Parameter value: percent-decoded, not empty.
    public func check(_ value: String) throws(ControlError) {
        switch kind {
        case .name, .worker, .supervisor: break
        case .status:
            guard ReleaseSummary.Status(rawValue: value) == nil else { return }
            let all = ReleaseSummary.Status.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(
                .badRequest, "\(value.debugDescription) is no status of a release: give one of \(all)")
        case .vsn:
            let isName = !value.isEmpty && value != "." && value != ".." && value.utf8.count <= 255
            guard isName, value.unicodeScalars.allSatisfy({ $0 != "/" && $0.value >= 0x20 && $0.value != 0x7F }) else {
                throw ControlError(
                    .badRequest, "\(value.debugDescription) can't be a release's vsn: it is no file name")
            }
        }
    }
}

/// What an operation's path names, in the order in which the path names it.
public protocol ControlParameters: Hashable, Sendable {
    static var described: [ControlParameter] { get }
    /// As many as are described.
    init(_ values: [String])
    var values: [String] { get }
    /// The place of the worker that they name, where they name one.
    var place: AuditedPlace? { get }
}

extension ControlParameters {
    public var place: AuditedPlace? { nil }
}

/// Whose place in the tree a line of the audit log has.
public enum AuditedPlace: Hashable, Sendable {
    /// As it was given.
    case worker(String)
    /// Where that child stands or would stand, for the node to find.
    case child(supervisor: String, id: String)
}

public struct NoParameters: ControlParameters {
    public static let described: [ControlParameter] = []
    public init() {}
    public init(_ values: [String]) {}
    public var values: [String] { [] }
}

public struct OfRelease: ControlParameters {
    public static let described = [ControlParameter("vsn", .vsn, "The vsn of a release, such as 2.0.0")]
    public let vsn: String

    public init(_ vsn: String) { self.vsn = vsn }
    public init(_ values: [String]) { vsn = values[0] }
    public var values: [String] { [vsn] }
}

public struct OfStatus: ControlParameters {
    public static let described = [ControlParameter("status", .status, "A status of releases, such as unpacked")]
    public let status: String

    public init(_ status: String) { self.status = status }
    public init(_ values: [String]) { status = values[0] }
    public var values: [String] { [status] }
}

public struct OfWorker: ControlParameters {
    public static let described = [
        ControlParameter(
            "worker", .worker,
            "A worker's place in the tree, such as kv/kv_sup/store; its last parts where they name one only, such as store"
        )
    ]
    public let worker: String

    public init(_ worker: String) { self.worker = worker }
    public init(_ values: [String]) { worker = values[0] }
    public var values: [String] { [worker] }
    public var place: AuditedPlace? { .worker(worker) }
}

public struct OfSupervisor: ControlParameters {
    static let supervisor = ControlParameter(
        "supervisor", .supervisor,
        "A supervisor's place in the tree, such as kv/kv_sup, or its last parts or its module where they name one only")
    public static let described = [supervisor]
    public let supervisor: String

    public init(_ supervisor: String) { self.supervisor = supervisor }
    public init(_ values: [String]) { supervisor = values[0] }
    public var values: [String] { [supervisor] }
}

public struct OfChild: ControlParameters {
    public static let described = [
        OfSupervisor.supervisor,
        ControlParameter(
            "id", .name, "A child's id, a term as text, or its place in the tree, or the last parts of that"),
    ]
    public let supervisor: String
    public let id: String

    public init(_ id: String, of supervisor: String) {
        self.supervisor = supervisor
        self.id = id
    }

    public init(_ values: [String]) { self.init(values[1], of: values[0]) }
    public var values: [String] { [supervisor, id] }
    public var place: AuditedPlace? { .child(supervisor: supervisor, id: id) }
}

public struct OfApplication: ControlParameters {
    static let application = ControlParameter("application", .name, "An application's name, such as kv")
    public static let described = [application]
    public let application: String

    public init(_ application: String) { self.application = application }
    public init(_ values: [String]) { application = values[0] }
    public var values: [String] { [application] }
}

public struct OfEnvironment: ControlParameters {
    public static let described = [
        OfApplication.application, ControlParameter("key", .name, "A parameter's name, an atom as text"),
    ]
    public let application: String
    public let key: String

    public init(_ key: String, of application: String) {
        self.application = application
        self.key = key
    }

    public init(_ values: [String]) { self.init(values[1], of: values[0]) }
    public var values: [String] { [application, key] }
}
