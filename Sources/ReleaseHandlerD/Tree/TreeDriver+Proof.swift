import Host
import ReleaseHandling
import Supervision
import Wire

/// Whether workers are there: one that hangs lives on, and looks well from outside.
extension TreeDriver {
    /// Those that run what was changed and say nothing of themselves in time, and those that would and wait for their restart. One
    /// that does not run otherwise is its supervisor's to see to. An unmodified program has nobody who could ask it; one that has
    /// said WATCHDOG=1, as its spec wants it to, says so again.
    func absent(
        among changed: ChangedCode, withinMilliseconds milliseconds: Int,
        then: @escaping @HostActor ([Probation.Absence]) -> Void
    ) {
        let waiting = waitingChildren.filter { address in
            child(at: address).map { changed.concerns(address, listing: $0.spec.listedModules) } ?? false
        }.map { Probation.Absence($0, .waiting) }
        let asked = places.values.compactMap { place -> (address: ChildAddress, question: Question)? in
            guard let generation = place.running, changed.concerns(place.address, listing: place.spec.listedModules)
            else { return nil }
            return Self.question(generation, milliseconds).map { (place.address, $0) }
        }
        let gather = Gather<Probation.Absence.Kind?>(count: asked.count) { answers in
            let silent = zip(asked, answers).compactMap { one, kind in kind.map { Probation.Absence(one.address, $0) } }
            then((silent + waiting).sorted { "\($0.worker)" < "\($1.worker)" })
        }
        for (index, one) in asked.enumerated() {
            let kind = one.question.kind
            one.question.ask { gather.set(index, Self.isThere($0) ? nil : kind) }
        }
    }

    private struct Question {
        /// What it is that does not answer.
        let kind: Probation.Absence.Kind
        let ask: @HostActor (@escaping @HostActor (Answer) -> Void) -> Void
    }

    private static func question(_ generation: Generation, _ milliseconds: Int) -> Question? {
        guard generation.spec.isUnmodifiedProgram else {
            return Question(kind: .silent) { then in
                generation.ask(within: milliseconds, isRepeatable: true, { .getStatus(ref: $0) }, then: then)
            }
        }
        guard generation.hasSaidAlive, let milliseconds = generation.spec.watchdogMilliseconds else { return nil }
        return Question(kind: .withoutWatchdog) { generation.awaitAlive(within: milliseconds, then: $0) }
    }

    /// Whatever it answers, it is there. One that dies is started again, or not, as restarts are judged, but for one that died of
    /// saying nothing.
    private static func isThere(_ answer: Answer) -> Bool {
        switch answer {
        case .timedOut: false
        case .died(let reason): reason != PlaceWatchdog.reason
        case .acknowledged, .ignored, .ok, .value, .exported, .failed: true
        }
    }
}
