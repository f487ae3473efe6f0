import Host
import Supervision
import Terms

/// Ends a probe that is no worker long before its start timeout: one that leaves its first message unread and does nothing
/// at all waits for something else. (One that takes its time to load does something, and one that speaks has read.)
@HostActor
final class ProbeWatch {
    /// For how long it may do nothing.
    static let idleMilliseconds = 5_000
    private static let intervalMilliseconds = 500

    private let probe: Place
    private var timer: ScheduledTimer?
    private var cpuMilliseconds: Int?
    /// How often in a row it was found to do nothing. Counted in looks: on a machine that has no time for this daemon either, two
    /// of them may be far apart.
    private var idleLooks = 0

    init(_ probe: Place) {
        self.probe = probe
        look()
    }

    func end() {
        timer?.cancel()
        timer = nil
    }

    private func look() {
        timer = Reactor.shared.schedule(afterMilliseconds: Self.intervalMilliseconds) { [weak self] in
            self?.looked()
        }
    }

    private func looked() {
        guard let generation = probe.standbyProcess, let process = generation.process else { return look() }
        guard let unread = process.unreadBytes, unread > 0 else { return }
        let cpu = ProcessMemory.cpuMilliseconds(pid: process.pid)
        // One that waits for its turn, or for the disk, would do something if it could.
        let isIdle = cpu == cpuMilliseconds && ProcessMemory.isSleeping(pid: process.pid)
        idleLooks = isIdle ? idleLooks + 1 : 0
        cpuMilliseconds = cpu
        if idleLooks >= Self.idleMilliseconds / Self.intervalMilliseconds {
            return generation.kill(reason: .text(Self.sentence(probe.spec)))
        }
        look()
    }

    private static func sentence(_ spec: ChildSpec) -> String {
        """
        it has done nothing for \(idleMilliseconds / 1000) s and not read its first message, so it is no worker; the \
        spec of an unmodified program has start => {os, start, [Program | Arguments]}
        """
    }
}
