import Glibc

/// What standard input says while a check runs.
struct Orders {
    enum Order {
        case phase(String)
        case stop
    }

    private var unread: [UInt8] = []

    /// What has come; `stop` at its end.
    mutating func read() -> [Order] {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(0, &chunk, chunk.count)
        guard count > 0 else { return [.stop] }
        unread += chunk[..<count]
        var orders: [Order] = []
        while let newline = unread.firstIndex(of: 0x0A) {
            let line = String(decoding: unread[..<newline], as: UTF8.self)
            unread.removeFirst(newline + 1)
            if line == "stop" {
                orders.append(.stop)
            } else if line.hasPrefix("phase ") {
                orders.append(.phase(String(line.dropFirst(6))))
            } else {
                fail("standard input: \"\(line)\": expected \"phase NAME\" or \"stop\"")
            }
        }
        if unread.count > 4096 { fail("standard input: a line longer than 4096 bytes") }
        return orders
    }
}
