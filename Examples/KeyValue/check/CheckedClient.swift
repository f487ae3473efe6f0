/// One connection, the keys that only it writes, and what it knows of them.
struct CheckedClient {
    enum Verdict {
        case right
        case lost(String)
        case stale(String)
        case error(String)
    }

    private enum Operation {
        case set(key: Int, value: Int)
        case get(key: Int)
    }

    private enum State {
        case pausing(until: Int)
        case waiting(Operation, since: Int, phase: Int)
    }

    /// What a key must hold: the last acknowledged value (0: none yet), or one that was sent and never answered,
    /// because the connection was dropped in between.
    private struct Known {
        var acknowledged = 0
        var possible: Int?
    }

    var connection: Connection
    private let prefix: String
    private var known: [Known]
    private var state = State.pausing(until: 0)
    private var step = 0
    private var lastValue = 0
    /// The next key of the last check; nil before it begins.
    private var sweep: Int?

    init(connection: Connection, prefix: String, keys: Int) {
        self.connection = connection
        self.prefix = prefix
        known = Array(repeating: Known(), count: keys)
    }

    var waitingSince: Int? {
        switch state {
        case .pausing: nil
        case .waiting(_, let since, _): since
        }
    }

    /// Whether each key was read in the last check.
    var hasSwept: Bool {
        guard case .pausing = state, let sweep else { return false }
        return sweep >= known.count
    }

    /// When there is something to do that no answer tells of.
    func wakeTime(or latest: Int) -> Int {
        switch state {
        case .pausing(let until): hasSwept ? latest : until
        case .waiting: latest
        }
    }

    /// The next request, nil while there is one in flight or the pause is not over. A write to one key is followed
    /// by a read of another, so that what was acknowledged a while ago is what is checked.
    mutating func next(now: Int, phase: Int, sweeping: Bool) -> [UInt8]? {
        guard case .pausing(let until) = state, now >= until || sweeping else { return nil }
        let operation: Operation
        if sweeping {
            let key = sweep ?? 0
            guard key < known.count else { return nil }
            sweep = key + 1
            operation = .get(key: key)
        } else {
            let key = step / 2 % known.count
            if step % 2 == 0 {
                lastValue += 1
                operation = .set(key: key, value: lastValue)
            } else {
                operation = .get(key: (key + 1) % known.count)
            }
            step += 1
        }
        state = .waiting(operation, since: now, phase: phase)
        switch operation {
        case .set(let key, let value): return Request.encode(["SET", "\(prefix)\(key)", "\(value)"])
        case .get(let key): return Request.encode(["GET", "\(prefix)\(key)"])
        }
    }

    /// Takes an answer: the phase in which its request was sent, the nanoseconds it took, and whether it was right.
    /// Nil when no request was in flight.
    mutating func answered(_ answer: Answer, now: Int, _ options: Options) -> (Int, Int, Verdict)? {
        guard case .waiting(let operation, let since, let phase) = state else { return nil }
        state = .pausing(until: now + options.pauseMilliseconds * 1_000_000)
        let verdict: Verdict
        switch operation {
        case .set(let key, let value):
            if answer == .simple("OK") {
                known[key] = Known(acknowledged: value)
                verdict = .right
            } else {
                known[key].possible = value
                verdict = .error("SET \(prefix)\(key) \(value) was answered by \(answer)")
            }
        case .get(let key): verdict = check(key, answer)
        }
        return (phase, now - since, verdict)
    }

    private mutating func check(_ key: Int, _ answer: Answer) -> Verdict {
        let expected = known[key]
        let name = "\(prefix)\(key)"
        guard case .bulk(let text) = answer else { return .error("GET \(name) was answered by \(answer)") }
        guard let text else {
            return expected.acknowledged == 0
                ? .right : .lost("\(name) is gone, it was \(expected.acknowledged)")
        }
        guard let value = Int(text) else { return .error("\(name) is \(text.jsonQuoted), which nobody wrote") }
        if value == expected.acknowledged { return .right }
        if value == expected.possible {
            known[key] = Known(acknowledged: value)
            return .right
        }
        return value < expected.acknowledged
            ? .stale("\(name) is \(value), it was \(expected.acknowledged)")
            : .error("\(name) is \(value), it was only \(expected.acknowledged)")
    }

    mutating func reconnected(_ connection: Connection) {
        self.connection = connection
        switch state {
        case .pausing: break
        case .waiting(.set(let key, let value), _, _): known[key].possible = value
        case .waiting(.get(let key), _, _):
            if sweep != nil { sweep = key }
        }
        state = .pausing(until: 0)
    }
}
