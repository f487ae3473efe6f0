import Testing

@testable import TestSupport

/// `releasectl term`, which asks no daemon.
@Suite(.timeLimit(.minutes(15))) struct ControlTermTests {
    private func convert(
        _ from: String, _ to: String, _ terms: [String] = [], input: [UInt8] = [], json: Bool = false
    ) async throws -> Releasectl {
        try await Releasectl.run(
            ["term", "--from", from, "--to", to] + (json ? ["--json"] : []) + terms, input: input)
    }

    @Test func betweenTextAndHexadecimal() async throws {
        let hexadecimal = try await convert("text", "etf-hex", ["{ok,[1,2]}", "a."])
        #expect(hexadecimal == Releasectl(exit: 0, output: "83680277026f6b6b00020102\n83770161\n"))
        let text = try await convert("etf-hex", "text", input: Array(hexadecimal.output.utf8))
        #expect(text == Releasectl(exit: 0, output: "{ok,[1,2]}\na\n"))
    }

    @Test func oneTermALine() async throws {
        let run = try await convert("text", "text", input: Array("{ a , b }\n\n  'c'.\n".utf8))
        #expect(run == Releasectl(exit: 0, output: "{a,b}\nc\n"))
    }

    @Test func rawBytes() async throws {
        let bytes: [UInt8] = [131, 104, 1, 97, 42]
        #expect(try await convert("etf", "text", input: bytes) == Releasectl(exit: 0, output: "{42}\n"))
        let run = try await convert("text", "etf", ["{42}"])
        #expect(Array(run.output.unicodeScalars.map(\.value)).suffix(1) == [42])
    }

    @Test func json() async throws {
        let run = try await convert("text", "text", ["<<\"a\\\"b\">>"], json: true)
        #expect(run == Releasectl(exit: 0, output: #"{"term":"<<\"a\\\"b\">>"}"# + "\n"))
    }

    @Test func errorsSayWhereAndWhatToDo() async throws {
        let line = try await convert("text", "etf-hex", input: Array("ok\n{a,\n".utf8))
        #expect(line.exit == 1)
        #expect(line.error.hasPrefix("releasectl: term: line 2: 1:4: "), "\(line.error)")
        let odd = try await convert("etf-hex", "text", ["836"])
        #expect(
            odd.error == """
                releasectl: term: argument 1: no hexadecimal digits in pairs
                  Give the term's bytes as in 8361ff; spaces between them do no harm.

                """)
        let short = try await convert("etf", "text", input: [131, 109, 255, 255, 255, 255])
        #expect(short.exit == 1)
        #expect(short.error.hasPrefix("releasectl: term: standard input: byte "), "\(short.error)")
        let several = try await convert("text", "etf", ["a", "b"])
        #expect(
            several.error == """
                releasectl: term: --to etf writes exactly one term, the input has 2
                  Use --to etf-hex for several.

                """)
        #expect(several.exit == 64)
        let latin = try await convert("text", "text", input: [0xE4, 10])
        #expect(
            latin.error == """
                releasectl: term: standard input is no UTF-8
                  Use --from etf for the bytes of a term.

                """)
    }
}
