import ReleaseHandling
import Supervision
import Terms
import Wire
import Instructions

/// Whose state and connections an upgrade costs.
extension Upgrade {
    func noteEnd(of place: Place, _ start: StartID, _ reason: Term, asked: Bool) {
        // A program can't have the daemon stop anybody.
        if asked, let applying, BuiltInFunction.modules.contains(applying.module) {
            // Whether it was to start again is the script's to say: who runs in the end does.
            ledger.note(
                .script("stopped by \(applying.module.name):\(applying.function.name)"), of: place.address, start: start
            )
            return ledger.means(toEnd: place.address)
        }
        let cause: LossLedger.Cause =
            asked
            ? .supervisor("stopped by its supervisor (\(reason.reasonText))")
            : .itself("its process ended (\(reason.reasonText))")
        ledger.note(cause, of: place.address, start: start)
    }

    /// - Parameter nodeEnds: it does, and with it every worker.
    func losses(nodeEnds: Bool) -> [InstallResult.Loss] {
        ledger.losses(running: tree.runningStarts(), nodeEnds: nodeEnds, starting: tree.startsAwaited())
    }
}

extension TreeDriver {
    /// Who does not run and is about to be started without being asked for.
    func startsAwaited() -> Set<ChildAddress> {
        Set(
            allChildren().filter { child in
                switch child.state {
                case .starting, .restarting: true
                case .running: false
                case .undefined: isInRestartUnderWay(child.address)
                }
            }.map(\.address))
    }

    /// The start of each worker that stands and is not on its way out, in tree order; a handoff does not change it.
    func runningStarts() -> [LossLedger.Running] {
        allChildren().compactMap { child in
            // Whatever its spec says: a new one may have another type for what runs on.
            guard let place = places[child.address], place.phase != .stopping, let start = place.startID
            else { return nil }
            return LossLedger.Running(worker: child.address, start: start)
        }
    }
}
