import KeyValueCore
import Testing

@Suite struct RESPParserTests {
    /// Reads all that `text` has: the requests, and how many bytes are left unread.
    private func parse(_ text: String, limits: RESPLimits = RESPLimits()) throws -> (requests: [[String]], left: Int) {
        var parser = RESPParser(limits: limits)
        let bytes = Array(text.utf8)
        var requests: [[String]] = []
        var position = 0
        while position < bytes.count {
            let step = try bytes[position...].withUnsafeBytes { try parser.next($0) }
            guard case .request(let count) = step else { break }
            requests.append(parser.arguments.map(\.text))
            position += count
        }
        return (requests, bytes.count - position)
    }

    @Test(arguments: [
        ("*1\r\n$4\r\nPING\r\n", [["PING"]]),
        ("*2\r\n$3\r\nGET\r\n$0\r\n\r\n", [["GET", ""]]),
        ("*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", [["PING"], ["ECHO", "hi"]]),
        ("*1\r\n$8\r\na\r\nb\r\n*1\r\n", [["a\r\nb\r\n*1"]]),
        ("*0\r\n*-1\r\nPING\r\n", [[], [], ["PING"]]),
        ("PING\r\n", [["PING"]]),
        ("PING\n\r\n", [["PING"], []]),
        ("  SET  k\t'a b' \r\n", [["SET", "k", "a b"]]),
        ("SET k \"a\\n\\x41\\\"\\q\"\n", [["SET", "k", "a\nA\"q"]]),
        ("SET k 'it\\'s' \"\"\n", [["SET", "k", "it's", ""]]),
    ])
    func readsWholeRequests(_ input: String, _ requests: [[String]]) throws {
        let result = try parse(input)
        #expect(result.requests == requests)
        #expect(result.left == 0)
    }

    /// However the bytes come in, nothing of a request that is not whole is taken.
    @Test func keepsWhatIsNotWhole() throws {
        let whole = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$30\r\n012345678901234567890123456789\r\n"
        for end in 1..<whole.utf8.count {
            let part = String(decoding: Array(whole.utf8)[..<end], as: UTF8.self)
            let result = try parse(part)
            #expect(result.requests.isEmpty)
            #expect(result.left == end)
        }
        #expect(try parse(whole).requests.count == 1)
    }

    @Test func saysHowManyBytesItWaitsFor() throws {
        var parser = RESPParser()
        let step = try Array("*2\r\n$3\r\nGET\r\n$10\r\nab".utf8).withUnsafeBytes { try parser.next($0) }
        #expect(step == .incomplete(atLeast: 30))
    }

    @Test(arguments: [
        ("*abc\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*1048577\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*99999999999999999999\r\n", "ERR Protocol error: invalid multibulk length"),
        ("*1\r\n:1\r\n", "ERR Protocol error: expected '$', got ':'"),
        ("*1\r\n\u{1}", "ERR Protocol error: expected '$', got ' '"),
        ("*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
        ("*1\r\n$abc\r\n", "ERR Protocol error: invalid bulk length"),
        ("*1\r\n$99\r\n", "ERR Protocol error: invalid bulk length"),
        ("*" + String(repeating: "1", count: 101), "ERR Protocol error: too big mbulk count string"),
        ("*1\r\n$" + String(repeating: "1", count: 101), "ERR Protocol error: too big bulk count string"),
        (String(repeating: "x", count: 101), "ERR Protocol error: too big inline request"),
        (String(repeating: "x", count: 102) + "\n", "ERR Protocol error: too big inline request"),
        ("SET k \"abc\n", "ERR Protocol error: unbalanced quotes in request"),
        ("SET k 'a'b\n", "ERR Protocol error: unbalanced quotes in request"),
    ])
    func refusesInTheWordsOfRedis(_ input: String, _ text: String) throws {
        let error = #expect(throws: RESPError.self) {
            try parse(input, limits: RESPLimits(maxBulkBytes: 98, maxLineBytes: 100))
        }
        #expect(error?.text == text)
    }

    /// A length that nothing follows makes nobody reserve memory for it.
    @Test func waitsForAnnouncedBytesWithoutRoomForThem() throws {
        var parser = RESPParser(limits: RESPLimits(maxBulkBytes: 512 << 20))
        let step = try Array("*1048576\r\n$536870912\r\n".utf8).withUnsafeBytes { try parser.next($0) }
        #expect(step == .incomplete(atLeast: 22 + 536_870_912 + 2))
    }
}
