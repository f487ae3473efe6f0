import Glibc

/// Writes, overwrites, counts, deletes and lets expire keys of its own on several connections, all the time, and holds every answer
/// against a model of them; in the end every key.
struct ModelChecker {
    private let options: Options
    private let seed: UInt64
    private var clients: [ModelClient] = []
    private var record = Record()
    private var orders = Orders()
    private var isSweeping = false
    private var lastFlush = monotonicNanoseconds()
    private var flush = Flush.none

    /// Nobody else asks anything while all is deleted.
    private enum Flush {
        case none
        /// Until all are answered.
        case due
        case asked
    }

    init(_ options: Options) throws(ConnectionError) {
        self.options = options
        seed = options.seed ?? UInt64(monotonicNanoseconds())
        record.heading = "--seed \(seed)"
        for number in 0..<options.connections {
            clients.append(
                ModelClient(
                    connection: try Connection(options), prefix: "m:\(getpid()):\(number):", keys: options.keys,
                    seed: seed &+ UInt64(number)))
        }
    }

    /// Goes on until told to stop, then reads each key once more. A connection that ends, ends it.
    mutating func run() throws(ConnectionError) -> Report {
        while !(isSweeping && clients.allSatisfy(\.hasSwept)) {
            try send()
            try wait()
        }
        for client in clients { client.connection.close() }
        let seen = record.phases.filter { $0.latencies.count > 0 || $0.errors > 0 }
        return Report(connections: options.connections, phases: seen, notes: record.notes, now: monotonicNanoseconds())
    }

    private mutating func send() throws(ConnectionError) {
        let phase = record.current
        if case .none = flush, isFlushDue { flush = .due }
        switch flush {
        case .none: break
        case .due where clients.allSatisfy({ $0.batch == nil }):
            flush = .asked
            return try check(clients[0].sendFlush(phase: phase))
        case .due, .asked: return
        }
        for index in clients.indices where clients[index].batch == nil && !clients[index].hasSwept {
            try check(clients[index].send(phase: phase, sweeping: isSweeping))
        }
    }

    private var isFlushDue: Bool {
        let pause = options.flushSeconds * 1_000_000_000
        return pause > 0 && !isSweeping && monotonicNanoseconds() - lastFlush > pause
    }

    private func check(_ isWritten: Bool) throws(ConnectionError) {
        guard isWritten else { throw ConnectionError(text: "write: the server closed the connection") }
    }

    private mutating func receive(_ index: Int) throws(ConnectionError) {
        guard clients[index].connection.read() else {
            throw ConnectionError(text: "read: the server closed the connection")
        }
        while let answer = try clients[index].connection.nextAnswer() {
            guard let result = clients[index].answered(answer, now: monotonicNanoseconds()) else { continue }
            record[result.phase].latencies.record(result.nanoseconds / 1000)
            for verdict in result.verdicts { record.judge(verdict, result.phase) }
            guard case .asked = flush else { continue }
            flush = .none
            lastFlush = monotonicNanoseconds()
            for index in clients.indices { clients[index].flushed() }
        }
    }

    private mutating func wait() throws(ConnectionError) {
        var polled = clients.map { pollfd(fd: $0.connection.socket, events: Int16(POLLIN), revents: 0) }
        if !isSweeping { polled.append(pollfd(fd: 0, events: Int16(POLLIN), revents: 0)) }
        guard polled.contains(where: { $0.fd == 0 }) || !clients.allSatisfy(\.hasSwept) else { return }
        let ready = poll(&polled, nfds_t(polled.count), Int32(Self.answerTimeoutMilliseconds))
        guard ready >= 0 || errno == EINTR else { throw .system("poll") }
        guard ready != 0 else { throw ConnectionError(text: "no answer within \(Self.answerTimeoutMilliseconds) ms") }
        for index in clients.indices where polled[index].revents != 0 { try receive(index) }
        guard polled.count > clients.count, polled[clients.count].revents != 0 else { return }
        for order in orders.read() { obey(order) }
    }

    private static let answerTimeoutMilliseconds = 60_000

    private mutating func obey(_ order: Orders.Order) {
        switch order {
        case .phase(let name):
            record.begin(name)
            say("{\"phase\": \(name.jsonQuoted)}")
        case .stop:
            record.begin("last check")
            isSweeping = true
        }
    }
}
