import Glibc

/// Keeps connections open over the whole run, writes ever larger values to keys of its own and reads them back.
///
/// One thread and `poll`: a request is measured from before it is written to when its answer is read, and there is
/// at most one request in flight on each connection.
struct Checker {
    private let options: Options
    private var clients: [CheckedClient] = []
    private var record = Record()
    private var orders = Orders()
    private var isSweeping = false

    private static let answerTimeoutNanoseconds = 10_000_000_000
    private static let sweepName = "last check"

    init(_ options: Options) throws(ConnectionError) {
        self.options = options
        for number in 0..<options.connections {
            clients.append(
                CheckedClient(
                    connection: try Connection(options), prefix: "c:\(getpid()):\(number):", keys: options.keys))
        }
    }

    /// Goes on until told to stop, then reads each key once more.
    mutating func run() throws(ConnectionError) -> Report {
        while !(isSweeping && clients.allSatisfy(\.hasSwept)) {
            let now = monotonicNanoseconds()
            for index in clients.indices {
                expire(index, now)
                send(index)
            }
            try wait()
        }
        let now = monotonicNanoseconds()
        for client in clients { client.connection.close() }
        // The phase before the first command is of use only to those who name none.
        let seen = record.phases.filter { $0.latencies.count > 0 || $0.errors > 0 || $0.dropped > 0 }
        return Report(connections: options.connections, phases: seen, notes: record.notes, now: now)
    }

    // MARK: Requests

    private mutating func send(_ index: Int) {
        let now = monotonicNanoseconds()
        guard let request = clients[index].next(now: now, phase: record.current, sweeping: isSweeping) else { return }
        if !clients[index].connection.write(request) { drop(index, "write: the server closed the connection") }
    }

    private mutating func receive(_ index: Int) {
        guard clients[index].connection.read() else {
            drop(index, "read: the server closed the connection")
            return
        }
        let now = monotonicNanoseconds()
        do throws(ConnectionError) {
            while let answer = try clients[index].connection.nextAnswer() {
                guard let (sentIn, took, verdict) = clients[index].answered(answer, now: now, options) else {
                    drop(index, "an answer that nobody asked for: \(answer)")
                    return
                }
                let phase = phaseOf(sentIn: sentIn, took: took, now: now)
                record[phase].latencies.record(took / 1000)
                record.judge(verdict, phase)
            }
        } catch {
            drop(index, error.text)
        }
    }

    /// A request that was in flight when the phase changed belongs to the phase in which it waited longer: a change
    /// that stalls a request sent just before it has caused that wait.
    private func phaseOf(sentIn: Int, took: Int, now: Int) -> Int {
        let current = record.current
        let inCurrent = now - record[current].beganNanoseconds
        return sentIn == current || took - inCurrent > inCurrent ? sentIn : current
    }

    private mutating func expire(_ index: Int, _ now: Int) {
        guard let sent = clients[index].waitingSince, now - sent > Checker.answerTimeoutNanoseconds else { return }
        record[record.current].errors += 1
        drop(index, "no answer within 10 s")
    }

    /// Counts the connection as dropped and makes a new one, so that the rest of the run is still measured.
    private mutating func drop(_ index: Int, _ why: String) {
        record[record.current].dropped += 1
        record.note("connection \(index) dropped: \(why)", record.current)
        clients[index].connection.close()
        for attempt in 0..<200 {
            if let connection = try? Connection(options) {
                clients[index].reconnected(connection)
                return
            }
            if attempt < 199 { usleep(25_000) }
        }
        fail("the server is gone: no connection to \(options.host):\(options.port) within 5 s", status: 1)
    }

    // MARK: Waiting

    private mutating func wait() throws(ConnectionError) {
        var polled = clients.map { pollfd(fd: $0.connection.socket, events: Int16(POLLIN), revents: 0) }
        if !isSweeping { polled.append(pollfd(fd: 0, events: Int16(POLLIN), revents: 0)) }
        let now = monotonicNanoseconds()
        let wake = clients.map { $0.wakeTime(or: now + 1_000_000_000) }.min() ?? now
        let pause = max(0, wake - now)
        let ready = poll(&polled, nfds_t(polled.count), Int32((pause + 999_999) / 1_000_000))
        guard ready >= 0 || errno == EINTR else { throw .system("poll") }
        guard ready > 0 else { return }
        for index in clients.indices where polled[index].revents != 0 { receive(index) }
        if polled.count > clients.count, polled[clients.count].revents != 0 {
            for order in orders.read() { obey(order) }
        }
    }

    private mutating func obey(_ order: Orders.Order) {
        switch order {
        case .phase(let name):
            record.begin(name)
            say("{\"phase\": \(name.jsonQuoted)}")
        case .stop:
            record.begin(Checker.sweepName)
            isSweeping = true
        }
    }
}
