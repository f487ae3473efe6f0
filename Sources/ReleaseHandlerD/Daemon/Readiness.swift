import Host
import Terms

/// READY=1 goes out once: when the node runs and the control interface answers.
@HostActor
final class Readiness {
    enum Part: Hashable { case node, control }

    nonisolated let controlHeartbeat = Heartbeat()
    private var missing: Set<Part> = [.node, .control]
    private var status: String?

    nonisolated init() {}

    func reached(_ part: Part, status: String? = nil) {
        if let status { self.status = status }
        guard missing.remove(part) != nil, missing.isEmpty else { return }
        SystemdNotify.ready(status: self.status)
    }
}
