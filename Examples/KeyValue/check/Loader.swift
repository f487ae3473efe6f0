/// Loads keys and reads them back, many requests to a write.
struct Loader {
    /// What a load or a check of the load found.
    struct Result {
        let keys: Int
        var missing = 0
        var wrong = 0
        let milliseconds: Int

        var isClean: Bool { missing == 0 && wrong == 0 }

        var json: String {
            """
            {"keys": \(keys), "missing": \(missing), "wrong": \(wrong), "milliseconds": \(milliseconds)}
            """
        }
    }

    private let options: Options
    /// Requests in flight; more would fill the socket's buffers both ways, and then nobody would go on.
    private static let batch = 500

    init(_ options: Options) throws(ConnectionError) {
        self.options = options
    }

    private static func key(_ index: Int) -> String { "fill:\(index)" }
    private static func value(_ index: Int) -> String { "value-\(index)" }

    func fill(_ count: Int) throws(ConnectionError) -> Result {
        let began = monotonicNanoseconds()
        try pipeline(count) { index in
            ["SET", Loader.key(index), Loader.value(index)]
        } check: { index, answer throws(ConnectionError) in
            guard answer == .simple("OK") else {
                throw ConnectionError(text: "SET \(Loader.key(index)) was answered by \(answer)")
            }
        }
        return Result(keys: count, milliseconds: (monotonicNanoseconds() - began) / 1_000_000)
    }

    func verify(_ count: Int) throws(ConnectionError) -> Result {
        let began = monotonicNanoseconds()
        var missing = 0
        var wrong = 0
        try pipeline(count) { index in
            ["GET", Loader.key(index)]
        } check: { index, answer throws(ConnectionError) in
            if answer == .bulk(nil) {
                missing += 1
            } else if answer != .bulk(Loader.value(index)) {
                wrong += 1
            }
        }
        let elapsed = (monotonicNanoseconds() - began) / 1_000_000
        return Result(keys: count, missing: missing, wrong: wrong, milliseconds: elapsed)
    }

    private func pipeline(
        _ count: Int, request: (Int) -> [String], check: (Int, Answer) throws(ConnectionError) -> Void
    ) throws(ConnectionError) {
        var connection = try Connection(options)
        defer { connection.close() }
        for start in stride(from: 0, to: count, by: Loader.batch) {
            let batch = start..<min(count, start + Loader.batch)
            guard connection.write(batch.flatMap { Request.encode(request($0)) }) else {
                throw ConnectionError(text: "the server closed the connection at key \(start) of \(count)")
            }
            for index in batch {
                var answer = try connection.nextAnswer()
                while answer == nil {
                    guard connection.read() else {
                        throw ConnectionError(text: "the server closed the connection at key \(index) of \(count)")
                    }
                    answer = try connection.nextAnswer()
                }
                if let answer { try check(index, answer) }
            }
        }
    }
}
