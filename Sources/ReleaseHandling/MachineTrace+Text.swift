import Instructions
import Terms
import Wire

extension MachineTrace {
    /// The version of the text; a reader refuses others.
    static let version = 2
    /// The text's bytes over which entries are left out from the front.
    public static let standardTextLimit = 16 << 20

    /// One term a line: `{machine_trace, 2, Beginning}`, then `{cut, Count}` where entries are missing, then
    /// `{event, Event}`, `{loaded, Version}` and `{action, Action}` in their order.
    ///
    /// The beginning is whole in any case.
    public func text(limit: Int = standardTextLimit) -> String {
        var lines: [String] = []
        var room = limit
        for entry in entries.reversed() {
            let line = "\(entry.term).\n"
            room -= line.utf8.count
            guard room >= 0 else { break }
            lines.append(line)
        }
        let missing = cutCount + entries.count - lines.count
        var text = """
            %% What the upgrade from \(Self.oneLine(beginning.fromRelease)) to \(Self.oneLine(beginning.toRelease)) did, step \
            by step: docs/releases.md, "When an upgrade fails".
            {machine_trace,\(Self.version),\(beginning.term)}.

            """
        if missing > 0 { text += "{cut,\(missing)}.\n" }
        for line in lines.reversed() { text += line }
        return text
    }

    /// Within a comment.
    private static func oneLine(_ text: String) -> String { Term.string(text).description }
}

extension MachineTrace.Entry {
    fileprivate var term: Term {
        switch self {
        case .input(.event(let event)): .tuple([.atom("event"), event.term])
        case .input(.loaded(let version)): .tuple([.atom("loaded"), version.term])
        case .action(let action): .tuple([.atom("action"), action.term])
        }
    }
}

extension MachineTrace.Beginning {
    fileprivate var term: Term {
        .map([
            .atom("script"): .list(script.map(\.term)), .atom("from"): .string(fromRelease),
            .atom("to"): .string(toRelease), .atom("libraries"): .list(libraries.map(\.term)),
            .atom("options"): options.term, .atom("code"): code.term,
        ])
    }
}

extension RelupMachine.Options {
    fileprivate var term: Term {
        .map([
            .atom("suspend_timeout"): .integer(suspendTimeoutMilliseconds),
            .atom("code_change_timeout"): .integer(codeChangeTimeoutMilliseconds),
            .atom("suspend_grace"): .integer(suspendGraceMilliseconds),
            .atom("snapshot_timeout"): .integer(snapshotTimeoutMilliseconds),
            .atom("hung_workers"): .atom(Atom(hungWorkers.rawValue)),
        ])
    }
}

extension CodeTable {
    fileprivate var term: Term {
        func versions(_ table: [Atom: CodeVersion]) -> Term {
            .list(table.values.sorted { $0.module.name < $1.module.name }.map(\.term))
        }
        return .map([
            .atom("current"): versions(current), .atom("old"): versions(old),
            .atom("path"): .list(path.values.sorted { $0.name.name < $1.name.name }.map(\.term)),
        ])
    }
}
