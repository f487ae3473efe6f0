import Glibc
import Terms
import Wire

extension WorkerRuntime {
    /// The map that answers `get_status`.
    func status(_ name: Atom, _ context: WorkerContext) -> Term {
        var map: [Term: Term] = [
            .atom("status"): .atom(name),
            .atom("module"): .atom(context.module),
            .atom("vsn"): Server.vsn,
            .atom("pid"): .integer(Int(getpid())),
            .atom("path"): .text(context.path),
            .atom("release"): .text(context.release),
            .atom("generation"): .integer(context.generation),
            .atom("protocol"): .integer(protocolVersion),
        ]
        var connections: [Term: Term] = [:]
        for server in core.servers { connections[.text(server.name)] = .integer(server.connectionCount) }
        map[.atom("connections")] = .map(connections)
        for (key, value) in server?.status() ?? [:] { map[.atom(key)] = value }
        return .map(map)
    }

    func status(_ name: Atom, _ start: WorkerInit) -> Term {
        .map([
            .atom("status"): .atom(name),
            .atom("module"): .atom(start.module),
            .atom("vsn"): Server.vsn,
            .atom("pid"): .integer(Int(getpid())),
            .atom("path"): .text(start.path),
            .atom("release"): .text(start.release),
            .atom("generation"): .integer(start.generation),
            .atom("protocol"): .integer(protocolVersion),
        ])
    }
}
