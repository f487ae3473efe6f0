import Foundation
import Terms
import Testing

/// Odd files, beside what OTP's `file:consult/1` answers for each: golden/README.md.
@Suite struct ConsultTests {
    struct Line: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        /// The terms; nil where OTP refuses the file.
        let terms: [Term]?
        var testDescription: String { name }
    }

    static func lines() throws -> [Line] {
        let table = try #require(
            Bundle.module.url(forResource: "consult", withExtension: "tsv", subdirectory: "golden"))
        return try String(contentsOf: table, encoding: .utf8).split(separator: "\n").map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(fields.count == 3)
            var terms: [Term]?
            if fields[2].hasPrefix("ok ") {
                let encoded = try decodeHex(fields[2].dropFirst(3))
                // What is refused here may be so in this form, too.
                terms =
                    refused[String(fields[0])] == nil ? try ExternalTermFormat.decode(encoded).asList : []
            }
            return Line(name: String(fields[0]), bytes: try decodeHex(fields[1]), terms: terms)
        }
    }

    /// Where we mean to differ, and why; docs/instructions.md has these, too.
    static let taken: [String: String] = [
        "a byte order mark": "editors of Windows write it, and it says nothing else than UTF-8",
        "a byte order mark before a comment": "the same",
    ]
    static let refused: [String: String] = [
        "three quotes": "OTP 27 reads it otherwise than OTP 25: a string in three quotes",
        "triple quotes": "the same", "four quotes": "the same",
        "deep lists": "deeper than the bound on nesting",
    ]

    @Test func theTableIsWhole() throws {
        let lines = try Self.lines()
        #expect(lines.count > 220 && Set(lines.map(\.name)).count == lines.count)
        #expect(lines.count { $0.terms == nil } > 80)
        let names = Set(lines.map(\.name))
        #expect(names.isSuperset(of: Self.taken.keys) && names.isSuperset(of: Self.refused.keys))
    }

    @Test func filesAreReadAsByOTP() throws {
        for line in try Self.lines() {
            var found: [Term]?
            var message = ""
            do {
                found = try TermText.parseTerms(line.bytes).map(\.term)
            } catch {
                message = "\(error)"
            }
            if Self.taken[line.name] != nil {
                #expect(line.terms == nil && found != nil, "\(line.name): \(message)")
            } else if Self.refused[line.name] != nil {
                #expect(line.terms != nil && found == nil, "\(line.name)")
            } else {
                #expect(found == line.terms, "\(line.name): \(message)")
            }
        }
    }
}
