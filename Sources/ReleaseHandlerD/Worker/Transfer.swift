import Host
import ReleaseHandling
import Instructions
import Terms
import Wire

/// One state on its way from a suspended process into a standby.
///
/// Packets are passed on as they come, so the daemon holds no more descriptors than one packet has, and no bytes of
/// the state: those stay in the memfd, whose seals and size it checks.
@HostActor
final class Transfer {
    private let old: Generation
    private let standby: Generation
    private let importRef: Int
    private let exporting: CodeChange
    private let importing: CodeChange
    private let milliseconds: Int
    private var then: ((StepResult) -> Void)?

    private var announced: (size: Int, descriptors: Int)?
    private var stateSize: Int?
    private var descriptorsPassed = 0
    private var isImporting = false

    init(
        from old: Generation, to standby: Generation, importRef: Int, exporting: CodeChange, importing: CodeChange,
        milliseconds: Int
    ) {
        self.old = old
        self.standby = standby
        self.importRef = importRef
        self.exporting = exporting
        self.importing = importing
        self.milliseconds = milliseconds
    }

    func run(then: @escaping @HostActor (StepResult) -> Void) {
        self.then = then
        old.ask(within: milliseconds, { .exportState(ref: $0, change: exporting) }) { answer in
            switch answer {
            case .exported(let size, let descriptors):
                self.announced = (size, descriptors)
                self.importWhenComplete()
            case .failed(let reason): self.finish(.failed(reason))
            case .died(let reason): self.finish(.died(reason))
            case .timedOut: self.finish(.hung)
            case .ok, .acknowledged, .ignored, .value:
                self.finish(.failed(Self.violation("export_state got an answer of another kind")))
            }
        }
    }

    func relay(_ packet: TransferPacket, _ descriptors: [OwnedDescriptor]) {
        guard then != nil else { return }
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
        standby.ask(ref: importRef, within: milliseconds, { .importState(ref: $0, content) }) { answer in
            switch answer {
            case .ok: self.finish(.done)
            case .failed(let reason): self.finish(.failed(reason))
            case .died(let reason): self.finish(.failed(.tuple([.atom("standby_died"), reason])))
            case .timedOut: self.finish(.failed(.tuple([.atom("timeout"), .integer(self.milliseconds)])))
            case .acknowledged, .ignored, .value, .exported:
                self.finish(.failed(Self.violation("import_state got an answer of another kind")))
            }
        }
    }

    private func finish(_ result: StepResult) {
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
