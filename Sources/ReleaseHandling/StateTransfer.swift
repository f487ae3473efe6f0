import Terms
import Wire

/// One state on its way from a suspended process into a standby, until the standby has all of it.
///
/// The announcement comes on the channel, the packets on the transfer socket, and the two are not ordered with each
/// other: what was announced and what came must meet. Packets are passed on as they come.
public struct StateTransfer: Hashable, Sendable {
    /// What the driver found of the descriptors that came with a packet.
    public enum Memory: Hashable, Sendable {
        /// As many as the packet says; a state's is a sealed memfd of the size that it says.
        case sound
        case unsound(String)
    }

    enum Outcome: Hashable {
        case waits
        case complete(StateImport)
        case violated(Term)
    }

    private struct Announcement: Hashable {
        let size: Int
        let descriptors: Int
    }

    let importRef: Int
    private let exportRef: Int
    private let importing: CodeChange
    private let fromVsn: Term
    /// Not there before it came; the same of the state's size.
    private var announced: Announcement?
    private var stateSize: Int?
    private var descriptorsPassed = 0

    init(_ order: PlaceMachine.HandoffOrder) {
        exportRef = order.exportRef
        importRef = order.importRef
        importing = order.change.importing
        fromVsn = order.fromVsn
    }

    /// Nil where the packet may not be passed on.
    mutating func receive(_ packet: TransferPacket, _ memory: Memory) -> (relayed: TransferPacket?, Outcome) {
        guard packet.ref == exportRef else {
            return (nil, .violated(Self.violation("a packet of another export, ref \(packet.ref)")))
        }
        if case .unsound(let sentence) = memory { return (nil, .violated(Self.violation(sentence))) }
        switch packet {
        case .state(_, let size):
            guard stateSize == nil else {
                return (nil, .violated(Self.violation("more than one state in one export")))
            }
            stateSize = size
        case .descriptors(_, let first, let count):
            guard first == descriptorsPassed else {
                return (nil, .violated(Self.violation("descriptors out of order")))
            }
            descriptorsPassed += count
        }
        return (packet.with(ref: importRef), outcome)
    }

    mutating func announce(size: Int, descriptors: Int) -> Outcome {
        announced = Announcement(size: size, descriptors: descriptors)
        return outcome
    }

    private var outcome: Outcome {
        guard let announced, let stateSize, descriptorsPassed >= announced.descriptors else { return .waits }
        guard stateSize == announced.size, descriptorsPassed == announced.descriptors else {
            return .violated(Self.violation("export announced other sizes than it sent"))
        }
        return .complete(
            StateImport(
                size: announced.size, descriptors: announced.descriptors, fromVsn: fromVsn, change: importing))
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
