import Glibc
import Host
import ReleaseHandling
import Wire
import Instructions

/// The node as a whole, as it is shown.
extension Node {
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
}
