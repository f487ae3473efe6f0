/// One connection, the keys that only it writes, and a model of them.
struct ModelClient {
    var connection: Connection
    private let prefix: String
    private var keys: [ModelKey]
    private var random: SeededGenerator
    private(set) var batch: ModelBatch?
    private var phase = 0
    /// When version 2 was last asked something that it answered; nil while version 1 answers.
    private var lastSecond: Int?
    /// The next key of the last check; nil before it begins.
    private var sweep: Int?

    init(connection: Connection, prefix: String, keys: Int, seed: UInt64) {
        self.connection = connection
        self.prefix = prefix
        self.keys = Array(repeating: ModelKey(), count: keys)
        random = SeededGenerator(state: seed)
    }

    var hasSwept: Bool { batch == nil && sweep.map { $0 >= keys.count } ?? false }

    /// Writes the next commands; false where the connection is gone.
    mutating func send(phase: Int, sweeping: Bool) -> Bool {
        let commands: [ModelBatch.Command]
        if sweeping {
            let first = sweep ?? 0
            let last = min(keys.count, first + 100)
            sweep = last
            commands = (first..<last).flatMap {
                [ModelBatch.Command(key: $0, operation: .get), ModelBatch.Command(key: $0, operation: .timeToLive)]
            }
        } else {
            commands = ModelBatch.random(keys.count, &random)
        }
        return send(commands, phase)
    }

    mutating func sendFlush(phase: Int) -> Bool { send([.init(key: 0, operation: .flush)], phase) }

    private mutating func send(_ commands: [ModelBatch.Command], _ phase: Int) -> Bool {
        let batch = ModelBatch(commands, sent: monotonicNanoseconds())
        self.batch = batch
        self.phase = phase
        return connection.write(batch.request(prefix))
    }

    mutating func flushed() {
        for index in keys.indices { keys[index].remove() }
    }

    /// What became of a whole batch; nil while it is not answered.
    struct Result {
        let phase: Int
        let nanoseconds: Int
        let verdicts: [CheckedClient.Verdict]
    }

    mutating func answered(_ answer: Answer, now: Int) -> Result? {
        guard var batch else {
            return Result(
                phase: phase, nanoseconds: 0, verdicts: [.error("an answer that nobody asked for: \(answer)")])
        }
        batch.answered(answer)
        self.batch = batch.isAnswered ? nil : batch
        guard batch.isAnswered else { return nil }
        return Result(phase: phase, nanoseconds: now - batch.sent, verdicts: judge(batch, now))
    }

    private mutating func judge(_ batch: ModelBatch, _ now: Int) -> [CheckedClient.Verdict] {
        let answers = batch.answers
        guard let first = ModelBatch.version(answers[0]), let last = ModelBatch.version(answers[answers.count - 1])
        else {
            return [.error("\(prefix)none is answered by \(answers[0]) and \(answers[answers.count - 1])")]
        }
        if first == .first { firstAnswered(by: now) }
        let window = ModelKey.Window(sent: batch.sent, received: now)
        let verdicts = zip(batch.commands, answers.dropFirst()).map { command, answer in
            let verdict = command.judge(answer, &keys[command.key], window)
            return verdict.about(command.words(prefix).joined(separator: " "))
        }
        if first == .second || last == .second { lastSecond = batch.sent }
        if last == .first { firstAnswered(by: now) }
        return verdicts
    }

    private mutating func firstAnswered(by now: Int) {
        guard let lastSecond else { return }
        for index in keys.indices { keys[index].keep(.init(sent: lastSecond, received: now)) }
        self.lastSecond = nil
    }
}

extension CheckedClient.Verdict {
    fileprivate func about(_ request: String) -> Self {
        switch self {
        case .right: .right
        case .lost(let text): .lost("\(request): \(text)")
        case .stale(let text): .stale("\(request): \(text)")
        case .error(let text): .error("\(request): \(text)")
        }
    }
}

/// SplitMix64: the same in each run of one seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
