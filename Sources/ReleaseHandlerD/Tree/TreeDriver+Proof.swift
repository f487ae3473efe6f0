import Host
import ReleaseHandling
import Supervision
import Wire

/// Whether workers are there: one that hangs lives on, and looks well from outside.
extension TreeDriver {
    /// Those that run what was changed and say nothing of themselves in time, and those that would and wait for their restart. One
    /// that does not run otherwise is its supervisor's to see to; an unmodified program has nobody who could ask it.
    func absent(
        among changed: ChangedCode, withinMilliseconds milliseconds: Int,
        then: @escaping @HostActor ([Probation.Absence]) -> Void
    ) {
        let waiting = tree.waitingChildren.filter { address in
            child(at: address).map { changed.concerns(address, listing: $0.spec.listedModules) } ?? false
        }.map { Probation.Absence($0, .waiting) }
        let asked = places.values.compactMap { place in
            place.running.map { (address: place.address, spec: place.spec, generation: $0) }
        }.filter { changed.concerns($0.address, listing: $0.spec.listedModules) && !$0.spec.isUnmodifiedProgram }
        let gather = Gather<Bool>(count: asked.count) { answers in
            let silent = zip(asked, answers).filter { !$1 }.map { Probation.Absence($0.0.address, .silent) }
            then((silent + waiting).sorted { "\($0.worker)" < "\($1.worker)" })
        }
        for (index, one) in asked.enumerated() {
            one.generation.ask(within: milliseconds, isRepeatable: true, { .getStatus(ref: $0) }) { answer in
                // Whatever it answers, it is there; one that dies is started again, or not, as restarts are judged.
                if case .timedOut = answer { return gather.set(index, false) }
                gather.set(index, true)
            }
        }
    }
}
