import Terms

/// Which release boots, `releases/start_erl.data`: `ERTSVSN RELVSN`, a line.
///
/// Source: release_handler(3), `start_erl.data`.
public struct StartErlData: Hashable, Sendable, Codable {
    public var ertsVsn: String
    public var releaseVsn: String

    public init(ertsVsn: String, releaseVsn: String) {
        self.ertsVsn = ertsVsn
        self.releaseVsn = releaseVsn
    }

    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> StartErlData {
        let text = String(decoding: utf8, as: UTF8.self)
        // By scalars: a mark that combines with a blank would make it another character.
        let words = text.unicodeScalars.split { $0.properties.isWhitespace }
        guard words.count == 2 else {
            let found = words.isEmpty ? "nothing" : Term.string(text).description
            throw refusal(text.startIndex, in: text, file, expected: "\"ERTSVSN RELVSN\"", found: found)
        }
        for word in words where !NameRule.vsn.allows(String(word)) {
            throw refusal(
                word.startIndex, in: text, file, expected: "a version (\(NameRule.vsn.sentence))",
                found: Term.string(String(word)).description)
        }
        return StartErlData(ertsVsn: String(words[0]), releaseVsn: String(words[1]))
    }

    private static func refusal(
        _ index: String.Index, in text: String, _ file: String, expected: String, found: String
    ) -> FileError {
        let before = text[..<index]
        let line = before.count(where: \.isNewline) + 1
        let column = before.reversed().prefix { !$0.isNewline }.count + 1
        return FileError(
            file: file, position: SourcePosition(line: line, column: column),
            message: "expected \(expected), found \(TermReader.shortened(found))")
    }

    public func text() -> String { "\(ertsVsn) \(releaseVsn)\n" }
}
