import Glibc
import Terms
import WorkerKit

/// A map that hands itself over in parts: started by the name `parts`.
///
/// States: 1.x `{entries, #{K => V}}`, from 2.0.0 on `#{entries => #{K => V}}`. Changes: 1.x `{changes, [Removed], #{K => V}}`,
/// from 2.0.0 on `#{removed => [Removed], put => #{K => V}}`.
///
/// CALLS: {put, K, V}, {remove, K}, {get, K}, size, entries, {fill, N} (entries 1 to N), recorded (how many, or none),
///   {later, Ms} (answers `later` by a timer), {arm, Knob} | disarm, no_fork (from here on, fork(2) is refused).
/// KNOBS, which do not travel: {export_wait, Fifo} (until somebody has written to it), export_throw, export_trap, export_exit,
///   export_log, changes_throw, {size, Bytes} (what the hint of the state's size says).
/// `Extra` of a code_change: throw (of the image), throw_changes, trap_changes.
/// An entry `tick`: who takes it over puts `ticked`, by a timer of its own.
/// SOCKETS: lines `put K V`, `get K`, with atoms.
final class IncrementalServer: TermServer, IncrementalGenServer {
    static let vsn: Term = .string(FixturePlace.vsn)

    private var entries: [Term: Term] = [:]
    /// Nil while nothing is recorded.
    private var recorded: Set<Term>?
    private var knobs: [Term] = []
    private let context: WorkerContext

    var state: Term { entriesTerm(of: FixturePlace.vsn) }

    init(arguments: [Term], context: WorkerContext) throws {
        self.context = context
        try serve()
    }

    init(state: Term, context: WorkerContext) throws {
        self.context = context
        entries = try Self.entries(state, vsn: FixturePlace.vsn)
        try serve()
        if entries[.atom("tick")] != nil { context.schedule(afterMilliseconds: 1, message: .atom("tick")) }
    }

    private func serve() throws {
        for name in context.listeningSockets.keys.sorted() { try context.serve(socket: name, with: self) }
    }

    func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        let fields = request.asTuple ?? [request]
        switch (fields[0].asAtom?.name, fields.count) {
        case ("put", 3): put(fields[1], fields[2])
        case ("remove", 2):
            entries[fields[1]] = nil
            recorded?.insert(fields[1])
        case ("get", 2): return .reply(entries[fields[1]] ?? .undefined)
        case ("size", 1): return .reply(.integer(entries.count))
        case ("entries", 1): return .reply(.map(entries))
        case ("fill", 2): for key in 0..<(fields[1].asInt ?? 0) { put(.integer(key + 1), .integer(0)) }
        case ("recorded", 1): return .reply(recorded.map { .integer($0.count) } ?? .atom("none"))
        case ("later", 2):
            context.schedule(afterMilliseconds: fields[1].asInt ?? 0, message: from.term)
            return .noReply
        case ("arm", 2): knobs.append(fields[1])
        case ("disarm", 1): knobs = []
        case ("no_fork", 1): try forbidFork()
        default: throw WorkerError(.tuple([.atom("bad_call"), request]))
        }
        return .reply(.ok)
    }

    func handleInfo(_ message: Term, context: WorkerContext) throws -> CastResult {
        if let call = CallReference(message) { context.reply(to: call, with: .atom("later")) }
        if message == .atom("tick") { put(.atom("ticked"), .true) }
        return .noReply
    }

    private func put(_ key: Term, _ value: Term) {
        entries[key] = value
        recorded?.insert(key)
    }

    /// As a user who may have no process: root is not bound by the limit.
    private func forbidFork() throws {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        let isRefused = setrlimit(__rlimit_resource_t(6), &limit) == 0 && (geteuid() != 0 || setuid(54321) == 0)
        guard isRefused else { throw WorkerError("not_forbidden", "errno \(errno)") }
    }
}

// MARK: The whole state

extension IncrementalServer {
    /// An image is written by a child, however small.
    var stateSizeHint: Int {
        knobs.compactMap { $0.asTuple?[0] == .atom("size") ? $0.asTuple?[1].asInt : nil }.first ?? 1 << 20
    }

    func exportState(into writer: inout ExternalTermWriter) throws {
        try fireExport()
        writer.term(state)
    }

    func codeChange(downTo vsn: Term, extra: Term) throws -> Term {
        try fireExport()
        return entriesTerm(of: vsn.asText ?? "")
    }

    static func codeChange(from vsn: FromVsn, state: Term, extra: Term) throws -> Term {
        if extra == .atom("throw") { throw WorkerError(.atom("told_to_throw")) }
        let entries = try entries(state, vsn: other(vsn))
        return isMapVersion(FixturePlace.vsn)
            ? .map([.atom("entries"): .map(entries)]) : .tuple([.atom("entries"), .map(entries)])
    }

    private func entriesTerm(of vsn: String) -> Term {
        isMapVersion(vsn) ? .map([.atom("entries"): .map(entries)]) : .tuple([.atom("entries"), .map(entries)])
    }

    private static func entries(_ term: Term, vsn: String) throws -> [Term: Term] {
        let found =
            isMapVersion(vsn)
            ? term.asMap?[.atom("entries")]?.asMap
            : term.asTuple.flatMap { $0.count == 2 && $0[0] == .atom("entries") ? $0[1].asMap : nil }
        guard let found else { throw WorkerError("bad_state", "no state of \(vsn): \(term)") }
        return found
    }

    /// Whose shape it is.
    private static func other(_ vsn: FromVsn) -> String {
        switch vsn {
        case .same: FixturePlace.vsn
        case .up(let vsn): vsn.asText ?? ""
        case .down: "2.0.0"
        }
    }

    private func fireExport() throws {
        for knob in knobs {
            switch (knob.asTuple?[0] ?? knob).asAtom?.name {
            case "export_wait": awaitByte(ofFifo: knob.asTuple?[1].asText ?? "")
            case "export_throw": throw WorkerError(.atom("told_to_throw"))
            case "export_trap": trap()
            case "export_exit": exit(7)
            case "export_log": context.log(.notice, "exporting")
            default: break
            }
        }
    }
}

// MARK: What changed

extension IncrementalServer {
    func beginRecording() { recorded = [] }
    func endRecording() { recorded = nil }

    func exportChanges(isLast: Bool, into writer: inout ExternalTermWriter) throws {
        writer.term(try takeChanges(of: FixturePlace.vsn))
    }

    func exportChanges(downTo vsn: Term, extra: Term, isLast: Bool, into writer: inout ExternalTermWriter) throws {
        writer.term(try takeChanges(of: vsn.asText ?? ""))
    }

    private func takeChanges(of vsn: String) throws -> Term {
        if knobs.contains(.atom("changes_throw")) { throw WorkerError(.atom("told_to_throw")) }
        var (removed, put): ([Term], [Term: Term]) = ([], [:])
        for key in recorded ?? [] {
            if let value = entries[key] { put[key] = value } else { removed.append(key) }
        }
        recorded = []
        return isMapVersion(vsn)
            ? .map([.atom("removed"): .list(removed), .atom("put"): .map(put)])
            : .tuple([.atom("changes"), .list(removed), .map(put)])
    }

    func importChanges(
        from vsn: FromVsn, changes: inout ExternalTermReader, extra: Term, isLast: Bool, context: WorkerContext
    ) throws {
        if extra == .atom("throw_changes") { throw WorkerError(.atom("told_to_throw")) }
        if extra == .atom("trap_changes") { trap() }
        let term = try changes.term()
        let fields = term.asTuple
        let isMap = isMapVersion(Self.other(vsn))
        guard let removed = isMap ? term.asMap?[.atom("removed")]?.asList : fields?[1].asList,
            let put = isMap ? term.asMap?[.atom("put")]?.asMap : fields?[2].asMap
        else { throw WorkerError("bad_changes", "no changes of \(Self.other(vsn)): \(term)") }
        for key in removed { entries[key] = nil }
        entries.merge(put) { $1 }
    }
}

extension IncrementalServer: ConnectionHandler {
    func receive(
        _ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]
    ) throws -> Int {
        guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else { return 0 }
        let words = String(decoding: input[..<end], as: UTF8.self).split(separator: " ").map {
            Term.atom(Atom(String($0)))
        }
        switch (words.first?.asAtom?.name, words.count) {
        case ("put", 3): put(words[1], words[2])
        case ("get", 2): break
        default: throw WorkerError("bad_line", "unknown line")
        }
        output.append(contentsOf: "\(entries[words[1]] ?? .undefined)\n".utf8)
        return end + 1
    }
}
