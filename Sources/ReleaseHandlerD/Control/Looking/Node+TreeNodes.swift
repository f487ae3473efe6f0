import Host
import Instructions
import Supervision
import Terms
import Wire

/// The supervision tree, as it is shown: one node for each application.
extension Node {
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
}
