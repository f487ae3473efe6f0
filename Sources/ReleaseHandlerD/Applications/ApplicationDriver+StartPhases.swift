import Host
import Instructions
import Supervision
import Terms
import Wire

/// An application's start phases: calls to those of its workers that ask for them.
///
/// A phase is a call `{start_phase, Phase, normal, Args}` to each worker whose child spec lists the phase, one after the
/// other in the order in which they were started. The answer is `ok`; anything else ends the application's start.
///
/// Source: OTP app(4), `start_phases`; application(3), `Module:start_phase/3`, which is called once for each phase there.
extension ApplicationDriver {
    func runStartPhases(of application: Atom, _ steps: [StartPhaseStep]) {
        let run = (startPhaseRuns[application] ?? 0) + 1
        startPhaseRuns[application] = run
        runStartPhases(application, run, steps[...])
    }

    /// A worker that asks for a phase which its application has not is never called.
    func tellUnknownStartPhases(of application: Atom) {
        guard let release = running.forStarts else { return }
        for child in tree.allChildren() where child.address.application == application {
            guard !child.spec.startPhases.isEmpty else { continue }
            let owner = environmentOwner(of: child.address, module: child.spec.start.module, in: release)
            let known = Set(release.applications[owner]?.startPhases?.map(\.phase) ?? [])
            for phase in child.spec.startPhases where !known.contains(phase) {
                events.post(.worker(.unknownStartPhase(child.address, phase, of: owner)))
            }
        }
    }

    private func runStartPhases(_ application: Atom, _ run: Int, _ steps: ArraySlice<StartPhaseStep>) {
        guard startPhaseRuns[application] == run else { return }
        guard let step = steps.first else { return feed(.startPhasesDone(application)) }
        switch step {
        case .call(let owner, let phase): runStartPhase(application, run, phase, of: owner, then: steps.dropFirst())
        case .fail(let reason): feed(.startPhaseFailed(application, reason: reason))
        }
    }

    private func runStartPhase(
        _ application: Atom, _ run: Int, _ phase: StartPhase, of owner: Atom, then rest: ArraySlice<StartPhaseStep>
    ) {
        let listeners = tree.allChildren().filter { child in
            guard child.address.application == application, child.spec.startPhases.contains(phase.phase),
                let release = running.forStarts
            else { return false }
            return environmentOwner(of: child.address, module: child.spec.start.module, in: release) == owner
        }
        let call = Term.tuple([.atom("start_phase"), .atom(phase.phase), .normal, phase.arguments])
        ask(listeners.compactMap { tree.places[$0.address] }[...], call) { [weak self] failure in
            guard let self, startPhaseRuns[application] == run else { return }
            guard let failure else { return runStartPhases(application, run, rest) }
            let arguments = Term.list([.atom(phase.phase), .normal, phase.arguments])
            let function = Term.tuple([.text(failure.place), .atom("start_phase"), arguments])
            feed(.startPhaseFailed(application, reason: failure.reason(of: function)))
        }
    }

    /// `then` gets the first failure.
    private func ask(
        _ places: ArraySlice<Place>, _ call: Term,
        then: @escaping @HostActor (StartPhaseFailure?) -> Void
    ) {
        guard let place = places.first else { return then(nil) }
        place.call(call, timeoutMilliseconds: place.spec.startTimeoutMilliseconds) { [weak self] result in
            switch result {
            case .success(.ok): self?.ask(places.dropFirst(), call, then: then)
            case .success(let answer): then(StartPhaseFailure(place: place.address.description, answer: answer))
            case .failure(let failure):
                then(StartPhaseFailure(place: place.address.description, answer: .tuple([.error, failure.reason])))
            }
        }
    }
}

private struct StartPhaseFailure {
    let place: String
    let answer: Term

    /// Source: OTP, `application_starter`, `run_the_phase`.
    func reason(of function: Term) -> Term {
        if case .tuple(let parts) = answer, parts.count == 2, parts[0] == .error {
            return .tuple([parts[1], function])
        }
        return .tuple([.atom("bad_return_value"), .tuple([function, answer])])
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
