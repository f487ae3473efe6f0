import Supervision
import Terms

/// A place that nothing is being changed at: what the daemon takes along when it executes itself again.
extension PlaceMachine {
    /// Its state without standby and handoff, as it stands between two upgrades.
    public struct Settled: Hashable, Sendable, Codable {
        enum State: Hashable, Codable {
            case empty
            case starting(Run, timeoutMilliseconds: Int, Limit)
            case discarding(Run, Discard)
            case running(Run)
            case stopping(Run, KillSignal, Limit)
        }

        let state: State
        let generations: Int
    }

    /// Nil where a standby stands there, or a handoff is under way.
    public var settled: Settled? {
        let settled: Settled.State
        switch state {
        case .empty(.none): settled = .empty
        case .starting(let run, .none, let milliseconds, let limit):
            settled = .starting(run, timeoutMilliseconds: milliseconds, limit)
        case .discarding(let run, .none, let outcome): settled = .discarding(run, outcome)
        case .running(let run, .none): settled = .running(run)
        case .stopping(let run, .none, let signal, let limit): settled = .stopping(run, signal, limit)
        case .empty, .starting, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing,
            .imported,
            .resuming, .lost, .goingOn, .stopping:
            return nil
        }
        return Settled(state: settled, generations: generations)
    }

    /// Goes on where another one stood.
    public init(_ settled: Settled) {
        self.init()
        generations = settled.generations
        switch settled.state {
        case .empty: state = .empty(.none)
        case .starting(let run, let milliseconds, let limit):
            state = .starting(run, .none, timeoutMilliseconds: milliseconds, limit)
        case .discarding(let run, let outcome): state = .discarding(run, .none, outcome)
        case .running(let run): state = .running(run, .none)
        case .stopping(let run, let signal, let limit): state = .stopping(run, .none, signal, limit)
        }
        lookAgain()
    }

    /// Until when its start, or its stop, may take, where it has a timer for that. Monotonic milliseconds.
    public var deadlineMilliseconds: Int? {
        guard case .until(let end) = limit else { return nil }
        return end
    }
}
