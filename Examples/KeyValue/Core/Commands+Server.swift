/// What INFO says of the process that answers.
public struct ServerInfo: Sendable {
    /// The release that the node runs, "2.0.0".
    public var release: String
    /// The version of this executable's module.
    public var vsn: String
    /// Which process in this place of the tree this is, from 1.
    public var generation: Int
    public var pid: Int32
    /// Milliseconds of the wall clock at which this process began.
    public var startedAt: Int64
    public var connections: Int

    public init(release: String, vsn: String, generation: Int, pid: Int32, startedAt: Int64, connections: Int) {
        self.release = release
        self.vsn = vsn
        self.generation = generation
        self.pid = pid
        self.startedAt = startedAt
        self.connections = connections
    }
}

/// The Redis version whose behaviour the commands follow; clients ask for it.
let redisVersion = "7.0.0"

extension Command {
    /// Commands about the server itself; `table` is what COMMAND speaks of, besides these.
    static func server(over table: [Command]) -> [Command] {
        var commands = [
            Command("info", arity: -1, flags: []) { store, call, reply in
                reply.bulk(info(store, call))
            },
            Command("config", arity: -2, flags: ["admin"]) { (_, call, reply) throws(CommandError) in
                guard call.arguments[1].lowercased.text == "get" else {
                    throw .unknownSubcommand(name: call.arguments[1], of: "config")
                }
                guard call.arguments.count > 2 else { throw .wrongNumberOfArguments(of: "config|get") }
                config(matching: call.arguments.dropFirst(2), &reply)
            },
        ]
        let described = table + commands
        let count = Int64(described.count + 1)
        commands.append(
            Command("command", arity: -1, flags: []) { (_, call, reply) throws(CommandError) in
                guard call.arguments.count > 1 else {
                    reply.array(described.count)
                    for command in described { command.describe(&reply) }
                    return
                }
                switch call.arguments[1].lowercased.text {
                case "count": reply.integer(count)
                // No texts are kept; an empty map is what a client takes for "nothing known".
                case "docs": reply.array(0)
                case "info":
                    reply.array(call.arguments.count - 2)
                    for name in call.arguments.dropFirst(2) {
                        let named = name.lowercased.text
                        if let command = described.first(where: { $0.name == named }) {
                            command.describe(&reply)
                        } else {
                            reply.null()
                        }
                    }
                default: throw .unknownSubcommand(name: call.arguments[1], of: "command")
                }
            })
        return commands
    }

    private func describe(_ reply: inout RESPReply) {
        reply.array(6)
        reply.bulk(name)
        reply.integer(Int64(arity))
        reply.array(flags.count)
        for flag in flags { reply.bulk(flag) }
        reply.integer(keys.first)
        reply.integer(keys.last)
        reply.integer(keys.step)
    }

    /// redis-benchmark asks for `save` and `appendonly`; nothing is saved here.
    private static func config(matching patterns: ArraySlice<Bytes>, _ reply: inout RESPReply) {
        let settings: KeyValuePairs = ["save": "", "appendonly": "no", "databases": "1", "maxmemory": "0"]
        let matching = settings.filter { name, _ in
            patterns.contains { pattern in
                pattern.lowercased.withUnsafeBytes { pattern in
                    Bytes(name).withUnsafeBytes { Glob.matches(pattern, $0) }
                }
            }
        }
        reply.array(matching.count * 2)
        for (name, value) in matching {
            reply.bulk(name)
            reply.bulk(value)
        }
    }

    /// The sections asked for, each "# Name" and its lines; all of them where none is named.
    private static func info(_ store: Store, _ call: borrowing Invocation) -> String {
        let server = call.server
        let sections: KeyValuePairs = [
            "Server": [
                "redis_version:\(redisVersion)", "redis_mode:standalone", "process_id:\(server.pid)",
                "uptime_in_seconds:\(max(0, call.now - server.startedAt) / 1000)", "release:\(server.release)",
                "vsn:\(server.vsn)", "generation:\(server.generation)",
            ],
            "Clients": ["connected_clients:\(server.connections)"],
            "Keyspace": store.count == 0
                ? [] : ["db0:keys=\(store.count),expires=\(store.expiringCount),avg_ttl=0"],
        ]
        let wanted = Set(call.arguments.dropFirst().map { $0.lowercased.text })
        let all = wanted.isEmpty || !wanted.isDisjoint(with: ["all", "default", "everything"])
        return sections.filter { name, _ in all || wanted.contains(name.lowercased()) }
            .map { name, lines in ["# \(name)"] + lines }
            .map { $0.map { $0 + "\r\n" }.joined() }
            .joined(separator: "\r\n")
    }
}
