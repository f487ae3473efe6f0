import Foundation
import Terms
import Testing

/// One line of the golden table: a term as OTP encoded it and as OTP printed it.
struct GoldenLine: Sendable, CustomTestStringConvertible {
    let number: Int
    let bytes: [UInt8]
    let text: String

    var testDescription: String { "line \(number)" }

    static func all() throws -> [GoldenLine] {
        let table: URL
        if let directory = ProcessInfo.processInfo.environment["GOLDEN_TERMS_DIR"] {
            table = URL(fileURLWithPath: directory).appendingPathComponent("terms.tsv")
        } else {
            table = try #require(
                Bundle.module.url(forResource: "terms", withExtension: "tsv", subdirectory: "golden"))
        }
        let lines = try String(contentsOf: table, encoding: .utf8).split(separator: "\n")
        return try lines.enumerated().map { index, line in
            let fields = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            try #require(fields.count == 2, "line \(index + 1) has no tab")
            return GoldenLine(number: index + 1, bytes: try decodeHex(fields[0]), text: String(fields[1]))
        }
    }
}

func decodeHex(_ hex: some StringProtocol) throws -> [UInt8] {
    let digits = Array(hex)
    return try stride(from: 0, to: digits.count - 1, by: 2).map { index in
        try #require(UInt8(String(digits[index...index + 1]), radix: 16))
    }
}

@Suite struct GoldenTests {
    @Test func theTableIsWhole() throws {
        #expect(try GoldenLine.all().count > 2000)
    }

    @Test func textAndBytesAreTheSameTerm() throws {
        for line in try GoldenLine.all() {
            let decoded = try ExternalTermFormat.decode(line.bytes)
            let parsed = try TermText.parseTerm(line.text)
            #expect(decoded == parsed, "line \(line.number)")
            #expect(decoded.hashValue == parsed.hashValue, "line \(line.number)")
            #expect(!Term.erlangOrder(decoded, parsed) && !Term.erlangOrder(parsed, decoded), "line \(line.number)")
        }
    }

    @Test func encodingDecodesToTheSame() throws {
        for line in try GoldenLine.all() {
            let term = try ExternalTermFormat.decode(line.bytes)
            let encoded = ExternalTermFormat.encode(term)
            #expect(try ExternalTermFormat.decode(encoded) == term, "line \(line.number)")
            // Only the order of a map's keys is the writer's to choose.
            #expect(encoded.count == line.bytes.count, "line \(line.number)")
        }
    }

    @Test func printingReadsBack() throws {
        for line in try GoldenLine.all() {
            let term = try ExternalTermFormat.decode(line.bytes)
            #expect(!term.description.contains("\n"))
            #expect(try TermText.parseTerm(term.description) == term, "line \(line.number)")
            for width in [10, 40, 80] {
                #expect(try TermText.parseTerm(term.pretty(width: width)) == term, "line \(line.number)")
            }
        }
    }

    @Test func oneLineIsWhatOTPPrints() throws {
        for line in try GoldenLine.all() {
            let term = try ExternalTermFormat.decode(line.bytes)
            #expect(term.description == line.text, "line \(line.number)")
        }
    }

    @Test func aFileOfAllReadsBack() throws {
        let terms = try GoldenLine.all().map { try ExternalTermFormat.decode($0.bytes) }
        let file = TermText.format(terms: terms, header: "All of them.\n\nThe end.")
        #expect(file.hasPrefix("%% All of them.\n%%\n%% The end.\n"))
        #expect(try TermText.parseTerms(Array(file.utf8)).map(\.term) == terms)
    }
}
