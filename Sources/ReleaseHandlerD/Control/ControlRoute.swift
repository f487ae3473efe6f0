import HTTPTypes

/// Every operation of the control interface.
enum ControlRoute: CaseIterable {
    case status
    case whichReleases
    case unpackRelease
    case checkInstallRelease
    case installRelease
    case makePermanent
    case removeRelease
    case tree
    case workers
    case call
    case getStatus
    case getState
    case replaceState
    case statistics
    case whichChildren
    case startChild
    case countChildren
    case getChildspec
    case deleteChild
    case terminateChild
    case restartChild
    case whichApplications
    case startApplication
    case stopApplication
    case loadApplication
    case unloadApplication
    case getAllEnv
    case getEnv
    case setEnv
    case unsetEnv
    case events
    case openAPI

    var method: HTTPRequest.Method {
        switch self {
        case .status, .whichReleases, .checkInstallRelease, .tree, .workers, .getStatus, .getState, .statistics,
            .whichChildren, .countChildren, .getChildspec, .whichApplications, .getAllEnv, .getEnv, .events, .openAPI:
            .get
        case .unpackRelease, .installRelease, .makePermanent, .call, .startChild, .terminateChild, .restartChild,
            .startApplication, .stopApplication, .loadApplication, .unloadApplication:
            .post
        case .removeRelease, .deleteChild, .unsetEnv: .delete
        case .replaceState, .setEnv: .put
        }
    }

    /// The path as the OpenAPI document writes it.
    var template: String {
        switch self {
        case .status: "/v1/status"
        case .whichReleases, .unpackRelease: "/v1/releases"
        case .checkInstallRelease: "/v1/releases/{vsn}/check"
        case .installRelease: "/v1/releases/{vsn}/install"
        case .makePermanent: "/v1/releases/{vsn}/make-permanent"
        case .removeRelease: "/v1/releases/{vsn}"
        case .tree: "/v1/tree"
        case .workers: "/v1/workers"
        case .call: "/v1/call"
        case .getStatus: "/v1/workers/{worker}/status"
        case .getState, .replaceState: "/v1/workers/{worker}/state"
        case .statistics: "/v1/workers/{worker}/statistics"
        case .whichChildren, .startChild: "/v1/supervisors/{supervisor}/children"
        case .countChildren: "/v1/supervisors/{supervisor}/counts"
        case .getChildspec, .deleteChild: "/v1/supervisors/{supervisor}/children/{id}"
        case .terminateChild: "/v1/supervisors/{supervisor}/children/{id}/terminate"
        case .restartChild: "/v1/supervisors/{supervisor}/children/{id}/restart"
        case .whichApplications: "/v1/applications"
        case .startApplication: "/v1/applications/{application}/start"
        case .stopApplication: "/v1/applications/{application}/stop"
        case .loadApplication: "/v1/applications/{application}/load"
        case .unloadApplication: "/v1/applications/{application}/unload"
        case .getAllEnv: "/v1/applications/{application}/env"
        case .getEnv, .setEnv, .unsetEnv: "/v1/applications/{application}/env/{key}"
        case .events: "/v1/events"
        case .openAPI: "/v1/openapi.json"
        }
    }

    /// As `releasectl` names it.
    var operation: String {
        switch self {
        case .status: "status"
        case .whichReleases: "which-releases"
        case .unpackRelease: "unpack-release"
        case .checkInstallRelease: "check-install-release"
        case .installRelease: "install-release"
        case .makePermanent: "make-permanent"
        case .removeRelease: "remove-release"
        case .tree: "tree"
        case .workers: "ps"
        case .call: "call"
        case .getStatus: "get-status"
        case .getState: "get-state"
        case .replaceState: "replace-state"
        case .statistics: "statistics"
        case .whichChildren: "which-children"
        case .startChild: "start-child"
        case .countChildren: "count-children"
        case .getChildspec: "get-childspec"
        case .deleteChild: "delete-child"
        case .terminateChild: "terminate-child"
        case .restartChild: "restart-child"
        case .whichApplications: "which-applications"
        case .startApplication: "start-application"
        case .stopApplication: "stop-application"
        case .loadApplication: "load-application"
        case .unloadApplication: "unload-application"
        case .getAllEnv: "get-all-env"
        case .getEnv: "get-env"
        case .setEnv: "set-env"
        case .unsetEnv: "unset-env"
        case .events: "events"
        case .openAPI: "openapi"
        }
    }

    /// Whether it is a change, which is audited and needs the right to it. A call may change a worker's state. What may
    /// hold secrets is its users' own, so that reading it is treated as a change: a worker's state, an application's
    /// environment, a child spec with its `env` and arguments.
    var changes: Bool {
        switch self {
        case .unpackRelease, .installRelease, .makePermanent, .removeRelease, .call, .getState, .replaceState,
            .getChildspec, .startChild, .deleteChild, .terminateChild, .restartChild, .startApplication,
            .stopApplication, .loadApplication, .unloadApplication, .getAllEnv, .getEnv, .setEnv, .unsetEnv:
            true
        case .status, .whichReleases, .checkInstallRelease, .tree, .workers, .getStatus, .statistics, .whichChildren,
            .countChildren, .whichApplications, .events, .openAPI:
            false
        }
    }
}

extension ControlRoute {
    enum Match {
        /// With the values of the template's `{…}` parts, in order, percent-decoded.
        case route(ControlRoute, parameters: [String])
        case methodNotAllowed(allowed: [HTTPRequest.Method])
        case notFound
    }

    static func match(_ method: HTTPRequest.Method, path: String) -> Match {
        var allowed: [HTTPRequest.Method] = []
        for route in allCases {
            guard let parameters = route.parameters(in: path) else { continue }
            if route.method == method { return .route(route, parameters: parameters) }
            allowed.append(route.method)
        }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed: allowed)
    }

    private func parameters(in path: String) -> [String]? {
        let wanted = template.split(separator: "/", omittingEmptySubsequences: false)
        let given = path.split(separator: "/", omittingEmptySubsequences: false)
        guard wanted.count == given.count else { return nil }
        var parameters: [String] = []
        for (want, have) in zip(wanted, given) {
            if want.hasPrefix("{") {
                guard let value = percentDecoded(have), !value.isEmpty else { return nil }
                parameters.append(value)
            } else if want != have {
                return nil
            }
        }
        return parameters
    }
}

/// Source: RFC 3986, section 2.1.
///
/// - Returns: nil where a `%` is not followed by two hexadecimal digits or the bytes are no UTF-8.
private func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%") {
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16), high != UInt8(ascii: "+")
            else { return nil }
            bytes.append(value)
        } else {
            bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}
