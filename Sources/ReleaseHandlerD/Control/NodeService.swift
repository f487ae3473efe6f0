import Glibc
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
public import Wire

/// The node as the control server sees it: every question and change goes to the node's own thread.
public final class NodeService: NodeControl {
    private let node: Node

    public init(_ node: Node) { self.node = node }

    public func status() async -> NodeStatus { await node.status() }
    public func whichReleases() async -> [ReleaseSummary] { await node.whichReleases() }
    public func tree() async -> [TreeNode] { await node.view.treeNodes() }
    public func ps() async -> [WorkerSummary] { await node.view.workerSummaries() }
    public func events() async -> EventSubscription { await node.events.follow() }

    public func checkInstallRelease(vsn: String) async throws(ControlError) -> InstallPlan {
        try await node.plan(vsn)
    }

    public func unpackRelease(package: String, peer: Peer) async throws(ControlError) -> ReleaseSummary {
        try await node.unpack(package)
    }

    public func installRelease(vsn: String, peer: Peer) async throws(ControlError) -> AsyncStream<InstallProgress> {
        try await node.installWhenNothingChanges(vsn)
    }

    public func makePermanent(vsn: String, peer: Peer) async throws(ControlError) -> ReleaseSummary {
        try await node.makePermanent(vsn, by: "request of uid \(peer.uid), pid \(peer.pid)")
    }

    public func removeRelease(vsn: String, peer: Peer) async throws(ControlError) {
        try await node.removeRelease(vsn)
    }

    public func getStatus(worker: String) async throws(ControlError) -> WorkerStatus {
        try await node.workers.getStatus(worker)
    }

    public func statistics(worker: String) async throws(ControlError) -> WorkerStatistics {
        try await node.workers.statistics(worker)
    }

    public func getState(worker: String, peer: Peer) async throws(ControlError) -> WorkerState {
        try await node.workers.getState(worker)
    }

    public func replaceState(worker: String, state: String, peer: Peer) async throws(ControlError) -> WorkerState {
        try await node.changing("replace-state \(worker)") { [node] () async throws(ControlError) in
            try await node.workers.replaceState(worker, state)
        }
    }

    public func whichChildren(supervisor: String) async throws(ControlError) -> ChildList {
        try await node.supervisors.whichChildren(supervisor)
    }

    public func countChildren(supervisor: String) async throws(ControlError) -> ChildCounts {
        try await node.supervisors.countChildren(supervisor)
    }

    public func getChildspec(supervisor: String, id: String) async throws(ControlError) -> ChildSpecification {
        try await node.supervisors.getChildspec(supervisor, id)
    }

    public func startChild(supervisor: String, spec: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("start-child \(supervisor)") { [node] () async throws(ControlError) in
            try await node.supervisors.startChild(supervisor, spec)
        }
    }

    public func childAddress(supervisor: String, id: String) async -> String? {
        await node.supervisors.childAddress(supervisor, id)
    }

    public func terminateChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("terminate-child \(supervisor) \(id)") { [node] () async throws(ControlError) in
            try await node.supervisors.terminateChild(supervisor, id)
        }
    }

    public func restartChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("restart-child \(supervisor) \(id)") { [node] () async throws(ControlError) in
            try await node.supervisors.restartChild(supervisor, id)
        }
    }

    public func deleteChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("delete-child \(supervisor) \(id)") { [node] () async throws(ControlError) in
            try await node.supervisors.deleteChild(supervisor, id)
        }
    }

    public func whichApplications() async -> WhichApplications { await node.applicationFunctions.whichApplications() }

    public func startApplication(
        _ application: String, type: String?, peer: Peer
    ) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("start-application \(application)") { [node] () async throws(ControlError) in
            try await node.applicationFunctions.startApplication(application, type: type)
        }
    }

    public func stopApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("stop-application \(application)") { [node] () async throws(ControlError) in
            try await node.applicationFunctions.stopApplication(application)
        }
    }

    public func loadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("load-application \(application)") { [node] () async throws(ControlError) in
            try await node.applicationFunctions.loadApplication(application)
        }
    }

    public func unloadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("unload-application \(application)") { [node] () async throws(ControlError) in
            try await node.applicationFunctions.unloadApplication(application)
        }
    }

    public func getAllEnv(_ application: String) async throws(ControlError) -> ApplicationEnvironment {
        try await node.applicationFunctions.getAllEnv(application)
    }

    public func getEnv(_ application: String, key: String) async throws(ControlError) -> EnvironmentValue {
        try await node.applicationFunctions.getEnv(application, key)
    }

    public func setEnv(
        _ application: String, key: String, value: String, peer: Peer
    ) async throws(ControlError) -> EnvironmentAnswer {
        try await node.changing("set-env \(application) \(key)") { [node] () async throws(ControlError) in
            try await node.applicationFunctions.setEnv(application, key, value)
        }
    }

    public func unsetEnv(
        _ application: String, key: String, peer: Peer
    ) async throws(ControlError) -> EnvironmentAnswer {
        try await node.changing("unset-env \(application) \(key)") { [node] () async throws(ControlError) in
            try await node.applicationFunctions.unsetEnv(application, key)
        }
    }

    public func call(
        worker: String, request: String, timeoutMilliseconds: Int, peer: Peer
    ) async throws(ControlError) -> String {
        let term: Term
        do {
            term = try TermText.parseTerm(request)
        } catch {
            throw ControlError(.badRequest, "the request is no term: \(error)", details: ["request": request])
        }
        return try await node.workers.call(worker, term, timeoutMilliseconds: timeoutMilliseconds)
    }
}

/// The node's rooms as the control interface asks them.
extension Node {
    var workers: WorkerFunctions { WorkerFunctions(tree: tree) }
    var supervisors: SupervisorFunctions { SupervisorFunctions(tree: tree) }
    var view: NodeView { NodeView(tree: tree, applications: applications, running: running) }

    var applicationFunctions: ApplicationFunctions {
        ApplicationFunctions(applications: applications, running: running) { [self] () throws(ControlError) in
            try requireRunning()
        }
    }

    func status() -> NodeStatus {
        let state: NodeStatus.State =
            switch phase {
            case .idle, .starting: .starting
            case .running: running.isChanging ? .upgrading : .running
            case .stopping, .ended: .stopping
            }
        let uptime = Double(Reactor.nowMilliseconds() - startedAtMilliseconds) / 1000
        return NodeStatus(
            state: state, name: running.current?.resource.name ?? "", release: running.current?.vsn ?? "",
            permanent: store.table.releases.permanent?.vsn ?? "", erts: Emulator.vsn, pid: getpid(),
            uptimeSeconds: uptime,
            root: root.path)
    }
}
