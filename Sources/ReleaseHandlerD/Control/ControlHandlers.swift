import Wire

/// Finds the place of the worker or supervisor that has this name; throws where there is none, or more than one.
typealias PlaceLookup =
    @Sendable (_ kind: ControlParameter.Kind, _ name: String) async throws(ControlError) -> String

/// All that the server can be asked for.
struct ControlHandlers: Sendable {
    /// With the one that describes them.
    let all: [ControlHandler]
    /// Where that child of that supervisor stands or would stand, for the audit log; nil where there is no such
    /// supervisor.
    let childAddress: @Sendable (_ supervisor: String, _ id: String) async -> String?
    /// The whole place of what a request names by its last parts.
    let places: PlaceLookup
    /// What a peer has to do with the workers of the node, for the audit log and for what it is told.
    let origin: @Sendable (Peer) async -> Peer.Origin?

    init(
        _ handlers: [ControlHandler], origin: @escaping @Sendable (Peer) async -> Peer.Origin? = { _ in nil },
        places: @escaping PlaceLookup = { _, name in name },
        childAddress: @escaping @Sendable (_ supervisor: String, _ id: String) async -> String?
    ) {
        let rows = handlers.map(\.row) + [Operations.node.openAPI.row]
        // Only for who asks: it takes its time, and at a start somebody may be waiting.
        all =
            handlers + [
                ControlHandler(Operations.node.openAPI) { ControlDocument(text: ControlOpenAPI.document(of: rows)) }
            ]
        self.origin = origin
        self.places = places
        self.childAddress = childAddress
    }

    enum Match {
        /// With the values of the path's parameters, in order.
        case handler(ControlHandler, values: [String])
        case methodNotAllowed(allowed: [ControlRow.Method])
        case notFound
    }

    /// - Parameter method: as HTTP writes it.
    func match(_ method: String, path: String) -> Match {
        var allowed: [ControlRow.Method] = []
        for handler in all {
            guard let values = handler.row.path.values(in: path) else { continue }
            if handler.row.method.rawValue == method { return .handler(handler, values: values) }
            allowed.append(handler.row.method)
        }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed: allowed)
    }
}
