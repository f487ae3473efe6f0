public import Instructions
public import Terms
import Wire

extension MachineTrace {
    /// A trace as a file has it.
    public struct Recorded: Hashable, Sendable {
        public let beginning: Beginning
        /// How many entries are missing at the front; only a trace without any can be replayed.
        public let cutCount: Int
        public let inputs: [Input]
        /// What the machine asked for, in order.
        public let actions: [Term]

        /// What a machine asks for that begins the same and is given the same.
        public func replayed() -> [Term] {
            var machine = beginning.machine
            var code = beginning.code
            var asked: [Term] = []
            func perform(_ actions: [RelupMachine.Action]) {
                for action in actions {
                    asked.append(action.term)
                    if case .changeCode(let change) = action { code.apply(change) }
                }
            }
            perform(machine.start(code: code))
            for input in inputs {
                switch input {
                case .event(let event): perform(machine.handle(event, code: code))
                case .loaded(let version):
                    if code.current[version.module] == nil { machine.noteFirstUse(of: version) }
                    code.found(version)
                }
            }
            return asked
        }
    }

    /// Reads what `text` wrote.
    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> Recorded {
        let lines: [LocatedTerm]
        do {
            lines = try TermText.parseTerms(utf8, limits: limits)
        } catch {
            throw FileError(file: file, position: error.position, message: error.message)
        }
        guard let first = lines.first else {
            throw FileError(
                file: file, position: nil, message: "expected {machine_trace, \(version), Map}, found nothing")
        }
        let beginning = try TraceReader(file: file, position: first.position).beginning(first.term)
        var cutCount = 0
        var inputs: [Input] = []
        var actions: [Term] = []
        for line in lines.dropFirst() {
            let reader = TraceReader(file: file, position: line.position)
            let parts = try reader.tuple(
                line.term, 2, "{cut, Count}, {event, Event}, {loaded, Version} or {action, Action}")
            switch parts[0].asAtom?.name {
            case "cut": cutCount = try reader.integer(parts[1])
            case "event": inputs.append(.event(try reader.event(parts[1])))
            case "loaded": inputs.append(.loaded(try reader.version(parts[1])))
            case "action": actions.append(parts[1])
            default: throw reader.unexpected(parts[0], "cut, event, loaded or action")
            }
        }
        return Recorded(beginning: beginning, cutCount: cutCount, inputs: inputs, actions: actions)
    }

    /// The beginning and the entries, with room for what `standardTextLimit` leaves out of account.
    private static let limits = TermLimits(maxBytes: 4 * standardTextLimit, maxElements: 4 * standardTextLimit)
}

extension TraceReader {
    fileprivate func beginning(_ term: Term) throws(FileError) -> MachineTrace.Beginning {
        let parts = try tuple(term, 3, "{machine_trace, \(MachineTrace.version), Map}")
        guard parts[0] == .atom("machine_trace") else { throw unexpected(parts[0], "machine_trace") }
        guard parts[1] == .integer(MachineTrace.version) else {
            throw unexpected(parts[1], "version \(MachineTrace.version) of a trace")
        }
        let fields = try map(parts[2])
        let options = try map(value("options", fields))
        var read = RelupMachine.Options()
        read.suspendTimeoutMilliseconds = try integer(value("suspend_timeout", options))
        read.codeChangeTimeoutMilliseconds = try integer(value("code_change_timeout", options))
        read.suspendGraceMilliseconds = try integer(value("suspend_grace", options))
        read.snapshotTimeoutMilliseconds = try integer(value("snapshot_timeout", options))
        read.hungWorkers = try hungWorkers(value("hung_workers", options))
        let code = try map(value("code", fields))
        return MachineTrace.Beginning(
            script: try list(value("script", fields), each: instruction),
            fromRelease: try string(value("from", fields)),
            toRelease: try string(value("to", fields)), libraries: try list(value("libraries", fields), each: library),
            options: read,
            code: CodeTable(
                current: try versions(value("current", code)), old: try versions(value("old", code)),
                path: try Dictionary(list(value("path", code), each: library).map { ($0.name, $0) }) { $1 }))
    }

    private func hungWorkers(_ term: Term) throws(FileError) -> RelupMachine.HungWorkers {
        guard let choice = term.asAtom.flatMap({ RelupMachine.HungWorkers(rawValue: $0.name) }) else {
            throw unexpected(term, "terminate or abort")
        }
        return choice
    }

    private func instruction(_ term: Term) throws(FileError) -> LowLevelInstruction {
        try LowLevelInstruction(LocatedTerm(term), file: file)
    }

    private func versions(_ term: Term) throws(FileError) -> [Atom: CodeVersion] {
        Dictionary(try list(term, each: version).map { ($0.module, $0) }) { $1 }
    }
}
