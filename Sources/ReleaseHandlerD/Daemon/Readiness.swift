import Host
import Terms

/// READY=1 goes out once: when the node runs and the control interface answers.
@HostActor
final class Readiness {
    enum Part: Hashable { case node, control }

    nonisolated let controlHeartbeat = Heartbeat()
    private var missing: Set<Part>
    private var status: String?

    /// - Parameter isReady: whether the daemon before, in the same process, has said so.
    nonisolated init(isReady: Bool = false) { missing = isReady ? [] : [.node, .control] }

    func reached(_ part: Part, status: String? = nil) {
        if let status { self.status = status }
        guard missing.remove(part) != nil, missing.isEmpty else { return }
        SystemdNotify.ready(status: self.status)
    }
}
