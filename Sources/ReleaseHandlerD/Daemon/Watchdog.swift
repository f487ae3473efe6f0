import Host

/// Tells the service manager that the daemon lives, for as long as it really does.
///
/// Sent from the node's own thread, so a wedged tree starves it by itself; beyond that the control server's event loop
/// must turn and an upgrade must come on. Source: sd_watchdog_enabled(3).
///
/// Where it is starved on purpose it says so and why, and what the upgrade did is written to a file, before the service
/// manager's SIGABRT comes. Where the node's own thread stands still nobody is left to say it: the log's last entry and the
/// manager's "Watchdog timeout" are all there is.
@HostActor
final class Watchdog {
    private let node: Node
    private let heartbeat: Heartbeat
    private let intervalMilliseconds: Int?
    private let isWedged: (Upgrade) -> Bool
    private var timer: ScheduledTimer?
    private var isStarved = false

    /// `isWedged`: whether an upgrade's step takes longer than it may.
    init(
        node: Node, heartbeat: Heartbeat, intervalMilliseconds: Int? = standardIntervalMilliseconds,
        isWedged: @escaping (Upgrade) -> Bool = { $0.isWedged }
    ) {
        self.node = node
        self.heartbeat = heartbeat
        self.intervalMilliseconds = intervalMilliseconds
        self.isWedged = isWedged
        tick()
    }

    /// Three times within the manager's limit: one late turn must not be the end.
    static var standardIntervalMilliseconds: Int? { SystemdNotify.watchdogMicroseconds.map { max($0 / 3000, 1) } }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func tick() {
        guard let interval = intervalMilliseconds else { return }
        if let reason = starvation(interval) {
            if !isStarved { tell(reason, leftMilliseconds: 2 * interval) }
            isStarved = true
        } else {
            SystemdNotify.watchdog()
            if isStarved {
                node.events.post(.daemon(.watchdogFed))
            }
            isStarved = false
        }
        timer = Reactor.shared.schedule(afterMilliseconds: interval) { [weak self] in self?.tick() }
    }

    /// Why the service manager is not to be told that all is well.
    private func starvation(_ interval: Int) -> String? {
        if let upgrade = node.installer.upgrade, isWedged(upgrade) {
            return "the upgrade to \(upgrade.target) does not come on: its step takes longer than any of its parts may"
        }
        let beat = heartbeat.ageMilliseconds
        if beat > 2 * interval + Heartbeat.intervalMilliseconds {
            return "the control server's event loop has not turned for \(beat) ms"
        }
        return nil
    }

    /// Once: what is to be found in the log after the end.
    private func tell(_ reason: String, leftMilliseconds: Int) {
        node.events.post(.daemon(.watchdogStarved(reason: reason, leftMilliseconds: leftMilliseconds)))
        node.installer.upgrade?.writeTrace { _ in }
    }
}
