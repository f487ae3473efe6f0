import ArgumentParser
import Glibc
import Terms

/// How a term is written for `releasectl term`.
enum TermNotation: String, CaseIterable, ExpressibleByArgument {
    case text
    case etf
    case etfHex = "etf-hex"
}

struct ConvertTerm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "term",
        abstract: "Convert Erlang terms between text and the external term format; asks no daemon.",
        discussion: """
            With text and etf-hex there is one term a line, read from the arguments or else from standard input; \
            empty lines are passed over. With etf the input is the bytes of exactly one term on standard input, from \
            the version byte (131) to its end, without the 4-byte length that frames of the worker protocol carry; \
            and --to etf takes exactly one term.

              releasectl term --to etf-hex '{ok, [1, 2]}'
              releasectl term --from etf-hex --to text 83680277026f6b6b00020102
            """)

    @Option(help: "How the input is written: text, etf or etf-hex.") var from = TermNotation.text
    @Option(help: "How to write the output: text, etf or etf-hex.") var to = TermNotation.text
    @Flag(help: "Print {\"term\": …} a line, for text and etf-hex output.") var json = false
    @Argument(help: "Terms; standard input where there are none.") var terms: [String] = []

    func validate() throws {
        if from == .etf, !terms.isEmpty {
            throw ValidationError("--from etf reads the term's bytes from standard input, not from the arguments.")
        }
        if to == .etf, json { throw ValidationError("--json can't hold raw bytes: use --to etf-hex.") }
    }

    func run() throws {
        let input = try read()
        if to == .etf, input.count != 1 {
            throw Failure(
                .usage, "term: --to etf writes exactly one term, the input has \(input.count)",
                advice: "Use --to etf-hex for several.")
        }
        for term in input {
            switch to {
            case .etf: Terminal.standardOutput.write(bytes: ExternalTermFormat.encode(term))
            case .etfHex: try write(hexadecimal(ExternalTermFormat.encode(term)))
            case .text: try write(term.description)
            }
        }
    }

    private struct Converted: Encodable {
        let term: String
    }

    private func write(_ line: String) throws {
        if json { try printJSON(Converted(term: line)) } else { Terminal.standardOutput.line(line) }
    }

    private func read() throws -> [Term] {
        if from == .etf {
            return [try decode(try standardInput(), place: "standard input")]
        }
        if !terms.isEmpty {
            return try terms.enumerated().map { try term(in: $0.element, place: "argument \($0.offset + 1)") }
        }
        guard let text = String(validating: try standardInput(), as: UTF8.self) else {
            throw Failure(
                .failure, "term: standard input is no UTF-8", advice: "Use --from etf for the bytes of a term.")
        }
        return try text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { line in
            guard line.element.contains(where: { !$0.isWhitespace }) else { return nil }
            return try term(in: String(line.element), place: "line \(line.offset + 1)")
        }
    }

    private func term(in text: String, place: String) throws -> Term {
        guard from == .etfHex else {
            do throws(TermTextError) {
                return try TermText.parseTerm(text, limits: .default)
            } catch {
                throw Failure(.failure, "term: \(place): \(error)", advice: "Give one term a line.")
            }
        }
        guard let bytes = bytes(ofHexadecimal: text) else {
            throw Failure(
                .failure, "term: \(place): no hexadecimal digits in pairs",
                advice: "Give the term's bytes as in 8361ff; spaces between them do no harm.")
        }
        return try decode(bytes, place: place)
    }

    private func decode(_ bytes: [UInt8], place: String) throws -> Term {
        do throws(ExternalTermError) {
            return try ExternalTermFormat.decode(bytes, limits: .default)
        } catch {
            throw Failure(
                .failure, "term: \(place): \(error)",
                advice: "Give one whole term, from its version byte 131 (83 in hexadecimal) on.")
        }
    }

    private func standardInput() throws -> [UInt8] {
        let limit = TermLimits.default.maxBytes
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Failure(.failure, "term: standard input can't be read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= limit else {
                throw Failure(.failure, "term: standard input has more than \(limit) bytes", advice: "Give less.")
            }
        }
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.count)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

private func bytes(ofHexadecimal text: String) -> [UInt8]? {
    let digits = text.filter { !$0.isWhitespace }.map { $0.isASCII ? $0.hexDigitValue : nil }
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = digits[index], let low = digits[index + 1] else { return nil }
        bytes.append(UInt8(high << 4 | low))
    }
    return bytes
}
