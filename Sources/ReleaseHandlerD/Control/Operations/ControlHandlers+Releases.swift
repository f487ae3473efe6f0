import Wire

extension ControlHandlers {
    static func releases(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(Operations.releases.which) { _ in ReleaseList(releases: await node.store.summaries) },
            ControlHandler(Operations.releases.history) { _ throws(ControlError) in
                HistoryList(records: try await node.history.records())
            },
            ControlHandler(working: Operations.releases.unpack) { request, tell async throws(ControlError) in
                try await node.store.unpack(request.body.package, tell: tell)
            },
            ControlHandler(Operations.releases.check) { request async throws(ControlError) in
                try await node.plan(request.parameters.vsn, for: await request.mayChange() ? .change : .look)
            },
            ControlHandler(progressOf: Operations.releases.install) { request async throws(ControlError) in
                if case .install? = request.connection.takeClaim() { return await node.goOnInstalling() }
                return try await node.installWhenNothingChanges(request.parameters.vsn, request.body)
            },
            ControlHandler(Operations.releases.makePermanent) { request async throws(ControlError) in
                try await node.store.makePermanent(
                    request.parameters.vsn, by: requester(request.peer), isOwn: false)
            },
            ControlHandler(working: Operations.releases.remove) { request, tell async throws(ControlError) in
                try await node.store.remove(request.parameters.vsn, tell: tell)
                return RemovedRelease(removed: request.parameters.vsn)
            },
        ] + releasesByHand(node)
    }

    private static func releasesByHand(_ node: Node) -> [ControlHandler] {
        [
            ControlHandler(Operations.releases.whichOfStatus) { request in
                ReleaseList(
                    releases: await node.store.summaries.filter { $0.status.rawValue == request.parameters.status })
            },
            ControlHandler(Operations.releases.rebootOld, changing: node) { request async throws(ControlError) in
                try await node.rebootOldRelease(request.parameters.vsn, by: requester(request.peer))
            },
            ControlHandler(Operations.releases.setUnpacked) { request async throws(ControlError) in
                try await node.store.setUnpacked(request.body)
            },
            ControlHandler(Operations.releases.setRemoved) { request async throws(ControlError) in
                try await node.store.setRemoved(request.parameters.vsn)
                return RemovedRelease(removed: request.parameters.vsn)
            },
            ControlHandler(Operations.releases.installFile) { request async throws(ControlError) in
                try await node.store.installFile(request.body.file, in: request.parameters.vsn)
            },
        ]
    }

    private static func requester(_ peer: Peer) -> String { "request of uid \(peer.uid), pid \(peer.pid)" }
}
