import KeyValueCore
import Testing

/// What both versions answer, each line a conversation of its own: commands, and what the last one is answered by.
@Suite struct CommandTests {
    static let conversations: [([String], String)] = [
        (["PING"], "+PONG "),
        (["ping hello"], "$5 hello "),
        (["ECHO x"], "$1 x "),
        (["GET k"], "$-1 "),
        (["SET k v"], "+OK "),
        (["SET k v", "get k"], "$1 v "),
        (["SET k v NX"], "+OK "),
        (["SET k v XX"], "$-1 "),
        (["SET k v", "SET k w nx"], "$-1 "),
        (["SET k v", "SET k w xx", "GET k"], "$1 w "),
        (["SET k v NX XX"], "-ERR syntax error "),
        (["SET k v FOO"], "-ERR syntax error "),
        (["MSET a 1 b 2", "MGET a b c"], "*3 $1 1 $1 2 $-1 "),
        (["MSET a 1 b"], "-ERR wrong number of arguments for 'mset' command "),
        (["MSET a 1 b 2 c 3", "DEL a c x"], ":2 "),
        (["MSET a 1 b 2", "EXISTS a a x"], ":2 "),
        (["MSET a 1 b 2", "DBSIZE"], ":2 "),
        (["MSET a 1 b 2", "FLUSHALL", "DBSIZE"], ":0 "),
        (["FLUSHALL ASYNC"], "+OK "),
        (["FLUSHALL NOW"], "-ERR syntax error "),
        (["INCR n"], ":1 "),
        (["SET n 41", "INCR n"], ":42 "),
        (["SET n 41", "INCRBY n -42", "GET n"], "$2 -1 "),
        (["SET n x", "INCR n"], "-ERR value is not an integer or out of range "),
        (["SET n 9223372036854775807", "INCR n"], "-ERR increment or decrement would overflow "),
        (["SET n 9223372036854775807", "INCR n", "GET n"], "$19 9223372036854775807 "),
        (["INCRBY n 1.5"], "-ERR value is not an integer or out of range "),
        (["KEYS *"], "*0 "),
        (["MSET hello 1 hallo 2 hxllo 3 other 4", "KEYS h[^a-d]ll?", "DEL hxllo", "KEYS h[^a-d]ll?"], "*1 $5 hello "),
        (["SELECT 0"], "+OK "),
        (["SELECT 1"], "-ERR DB index is out of range "),
        (["SELECT x"], "-ERR value is not an integer or out of range "),
        (["CLIENT SETNAME me"], "+OK "),
        (["CLIENT SETINFO LIB-NAME x"], "+OK "),
        (["CLIENT FOO"], "-ERR unknown subcommand 'FOO'. Try CLIENT HELP. "),
        (["CONFIG GET save"], "*2 $4 save $0  "),
        (["CONFIG GET append*"], "*2 $10 appendonly $2 no "),
        (["CONFIG GET nothing"], "*0 "),
        (["CONFIG SET save x"], "-ERR unknown subcommand 'SET'. Try CONFIG HELP. "),
        (["CONFIG GET"], "-ERR wrong number of arguments for 'config|get' command "),
        (["COMMAND DOCS"], "*0 "),
        (["COMMAND INFO get nope"], "*2 *6 $3 get :2 *2 $8 readonly $4 fast :1 :1 :1 $-1 "),
        (["GET"], "-ERR wrong number of arguments for 'get' command "),
        (["get a b"], "-ERR wrong number of arguments for 'get' command "),
        (["foo"], "-ERR unknown command 'foo', with args beginning with:  "),
        (["foo a b"], "-ERR unknown command 'foo', with args beginning with: 'a' 'b'  "),
        (["QUIT"], "+OK "),
    ]

    @Test(arguments: conversations)
    func answersIn1(_ commands: [String], _ answer: String) {
        var redis = Conversation.v1
        var last = ""
        for command in commands { last = redis(command) }
        #expect(last == answer)
    }

    @Test(arguments: conversations)
    func answersIn2(_ commands: [String], _ answer: String) {
        var redis = Conversation.v2
        var last = ""
        for command in commands { last = redis(command) }
        #expect(last == answer)
    }

    @Test(arguments: ["TTL k", "PTTL k", "EXPIRE k 1", "PEXPIRE k 1", "PERSIST k"])
    func expiryIsUnknownTo1(_ command: String) {
        var redis = Conversation.v1
        let name = command.prefix { $0 != " " }
        #expect(redis(command).hasPrefix("-ERR unknown command '\(name)', with args beginning with: 'k' "))
        #expect(redis("SET k v EX 10") == "-ERR syntax error ")
    }

    @Test func infoSpeaksOfTheProcess() {
        var redis = Conversation.v2
        _ = redis("SET a 1", "SET b 2 EX 5")
        let all = redis("INFO")
        for line in ["redis_version:7.0.0", "release:1.0.0", "generation:3", "process_id:77", "uptime_in_seconds:600"] {
            #expect(all.contains(" \(line) "))
        }
        #expect(redis("INFO keyspace") == "$44 # Keyspace db0:keys=2,expires=1,avg_ttl=0  ")
    }

    @Test func countsItsCommands() {
        var redis = Conversation.v1
        let count = redis("COMMAND COUNT").dropFirst().prefix { $0 != " " }
        #expect(redis("COMMAND").hasPrefix("*\(Int(count).map { $0 - 1 } ?? 0) *6 "))
    }

    /// Bytes of a client never break the framing of an answer, and a long one is not sent back whole.
    @Test func unknownCommandsAreNamedSafely() {
        var redis = Conversation.v1
        let answer = redis.run([Bytes("a\r\nb"), Bytes(String(repeating: "x", count: 300)), Bytes("never")])
        #expect(answer.hasPrefix("-ERR unknown command 'a  b', with args beginning with: 'xxx"))
        #expect(!answer.contains("never"))
        #expect(answer.utf8.count < 300)
    }

    @Test func quitCloses() {
        var executor = CommandExecutor.v1()
        var reply = RESPReply()
        let server = ServerInfo(release: "", vsn: "", generation: 1, pid: 1, startedAt: 0, connections: 0)
        let quit = Invocation(arguments: [Bytes("quit")], now: 0, server: server)
        #expect(executor.execute(quit, into: &reply) == .close)
    }

    @Test(arguments: [
        ("*", "", true), ("*", "abc", true), ("a*c", "abbc", true), ("a*c", "abb", false), ("a?c", "abc", true),
        ("a?c", "ac", false), ("[ab]x", "bx", true), ("[^ab]x", "bx", false), ("[c-a]", "b", true), ("\\*", "*", true),
        ("\\*", "a", false), ("[\\]]", "]", true), ("[abc", "b", true), ("*a*b*c*", "xxaxxbxxcxx", true),
        ("", "a", false),
    ])
    func matchesGlobs(_ pattern: String, _ key: String, _ matches: Bool) {
        var redis = Conversation.v1
        _ = redis.run([Bytes("SET"), Bytes(key), Bytes("v")])
        #expect(redis.run([Bytes("KEYS"), Bytes(pattern)]).hasPrefix(matches ? "*1 " : "*0 "))
    }

    /// A pattern that would take a backtracking matcher longer than the universe lasts.
    @Test func manyStarsStallNobody() {
        var redis = Conversation.v1
        _ = redis.run([Bytes("SET"), Bytes(String(repeating: "a", count: 2000)), Bytes("v")])
        #expect(redis("KEYS " + String(repeating: "a*", count: 200) + "b") == "*0 ")
    }
}
