import Wire

/// An application's and a parameter's name are atoms as text; values and replies are terms as text.
extension ControlHandlers {
    static func applications(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(Operations.applications.which) { _ in await node.applicationFunctions.whichApplications() },
            // Answers once it has started, its start phases included.
            ControlHandler(Operations.applications.start, changing: node) { request async throws(ControlError) in
                try await node.applicationFunctions.startApplication(
                    request.parameters.application, type: request.body.type)
            },
            ControlHandler(Operations.applications.stop, changing: node) { request async throws(ControlError) in
                try await node.applicationFunctions.stopApplication(request.parameters.application)
            },
            ControlHandler(Operations.applications.load, changing: node) { request async throws(ControlError) in
                try await node.applicationFunctions.loadApplication(request.parameters.application)
            },
            ControlHandler(Operations.applications.unload, changing: node) { request async throws(ControlError) in
                try await node.applicationFunctions.unloadApplication(request.parameters.application)
            },
        ] + changes(node) + environments(node)
    }

    /// Of one application as of a release: by the same machine, told as an install.
    private static func changes(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(progressOf: Operations.applications.upgrade) { request async throws(ControlError) in
                try await node.changeApplication(
                    ApplicationFunctions.name(request.parameters.application),
                    .upgrade(directory: request.body.directory))
            },
            ControlHandler(progressOf: Operations.applications.downgrade) { request async throws(ControlError) in
                try await node.changeApplication(
                    ApplicationFunctions.name(request.parameters.application),
                    .downgrade(directory: request.body.directory, vsn: request.body.vsn))
            },
            ControlHandler(progressOf: Operations.applications.evalAppupScript) {
                request async throws(ControlError) in
                try await node.changeApplication(
                    ApplicationFunctions.name(request.parameters.application),
                    .evaluate(vsn: request.body.vsn, directory: request.body.directory, script: request.body.script))
            },
        ]
    }

    /// A change is answered once the workers that run have been told.
    private static func environments(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(Operations.applications.getAllEnv) { request async throws(ControlError) in
                try await node.applicationFunctions.getAllEnv(request.parameters.application)
            },
            ControlHandler(Operations.applications.getEnv) { request async throws(ControlError) in
                try await node.applicationFunctions.getEnv(request.parameters.application, request.parameters.key)
            },
            ControlHandler(Operations.applications.setEnv, changing: node) { request async throws(ControlError) in
                try await node.applicationFunctions.setEnv(
                    request.parameters.application, request.parameters.key, request.body.value)
            },
            ControlHandler(Operations.applications.unsetEnv, changing: node) { request async throws(ControlError) in
                try await node.applicationFunctions.unsetEnv(request.parameters.application, request.parameters.key)
            },
        ]
    }
}
