import Host
import Instructions
import Supervision
import Terms
import Wire

/// What supervisors report and how workers end, put into the log and the events.
extension TreeDriver {
    func tell(_ report: SupervisorReport) {
        switch report {
        case .progress:
            break  // Each worker's start is told with its pid when it happens.
        case .childTerminated(let child, _, let reason):
            // A worker's end is told with its pid when it happens.
            guard places[child] == nil else { break }
            events.post(.supervisor(.terminated(child, reason: reason)))
        case .childEnded(let child, _, let reason, let restart):
            guard places[child] == nil else { break }
            events.post(.supervisor(.ended(child, reason: reason, restart)))
        case .autoShutdown(let supervisor, let child, let flag):
            events.post(.supervisor(.autoShutdown(supervisor, child: child, flag)))
        case .restart(let child, let count, let cause):
            events.post(.worker(.restarted(child, count: count, reason(of: cause, child))))
        case .restartDelayed(let child, let milliseconds, let cause):
            events.post(.worker(.restartDelayed(child, milliseconds: milliseconds, reason(of: cause, child))))
        case .startError(let child, let reason), .requestedStartError(let child, let reason):
            events.post(.supervisor(.startError(child, reason: reason, explained: explained(reason, child))))
        case .shutdownError(let child, let reason):
            events.post(.supervisor(.shutdownError(child, reason: reason)))
        case .shutdown(let supervisor, let child, let reason):
            events.post(.supervisor(.shutdown(supervisor, child: child, reason: reason)))
        }
    }

    /// Every end of a worker is told, an orderly one too: a follower of the events knows who runs.
    func tellEnd(of place: Place, _ reason: Term, asked: Bool) {
        let (worker, ended) = (place.address, place.lastEnded)
        events.post(
            .worker(asked ? .stopped(worker, reason: reason, ended) : .exited(worker, reason: reason, ended)))
    }

    private func reason(of cause: SupervisorReport.RestartCause, _ child: ChildAddress) -> RestartReason {
        switch cause {
        case .ended(let reason): .ended(reason: reason)
        case .startFailed(let reason): .startFailed(reason: reason, explained: explained(reason, child))
        case .with(let other): .with(other)
        }
    }

    private func explained(_ reason: Term, _ child: ChildAddress) -> String {
        code.explained(reason, of: self.child(at: child)?.spec)
    }
}
