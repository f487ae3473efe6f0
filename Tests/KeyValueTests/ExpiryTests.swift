import KeyValueCore
import Testing

@Suite struct ExpiryTests {
    /// Commands at times: each line is (milliseconds since the first, command, answer).
    static let conversations: [[(Int64, String, String)]] = [
        [(0, "TTL k", ":-2 "), (0, "SET k v", "+OK "), (0, "TTL k", ":-1 "), (0, "PTTL k", ":-1 ")],
        [
            (0, "SET k v EX 10", "+OK "), (400, "TTL k", ":10 "), (600, "TTL k", ":9 "), (9999, "GET k", "$1 v "),
            (9999, "PTTL k", ":1 "), (10_000, "GET k", "$-1 "), (10_000, "TTL k", ":-2 "), (10_000, "DBSIZE", ":0 "),
        ],
        [(0, "SET k v PX 5", "+OK "), (4, "EXISTS k", ":1 "), (5, "EXISTS k", ":0 ")],
        [(0, "SET k v PXAT 1000500", "+OK "), (0, "PTTL k", ":500 ")],
        [(0, "SET k v EXAT 1001", "+OK "), (0, "PTTL k", ":1000 ")],
        [(0, "SET k v PX 5", "+OK "), (1, "SET k w", "+OK "), (9, "GET k", "$1 w ")],
        [(0, "SET k v PX 5", "+OK "), (1, "SET k w KEEPTTL", "+OK "), (9, "GET k", "$-1 ")],
        [(0, "SET k v", "+OK "), (0, "SET k w GET", "$1 v "), (0, "SET x w GET", "$-1 "), (0, "GET x", "$1 w ")],
        [(0, "SET k v", "+OK "), (0, "SET k w NX GET", "$1 v "), (0, "GET k", "$1 v ")],
        [(0, "SET k 1 PX 5", "+OK "), (1, "INCR k", ":2 "), (5, "INCR k", ":1 "), (5, "TTL k", ":-1 ")],
        [(0, "SET k v PX 5", "+OK "), (9, "SET k w XX", "$-1 "), (9, "SET k w NX", "+OK ")],
        [(0, "SET k v PX 5", "+OK "), (9, "DEL k", ":0 ")],
        [(0, "SET k v PX 5", "+OK "), (9, "KEYS *", "*0 ")],
        [(0, "EXPIRE k 1", ":0 "), (0, "SET k v", "+OK "), (0, "EXPIRE k 1", ":1 "), (1000, "GET k", "$-1 ")],
        [(0, "SET k v", "+OK "), (0, "PEXPIRE k 7", ":1 "), (0, "PTTL k", ":7 ")],
        [(0, "SET k v", "+OK "), (0, "EXPIRE k -1", ":1 "), (0, "EXISTS k", ":0 ")],
        [(0, "SET k v EX 5", "+OK "), (0, "PERSIST k", ":1 "), (0, "PERSIST k", ":0 "), (9999, "GET k", "$1 v ")],
        [
            (0, "SET k v", "+OK "), (0, "EXPIRE k 9 XX", ":0 "), (0, "EXPIRE k 9 GT", ":0 "),
            (0, "EXPIRE k 9 LT", ":1 "),
            (0, "EXPIRE k 8 NX", ":0 "),
            (0, "EXPIRE k 8 GT", ":0 "), (0, "EXPIRE k 8 lt", ":1 "), (0, "TTL k", ":8 "),
        ],
        [(0, "SET k v EX 0", "-ERR invalid expire time in 'set' command ")],
        [(0, "SET k v EX -1", "-ERR invalid expire time in 'set' command ")],
        [(0, "SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command ")],
        [(0, "SET k v EX", "-ERR syntax error "), (0, "SET k v EX 1 PX 1", "-ERR syntax error ")],
        [(0, "SET k v KEEPTTL EX 1", "-ERR syntax error ")],
        [(0, "SET k v EX x", "-ERR value is not an integer or out of range ")],
        [(0, "EXPIRE k x", "-ERR value is not an integer or out of range ")],
        [(0, "EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command ")],
        [(0, "PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command ")],
        [(0, "EXPIRE k 1 NX GT", "-ERR NX and XX, GT or LT options at the same time are not compatible ")],
        [(0, "EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible ")],
        [(0, "EXPIRE k 1 FOO", "-ERR Unsupported option FOO ")],
    ]

    @Test(arguments: conversations.indices)
    func answers(_ index: Int) {
        var redis = Conversation.v2
        for (time, command, answer) in ExpiryTests.conversations[index] {
            redis.now = 1_000_000 + time
            #expect(redis(command) == answer, "\(command) after \(time) ms")
        }
    }

    /// A generator that is the same in each run.
    private struct Fixed: RandomNumberGenerator {
        var state: UInt64 = 1
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    @Test func samplingFindsWhatNobodyAsksFor() {
        var store = StoreV2()
        for number in 0..<1000 {
            store.set(Bytes("k\(number)"), to: Bytes("v"))
            if number % 2 == 0 { store.setExpiry(of: Bytes("k\(number)"), to: 10) }
        }
        var random = Fixed()
        #expect(store.expireSample(now: 9, random: &random) == 0)
        #expect(store.count == 1000)
        var rounds = 0
        while store.expiringCount > 0, rounds < 1000 {
            store.expireSample(now: 10, random: &random)
            rounds += 1
        }
        #expect(store.count == 500)
        #expect(store.expiringCount == 0)
        #expect(store.value(of: Bytes("k1"), now: 10) == Bytes("v"))
    }

    /// Setting, removing and expiring in any order leaves the sample list in step with the entries.
    @Test func theListOfExpiringKeysStaysInStep() {
        var store = StoreV2()
        var random = Fixed()
        var expected: [Int: Int64?] = [:]
        for _ in 0..<20_000 {
            let number = Int.random(in: 0..<50, using: &random)
            let key = Bytes("k\(number)")
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                store.set(key, to: Bytes("v"))
                expected[number] = .some(nil)
            case 1:
                _ = store.remove(key, now: 0)
                expected[number] = nil
            case 2:
                store.setExpiry(of: key, to: nil)
                if expected[number] != nil { expected[number] = .some(nil) }
            default:
                store.setExpiry(of: key, to: 100)
                if expected[number] != nil { expected[number] = .some(100) }
            }
            #expect(store.count == expected.count)
            #expect(store.expiringCount == expected.values.count { $0 != nil })
        }
        for _ in 0..<1000 { store.expireSample(now: 100, random: &random) }
        #expect(store.count == expected.values.count { $0 == nil })
    }
}
