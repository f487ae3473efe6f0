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

/// One run of a command: whom it asks and where its answer goes.
struct Session {
    let client: ControlClient
    let json: Bool
    let output: Terminal

    /// Asks, and shows the answer: as it came with `--json`, else by `show`.
    func ask<Value: Decodable>(
        _ method: ControlClient.Method, _ path: String, body: (any Encodable)? = nil, as type: Value.Type,
        show: (Value) throws -> Void
    ) async throws {
        switch try await client.send(method, path, body: try body.map { Array(try JSONEncoder().encode($0)) }) {
        case .refused(let refusal):
            throw failure(of: refusal)
        case .complete(let bytes):
            if json { return write(json: bytes) }
            try show(try decode(type, from: bytes))
        }
    }

    /// Asks, and hands over the lines of the answer one by one; `onLine` returns whether to go on.
    func follow<Value: Decodable>(
        _ method: ControlClient.Method, _ path: String, as type: Value.Type, onLine: (Value) throws -> Bool
    ) async throws {
        let refusal = try await client.stream(method, path) { line in
            let value = try decode(type, from: line)
            if json { write(json: line) }
            return try onLine(value)
        }
        if let refusal { throw failure(of: refusal) }
    }

    private func failure(of refusal: ControlClient.Refusal) -> Failure {
        if json { write(json: refusal.body) }
        return Failure(refusal.error, subject: client.subject)
    }

    private func write(json bytes: [UInt8]) {
        output.write(bytes: bytes.last == UInt8(ascii: "\n") ? bytes : bytes + [UInt8(ascii: "\n")])
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
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

/// A path component. Source: RFC 3986, section 2.3.
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            result += byte < 16 ? "%0" : "%"
            result += String(byte, radix: 16, uppercase: true)
        }
    }
    return result
}
