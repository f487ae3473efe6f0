import NIOCore
import Terms
import Wire

/// A change that was asked for, its form checked; also a question whose answer may hold secrets (`ControlRoute.changes`).
enum ControlChange {
    case unpackRelease(package: String)
    case installRelease(vsn: String)
    case makePermanent(vsn: String)
    case removeRelease(vsn: String)
    case call(CallRequest)
    case getState(worker: String)
    case replaceState(worker: String, state: String)
    case startChild(supervisor: String, spec: String)
    case child(ChildChange, supervisor: String, id: String)

    case application(ApplicationChange, application: String)

    enum ChildChange { case getSpec, terminate, restart, delete }

    enum ApplicationChange {
        /// `type`: nil takes that of the `.rel`.
        case start(type: String?)
        case stop
        case load
        case unload
        case getAllEnv
        case getEnv(key: String)
        case setEnv(key: String, value: String)
        case unsetEnv(key: String)
    }

    /// What it is about, for the audit log.
    var target: String {
        switch self {
        case .unpackRelease(let package): package
        case .installRelease(let vsn), .makePermanent(let vsn), .removeRelease(let vsn): vsn
        case .call(let call): call.worker
        case .getState(let worker), .replaceState(let worker, _): worker
        case .startChild(let supervisor, let spec): ([supervisor] + Self.started(spec)).joined(separator: " ")
        case .child(_, let supervisor, let id): "\(supervisor) \(id)"
        case .application(.getEnv(let key), let application), .application(.setEnv(let key, _), let application),
            .application(.unsetEnv(let key), let application):
            "\(application) \(key)"
        case .application(_, let application): application
        }
    }

    /// What a child spec starts: the id, and the module or, of an `os` program, the program. Its arguments and its `env`
    /// may hold secrets and stay out.
    private static func started(_ spec: String) -> [String] {
        guard let (id, start) = idAndStart(spec) else { return [] }
        guard case .tuple(let parts)? = start, parts.count == 3, case .atom(let module) = parts[0] else {
            return [shortened(id)]
        }
        var what = shortened(parts[0])
        if module == "os", let program = parts[2].asList?.first, program.asText != nil {
            what += " " + shortened(program)
        }
        return [shortened(id), "(\(what))"]
    }

    /// The id of the child that is to be started, as text.
    var startedID: String? {
        guard case .startChild(_, let spec) = self else { return nil }
        return Self.idAndStart(spec)?.id.description
    }

    /// Of a map or a tuple of six; a list of further arguments has neither.
    private static func idAndStart(_ spec: String) -> (id: Term, start: Term?)? {
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

    init(_ route: ControlRoute, parameters: [String], body: ByteBuffer) throws(ControlError) {
        switch route {
        case .unpackRelease: self = .unpackRelease(package: try Self.package(body))
        case .installRelease: self = .installRelease(vsn: try Self.vsn(parameters))
        case .makePermanent: self = .makePermanent(vsn: try Self.vsn(parameters))
        case .removeRelease: self = .removeRelease(vsn: try Self.vsn(parameters))
        case .call: self = .call(try Self.call(body))
        case .getState: self = .getState(worker: parameters[0])
        case .replaceState:
            let request = try ControlJSON.decode(
                ReplaceStateRequest.self, from: body, example: #"{"state":"{counter,7}"}"#)
            self = .replaceState(worker: parameters[0], state: request.state)
        case .startChild:
            let request = try ControlJSON.decode(
                StartChildRequest.self, from: body,
                example: ##"{"spec":"#{id => c2, start => {kv_server, start_link, []}}"}"##)
            self = .startChild(supervisor: parameters[0], spec: request.spec)
        case .getChildspec: self = .child(.getSpec, supervisor: parameters[0], id: parameters[1])
        case .terminateChild: self = .child(.terminate, supervisor: parameters[0], id: parameters[1])
        case .restartChild: self = .child(.restart, supervisor: parameters[0], id: parameters[1])
        case .deleteChild: self = .child(.delete, supervisor: parameters[0], id: parameters[1])
        case .startApplication: self = .application(.start(type: try Self.type(body)), application: parameters[0])
        case .stopApplication: self = .application(.stop, application: parameters[0])
        case .loadApplication: self = .application(.load, application: parameters[0])
        case .unloadApplication: self = .application(.unload, application: parameters[0])
        case .getAllEnv: self = .application(.getAllEnv, application: parameters[0])
        case .getEnv: self = .application(.getEnv(key: parameters[1]), application: parameters[0])
        case .setEnv:
            let request = try ControlJSON.decode(SetEnvironmentRequest.self, from: body, example: #"{"value":"10"}"#)
            self = .application(.setEnv(key: parameters[1], value: request.value), application: parameters[0])
        case .unsetEnv: self = .application(.unsetEnv(key: parameters[1]), application: parameters[0])
        case .status, .whichReleases, .checkInstallRelease, .tree, .workers, .getStatus, .statistics, .whichChildren,
            .countChildren, .whichApplications, .events, .openAPI:
            throw ControlError(.internalError, "\(route.operation) is a question and was treated as a change")
        }
    }

    /// A vsn is the name of a directory under `releases/`, so it must be one.
    static func vsn(_ parameters: [String]) throws(ControlError) -> String {
        let vsn = parameters.first ?? ""
        let isName = !vsn.isEmpty && vsn != "." && vsn != ".." && vsn.utf8.count <= 255
        guard isName, vsn.unicodeScalars.allSatisfy({ $0 != "/" && $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw ControlError(.badRequest, "\(vsn.debugDescription) can't be a release's vsn: it is no file name")
        }
        return vsn
    }

    /// A start needs no body.
    private static func type(_ body: ByteBuffer) throws(ControlError) -> String? {
        guard body.readableBytes > 0 else { return nil }
        return try ControlJSON.decode(
            StartApplicationRequest.self, from: body, example: #"{"type":"temporary"}"#
        ).type
    }

    private static func package(_ body: ByteBuffer) throws(ControlError) -> String {
        let request = try ControlJSON.decode(
            UnpackRequest.self, from: body, example: #"{"package":"/srv/packages/kv-2.0.0.tar.gz"}"#)
        guard request.package.hasPrefix("/"), !request.package.utf8.contains(0) else {
            throw ControlError(
                .badRequest, "\(request.package.debugDescription) is no absolute path: name the package by one")
        }
        return request.package
    }

    private static func call(_ body: ByteBuffer) throws(ControlError) -> CallRequest {
        let call = try ControlJSON.decode(
            CallRequest.self, from: body,
            example: #"{"worker":"kv/kv_sup/store","request":"get_size","timeout_ms":5000}"#)
        guard (1...CallRequest.maximumTimeoutMilliseconds).contains(call.timeoutMilliseconds) else {
            throw ControlError(
                .badRequest,
                "timeout_ms is \(call.timeoutMilliseconds): give 1 to \(CallRequest.maximumTimeoutMilliseconds)")
        }
        return call
    }
}
