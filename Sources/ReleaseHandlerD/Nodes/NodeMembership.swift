import Host
import ReleaseHandling

/// This node among the nodes of its machine: its name, and what the others are told of its upgrades.
///
/// Where it can't be told that is an event, and the node runs all the same: only `releasectl barrier` needs it.
@HostActor
final class NodeMembership {
    let name: NodeName
    /// Nil where it is told nowhere.
    let directory: NodeDirectory?
    private let events: EventHub
    private var registration: NodeRegistration?
    /// Why the others do not know it; nil where they do.
    private(set) var problem: String? = "the node has not booted yet"
    /// The release that the run before has restarted into, as the end of its upgrade.
    private let booted: String?
    /// Where the upgrade under way leads, or the last one led.
    private var target = ""

    init(name: NodeName, directory: NodeDirectory?, booted: String?, events: EventHub) {
        self.booted = booted
        self.name = name
        self.directory = directory
        self.events = events
    }

    func join() {
        guard let directory else {
            problem = "it is told no directory of nodes"
            return
        }
        let state: NodeRecord.State = booted.map { .installed(to: $0, milliseconds: now) } ?? .idle
        do throws(NodeDirectoryError) {
            registration = try NodeRegistration(name, in: directory, state: state)
            problem = nil
        } catch {
            fail("\(error)")
        }
    }

    func begins(from: String, to: String) {
        target = to
        tell(.upgrading(from: from, to: to, milliseconds: now))
    }

    func installed() { tell(.installed(to: target, milliseconds: now)) }
    func failed() { tell(.failed(to: target, milliseconds: now)) }

    /// The script's last instruction: the end of this run is the upgrade's.
    func restarts() { tell(.restarting(to: target, milliseconds: now)) }

    func leave() { registration?.withdraw() }

    private func tell(_ state: NodeRecord.State) {
        do throws(SystemError) {
            try registration?.update(state)
        } catch {
            fail("\(error)")
        }
    }

    private func fail(_ reason: String) {
        problem = reason
        events.post(.daemon(.nodeNotRegistered(node: name.text, reason: reason)))
    }

    private var now: Int { Reactor.nowMilliseconds() }
}
