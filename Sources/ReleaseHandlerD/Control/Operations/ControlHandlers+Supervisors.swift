import Wire

/// A supervisor is named by its place or, where that names one only, by its module; an id is a term as text, or the
/// child's place.
extension ControlHandlers {
    static func supervisors(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(Operations.supervisors.whichChildren) { request async throws(ControlError) in
                try await node.supervisors.whichChildren(request.parameters.supervisor)
            },
            // Answers once the child has started, however long its spec lets that take.
            ControlHandler(Operations.supervisors.startChild, changing: node) { request async throws(ControlError) in
                try await node.supervisors.startChild(request.parameters.supervisor, request.body.spec)
            },
            ControlHandler(Operations.supervisors.countChildren) { request async throws(ControlError) in
                try await node.supervisors.countChildren(request.parameters.supervisor)
            },
            ControlHandler(Operations.supervisors.getChildspec) { request async throws(ControlError) in
                try await node.supervisors.getChildspec(request.parameters.supervisor, request.parameters.id)
            },
            ControlHandler(Operations.supervisors.deleteChild, changing: node) { request async throws(ControlError) in
                try await node.supervisors.deleteChild(request.parameters.supervisor, request.parameters.id)
            },
            ControlHandler(Operations.supervisors.terminateChild, changing: node) {
                request async throws(ControlError) in
                try await node.supervisors.terminateChild(request.parameters.supervisor, request.parameters.id)
            },
            ControlHandler(Operations.supervisors.restartChild, changing: node) { request async throws(ControlError) in
                try await node.supervisors.restartChild(request.parameters.supervisor, request.parameters.id)
            },
        ]
    }
}
