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
    public func tree() async -> [TreeNode] { await node.treeNodes() }
    public func ps() async -> [WorkerSummary] { await node.workerSummaries() }
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
        try await node.getStatus(worker)
    }

    public func statistics(worker: String) async throws(ControlError) -> WorkerStatistics {
        try await node.statistics(worker)
    }

    public func getState(worker: String, peer: Peer) async throws(ControlError) -> WorkerState {
        try await node.getState(worker)
    }

    public func replaceState(worker: String, state: String, peer: Peer) async throws(ControlError) -> WorkerState {
        try await node.changing("replace-state \(worker)") { [node] () async throws(ControlError) in
            try await node.replaceState(worker, state)
        }
    }

    public func whichChildren(supervisor: String) async throws(ControlError) -> ChildList {
        try await node.whichChildren(supervisor)
    }

    public func countChildren(supervisor: String) async throws(ControlError) -> ChildCounts {
        try await node.countChildren(supervisor)
    }

    public func getChildspec(supervisor: String, id: String) async throws(ControlError) -> ChildSpecification {
        try await node.getChildspec(supervisor, id)
    }

    public func startChild(supervisor: String, spec: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("start-child \(supervisor)") { [node] () async throws(ControlError) in
            try await node.startChild(supervisor, spec)
        }
    }

    public func childAddress(supervisor: String, id: String) async -> String? {
        await node.childAddress(supervisor, id)
    }

    public func terminateChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("terminate-child \(supervisor) \(id)") { [node] () async throws(ControlError) in
            try await node.terminateChild(supervisor, id)
        }
    }

    public func restartChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("restart-child \(supervisor) \(id)") { [node] () async throws(ControlError) in
            try await node.restartChild(supervisor, id)
        }
    }

    public func deleteChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try await node.changing("delete-child \(supervisor) \(id)") { [node] () async throws(ControlError) in
            try await node.deleteChild(supervisor, id)
        }
    }

    public func whichApplications() async -> WhichApplications { await node.whichApplications() }

    public func startApplication(
        _ application: String, type: String?, peer: Peer
    ) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("start-application \(application)") { [node] () async throws(ControlError) in
            try await node.startApplication(application, type: type)
        }
    }

    public func stopApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("stop-application \(application)") { [node] () async throws(ControlError) in
            try await node.stopApplication(application)
        }
    }

    public func loadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("load-application \(application)") { [node] () async throws(ControlError) in
            try await node.loadApplication(application)
        }
    }

    public func unloadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer {
        try await node.changing("unload-application \(application)") { [node] () async throws(ControlError) in
            try await node.unloadApplication(application)
        }
    }

    public func getAllEnv(_ application: String) async throws(ControlError) -> ApplicationEnvironment {
        try await node.getAllEnv(application)
    }

    public func getEnv(_ application: String, key: String) async throws(ControlError) -> EnvironmentValue {
        try await node.getEnv(application, key)
    }

    public func setEnv(
        _ application: String, key: String, value: String, peer: Peer
    ) async throws(ControlError) -> EnvironmentAnswer {
        try await node.changing("set-env \(application) \(key)") { [node] () async throws(ControlError) in
            try await node.setEnv(application, key, value)
        }
    }

    public func unsetEnv(
        _ application: String, key: String, peer: Peer
    ) async throws(ControlError) -> EnvironmentAnswer {
        try await node.changing("unset-env \(application) \(key)") { [node] () async throws(ControlError) in
            try await node.unsetEnv(application, key)
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
        return try await node.call(worker, term, timeoutMilliseconds: timeoutMilliseconds)
    }
}

extension Node {
    func call(_ worker: String, _ request: Term, timeoutMilliseconds: Int) async throws(ControlError) -> String {
        let place = try found(worker)
        guard place.speaksProtocol else {
            throw ControlError(
                .workerError, "\(worker) is an unmodified program: it answers no calls",
                details: ["worker": worker, "reason": "os_program"])
        }
        guard place.takesCalls else { throw notRunning(worker) }
        let result: Result<Term, CallFailure> = await withCheckedContinuation { continuation in
            place.call(request, timeoutMilliseconds: timeoutMilliseconds) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let term): return term.description
        case .failure(let failure): throw failure.controlError(worker)
        }
    }

    // MARK: Looking

    func status() -> NodeStatus {
        let state: NodeStatus.State =
            switch phase {
            case .idle, .starting: .starting
            case .running: .running
            case .upgrading: .upgrading
            case .stopping, .ended: .stopping
            }
        let uptime = Double(Reactor.nowMilliseconds() - startedAtMilliseconds) / 1000
        return NodeStatus(
            state: state, name: release?.resource.name ?? "", release: release?.vsn ?? "",
            permanent: releases.permanent?.vsn ?? "", erts: Emulator.vsn, pid: getpid(), uptimeSeconds: uptime,
            root: root.path)
    }

    func workerSummaries() -> [WorkerSummary] {
        tree.allChildren().filter { $0.spec.type == .worker }.map { child in
            let place = places[child.address]
            let generation = place?.current
            return WorkerSummary(
                address: child.address.description, state: state(of: child, place), pid: generation?.pid,
                generation: generation?.number, module: child.spec.start.module.name, vsn: generation?.vsnText,
                restarts: child.restarts,
                sockets: sockets.list(of: child.address).map { SocketSummary(name: $0.name, address: $0.address) },
                rssAnonKiB: generation.flatMap { ProcessMemory.rssAnonKiB(pid: $0.pid) },
                ageSeconds: generation.map(\.ageSeconds), status: generation?.status)
        }
    }

    func treeNodes() -> [TreeNode] {
        let all = tree.allChildren()
        let supervisors = Dictionary(uniqueKeysWithValues: tree.allSupervisors().map { ($0.address, $0) })
        let byParent = Dictionary(grouping: all) { $0.address.parent }
        func children(of address: ChildAddress) -> [TreeNode] {
            (byParent[address] ?? []).map { child in
                let place = places[child.address]
                let generation = place?.current
                return TreeNode(
                    id: child.address.id?.description ?? "", address: child.address.description,
                    kind: child.spec.type == .worker ? .worker : .supervisor,
                    state: supervisors[child.address].flatMap(Self.state) ?? state(of: child, place),
                    pid: generation?.pid, generation: generation?.number, module: child.spec.start.module.name,
                    vsn: generation?.vsnText, restarts: child.restarts,
                    strategy: supervisors[child.address]?.flags?.strategy.rawValue,
                    rssAnonKiB: generation.flatMap { ProcessMemory.rssAnonKiB(pid: $0.pid) },
                    ageSeconds: generation.map(\.ageSeconds), status: generation?.status,
                    children: children(of: child.address))
            }
        }
        return tree.rootAddresses.map { root in
            let top = TreeNode(
                id: root.id?.description ?? "", address: root.description, kind: .supervisor,
                state: supervisors[root].flatMap(Self.state) ?? .running,
                module: supervisors[root]?.module.name, strategy: supervisors[root]?.flags?.strategy.rawValue,
                children: children(of: root))
            return TreeNode(
                id: root.application.name, address: root.application.name, kind: .application,
                state: state(ofApplication: root.application),
                vsn: release?.applications[root.application]?.vsn, children: [top])
        }
    }

    /// Its top supervisor may run while the application still starts, or is stopped.
    private func state(ofApplication name: Atom) -> TreeNode.State {
        switch applications?.state(of: name) ?? .stopped {
        case .starting: .starting
        case .running: .running
        case .stopping, .stopped: .stopping
        }
    }

    /// Where it is something else than what its own supervisor says of it.
    private static func state(_ supervisor: SupervisorStatus) -> TreeNode.State? {
        switch supervisor.phase {
        case .initializing: .starting
        case .terminating: .stopping
        case .running: supervisor.isSuspended ? .suspended : nil
        }
    }

    private func state(of child: ChildStatus, _ place: Place?) -> TreeNode.State {
        if let place {
            switch place.phase {
            case .suspended: return .suspended
            case .stopping: return .stopping
            case .empty, .starting, .running: break
            }
        }
        switch child.state {
        case .starting: return .starting
        case .running: return .running
        case .restarting: return .restarting
        case .undefined: return .undefined
        }
    }
}

extension Generation {
    /// What it reported, as people write it; else the beginning of its file's SHA-256.
    var vsnText: String? {
        if let vsn = vsn.ifDefined { return vsn.asText ?? vsn.description }
        return code.map { String($0.version.sha256.prefix(12)) }
    }

    var ageSeconds: Double { Double(Reactor.nowMilliseconds() - startedAtMilliseconds) / 1000 }
}

extension CallFailure {
    func controlError(_ worker: String) -> ControlError {
        let details = ["worker": worker]
        switch self {
        case .ended(let reason):
            return ControlError(
                .workerError, "\(worker) ended before it answered: \(reason.reasonText)",
                details: details.merging(["reason": reason.reasonText]) { $1 })
        case .worker(let reason):
            return ControlError(
                .workerError, "\(worker) answered with an error: \(reason.reasonText)",
                details: details.merging(["reason": reason.reasonText]) { $1 })
        case .timedOut(let milliseconds):
            return ControlError(.timeout, "\(worker) did not answer within \(milliseconds) ms", details: details)
        case .mailboxFull:
            let limits = "\(Mailbox.maxMessages) calls or \(Mailbox.maxBytes >> 20) MiB"
            return ControlError(
                .busy, "\(worker) has \(limits) waiting, which is the limit; try again later", details: details)
        }
    }
}
