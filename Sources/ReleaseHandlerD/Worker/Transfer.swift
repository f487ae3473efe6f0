import Host
import ReleaseHandling
import Instructions
import Terms
import Wire

/// One state on its way from a suspended process into a standby.
///
/// Packets are passed on as they come; until the standby takes them they wait, bounded, on its transfer socket. The
/// daemon never looks into the state: it stays in the memfd, whose seals and size are checked.
@HostActor
final class Transfer {
    private let old: Generation
    private let standby: Generation
    private let exportRef: Int
    private let importRef: Int
    private let exporting: CodeChange
    private let importing: CodeChange
    private let milliseconds: Int
    private var deadline: ScheduledTimer?
    private var then: ((StepResult) -> Void)?

    private var announced: (size: Int, descriptors: Int)?
    private var stateSize: Int?
    private var descriptorsPassed = 0
    /// The standby has all of it: what becomes of the old process does not matter any more.
    private(set) var isImporting = false

    /// `milliseconds`: for all of it, from the first request to the last answer.
    init(
        from old: Generation, to standby: Generation, references: References, exporting: CodeChange,
        importing: CodeChange, milliseconds: Int
    ) {
        self.old = old
        self.standby = standby
        exportRef = references.next()
        importRef = references.next()
        self.exporting = exporting
        self.importing = importing
        self.milliseconds = milliseconds
    }

    func run(then: @escaping @HostActor (StepResult) -> Void) {
        self.then = then
        deadline = Reactor.shared.schedule(afterMilliseconds: milliseconds) { self.finish(.hung) }
        old.ask(ref: exportRef, within: nil, { .exportState(ref: $0, change: exporting) }) { answer in
            switch answer {
            case .exported(let size, let descriptors):
                self.announced = (size, descriptors)
                self.importWhenComplete()
            case .failed(let reason): self.finish(.failed(reason))
            case .died(let reason): self.finish(.died(reason))
            case .ok, .acknowledged, .ignored, .value, .timedOut:
                self.finish(.failed(Self.violation("export_state got an answer of another kind")))
            }
        }
    }

    /// The old process ended before all of its state had come.
    func oldEnded(_ reason: Term) { finish(.died(reason)) }

    func relay(_ packet: TransferPacket, _ descriptors: [OwnedDescriptor], from generation: Generation) {
        guard then != nil, generation === old else { return }
        guard packet.ref == exportRef else {
            return finish(.failed(Self.violation("a packet of another export, ref \(packet.ref)")))
        }
        switch packet {
        case .state(_, let size):
            guard stateSize == nil, let memory = descriptors.first else {
                return finish(.failed(Self.violation("more than one state in one export")))
            }
            do {
                try StateDescriptor.check(memory, size: size)
            } catch {
                return finish(.failed(Self.violation("\(error)")))
            }
            stateSize = size
        case .descriptors(_, let first, let count):
            guard first == descriptorsPassed, count == descriptors.count else {
                return finish(.failed(Self.violation("descriptors out of order")))
            }
            descriptorsPassed += count
        }
        standby.send(packet.with(ref: importRef), descriptors)
        importWhenComplete()
    }

    /// The two sockets are not ordered with each other: what was announced and what came must meet.
    private func importWhenComplete() {
        guard let announced, !isImporting, let stateSize, descriptorsPassed >= announced.descriptors else { return }
        guard stateSize == announced.size, descriptorsPassed == announced.descriptors else {
            return finish(.failed(Self.violation("export announced other sizes than it sent")))
        }
        isImporting = true
        let content = StateImport(
            size: announced.size, descriptors: announced.descriptors, fromVsn: old.vsn, change: importing)
        standby.ask(ref: importRef, within: nil, { .importState(ref: $0, content) }) { answer in
            switch answer {
            case .ok: self.finish(.done)
            case .failed(let reason): self.finish(.failed(reason))
            case .died(let reason): self.finish(.failed(.tuple([.atom("standby_died"), reason])))
            case .acknowledged, .ignored, .value, .exported, .timedOut:
                self.finish(.failed(Self.violation("import_state got an answer of another kind")))
            }
        }
    }

    private func finish(_ result: StepResult) {
        deadline?.cancel()
        let then = self.then
        self.then = nil
        then?(result)
    }

    private static func violation(_ text: String) -> Term { .tuple([.atom("protocol_error"), .text(text)]) }
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
