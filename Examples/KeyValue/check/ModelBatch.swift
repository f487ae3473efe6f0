/// Some commands on keys of one connection, sent at once, and what their answers may be.
struct ModelBatch {
    enum Operation {
        case set(Int)
        case increment(Int)
        case get
        case delete
        /// Milliseconds.
        case expire(Int)
        case persist
        case timeToLive
        case flush
    }

    struct Command {
        /// Index of its key.
        let key: Int
        let operation: Operation
    }

    /// Which version answered.
    enum Version {
        case first
        case second
    }

    let commands: [Command]
    let sent: Int
    private(set) var answers: [Answer] = []

    init(_ commands: [Command], sent: Int) {
        self.commands = commands
        self.sent = sent
    }

    /// In front of the commands and behind them stands a question that only one of the versions knows.
    var isAnswered: Bool { answers.count == commands.count + 2 }

    mutating func answered(_ answer: Answer) { answers.append(answer) }

    static func version(_ answer: Answer) -> Version? {
        switch answer {
        case .integer(-2): .second
        case .error(let text) where text.hasPrefix("ERR unknown command"): .first
        case .error, .integer, .simple, .bulk: nil
        }
    }

    func request(_ prefix: String) -> [UInt8] {
        let probe = Request.encode(["PTTL", "\(prefix)none"])
        return probe + commands.flatMap { Request.encode($0.words(prefix)) } + probe
    }

    static func random(_ keys: Int, _ random: inout some RandomNumberGenerator) -> [Command] {
        (0..<Int.random(in: 1...16, using: &random)).map { _ in
            Command(key: Int.random(in: 0..<keys, using: &random), operation: operation(&random))
        }
    }

    private static func operation(_ random: inout some RandomNumberGenerator) -> Operation {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<30: .set(Int.random(in: 1...1_000_000_000, using: &random))
        case ..<40: .increment(Int.random(in: 1...1000, using: &random))
        case ..<60: .get
        case ..<70: .delete
        // Some expire within the copying of a state, some with its handoff, some never in a run.
        case ..<85: .expire([20, 300, 2000, 600_000].randomElement(using: &random) ?? 20)
        case ..<92: .persist
        default: .timeToLive
        }
    }
}

extension ModelBatch.Command {
    func words(_ prefix: String) -> [String] {
        let key = "\(prefix)\(key)"
        return switch operation {
        case .set(let value): ["SET", key, "\(value)"]
        case .increment(let amount): ["INCRBY", key, "\(amount)"]
        case .get: ["GET", key]
        case .delete: ["DEL", key]
        case .expire(let milliseconds): ["PEXPIRE", key, "\(milliseconds)"]
        case .persist: ["PERSIST", key]
        case .timeToLive: ["PTTL", key]
        case .flush: ["FLUSHALL"]
        }
    }

    /// Whether version 1 does not know it.
    private var isOfExpiry: Bool {
        switch operation {
        case .expire, .persist, .timeToLive: true
        case .set, .increment, .get, .delete, .flush: false
        }
    }

    /// Holds the answer against what the key may hold, which it is then known to.
    func judge(_ answer: Answer, _ key: inout ModelKey, _ window: ModelKey.Window) -> CheckedClient.Verdict {
        if isOfExpiry, ModelBatch.version(answer) == .first { return .right }
        let presence = key.presence(in: window)
        switch (operation, answer) {
        case (.set(let value), .simple("OK")):
            key.set(value)
            return .right
        case (.increment(let amount), .integer(let value)): return incremented(amount, value, &key, presence)
        case (.get, .bulk(let text)): return got(text, &key, presence)
        case (.delete, .integer(let count)) where count == 0 || count == 1:
            defer { key.remove() }
            return exists(count == 1, presence)
        case (.expire(let milliseconds), .integer(let count)) where count == 0 || count == 1:
            let verdict = exists(count == 1, presence)
            if count == 1 {
                key.expire(.init(milliseconds: milliseconds, window))
            } else {
                key.remove()
            }
            return verdict
        case (.persist, .integer(1)):
            guard key.deadline != nil else { return .error("it had no deadline that could go") }
            defer { key.persist() }
            return exists(true, presence)
        case (.persist, .integer(0)): return notPersisted(&key, presence)
        case (.timeToLive, .integer(let left)): return lives(left, &key, presence, window)
        case (.flush, .simple("OK")): return .right
        case (_, _): return .error("it was answered by \(answer)")
        }
    }

    private func exists(_ exists: Bool, _ presence: ModelKey.Presence) -> CheckedClient.Verdict {
        switch (presence, exists) {
        case (.present, false): .lost("it is gone")
        case (.absent, true): .stale("it is there again")
        case (.present, true), (.absent, false), (.maybe, _): .right
        }
    }

    private func got(_ text: String?, _ key: inout ModelKey, _ presence: ModelKey.Presence) -> CheckedClient.Verdict {
        guard let text else {
            defer { key.remove() }
            return exists(false, presence)
        }
        guard text == "\(key.value)" || presence == .absent else {
            return .stale("it is \(text.jsonQuoted) and not \(key.value)")
        }
        if presence != .absent { key.exists() }
        return exists(true, presence)
    }

    private func incremented(
        _ amount: Int, _ value: Int, _ key: inout ModelKey, _ presence: ModelKey.Presence
    ) -> CheckedClient.Verdict {
        let before = key.value
        defer { key.increment(by: amount, to: value) }
        switch presence {
        case .present where value == before + amount, .absent where value == amount: return .right
        case .maybe where value == before + amount || value == amount: return .right
        case .present where value == amount: return .lost("it was \(before) and was counted from nothing")
        case .present, .absent, .maybe: return .stale("\(amount) and \(before) came to \(value)")
        }
    }

    private func notPersisted(_ key: inout ModelKey, _ presence: ModelKey.Presence) -> CheckedClient.Verdict {
        guard key.deadline != nil else { return .right }
        switch presence {
        case .present: return .lost("its deadline is gone")
        case .absent, .maybe:
            key.remove()
            return .right
        }
    }

    private func lives(
        _ left: Int, _ key: inout ModelKey, _ presence: ModelKey.Presence, _ window: ModelKey.Window
    ) -> CheckedClient.Verdict {
        guard left != -2 else {
            defer { key.remove() }
            return exists(false, presence)
        }
        guard presence != .absent else { return .stale("it is there again, for \(left) ms") }
        key.exists()
        guard let deadline = key.deadline else { return left == -1 ? .right : .error("it expires in \(left) ms") }
        guard left >= 0 else { return .lost("its deadline is gone") }
        let (earliest, latest) = (deadline.earliest - window.received, deadline.latest - window.sent)
        return earliest <= left * 1_000_000 && left * 1_000_000 <= latest
            ? .right : .stale("it expires in \(left) ms")
    }
}
