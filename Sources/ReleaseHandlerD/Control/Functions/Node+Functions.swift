import Glibc
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The node's rooms as the control interface asks them.
extension Node {
    var workers: WorkerFunctions { WorkerFunctions(tree: tree) }
    var placeNames: PlaceNames { PlaceNames(tree: tree) }
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
        let waiting = tree.waitingChildren.count
        return NodeStatus(
            state: state, node: membership.name.text, name: running.current?.resource.name ?? "",
            release: running.current?.vsn ?? "",
            permanent: store.table.releases.permanent?.vsn ?? "", erts: Emulator.vsn, pid: getpid(),
            uptimeSeconds: uptime,
            root: root.path, waitingRestarts: waiting > 0 ? waiting : nil, cgroup: Cgroups.shared.path,
            noCgroup: Cgroups.shared.obstacle, notices: notices,
            install: installer.upgrade?.summary)
    }
}
