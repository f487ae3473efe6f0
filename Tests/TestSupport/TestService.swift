import Foundation
import NIOCore
import Wire

@testable import ReleaseHandlerD

/// The process of the tests is not one to be replaced.
final class NoReexecution: Reexecuting {
    nonisolated init() {}

    func reexecute(_ program: String?, on connection: ControlConnection) async throws(ControlError) -> Reexecuted {
        throw ControlError(.unavailable, "the tests go on")
    }
}

/// A node's operations as the control server has them done, without the server: the real handlers, called by hand.
struct TestService: Sendable {
    private let node: Node
    private let handlers: ControlHandlers

    init(_ node: Node) {
        self.node = node
        handlers = ControlHandlers(node, reexecution: NoReexecution())
    }

    private func reply<Parameters, Body, Answer>(
        _ operation: ControlOperation<Parameters, Body, Answer>, _ parameters: Parameters, _ body: Body, _ peer: Peer
    ) async throws -> ControlReply {
        let path = operation.path(parameters)
        guard case .handler(let handler, let values) = handlers.match(operation.row.method.rawValue, path: path) else {
            throw ControlError(.internalError, "nothing answers \(path)")
        }
        return try await handler.read(values, try ControlJSON.encode(body)).perform(peer, ControlConnection()) { true }
    }

    /// What an operation answers with, read back from its JSON.
    func ask<Parameters, Body, Answer: Decodable>(
        _ operation: ControlOperation<Parameters, Body, Answer>, _ parameters: Parameters, _ body: Body, peer: Peer
    ) async throws -> Answer {
        guard case .whole(let json) = try await reply(operation, parameters, body, peer) else {
            throw ControlError(.internalError, "\(operation.row.name) answered with a stream")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(json.readableBytesView))
    }

    private func ask<Parameters, Answer: Decodable>(
        _ operation: ControlOperation<Parameters, NoBody, Answer>, _ parameters: Parameters,
        peer: Peer = TestNode.peer
    ) async throws -> Answer {
        try await ask(operation, parameters, NoBody(), peer: peer)
    }
}

extension TestService {
    // MARK: The node and its workers

    func status() async -> NodeStatus { await node.status() }
    func tree() async -> [TreeNode] { await node.view.treeNodes() }
    func ps() async -> [WorkerSummary] { await node.view.workerSummaries() }

    func call(worker: String, request: String, timeoutMilliseconds: Int, peer: Peer) async throws -> String {
        let call = CallRequest(worker: worker, request: request, timeoutMilliseconds: timeoutMilliseconds)
        return try await ask(Operations.workers.call, NoParameters(), call, peer: peer).reply
    }

    func getStatus(worker: String) async throws -> WorkerStatus {
        try await ask(Operations.workers.getStatus, OfWorker(worker))
    }

    func statistics(worker: String) async throws -> WorkerStatistics {
        try await ask(Operations.workers.statistics, OfWorker(worker))
    }

    func metrics() async throws -> MetricExposition {
        let reply = try await reply(Operations.node.metrics, NoParameters(), NoBody(), TestNode.peer)
        guard case .metrics(let exposition) = reply else {
            throw ControlError(.internalError, "metrics answered with something else")
        }
        return exposition
    }

    func getState(worker: String, peer: Peer) async throws -> WorkerState {
        try await ask(Operations.workers.getState, OfWorker(worker), peer: peer)
    }

    func replaceState(worker: String, state: String, peer: Peer) async throws -> WorkerState {
        let body = ReplaceStateRequest(state: state)
        return try await ask(Operations.workers.replaceState, OfWorker(worker), body, peer: peer)
    }

    // MARK: Releases

    func whichReleases() async -> [ReleaseSummary] { await node.store.summaries }

    func unpackRelease(package: String, peer: Peer) async throws -> ReleaseSummary {
        try await ask(Operations.releases.unpack, NoParameters(), UnpackRequest(package: package), peer: peer)
    }

    func checkInstallRelease(vsn: String) async throws -> InstallPlan {
        try await ask(Operations.releases.check, OfRelease(vsn))
    }

    func installRelease(vsn: String, peer: Peer) async throws -> AsyncStream<InstallProgress> {
        let reply = try await reply(Operations.releases.install, OfRelease(vsn), InstallRequest(), peer)
        guard case .progress(let progress) = reply else {
            throw ControlError(.internalError, "an install answered with no stream")
        }
        return progress
    }

    func makePermanent(vsn: String, peer: Peer) async throws -> ReleaseSummary {
        try await ask(Operations.releases.makePermanent, OfRelease(vsn), peer: peer)
    }

    func removeRelease(vsn: String, peer: Peer) async throws {
        _ = try await ask(Operations.releases.remove, OfRelease(vsn), peer: peer)
    }
}

extension TestService {
    // MARK: Supervisors

    func whichChildren(supervisor: String) async throws -> ChildList {
        try await ask(Operations.supervisors.whichChildren, OfSupervisor(supervisor))
    }

    func countChildren(supervisor: String) async throws -> ChildCounts {
        try await ask(Operations.supervisors.countChildren, OfSupervisor(supervisor))
    }

    func getChildspec(supervisor: String, id: String) async throws -> ChildSpecification {
        try await ask(Operations.supervisors.getChildspec, OfChild(id, of: supervisor))
    }

    func startChild(supervisor: String, spec: String, peer: Peer) async throws -> ChildAnswer {
        let body = StartChildRequest(spec: spec)
        return try await ask(Operations.supervisors.startChild, OfSupervisor(supervisor), body, peer: peer)
    }

    func terminateChild(supervisor: String, id: String, peer: Peer) async throws -> ChildAnswer {
        try await ask(Operations.supervisors.terminateChild, OfChild(id, of: supervisor), peer: peer)
    }

    func restartChild(supervisor: String, id: String, peer: Peer) async throws -> ChildAnswer {
        try await ask(Operations.supervisors.restartChild, OfChild(id, of: supervisor), peer: peer)
    }

    func deleteChild(supervisor: String, id: String, peer: Peer) async throws -> ChildAnswer {
        try await ask(Operations.supervisors.deleteChild, OfChild(id, of: supervisor), peer: peer)
    }

    // MARK: Applications

    func whichApplications() async -> WhichApplications { await node.applicationFunctions.whichApplications() }

    func startApplication(_ application: String, type: String?, peer: Peer) async throws -> ApplicationAnswer {
        let body = StartApplicationRequest(type: type)
        return try await ask(Operations.applications.start, OfApplication(application), body, peer: peer)
    }

    func stopApplication(_ application: String, peer: Peer) async throws -> ApplicationAnswer {
        try await ask(Operations.applications.stop, OfApplication(application), peer: peer)
    }

    func loadApplication(_ application: String, peer: Peer) async throws -> ApplicationAnswer {
        try await ask(Operations.applications.load, OfApplication(application), peer: peer)
    }

    func unloadApplication(_ application: String, peer: Peer) async throws -> ApplicationAnswer {
        try await ask(Operations.applications.unload, OfApplication(application), peer: peer)
    }

    func getAllEnv(_ application: String) async throws -> ApplicationEnvironment {
        try await ask(Operations.applications.getAllEnv, OfApplication(application))
    }

    func getEnv(_ application: String, key: String) async throws -> EnvironmentValue {
        try await ask(Operations.applications.getEnv, OfEnvironment(key, of: application))
    }

    func setEnv(_ application: String, key: String, value: String, peer: Peer) async throws -> EnvironmentAnswer {
        let body = SetEnvironmentRequest(value: value)
        return try await ask(Operations.applications.setEnv, OfEnvironment(key, of: application), body, peer: peer)
    }

    func unsetEnv(_ application: String, key: String, peer: Peer) async throws -> EnvironmentAnswer {
        try await ask(Operations.applications.unsetEnv, OfEnvironment(key, of: application), peer: peer)
    }
}
