import Host
import Wire

extension ControlHandlers {
    /// What the daemon serves: each handler hands its request to the node's own thread.
    ///
    /// - Parameters:
    ///   - traffic: of each interface, for the metrics.
    ///   - droppedLogLines: how many lines of the log were dropped since this program was executed.
    init(
        _ node: Node, reexecution: any Reexecuting, traffic: [ControlTraffic] = [],
        droppedLogLines: @escaping @Sendable () -> Int = { 0 }
    ) {
        let metrics = NodeMetricsReader(node, traffic, droppedLogLines: droppedLogLines)
        self.init(
            Self.node(node, reexecution, metrics) + Self.releases(node) + Self.workers(node) + Self.supervisors(node)
                + Self.applications(node),
            origin: { await node.origin(of: $0) },
            places: { (kind, name) async throws(ControlError) in try await node.placeNames.place(kind, name) },
            childAddress: { await node.supervisors.childAddress($0, $1) })
    }

    private static func node(
        _ node: Node, _ reexecution: any Reexecuting, _ metrics: NodeMetricsReader
    ) -> [ControlHandler] {
        [
            ControlHandler(Operations.node.status) { _ in await node.status() },
            ControlHandler(Operations.node.probation) { _ in await node.probation.status() },
            ControlHandler(Operations.node.tree) { _ in await node.view.applicationList() },
            ControlHandler(Operations.node.modules) { _ in
                ModuleList(modules: await node.tree.moduleSummaries())
            },
            ControlHandler(Operations.node.metrics) { await metrics.read() },
            ControlHandler(Operations.node.reload, changing: node) { _ async throws(ControlError) in
                try await node.reload()
            },
            ControlHandler(Operations.node.reexec) { request async throws(ControlError) in
                try await reexecution.reexecute(request.body.program, on: request.connection)
            },
            ControlHandler(following: Operations.node.events) { request in
                let hears = await request.mayChange()
                return request.connection.takeClaim() == .events
                    ? await node.events.goOnFollowing(hearingWorkers: hears)
                    : await node.events.follow(hearingWorkers: hears)
            },
        ]
    }
}

extension ControlHandler {
    /// A change by hand: none is made while a release is being installed, nor an install begun while it is under way.
    init<Parameters, Body, Answer: Encodable>(
        _ operation: ControlOperation<Parameters, Body, Answer>, changing node: Node,
        _ perform:
            @escaping @HostActor @Sendable (ControlRequest<Parameters, Body>) async throws(ControlError) -> Answer
    ) {
        self.init(operation) { request async throws(ControlError) in
            try await node.changing(request.subject) { () async throws(ControlError) in try await perform(request) }
        }
    }
}
