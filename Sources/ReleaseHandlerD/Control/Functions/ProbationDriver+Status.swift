import Host
import ReleaseHandling
import Wire

/// The probation as people see it.
extension ProbationDriver {
    func status() -> ProbationStatus {
        let name: ProbationStatus.State =
            switch state {
            case .none: .none
            case .onProbation: .onProbation
            case .asking, .proving: .proving
            case .interrupted: .interrupted
            case .goingBack: .goingBack
            }
        guard let trial = state.trial else { return ProbationStatus(state: name) }
        return ProbationStatus(
            state: name, release: trial.release, fallback: trial.fallback,
            remainingMilliseconds: max(trial.deadlineMilliseconds - Reactor.nowMilliseconds(), 0),
            restarts: trial.restarts, allowedRestarts: trial.options.restarts,
            makePermanent: trial.options.makePermanent == .auto ? .auto : .manual)
    }
}
