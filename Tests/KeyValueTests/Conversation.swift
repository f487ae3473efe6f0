import KeyValueCore

/// Runs commands against a store as a connection would, and shows the answers as they go over the wire, each line
/// end as a space.
struct Conversation<Store: KeyValueStore> {
    var executor: CommandExecutor<Store>
    var now: Int64 = 1_000_000

    mutating func callAsFunction(_ command: String...) -> String {
        var text = ""
        for line in command {
            let words = line.split(separator: " ", omittingEmptySubsequences: false).map { Bytes(String($0)) }
            text = run(words)
        }
        return text
    }

    mutating func run(_ words: [Bytes]) -> String {
        var reply = RESPReply()
        let server = ServerInfo(
            release: "1.0.0", vsn: "1.0.0", generation: 3, pid: 77, startedAt: 400_000, connections: 2)
        _ = executor.execute(Invocation(arguments: words, now: now, server: server), into: &reply)
        return String(decoding: reply.bytes, as: UTF8.self).replacing("\r\n", with: " ")
    }
}

extension Conversation where Store == StoreV1 {
    static var v1: Conversation { Conversation(executor: .v1()) }
}

extension Conversation where Store == StoreV2 {
    static var v2: Conversation { Conversation(executor: .v2()) }
}
