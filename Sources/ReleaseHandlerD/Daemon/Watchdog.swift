import Host

/// Tells the service manager that the daemon lives, for as long as it really does.
///
/// Sent from the node's own thread, so a wedged tree starves it by itself; beyond that the control server's event loop
/// must turn and an upgrade must come on. Source: sd_watchdog_enabled(3).
@HostActor
final class Watchdog {
    private let node: Node
    private let heartbeat: Heartbeat
    private let intervalMilliseconds: Int?
    private var timer: ScheduledTimer?

    init(node: Node, heartbeat: Heartbeat) {
        self.node = node
        self.heartbeat = heartbeat
        // Three times within the manager's limit: one late turn must not be the end.
        intervalMilliseconds = SystemdNotify.watchdogMicroseconds.map { max($0 / 3000, 1) }
        tick()
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func tick() {
        guard let interval = intervalMilliseconds else { return }
        if isHealthy(interval) { SystemdNotify.watchdog() }
        timer = Reactor.shared.schedule(afterMilliseconds: interval) { [weak self] in self?.tick() }
    }

    private func isHealthy(_ interval: Int) -> Bool {
        if heartbeat.ageMilliseconds > 2 * interval + Heartbeat.intervalMilliseconds { return false }
        return node.installer.upgrade?.isWedged != true
    }
}

extension Heartbeat {
    /// How often a loop is to beat.
    static let intervalMilliseconds = 500
}
