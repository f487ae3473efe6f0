import Host
import Supervision
import Wire
import Instructions
import Terms
import ReleaseHandling

/// The supervision tree and its workers as people see them.
@HostActor
struct NodeView {
    let tree: TreeDriver
    let applications: ApplicationDriver
    let running: RunningRelease

    func workerSummaries() -> [WorkerSummary] {
        tree.allChildren().filter(isWorker).map { child in
            let place = tree.places[child.address]
            let generation = place?.current
            return WorkerSummary(
                address: child.address.description, state: state(of: child, place), pid: generation?.pid,
                generation: generation?.number, module: module(of: child), vsn: generation?.vsnText,
                restarts: child.restarts, restartInSeconds: child.restartInSeconds,
                sockets: tree.sockets.list(of: child.address).map { SocketSummary(name: $0.name, address: $0.address) },
                rssAnonKiB: generation.flatMap { ProcessMemory.rssAnonKiB(pid: $0.pid) },
                ageSeconds: generation.map(\.ageSeconds), status: generation?.status)
        }
    }

    /// A supervisor that was changed may have a spec of another type, or start, for what runs on: what runs is shown.
    func isWorker(_ child: ChildStatus) -> Bool {
        if tree.supervisor(at: child.address) != nil { return false }
        return child.spec.type == .worker || tree.places[child.address]?.current != nil
    }

    func module(of child: ChildStatus) -> String {
        let running =
            tree.supervisor(at: child.address)?.module ?? tree.places[child.address]?.current?.spec.start.module
        return (running ?? child.spec.start.module).name
    }

    func treeNodes() -> [TreeNode] {
        let all = tree.allChildren()
        let supervisors = Dictionary(uniqueKeysWithValues: tree.allSupervisors().map { ($0.address, $0) })
        let byParent = Dictionary(grouping: all) { $0.address.parent }
        func children(of address: ChildAddress) -> [TreeNode] {
            (byParent[address] ?? []).map { child in
                let place = tree.places[child.address]
                let generation = place?.current
                return TreeNode(
                    id: child.address.id?.description ?? "", address: child.address.description,
                    kind: isWorker(child) ? .worker : .supervisor,
                    state: supervisors[child.address].flatMap(Self.state) ?? state(of: child, place),
                    pid: generation?.pid, generation: generation?.number, module: module(of: child),
                    vsn: generation?.vsnText, restarts: child.restarts,
                    restartInSeconds: child.restartInSeconds,
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
                vsn: running.current?.applications[root.application]?.vsn, children: [top])
        }
    }

    /// Its top supervisor may run while the application still starts, or is stopped.
    private func state(ofApplication name: Atom) -> TreeNode.State {
        switch applications.state(of: name) {
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

    func state(of child: ChildStatus, _ place: Place?) -> TreeNode.State {
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

extension ChildStatus {
    @HostActor fileprivate var restartInSeconds: Double? {
        restartDueMilliseconds.map { Double(max($0 - Reactor.nowMilliseconds(), 0)) / 1000 }
    }
}

extension Generation {
    /// What it reported, as people write it; else the beginning of its file's SHA-256.
    var vsnText: String? {
        if let vsn = vsn.ifDefined { return vsn.asText ?? vsn.description }
        return code.map { String($0.sha256.prefix(12)) }
    }

    var ageSeconds: Double { Double(Reactor.nowMilliseconds() - startedAtMilliseconds) / 1000 }
}
