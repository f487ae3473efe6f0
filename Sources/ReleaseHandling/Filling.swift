public import Terms
public import Wire

/// What part of a worker's state crosses.
public enum StatePart: Hashable, Sendable {
    /// All of it at once, from a suspended process.
    case whole
    /// All of it as it was at one moment, while the worker goes on.
    case snapshot
    /// What changed since the part before; the last from the suspended process, with its descriptors.
    case changes(isLast: Bool)
}

extension PlaceMachine {
    /// What a process is asked to send.
    public struct ExportRequest: Hashable, Sendable {
        public let ref: Int
        public let part: StatePart
        public let change: CodeChange
    }

    /// How a state is to be copied while its worker goes on.
    public struct CopyOrder: Hashable, Sendable {
        /// Two for each part, which its packets carry too.
        public let references: Range<Int>
        public let change: RelupMachine.Handoff.Change
        /// What the worker reported.
        public let fromVsn: Term
        /// For each export, and for each import.
        public let milliseconds: Int

        /// For all of them together. Then what is left goes over with the suspend.
        public static func limit(milliseconds: Int) -> Int { milliseconds * 2 * (CopyRounds.limit + 1) }

        /// How many references it takes: the snapshot's and those of each part of changes.
        public static let referenceCount = 2 * (CopyRounds.partLimit + 1)

        public init(
            references: Range<Int>, change: RelupMachine.Handoff.Change, fromVsn: Term, milliseconds: Int
        ) {
            self.references = references
            self.change = change
            self.fromVsn = fromVsn
            self.milliseconds = milliseconds
        }
    }

    /// What a standby is given ahead of its handoff: the state in parts while the worker goes on, and with the suspend what is
    /// needed then, the whole or the last changes.
    public struct Filling: Hashable, Sendable {
        public enum Stage: Hashable, Sendable {
            /// On its way out of the worker, or asked for.
            case exporting(StateTransfer)
            /// The standby works on it.
            case importing(StateTransfer, bytes: Int, left: Int)
            /// The standby has all parts so far.
            case loaded
            /// The worker is suspended, and nothing has changed since the last part: the standby has all.
            case complete(StateTransfer)
            /// All has come that was asked for with the suspend; the standby is not told yet.
            case exported(StateTransfer, StateImport)
            /// What was asked for with the suspend did not come.
            case failed(StatePart, Term)
        }

        public let change: RelupMachine.Handoff.Change
        public internal(set) var stage: Stage
        /// While parts are copied: who waits for that, and how it goes on.
        var copy: Copy?
        /// The step of who waits for the copying.
        public var waiter: Step? { copy?.step }
    }

    /// The copying of parts under way.
    struct Copy: Hashable, Sendable {
        let step: Step
        let order: CopyOrder
        private var used = 0
        private var rounds: CopyRounds?

        /// Monotonic milliseconds, from which on nothing more is asked for.
        let deadline: Int

        init(_ step: Step, _ order: CopyOrder, _ now: Int) {
            self.step = step
            self.order = order
            deadline = now + CopyOrder.limit(milliseconds: order.milliseconds)
        }

        /// Of one part more.
        mutating func transfer(_ part: StatePart) -> StateTransfer? {
            let first = order.references.lowerBound + used
            guard first + 1 < order.references.upperBound else { return nil }
            used += 2
            return StateTransfer(
                exportRef: first, importRef: first + 1, change: order.change, fromVsn: order.fromVsn, part: part)
        }

        /// After a part of so many bytes that the standby has taken.
        mutating func next(after bytes: Int, left: Int) -> CopyRounds.Next {
            guard rounds == nil else { return rounds?.next(after: bytes, left: left) ?? .enough }
            let new = CopyRounds(snapshotBytes: bytes)
            rounds = new
            return new.first
        }

        /// Whether so many bytes of changes may go to the standby.
        func isBearable(_ bytes: Int) -> Bool { rounds?.isBearable(bytes) ?? true }
    }
}

extension PlaceMachine.Filling {
    /// A packet of what is on its way.
    mutating func received(_ packet: TransferPacket, _ memory: StateTransfer.Memory) -> StateTransfer.Received {
        guard case .exporting(var transfer) = stage else { return .stale }
        let received = transfer.receive(packet, memory)
        stage = .exporting(transfer)
        return received
    }

    /// The same of what was asked for with the suspend: what is wrong with it is told once it is needed.
    mutating func receivedAhead(
        _ packet: TransferPacket, _ memory: StateTransfer.Memory, _ standby: PlaceMachine.Generation
    ) -> [PlaceMachine.Action] {
        guard case .exporting(let transfer) = stage else { return [] }
        switch received(packet, memory) {
        case .stale: return []
        case .violated(let reason):
            stage = .failed(transfer.part, reason)
            return []
        case .relayed(let packet): return [.relay(to: standby, packet)]
        }
    }

    /// With the answer to what was asked for with the suspend; nil where it is another's.
    func answered(_ ref: Int, _ answer: Answer) -> Self? {
        guard case .exporting(let transfer) = stage, transfer.exportRef == ref else { return nil }
        var answered = self
        switch answer {
        case .exported(let size, let descriptors, _):
            switch transfer.announce(size: size, descriptors: descriptors) {
            case .violated(let reason): answered.stage = .failed(transfer.part, reason)
            case .nothing: answered.stage = .complete(transfer)
            case .complete(let content): answered.stage = .exported(transfer, content)
            }
        case .failed(let reason): answered.stage = .failed(transfer.part, reason)
        // Its end is told for itself.
        case .died: return nil
        case .ok, .acknowledged, .ignored, .value, .timedOut:
            let reason = StateTransfer.violation("an export got an answer of another kind")
            answered.stage = .failed(transfer.part, reason)
        }
        return answered
    }
}
