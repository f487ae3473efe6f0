import ReleaseHandling
import Supervision
import Terms
import Wire

/// Whose state and connections an upgrade costs.
extension Upgrade {
    func noteEnd(of place: Place, _ start: StartID, _ reason: Term, asked: Bool) {
        let cause: LossLedger.Cause =
            asked
            ? .supervisor("stopped by its supervisor (\(reason.reasonText))")
            : .itself("its process ended (\(reason.reasonText))")
        ledger.note(cause, of: place.address, start: start)
    }

    /// - Parameter nodeEnds: it does, and with it every worker.
    func losses(nodeEnds: Bool) -> [InstallResult.Loss] {
        ledger.losses(running: tree.runningStarts(), nodeEnds: nodeEnds)
    }
}

extension TreeDriver {
    /// The start of each worker that stands, in tree order; a handoff does not change it.
    func runningStarts() -> [LossLedger.Running] {
        allChildren().compactMap { child in
            // Whatever its spec says: a new one may have another type for what runs on.
            places[child.address]?.startID.map { LossLedger.Running(worker: child.address, start: $0) }
        }
    }
}
