import Terms
import Wire

extension ControlHandlers {
    static func workers(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(Operations.workers.list) { _ in await node.view.workerList() },
            ControlHandler(Operations.workers.call) { request async throws(ControlError) in
                // Nothing is done before the worker has it.
                request.connection.works(.look)
                return CallReply(
                    reply: try await node.workers.call(
                        request.body.worker, try term(request.body.request),
                        timeoutMilliseconds: request.body.timeoutMilliseconds, on: request.connection))
            },
            ControlHandler(Operations.workers.getStatus) { request async throws(ControlError) in
                try await node.workers.getStatus(request.parameters.worker)
            },
            ControlHandler(Operations.workers.getState) { request async throws(ControlError) in
                try await node.workers.getState(request.parameters.worker)
            },
            ControlHandler(Operations.workers.replaceState, changing: node) { request async throws(ControlError) in
                try await node.workers.replaceState(request.parameters.worker, request.body.state)
            },
            ControlHandler(Operations.workers.statistics) { request async throws(ControlError) in
                try await node.workers.statistics(request.parameters.worker)
            },
            // Also while a release is installed: who hangs may be in its way, and an end of a worker is nothing new to it.
            ControlHandler(Operations.workers.kill) { request async throws(ControlError) in
                try await node.workers.kill(request.parameters.worker, request.body.signal)
            },
            ControlHandler(Operations.workers.logs) { request async in
                await node.workers.log(of: request.parameters.worker)
            },
        ]
    }

    private static func term(_ request: String) throws(ControlError) -> Term {
        do {
            return try TermText.parseTerm(request)
        } catch {
            throw ControlError(.badRequest, "the request is no term: \(error)", details: ["request": request])
        }
    }
}
