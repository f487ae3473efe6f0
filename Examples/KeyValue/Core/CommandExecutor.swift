/// The commands of one version and the keys that they work on.
public struct CommandExecutor<Store: KeyValueStore>: Sendable {
    public var store: Store
    private let commands: [Bytes: Command<Store>]

    init(store: Store, commands: [Command<Store>]) {
        self.store = store
        var table: [Bytes: Command<Store>] = [:]
        for command in commands { table[Bytes(command.name)] = command }
        self.commands = table
    }

    /// Runs one request and writes its one answer; an empty request gets none.
    public mutating func execute(_ invocation: borrowing Invocation, into reply: inout RESPReply) -> Afterwards {
        guard let name = invocation.arguments.first else { return .goOn }
        do throws(CommandError) {
            guard let command = commands[name] ?? commands[name.lowercased] else {
                throw .unknownCommand(name: name, arguments: Array(invocation.arguments.dropFirst()))
            }
            guard command.takes(invocation.arguments.count) else {
                throw .wrongNumberOfArguments(of: command.name)
            }
            try command.body(&store, invocation, &reply)
            return command.afterwards
        } catch {
            reply.error(error.text)
            return .goOn
        }
    }
}

extension CommandExecutor where Store == StoreV1 {
    /// What 1.0.0 knows.
    public static func v1(_ store: StoreV1 = StoreV1()) -> CommandExecutor {
        let table = Command<StoreV1>.connection + Command.keys + Command.strings + Command.modules + [Command.plainSet]
        return CommandExecutor(store: store, commands: table + Command.server(over: table))
    }
}

extension CommandExecutor where Store == StoreV2 {
    /// What 2.0.0 knows: all of 1.0.0, and expiry.
    public static func v2(_ store: StoreV2 = StoreV2()) -> CommandExecutor {
        let table =
            Command<StoreV2>.connection + Command.keys + Command.strings + Command.modules + [Command.expiringSet]
            + Command.expiry
        return CommandExecutor(store: store, commands: table + Command.server(over: table))
    }
}
