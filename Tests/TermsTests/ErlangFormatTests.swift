import Foundation
import Terms
import Testing

/// One line of the golden table: what OTP printed of a format and its arguments.
struct FormatLine: Sendable {
    let number: Int
    let printable: ErlangFormat.PrintableRange
    let format: String
    let arguments: [Term]
    let text: String

    static func all() throws -> [FormatLine] {
        let table: URL
        if let directory = ProcessInfo.processInfo.environment["GOLDEN_FORMAT_DIR"] {
            table = URL(fileURLWithPath: directory).appendingPathComponent("format.tsv")
        } else {
            table = try #require(
                Bundle.module.url(forResource: "format", withExtension: "tsv", subdirectory: "golden"))
        }
        // By bytes: a tab and a combining character behind it are one Character.
        return try Data(contentsOf: table).split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map(unescape)
            try #require(fields.count == 4, "line \(index + 1)")
            let arguments = try #require(try TermText.parseTerm(fields[2]).asList)
            return FormatLine(
                number: index + 1, printable: fields[0] == "unicode" ? .unicode : .latin1, format: fields[1],
                arguments: arguments, text: fields[3])
        }
    }

    /// `\n`, `\t` and `\\` stand for the characters that would break the table.
    private static func unescape(_ field: Data) -> String {
        var bytes: [UInt8] = []
        var rest = field[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "t"): bytes.append(0x09)
            default: bytes.append(next)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite struct ErlangFormatTests {
    @Test func printsWhatOTPPrinted() throws {
        let lines = try FormatLine.all()
        #expect(lines.count > 300)
        for line in lines {
            let text = ErlangFormat.format(
                line.format, line.arguments.map { .term($0) }, printable: line.printable)
            // Compared by code points: Swift's strings are equal where they look the same.
            #expect(
                text.unicodeScalars.elementsEqual(line.text.unicodeScalars),
                "line \(line.number), \(line.format):\n\(text)\nOTP:\n\(line.text)")
        }
    }

    @Test func theColumnIsThatOfTheOutput() {
        let stop = Term.tuple([
            .atom("stop"),
            .list(["shop_sup", "shop_server", "shop_store", "shop_codec", "shop_router"].map { .atom($0) }),
        ])
        #expect(
            ErlangFormat.format("Bad instruction ~p~nbefore point_of_no_return~n", [.term(stop)]) == """
                Bad instruction {stop,[shop_sup,shop_server,shop_store,shop_codec,
                                       shop_router]}
                before point_of_no_return

                """)
        #expect(
            ErlangFormat.p(stop) == """
                {stop,[shop_sup,shop_server,shop_store,shop_codec,shop_router]}
                """)
        #expect(ErlangFormat.p(stop, column: 16).contains("\n                       shop_router"))
    }

    @Test func eachSequenceHasItsFunction() {
        let term = Term.tuple([.atom("日é"), .string("é"), .string("日"), .text("é"), .text("日")])
        #expect(ErlangFormat.w(term) == "{'\\x{65E5}é',[233],[26085],<<195,169>>,<<230,151,165>>}")
        #expect(ErlangFormat.tw(term) == "{'日é',[233],[26085],<<195,169>>,<<230,151,165>>}")
        #expect(ErlangFormat.p(term) == "{'\\x{65E5}é',\"é\",[26085],<<\"Ã©\">>,<<230,151,165>>}")
        #expect(ErlangFormat.tp(term) == "{'日é',\"é\",[26085],<<\"é\"/utf8>>,<<230,151,165>>}")
        #expect(
            ErlangFormat.tp(term, printable: .unicode)
                == "{'日é',\"é\",\"日\",<<\"é\"/utf8>>,<<\"日\"/utf8>>}")
    }

    @Test func textIsWrittenAsItIs() {
        #expect(ErlangFormat.format("~ts.app~~ ~s~n", [.text("日"), .term(.atom("kv"))]) == "日.app~ kv\n")
        #expect(ErlangFormat.format("~p", [.text("kv")]) == "\"kv\"")
        #expect(ErlangFormat.format("~ts", [.term(.tuple([1]))]) == "{1}")
    }
}
