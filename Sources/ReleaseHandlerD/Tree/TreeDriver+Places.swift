import Supervision
import Wire

/// When a place is forgotten, its sockets with it: not while anything may start its child again.
extension TreeDriver {
    /// Who else than the tree may start a child again.
    enum Expectation {
        case none
        /// What a script of an upgrade has stopped it may start, up to its end.
        case upgrade
        /// A node that goes down leaves its sockets to the next run: its end decides.
        case nextRun
    }

    func expect(_ expectation: Expectation) {
        self.expectation = expectation
        vacancies.question(.all)
        forgetGonePlaces()
    }

    func isOfSupervisor(_ report: SupervisorReport) -> Bool {
        switch report {
        case .progress(let child, _), .childTerminated(let child, _, _), .restart(let child, _, _),
            .restartDelayed(let child, _, _),
            .startError(let child, _), .shutdownError(let child, _), .childEnded(let child, _, _, _):
            places[child] == nil
        case .shutdown, .autoShutdown: true
        case .requestedStartError: false  // Its reply comes with it.
        }
    }

    func forgetGonePlaces() {
        for address in vacancies.takeInQuestion() {
            guard !isWanted(address) else {
                if !isStartAwaited(address) { places[address]?.noneAwaited() }
                continue
            }
            vacancies.filled(address)
            forget(address)
            switch expectation {
            case .nextRun: break
            case .none, .upgrade: sockets.close(of: address)
            }
        }
    }

    /// Whether its supervisor, or one above it, is about to start it again without being asked.
    private func isStartAwaited(_ address: ChildAddress) -> Bool {
        switch child(at: address)?.state {
        case .starting?, .running?, .restarting?: true
        case .undefined?: false
        case nil: prospect(of: address) == .awaited
        }
    }

    private func isWanted(_ address: ChildAddress) -> Bool {
        switch (prospect(of: address), expectation) {
        case (.specified, _), (.awaited, _): true
        case (.deleted, _): false
        case (.down, .upgrade): true
        case (.down, .none), (.down, .nextRun): false
        }
    }
}
