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
        let work = try await handler.read(values, try ControlJSON.encode(body), handlers.places)
        return try await work.perform(peer, ControlConnection()) { true }
    }

    /// What an operation answers with, read back from its JSON.
    func ask<Parameters, Body, Answer: Decodable>(
        _ operation: ControlOperation<Parameters, Body, Answer>, _ parameters: Parameters, _ body: Body, peer: Peer
    ) async throws -> Answer {
        let json: ByteBuffer
        switch try await reply(operation, parameters, body, peer) {
        case .whole(let document): json = document
        case .work(let work): json = try await work.whole()
        case .progress, .events, .metrics:
            throw ControlError(.internalError, "\(operation.row.name) answered with no JSON document")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(json.readableBytesView))
    }

    /// All that who asks for NDJSON is told of long work.
    func progress<Parameters, Body, Answer>(
        of operation: ControlOperation<Parameters, Body, Answer>, _ parameters: Parameters, _ body: Body
    ) async throws -> [WorkProgress<Answer>] where Answer: Codable & Hashable {
        guard case .work(let work) = try await reply(operation, parameters, body, TestNode.peer) else {
            throw ControlError(.internalError, "\(operation.row.name) tells nothing of how far it is")
        }
        var told: [WorkProgress<Answer>] = []
        for await line in work.lines({ _ in }) {
            switch line {
            case .step(let json), .result(let json):
                told.append(try JSONDecoder().decode(WorkProgress<Answer>.self, from: Data(json.readableBytesView)))
            case .failed(let error): told.append(.error(error))
            }
        }
        return told
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

    func kill(worker: String, signal: String) async throws -> SentSignal {
        try await ask(Operations.workers.kill, OfWorker(worker), KillRequest(signal: signal), peer: TestNode.peer)
    }

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

    func rebootOldRelease(vsn: String) async throws -> ReleaseSummary {
        try await ask(Operations.releases.rebootOld, OfRelease(vsn))
    }

    func setUnpacked(
        _ file: String, _ applications: [SetUnpackedRequest.ApplicationDirectory] = []
    ) async throws -> ReleaseSummary {
        let body = SetUnpackedRequest(releaseFile: file, applications: applications)
        return try await ask(Operations.releases.setUnpacked, NoParameters(), body, peer: TestNode.peer)
    }

    func setRemoved(vsn: String) async throws {
        _ = try await ask(Operations.releases.setRemoved, OfRelease(vsn))
    }

    func installFile(_ file: String, in vsn: String) async throws -> String {
        let body = InstallFileRequest(file: file)
        return try await ask(Operations.releases.installFile, OfRelease(vsn), body, peer: TestNode.peer).file
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

    // MARK: One application

    func change(_ application: String, _ change: Change) async throws -> AsyncStream<InstallProgress> {
        let (parameters, peer) = (OfApplication(application), TestNode.peer)
        let operations = Operations.applications
        let answer =
            switch change {
            case .upgrade(let body): try await reply(operations.upgrade, parameters, body, peer)
            case .downgrade(let body): try await reply(operations.downgrade, parameters, body, peer)
            case .evaluate(let body): try await reply(operations.evalAppupScript, parameters, body, peer)
            }
        guard case .progress(let progress) = answer else {
            throw ControlError(.internalError, "a change of an application answered with no stream")
        }
        return progress
    }

    enum Change: Sendable {
        case upgrade(UpgradeApplicationRequest)
        case downgrade(DowngradeApplicationRequest)
        case evaluate(EvalAppupScriptRequest)
    }
}
