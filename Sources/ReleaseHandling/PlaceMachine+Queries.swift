public import Supervision

/// What others may ask of a place.
extension PlaceMachine {
    /// Where a call goes now.
    public enum Delivery: Hashable, Sendable {
        case now(Generation)
        /// It waits until the worker goes on.
        case later
        /// Nothing runs here that could ever answer.
        case refused
    }

    public enum Phase: Hashable, Sendable, CaseIterable { case empty, starting, running, suspended, stopping }

    /// Where it is, in a few words of memory.
    public struct Look: Hashable, Sendable {
        public internal(set) var phase = Phase.empty
        public internal(set) var startID: StartID?
        /// The process that serves the place now, and until a handoff is done the one that was suspended.
        public internal(set) var current: Generation?
        /// The standby beside the worker, whatever it holds.
        public internal(set) var standby: Generation?
        /// Whether the standby has all that was copied into it while the worker goes on.
        public internal(set) var isCopied = false
    }

    /// Whether an image is asked for by this reference.
    public func awaitsImage(ref: Int) -> Bool {
        guard case .running(_, .filling(_, let filling)) = state, case .exporting(let transfer) = filling.stage else {
            return false
        }
        return transfer.part == .snapshot && transfer.exportRef == ref
    }

    var isCopied: Bool {
        guard case .running(_, .filling(_, let filling)) = state else { return false }
        return filling.stage == .loaded
    }

    var phase: Phase {
        switch state {
        case .empty: .empty
        case .starting: .starting
        case .running: .running
        case .suspending, .hung, .suspended, .exporting, .importing, .imported, .resuming, .lost, .goingOn: .suspended
        case .discarding, .stopping: .stopping
        }
    }

    /// Whether it did not answer in time what it was asked, or was held and never asked.
    public var isUnheard: Bool {
        switch state {
        case .hung: true
        case .suspended(let run, _): run.generation == held
        case .empty, .starting, .discarding, .running, .suspending, .exporting, .importing, .imported, .resuming, .lost,
            .goingOn, .stopping:
            false
        }
    }

    public var delivery: Delivery {
        switch state {
        case .running(let run, _): .now(run.generation)
        case .suspending, .hung, .suspended, .exporting, .importing, .imported, .resuming, .lost, .goingOn: .later
        case .empty, .starting, .discarding, .stopping: .refused
        }
    }

    /// How long its start, or its stop, may still take.
    public var limit: Limit {
        switch state {
        case .starting(_, _, _, let limit), .stopping(_, _, _, let limit): limit
        case .empty, .discarding, .running, .suspending, .hung, .suspended, .exporting, .importing, .imported,
            .resuming, .lost, .goingOn:
            .none
        }
    }

    var startID: StartID? {
        switch state {
        case .empty: nil
        case .starting(let run, _, _, _), .discarding(let run, _, _), .running(let run, _), .suspending(let run, _, _),
            .hung(let run, _), .suspended(let run, _), .exporting(let run, _, _, _, _), .lost(let run, _),
            .goingOn(let run, _), .stopping(let run, _, _, _):
            run.start
        case .importing(let handover, _), .imported(let handover), .resuming(let handover, _): handover.start
        }
    }

    var current: Generation? {
        switch state {
        case .empty: nil
        case .starting(let run, _, _, _), .discarding(let run, _, _), .running(let run, _), .suspending(let run, _, _),
            .hung(let run, _), .suspended(let run, _), .exporting(let run, _, _, _, _), .lost(let run, _),
            .goingOn(let run, _), .stopping(let run, _, _, _):
            run.generation
        case .importing(let handover, _), .imported(let handover), .resuming(let handover, _): handover.old.generation
        }
    }

    var standby: Generation? {
        switch state {
        case .empty(let spare), .starting(_, let spare, _, _), .discarding(_, let spare, _), .running(_, let spare),
            .suspending(_, let spare, _), .hung(_, let spare), .suspended(_, let spare), .stopping(_, let spare, _, _):
            spare.generation
        case .exporting(_, let standby, _, _, _): standby
        case .importing(let handover, _), .imported(let handover), .resuming(let handover, _): handover.standby
        case .lost, .goingOn: nil
        }
    }
}
