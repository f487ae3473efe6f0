import ArgumentParser
import FoundationEssentials
import Wire

/// A command that asks the daemon.
protocol ControlCommand: AsyncParsableCommand {
    var options: GlobalOptions { get }
    /// The command as it was given, for errors: `install-release 2.0.0`.
    var subject: String { get }
    func run(in session: Session) async throws
}

extension ControlCommand {
    mutating func run() async throws {
        let client = ControlClient(socketPath: options.socketPath, subject: subject)
        try await run(in: Session(client: client, json: options.json, output: .standardOutput))
    }
}

extension CommandConfiguration {
    /// A command that asks for one operation has that one's name and help.
    init<Parameters, Body, Answer>(
        asking operation: ControlOperation<Parameters, Body, Answer>, discussion: String = ""
    ) {
        self.init(
            commandName: operation.row.name, abstract: operation.row.help + ".", discussion: discussion)
    }
}

/// One run of a command: whom it asks and where its answer goes.
struct Session {
    let client: ControlClient
    let json: Bool
    let output: Terminal

    /// Asks, and shows the answer: as it came with `--json`, else by `show`.
    func ask<Parameters, Body, Answer: Decodable>(
        _ operation: ControlOperation<Parameters, Body, Answer>, _ parameters: Parameters, body: Body,
        show: (Answer) throws -> Void
    ) async throws {
        let json = operation.row.body == nil ? nil : Array(try JSONEncoder().encode(body))
        switch try await client.send(operation.row.method, operation.path(parameters), body: json) {
        case .refused(let refusal):
            throw failure(of: refusal)
        case .complete(let bytes):
            if self.json { return write(json: bytes) }
            try show(try decode(Answer.self, from: bytes))
        }
    }

    func ask<Parameters, Answer: Decodable>(
        _ operation: ControlOperation<Parameters, NoBody, Answer>, _ parameters: Parameters,
        show: (Answer) throws -> Void
    ) async throws {
        try await ask(operation, parameters, body: NoBody(), show: show)
    }

    func ask<Body, Answer: Decodable>(
        _ operation: ControlOperation<NoParameters, Body, Answer>, body: Body, show: (Answer) throws -> Void
    ) async throws {
        try await ask(operation, NoParameters(), body: body, show: show)
    }

    func ask<Answer: Decodable>(
        _ operation: ControlOperation<NoParameters, NoBody, Answer>, show: (Answer) throws -> Void
    ) async throws {
        try await ask(operation, NoParameters(), body: NoBody(), show: show)
    }

    /// Asks, and hands over the lines of the answer one by one; `onLine` returns whether to go on.
    func follow<Parameters, Body, Line: ControlLine>(
        _ operation: ControlOperation<Parameters, Body, Line>, _ parameters: Parameters, body: Body,
        onLine: (Line) throws -> Bool
    ) async throws {
        let json = operation.row.body == nil ? nil : Array(try JSONEncoder().encode(body))
        let path = operation.path(parameters)
        let refusal = try await client.stream(operation.row.method, path, body: json) { line in
            let value = try decode(Line.self, from: line)
            if self.json { write(json: line) }
            return try onLine(value)
        }
        if let refusal { throw failure(of: refusal) }
    }

    /// Asks for long work, and shows on a terminal how far it is until the answer is there.
    func work<Parameters, Body, Answer: Codable & Hashable>(
        _ operation: ControlOperation<Parameters, Body, Answer>, _ parameters: Parameters, body: Body,
        show: (Answer) throws -> Void
    ) async throws {
        let progress = ProgressLine(isWanted: !json)
        guard progress.isShown, operation.row.progress != nil else {
            return try await ask(operation, parameters, body: body, show: show)
        }
        defer { progress.clear() }
        let request = operation.row.body == nil ? nil : Array(try JSONEncoder().encode(body))
        let path = operation.path(parameters)
        progress.show(client.subject)
        var answer: Answer?
        let refusal = try await client.stream(
            operation.row.method, path, body: request, accepting: "application/x-ndjson"
        ) { line in
            // One document, of a daemon that tells nothing of how far it is.
            if let whole = try? JSONDecoder().decode(Answer.self, from: Data(line)) {
                answer = whole
                return true
            }
            switch try decode(WorkProgress<Answer>.self, from: line) {
            case .progress(let step): progress.show(step)
            case .result(let result): answer = result
            case .error(let error): throw Failure(error, subject: client.subject)
            }
            return true
        }
        if let refusal { throw failure(of: refusal) }
        guard let answer else { throw client.lost("it gave no answer") }
        progress.clear()
        try show(answer)
    }

    /// Asks for what is not shown as it came.
    func answer<Answer: Decodable>(_ operation: ControlOperation<NoParameters, NoBody, Answer>) async throws -> Answer {
        try await answer(operation, NoParameters())
    }

    func answer<Parameters, Answer: Decodable>(
        _ operation: ControlOperation<Parameters, NoBody, Answer>, _ parameters: Parameters
    ) async throws -> Answer {
        switch try await client.send(operation.row.method, operation.path(parameters)) {
        case .refused(let refusal): throw Failure(refusal.error, subject: client.subject)
        case .complete(let bytes): return try decode(Answer.self, from: bytes)
        }
    }

    func failure(of refusal: ControlClient.Refusal) -> Failure {
        if json { write(json: refusal.body) }
        return Failure(refusal.error, subject: client.subject)
    }

    func write(json bytes: [UInt8]) {
        output.write(bytes: bytes.last == UInt8(ascii: "\n") ? bytes : bytes + [UInt8(ascii: "\n")])
    }

    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw Failure(
                .failure,
                "\(client.subject): \(client.socketPath) answered with what this releasectl does not understand",
                advice: "Use the releasectl of the daemon's own erts directory, or --json to see the answer.")
        }
    }
}
