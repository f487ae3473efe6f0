extension Command {
    /// Commands that touch no key.
    static var connection: [Command] {
        [
            Command("ping", arity: -1, flags: ["fast"]) { (_, call, reply) throws(CommandError) in
                guard call.arguments.count <= 2 else { throw .wrongNumberOfArguments(of: "ping") }
                if call.arguments.count == 2 {
                    reply.bulk(call.arguments[1])
                } else {
                    reply.simple("PONG")
                }
            },
            Command("echo", arity: 2, flags: ["fast"]) { _, call, reply in
                reply.bulk(call.arguments[1])
            },
            Command("select", arity: 2, flags: ["fast"]) { (_, call, reply) throws(CommandError) in
                guard try call.integer(at: 1) == 0 else { throw .databaseOutOfRange }
                reply.simple("OK")
            },
            // What a client says about itself is taken and not kept: nothing here would use it.
            Command("client", arity: -2, flags: ["noscript"]) { (_, call, reply) throws(CommandError) in
                switch call.arguments[1].lowercased.text {
                case "setname":
                    guard call.arguments.count == 3 else { throw .wrongNumberOfArguments(of: "client|setname") }
                case "setinfo":
                    guard call.arguments.count == 4 else { throw .wrongNumberOfArguments(of: "client|setinfo") }
                default: throw .unknownSubcommand(name: call.arguments[1], of: "client")
                }
                reply.simple("OK")
            },
            Command("quit", arity: -1, flags: ["fast"], afterwards: .close) { _, _, reply in
                reply.simple("OK")
            },
        ]
    }
}
