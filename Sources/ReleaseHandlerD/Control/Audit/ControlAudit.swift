public import Wire

/// One line of the audit log: who asked for which change, and what became of it.
public struct ControlAuditRecord: Hashable, Sendable, CustomStringConvertible {
    public enum Outcome: Hashable, Sendable {
        /// A long operation began; a second record tells its end.
        case started
        case done
        case failed(ControlError)
        /// Further ones of the same user were turned down since the last line.
        case refused(Refusals)
    }

    public struct Refusals: Hashable, Sendable {
        public let count: Int
        /// For how long they came.
        public let seconds: Int
        /// Whether they are of several users and operations: there were too many to be told one by one.
        public let isOfSeveral: Bool
        /// Why the last one was.
        public let last: ControlError
    }

    public var peer: Peer
    /// As `releasectl` names it: `install-release`, `call`, …
    public var operation: String
    /// The release, package or worker that it is about.
    public var target: String
    /// The place of the worker or supervisor that it is about, where it is about one.
    public var worker: String?
    public var outcome: Outcome

    public init(peer: Peer, operation: String, target: String, worker: String? = nil, outcome: Outcome) {
        self.peer = peer
        self.operation = operation
        self.target = target
        self.worker = worker
        self.outcome = outcome
    }

    public var description: String {
        let subject = "\(operation)\(target.isEmpty ? "" : " \(target)") by \(peer)"
        return switch outcome {
        case .started: "\(subject): started"
        case .done: "\(subject): done"
        case .failed(let error): "\(subject): \(error)"
        case .refused(let refusals):
            """
            \(refusals.isOfSeveral ? "further users were" : "\(peer.user) was") refused \(refusals.count) more changes in the last \
            \(refusals.seconds) s, the last one \(subject): \(refusals.last)
            """
        }
    }
}

/// Called for every change that was asked for, also for those that were turned down.
public typealias ControlAudit = @Sendable (ControlAuditRecord) -> Void
