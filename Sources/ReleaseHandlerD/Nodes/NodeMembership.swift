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
    private(set) var problem: String?
    /// What is told of its last upgrade.
    private var upgrade: NodeRecord.State

    /// What another daemon goes on with, or a run begins with.
    struct State: Codable {
        let name: NodeName
        let upgrade: NodeRecord.State
        let problem: String?
        let registration: NodeRegistration.State?

        var descriptors: [Int32] { registration.map { [$0.lock] } ?? [] }
    }

    var state: State {
        State(name: name, upgrade: upgrade, problem: problem, registration: registration?.state)
    }

    init(_ state: State, in directory: NodeDirectory?, events: EventHub) {
        name = state.name
        self.directory = directory
        self.events = events
        upgrade = state.upgrade
        problem = state.problem
        if let directory, let registered = state.registration {
            registration = NodeRegistration(name, in: directory, goingOn: registered)
        }
    }

    func join() {
        guard let directory else {
            problem = "it is told no directory of nodes"
            return
        }
        do throws(NodeDirectoryError) {
            registration = try NodeRegistration(name, in: directory, state: upgrade)
            problem = nil
        } catch {
            fail("\(error)")
        }
    }

    /// One that goes on under another emulator has begun before.
    func begins(from: String, to: String) {
        if case .upgrading(from, to, _) = upgrade { return }
        tell(.upgrading(from: from, to: to, milliseconds: now))
    }

    func installed() { tell(.installed(to: target, milliseconds: now)) }
    func failed() { tell(.failed(to: target, milliseconds: now)) }

    /// The end of this run is a part of the upgrade.
    func restarts() { tell(.restarting(to: target, milliseconds: now)) }

    func leave() { registration?.withdraw() }

    /// Of the upgrade under way; nil where none is.
    var beganMilliseconds: Int? {
        guard case .upgrading(_, _, let milliseconds) = upgrade else { return nil }
        return milliseconds
    }

    /// Where the upgrade under way leads, or the last one led.
    private var target: String {
        switch upgrade {
        case .idle: ""
        case .upgrading(_, let to, _), .installed(let to, _), .failed(let to, _), .restarting(let to, _): to
        }
    }

    private func tell(_ state: NodeRecord.State) {
        upgrade = state
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
