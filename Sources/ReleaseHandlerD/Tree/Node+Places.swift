import Host
import Supervision
import Wire

/// When a place is forgotten, its sockets with it: not while anything may start its child again.
extension Node {
    enum PlacesInQuestion {
        /// A process ended at each of these.
        case some([ChildAddress])
        /// A supervisor started, restarted or ended, or a child was deleted.
        case all
    }

    func emptied(_ address: ChildAddress) {
        emptyPlaces.insert(address)
        guard case .some(let others) = placesInQuestion else { return }
        placesInQuestion = .some(others + [address])
    }

    func isOfSupervisor(_ report: SupervisorReport) -> Bool {
        switch report {
        case .progress(let child, _), .childTerminated(let child, _, _), .restart(let child, _, _),
            .startError(let child, _), .shutdownError(let child, _), .childEnded(let child, _, _, _):
            places[child] == nil
        case .shutdown, .autoShutdown: true
        case .requestedStartError: false  // Its reply comes with it.
        }
    }

    /// With a thousand empty places a look at all of them at each event would be felt.
    func forgetGonePlaces() {
        let inQuestion: any Collection<ChildAddress> =
            switch placesInQuestion {
            case .some(let places): places
            case .all: emptyPlaces
            }
        placesInQuestion = .some([])
        for address in inQuestion where emptyPlaces.contains(address) {
            guard !isWanted(address) else {
                if !isStartAwaited(address) { places[address]?.noneAwaited() }
                continue
            }
            emptyPlaces.remove(address)
            places.removeValue(forKey: address)?.noneAwaited()
            switch phase {
            case .stopping, .ended: break  // A node that goes down leaves its sockets to the next run: `end` decides.
            case .idle, .starting, .running, .upgrading: sockets.close(of: address)
            }
        }
    }

    /// Whether its supervisor, or one above it, is about to start it again without being asked.
    private func isStartAwaited(_ address: ChildAddress) -> Bool {
        switch tree.child(at: address)?.state {
        case .starting?, .running?, .restarting?: true
        case .undefined?: false
        case nil: tree.prospect(of: address) == .awaited
        }
    }

    /// What a script of an upgrade has stopped it may start, up to its end.
    private func isWanted(_ address: ChildAddress) -> Bool {
        switch tree.prospect(of: address) {
        case .specified, .awaited: true
        case .deleted: false
        case .down: upgrade != nil
        }
    }
}
