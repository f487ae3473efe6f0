import Host
import Supervision
import Terms
import Wire
import ReleaseHandling

/// Waiting for what becomes of a worker that was ended.
extension TreeDriver {
    /// How a worker stands once nothing is under way at its place.
    enum Rest: Sendable {
        case running
        /// Its process has ended, and its start waits for a resume.
        case held
        /// Its spec is there, and nobody will start it.
        case stopped
        /// It is not in the tree any more.
        case gone
        /// Something was still under way when the time was over.
        case restless
    }

    /// `then` is told, once, how a place stands whose process `ended` was told to end: when another runs there, when none
    /// will, or when the time is over.
    func whenAtRest(
        _ address: ChildAddress, after ended: Generation?, within milliseconds: Int,
        then: @escaping @HostActor (Rest) -> Void
    ) {
        let first = Gather<Rest>(count: 1) { then($0[0]) }
        let timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { first.set(0, .restless) }
        look(at: address, after: ended, mayHasten: true) { rest in
            timer.cancel()
            first.set(0, rest)
        }
    }

    private func look(
        at address: ChildAddress, after ended: Generation?, mayHasten: Bool, _ then: @escaping @HostActor (Rest) -> Void
    ) {
        if let rest = rest(of: address, after: ended) { return then(rest) }
        let hastens = mayHasten && isRestartDelayed(address)
        whenSomethingHappened(to: address) { [weak self] in
            self?.look(at: address, after: ended, mayHasten: mayHasten && !hastens, then)
        }
        if hastens { hasten(address) }
    }

    func isRestartDelayed(_ address: ChildAddress) -> Bool { child(at: address)?.restartDueMilliseconds != nil }

    /// Somebody waits for the child, so its restart waits no longer. Once: where its start fails, its delay is the bound.
    func hasten(_ address: ChildAddress) { feed(.hasten([address])) }

    /// `then` is called, once, after the next thing that happens at that place or that any supervisor does.
    func whenSomethingHappened(to address: ChildAddress, then: @escaping @HostActor () -> Void) {
        restWaiters[address, default: []].append(then)
    }

    private func rest(of address: ChildAddress, after ended: Generation?) -> Rest? {
        let generation = places[address]?.current
        if let generation, generation === ended { return nil }
        guard let child = child(at: address) else { return .gone }
        switch child.state {
        case .running: return generation == nil || places[address]?.phase == .stopping ? nil : .running
        case .undefined: return isInRestartUnderWay(address) ? nil : .stopped
        case .starting, .restarting: return generation == nil && isStartHeld(child.spec, at: address) ? .held : nil
        }
    }

    /// Something happened at a place; whoever waits for it looks again, in another turn: the tree may be in the middle
    /// of an event.
    func came(toRest address: ChildAddress) {
        guard let waiters = restWaiters.removeValue(forKey: address) else { return }
        Reactor.shared.soon { for waiter in waiters { waiter() } }
    }

    /// A supervisor has done something. It may have come to a child's end only now, behind a start that it was busy with.
    func allCameToRest() {
        for address in Array(restWaiters.keys) { came(toRest: address) }
    }
}
