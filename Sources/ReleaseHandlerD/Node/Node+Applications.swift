import Host
import Instructions
import Supervision
import Terms

/// What `application:set_env` and `application:unset_env` made of a parameter.
enum EnvironmentChange {
    case set(Term)
    case unset
}

/// Environments as functions of `application` see them.
extension Node {
    /// The application's own environment, `sys.config` over it, and over both what was set since.
    func environmentParameters(of application: Atom, in release: LoadedRelease) -> [EnvironmentParameter] {
        let parameters = release.environmentParameters(of: application)
        guard let changes = environmentChanges[release.vsn]?[application] else { return parameters }
        let set = changes.compactMap { key, change -> EnvironmentParameter? in
            if case .set(let value) = change { EnvironmentParameter(key: key, value: value) } else { nil }
        }
        return parameters.filter { changes[$0.key] == nil } + set.sorted { $0.key.name < $1.key.name }
    }

    func environment(of application: Atom, in release: LoadedRelease) -> [Atom: Term] {
        let parameters = environmentParameters(of: application, in: release)
        return Dictionary(parameters.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    /// Lasts until another release runs, as in OTP: what is to last stands in `sys.config`.
    func changeEnvironment(of application: Atom, _ key: Atom, to change: EnvironmentChange, in release: LoadedRelease) {
        environmentChanges[release.vsn, default: [:]][application, default: [:]][key] = change
    }

    /// Another release runs, or goes on: what was changed for others is gone.
    func forgetEnvironmentChanges(except vsn: String?) {
        environmentChanges = environmentChanges.filter { $0.key == vsn }
    }
}

/// An application's start phases: calls to those of its workers that ask for them.
///
/// A phase is a call `{start_phase, Phase, normal, Args}` to each worker whose child spec lists the phase, one after the
/// other in the order in which they were started. The answer is `ok`; anything else ends the application's start.
///
/// Source: OTP app(4), `start_phases`; application(3), `Module:start_phase/3`, which is called once for each phase there.
extension Node {
    func runStartPhases(of application: Atom, _ phases: [StartPhase]) {
        let run = (startPhaseRuns[application] ?? 0) + 1
        startPhaseRuns[application] = run
        runStartPhases(application, run, phases[...])
    }

    private func runStartPhases(_ application: Atom, _ run: Int, _ phases: ArraySlice<StartPhase>) {
        guard startPhaseRuns[application] == run else { return }
        guard let phase = phases.first else { return feed(.startPhasesDone(application)) }
        let listeners = tree.allChildren().filter {
            $0.address.application == application && $0.spec.startPhases.contains(phase.phase)
        }
        let call = Term.tuple([.atom("start_phase"), .atom(phase.phase), .normal, phase.arguments])
        ask(listeners.compactMap { places[$0.address] }[...], call) { [weak self] failure in
            guard let self, startPhaseRuns[application] == run else { return }
            guard let failure else { return runStartPhases(application, run, phases.dropFirst()) }
            let arguments = Term.list([.atom(phase.phase), .normal, phase.arguments])
            let function = Term.tuple([.text(failure.place), .atom("start_phase"), arguments])
            feed(.startPhaseFailed(application, reason: .tuple([failure.reason, function])))
        }
    }

    /// `then` gets the first failure.
    private func ask(
        _ places: ArraySlice<Place>, _ call: Term,
        then: @escaping @HostActor ((place: String, reason: Term)?) -> Void
    ) {
        guard let place = places.first else { return then(nil) }
        place.call(call, timeoutMilliseconds: place.spec.startTimeoutMilliseconds) { [weak self] result in
            switch result {
            case .success(.ok): self?.ask(places.dropFirst(), call, then: then)
            case .success(let answer): then((place.address.description, Self.reason(answer)))
            case .failure(let failure): then((place.address.description, failure.reason))
            }
        }
    }

    private static func reason(_ answer: Term) -> Term {
        if case .tuple(let parts) = answer, parts.count == 2, parts[0] == .error { return parts[1] }
        return .tuple([.atom("bad_return_value"), answer])
    }
}

extension CallFailure {
    fileprivate var reason: Term {
        switch self {
        case .ended(let reason), .worker(let reason): reason
        case .timedOut: .atom("timeout")
        case .mailboxFull: .atom("system_limit")
        }
    }
}
