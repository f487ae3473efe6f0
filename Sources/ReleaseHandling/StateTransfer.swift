import Terms
import Wire

/// One state on its way from a suspended process into a standby, until the standby has all of it.
///
/// Packets come on the transfer socket and are passed on as they come; the announcement comes on the channel, after all
/// of them, and says how much there was to be.
public struct StateTransfer: Hashable, Sendable {
    /// What the driver found of the descriptors that came with a packet.
    public enum Memory: Hashable, Sendable {
        /// As many as the packet says; a state's is a sealed memfd of the size that it says.
        case sound
        case unsound(String)
    }

    enum Received: Hashable {
        /// As the importing process is to have it.
        case relayed(TransferPacket)
        /// Of an export that was called off, or nothing for the standby.
        case stale
        case violated(Term)
    }

    enum Announced: Hashable {
        case complete(StateImport)
        /// Nothing has changed since the part before: the standby has all.
        case nothing
        case violated(Term)
    }

    let importRef: Int
    let exportRef: Int
    public let part: StatePart
    private let change: RelupMachine.Handoff.Change
    private let fromVsn: Term
    /// Of the state, once it came.
    private var stateSize: Int?
    private var descriptorsPassed = 0

    init(
        exportRef: Int, importRef: Int, change: RelupMachine.Handoff.Change, fromVsn: Term, part: StatePart
    ) {
        self.exportRef = exportRef
        self.importRef = importRef
        self.change = change
        self.fromVsn = fromVsn
        self.part = part
    }

    init(_ order: PlaceMachine.HandoffOrder, _ part: StatePart = .whole) {
        self.init(
            exportRef: order.exportRef, importRef: order.importRef, change: order.change, fromVsn: order.fromVsn,
            part: part)
    }

    var request: PlaceMachine.ExportRequest {
        PlaceMachine.ExportRequest(ref: exportRef, part: part, change: change.exporting)
    }

    mutating func receive(_ packet: TransferPacket, _ memory: Memory) -> Received {
        // References increase: what has a lower one was asked for before.
        guard packet.ref >= exportRef else { return .stale }
        guard packet.ref == exportRef else {
            return .violated(Self.violation("a packet of another export, ref \(packet.ref)"))
        }
        if case .unsound(let sentence) = memory { return .violated(Self.violation(sentence)) }
        switch packet {
        case .state(_, let size):
            guard stateSize == nil else { return .violated(Self.violation("more than one state in one export")) }
            stateSize = size
        // It is the driver's.
        case .latch: return .stale
        case .library: return .violated(Self.violation("a library, which only the daemon sends"))
        case .descriptors(_, let first, let count):
            guard first == descriptorsPassed else { return .violated(Self.violation("descriptors out of order")) }
            descriptorsPassed += count
        }
        return .relayed(packet.with(ref: importRef))
    }

    /// Nothing comes after it: what is missing now will never come.
    func announce(size: Int, descriptors: Int) -> Announced {
        if size == 0, descriptors == 0, stateSize == nil, descriptorsPassed == 0, case .changes = part {
            return .nothing
        }
        guard stateSize == size, descriptorsPassed == descriptors else {
            let came = stateSize.map { "a state of \($0) bytes" } ?? "no state"
            return .violated(
                Self.violation(
                    "export announced a state of \(size) bytes and \(descriptors) descriptors, but \(came) and "
                        + "\(descriptorsPassed) descriptors came"))
        }
        if part == .snapshot || part == .changes(isLast: false), descriptors > 0 {
            return .violated(
                Self.violation("a worker that goes on sent \(descriptors) descriptors with a part of its state"))
        }
        return .complete(
            StateImport(size: size, descriptors: descriptors, fromVsn: fromVsn, change: change.importing))
    }

    static func violation(_ text: String) -> Term { .tuple([.atom("protocol_error"), .text(text)]) }
}

extension RelupMachine.Handoff.Change {
    /// What `export_state` is told: only a newer process that converts down has something to do.
    var exporting: CodeChange {
        switch self {
        case .down(let to, let extra, .oldProcess): .down(to: to, extra: extra)
        case .none, .up, .down(_, _, .standby): .none
        }
    }

    /// What `import_state` is told.
    var importing: CodeChange {
        switch self {
        case .up(let from, let extra): .up(from: from, extra: extra)
        case .down(let to, let extra, .standby): .down(to: to, extra: extra)
        case .none, .down(_, _, .oldProcess): .none
        }
    }
}
