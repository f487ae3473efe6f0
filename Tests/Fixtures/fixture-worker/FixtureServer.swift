import Glibc
import Terms
import WorkerKit

final class FixtureServer: TermServer {
    static let vsn: Term = .string(FixturePlace.vsn)
    /// Its misdeeds are those of a handoff of the whole.
    static let copiesStateAhead = false

    var fixture = FixtureState()
    let context: WorkerContext
    var child: Int32?
    var ignoresTerminate = false
    var servers: [TCPServer] = []
    var held: [Atom: HeldModule] = [:]
    var wanting: [(module: Atom, call: CallReference)] = []

    var state: Term { fixture.term(vsn: FixturePlace.vsn) }

    init(arguments: [Term], context: WorkerContext) throws {
        self.context = context
        for argument in arguments { try obey(argument) }
        try serve()
    }

    init(state: Term, context: WorkerContext) throws {
        self.context = context
        fixture = try FixtureState(state, vsn: FixturePlace.vsn)
        try serve()
    }

    private func serve() throws {
        for name in context.listeningSockets.keys.sorted() {
            servers.append(try context.serve(socket: name, with: self))
        }
    }

    private func obey(_ argument: Term) throws {
        let fields = argument.asTuple ?? [argument]
        switch fields[0].asAtom?.name {
        case "count": fixture.count = fields.last?.asInt ?? 0
        case "ignore": throw StartIgnored()
        case "init_hang": hang()
        case "init_sleep": usleep(UInt32(fields.last?.asInt ?? 0) * 1000)
        case "init_touch": close(open(fields.last?.asText ?? "", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644))
        // Until somebody has written to that fifo.
        case "init_wait": awaitByte(ofFifo: fields.last?.asText ?? "")
        case "init_trap": trap()
        case "init_exit": exit(3)
        case "init_throw": throw WorkerError(fields.count > 1 ? fields[1] : .atom("told_to_fail"))
        case "ignore_sigterm": signal(SIGTERM, SIG_IGN)
        case "ignore_terminate":
            signal(SIGTERM, SIG_IGN)
            ignoresTerminate = true
        case "fork_child": child = FixturePlace.startChild()
        default: throw WorkerError("bad_argument", "\(argument)")
        }
    }

    func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        let fields = request.asTuple ?? [request]
        let argument = fields.count > 1 ? fields[1] : .undefined
        if let result = try callModule(fields, from: from, context: context) { return result }
        switch fields[0].asAtom?.name {
        case "get": return .reply(.integer(fixture.count))
        case "add":
            fixture.count += argument.asInt ?? 0
            return .reply(.integer(fixture.count))
        case "vsn": return .reply(Self.vsn)
        case "generation": return .reply(.integer(context.generation))
        case "pid": return .reply(.integer(Int(getpid())))
        case "child": return .reply(child.map { .integer(Int($0)) } ?? .undefined)
        case "armed": return .reply(.list(fixture.armed))
        case "changes": return .reply(.integer(fixture.changes))
        case "connections": return .reply(.integer(servers.reduce(0) { $0 + $1.connectionCount }))
        case "waiting": return .reply(.list(fixture.waiting))
        case "env": return .reply(argument.asAtom.flatMap { context.environment[$0] } ?? .undefined)
        case "arm":
            fixture.armed.append(argument)
            return .reply(.ok)
        case "disarm":
            fixture.armed = []
            return .reply(.ok)
        case "start_phase":
            guard let number = fields.last?.asInt else { return try misbehave(fields.last) }
            fixture.count = fixture.count * 10 + number
            return .reply(.ok)
        case "later":
            context.schedule(
                afterMilliseconds: argument.asInt ?? 0, message: .tuple([.atom("answer"), from.term]))
            return .noReply
        case "hold":
            fixture.waiting.append(from.term)
            return .noReply
        case "release":
            for waiting in fixture.waiting.compactMap({ CallReference($0) }) {
                context.reply(to: waiting, with: argument)
            }
            fixture.waiting = []
            return .reply(.ok)
        case "log":
            context.log(.notice, argument.asText ?? "", ["fixture": .true])
            return .reply(.ok)
        default: return try misbehave(fields[0].asAtom?.name ?? "", argument, request)
        }
    }

    /// In a start phase: its arguments are `crash`, `{throw, Reason}` or what to answer.
    private func misbehave(_ argument: Term?) throws -> CallResult {
        let argument = argument ?? .undefined
        if argument == .atom("crash") { trap() }
        if let fields = argument.asTuple, fields[0] == .atom("throw") { throw WorkerError(fields[1]) }
        return .reply(argument)
    }

    private func misbehave(_ name: String, _ argument: Term, _ request: Term) throws -> CallResult {
        switch name {
        case "sleep":
            usleep(UInt32(argument.asInt ?? 0) * 1000)
            return .reply(.ok)
        case "wait":
            awaitByte(ofFifo: argument.asText ?? "")
            return .reply(.ok)
        case "hang": hang()
        case "crash": trap()
        case "throw": throw WorkerError(argument == .undefined ? .atom("told_to_throw") : argument)
        case "exit": exit(Int32(argument.asInt ?? 0))
        case "stop": return .stop(reason: argument, reply: .ok)
        case "garbage":
            FixturePlace.sendGarbage()
            return .noReply
        case "oversize":
            FixturePlace.sendOversizedFrame()
            return .noReply
        case "close_all": FixturePlace.closeAll()
        case "close_channel":
            FixturePlace.closeChannel()
            return .noReply
        case "big_answer": return .reply(.binary([UInt8](repeating: 0, count: 17 << 20)))
        default: throw WorkerError(.tuple([.atom("bad_call"), request]))
        }
    }

    func handleCast(_ request: Term, context: WorkerContext) throws -> CastResult {
        let fields = request.asTuple ?? [request]
        switch fields[0].asAtom?.name {
        case "add": fixture.count += fields.last?.asInt ?? 0
        case "crash": trap()
        case "hang": hang()
        default: throw WorkerError(.tuple([.atom("bad_cast"), request]))
        }
        return .noReply
    }

    func handleInfo(_ message: Term, context: WorkerContext) throws -> CastResult {
        guard let fields = message.asTuple, fields.count == 2, let call = CallReference(fields[1]) else {
            throw WorkerError(.tuple([.atom("bad_info"), message]))
        }
        context.reply(to: call, with: .atom("later"))
        return .noReply
    }

    func terminate(reason: Term, context: WorkerContext) {
        if ignoresTerminate || fixture.armed.contains(.atom("terminate_hang")) { hang() }
        print("terminated: \(reason)")
    }

    func status() -> [Atom: Term] { ["count": .integer(fixture.count)] }
}

extension FixtureServer {
    func exportState(into writer: inout ExternalTermWriter) throws {
        try fire("export")
        writer.term(state)
    }

    func codeChange(downTo vsn: Term, extra: Term) throws -> Term {
        try fire("export")
        try fire(extra)
        return fixture.term(vsn: vsn.asText ?? "")
    }

    static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> FixtureServer {
        let term = try state.term()
        try fire(extra)
        var old: FixtureState
        switch vsn {
        case .same: old = try FixtureState(term, vsn: FixturePlace.vsn)
        case .up(let vsn):
            old = try FixtureState(term, vsn: vsn.asText ?? "")
            old.changes += 1
        // A static module on its way down: the newer one's shape is all there is to know about it.
        case .down: old = try FixtureState(term, vsn: "2.0.0")
        }
        let server = try FixtureServer(state: old.term(vsn: FixturePlace.vsn), context: context)
        try server.fire("import")
        return server
    }

    private func fire(_ stage: String) throws {
        for knob in ["throw", "trap", "hang"] where fixture.armed.contains(.atom("\(stage)_\(knob)")) {
            try Self.fire(.atom(knob))
        }
    }

    private func fire(_ knob: Term) throws { try Self.fire(knob) }

    private static func fire(_ knob: Term) throws {
        switch knob.asAtom?.name {
        case "throw": throw WorkerError(.atom("told_to_throw"))
        case "trap": trap()
        case "hang": hang()
        default: break
        }
    }
}
