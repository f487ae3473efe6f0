import Instructions
import ReleaseHandling
import Supervision

/// One step of an upgrade, for the watchdog: how long it may go on without any sign that it comes on.
struct UpgradeStep {
    enum Limit: Equatable {
        case milliseconds(Int)
        /// The script says that it may take as long as it likes: `{suspend, [{M, infinity}]}`.
        case none

        /// Longer than every limit that a part of a step has where nothing else is said.
        static let standardMilliseconds = 300_000
        static let standard = Limit.milliseconds(standardMilliseconds)

        /// With so much beside it that lawfully has its own limit.
        static func standard(and milliseconds: Int) -> Limit { .milliseconds(standardMilliseconds + milliseconds) }
    }

    /// Monotonic milliseconds of its beginning, or of the last sign since.
    private var lastSign: Int
    let limit: Limit

    init(began now: Int, limit: Limit) {
        lastSign = now
        self.limit = limit
    }

    /// A worker answered, a child was started: many children may take long together.
    mutating func progressed(now: Int) { lastSign = now }

    func isOverdue(now: Int) -> Bool {
        switch limit {
        case .milliseconds(let milliseconds): now - lastSign > milliseconds
        case .none: false
        }
    }
}

extension Upgrade {
    /// What lawfully takes long has its limit in the action, or in the specs of who is started for it.
    func limit(of action: RelupMachine.Action) -> UpgradeStep.Limit {
        switch action {
        case .suspend(let orders, _, _), .awaitSuspended(let orders):
            var longest = 0
            for order in orders {
                guard let milliseconds = order.timeoutMilliseconds else { return .none }
                longest = max(longest, milliseconds)
            }
            return .standard(and: longest)
        case .apply: return .standard(and: options.applyTimeoutMilliseconds)
        case .syncNodes(_, let nodes):
            let asking =
                switch nodes {
                case .nodes: 0
                case .apply: options.applyTimeoutMilliseconds
                }
            return .standard(and: asking + to.barrier.timeoutMilliseconds)
        case .handOff(_, let milliseconds), .changeModules(_, let milliseconds): return .standard(and: milliseconds)
        // Each part has the time: all of them, and the one that is on its way then.
        case .copyAhead(_, let milliseconds):
            return .standard(and: PlaceMachine.CopyOrder.limit(milliseconds: milliseconds) + 2 * milliseconds)
        case .startStandbys(let orders):
            let starts = orders.compactMap { $0.worker.flatMap { place($0)?.spec.startTimeoutMilliseconds } }
            return .standard(and: starts.max() ?? 0)
        case .findWorkers, .readObjectCode, .changeCode, .holdStarts, .terminateHung, .changeSupervisors,
            .restoreSupervisors, .resume, .resumeOld, .startAgain, .releaseStarts, .endWorkers, .awaitRestarts,
            .stopChildren, .startChildren, .restoreChildren, .committed, .endStandbys, .report,
            .finished, .updateModules, .restoreModules:
            return .standard
        }
    }
}
