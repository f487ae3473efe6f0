/// Why a text is no acceptable term, and where.
public struct TermTextError: Error, Hashable, CustomStringConvertible {
    public let position: SourcePosition
    public let message: String

    public init(position: SourcePosition, message: String) {
        self.position = position
        self.message = message
    }

    /// `3:14: expected …, found …`
    public var description: String { "\(position): \(message)" }
}

/// Erlang terms as text, in the form of OTP's configuration files.
///
/// Source: `file:consult/1`; Erlang Reference Manual, "Data Types".
public enum TermText {
    /// The terms of a file, each ended by a dot. UTF-8, or Latin-1 where a comment says so, `%% coding: latin-1`;
    /// comments begin with `%`.
    public static func parseTerms(
        _ utf8: [UInt8], limits: TermLimits = .default
    ) throws(TermTextError) -> [LocatedTerm] {
        var parser = try TermParser(SourceEncoding.utf8(of: utf8), limits: limits)
        var terms: [LocatedTerm] = []
        while try !parser.isAtEnd() {
            terms.append(try parser.term(depth: 0))
            try parser.endOfTerm()
        }
        return terms
    }

    /// Whether a file's comment says that it is in Latin-1, `%% coding: latin-1`.
    public static func isLatin1(_ file: [UInt8]) -> Bool { SourceEncoding.isLatin1(file) }

    /// How many bytes the term takes that a text begins with.
    public static func lengthOfFirstTerm(_ utf8: [UInt8], limits: TermLimits = .default) throws(TermTextError) -> Int {
        var parser = try TermParser(utf8, limits: limits)
        _ = try parser.term(depth: 0)
        return parser.offset
    }

    /// The one term of a text, with or without a dot at its end.
    public static func parseTerm(
        _ text: String, limits: TermLimits = .default
    ) throws(TermTextError) -> Term {
        var parser = try TermParser(Array(text.utf8), limits: limits)
        let located = try parser.term(depth: 0)
        if try !parser.isAtEnd() { try parser.endOfTerm() }
        guard try parser.isAtEnd() else { throw parser.expected("nothing after the term") }
        return located.term
    }

    /// The text of a file with these terms, which `parseTerms` reads back. Each line of the header becomes a comment.
    public static func format(terms: [Term], header: String? = nil) -> String {
        var text = ""
        if let header {
            for line in header.split(separator: "\n", omittingEmptySubsequences: false) {
                text += line.isEmpty ? "%%\n" : "%% \(line)\n"
            }
        }
        for term in terms { text += term.pretty(width: 79) + ".\n" }
        return text
    }
}
