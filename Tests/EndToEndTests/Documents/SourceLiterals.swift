import Foundation
import Testing

@testable import TestSupport

/// The string literals of Swift sources, with ◊ for what is put in; one in an interpolation is one of its own.
struct SourceLiterals {
    struct Literal: Sendable {
        let file: String
        let line: Int
        let text: String
    }

    private var found: [Literal] = []
    private let file: String
    private let text: [UInt8]
    private var position = 0
    private var line = 1

    private static let sources = Result { try read("Sources") }
    private static let tests = Result { try read("Tests") }

    /// Of all files below a folder of the package.
    static func below(_ folder: String) throws -> [Literal] {
        switch folder {
        case "Sources": try sources.get()
        case "Tests": try tests.get()
        default: try read(folder)
        }
    }

    private static func read(_ folder: String) throws -> [Literal] {
        let base = Project.root.appending(path: folder)
        let walk = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
        var literals: [Literal] = []
        for case let url as URL in walk where url.pathExtension == "swift" {
            let path = String(url.path.dropFirst(Project.root.path.count + 1))
            var reader = SourceLiterals(file: path, text: Array(try Data(contentsOf: url)))
            reader.readCode(isInterpolation: false)
            literals += reader.found
        }
        return literals
    }

    private init(file: String, text: [UInt8]) {
        self.file = file
        self.text = text
    }

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
    private static let slash = UInt8(ascii: "/")
    private static let newline = UInt8(ascii: "\n")

    private func isAt(_ word: [UInt8]) -> Bool {
        guard text.count - position >= word.count else { return false }
        for index in word.indices where text[position + index] != word[index] { return false }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where position < text.count {
            if text[position] == Self.newline { line += 1 }
            position += 1
        }
    }

    /// Up to the parenthesis that ends an interpolation, or the end.
    private mutating func readCode(isInterpolation: Bool) {
        var depth = 0
        while position < text.count {
            switch text[position] {
            case Self.slash where position + 1 < text.count && text[position + 1] == Self.slash:
                while position < text.count, text[position] != Self.newline { advance() }
            case Self.slash where isAtExpression:
                // A regular expression's quotes begin nothing.
                advance()
                while position < text.count, text[position] != Self.slash, text[position] != Self.newline {
                    advance(text[position] == Self.backslash ? 2 : 1)
                }
                advance()
            case Self.quote:
                var hashes = 0
                while position > hashes, text[position - 1 - hashes] == UInt8(ascii: "#") { hashes += 1 }
                readLiteral(hashes: hashes)
            case UInt8(ascii: "("):
                depth += 1
                advance()
            case UInt8(ascii: ")"):
                advance()
                if depth == 0, isInterpolation { return }
                depth -= 1
            default: advance()
            }
        }
    }

    /// Whether a slash begins a regular expression: an argument.
    private var isAtExpression: Bool {
        guard position + 1 < text.count, text[position + 1] != UInt8(ascii: " ") else { return false }
        var before = position - 1
        while before >= 0, text[before] == UInt8(ascii: " ") || text[before] == Self.newline { before -= 1 }
        return before >= 0 && text[before] == UInt8(ascii: "(")
    }

    private mutating func readLiteral(hashes: Int) {
        let begin = line
        let marks = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
        let isLong = isAt([Self.quote, Self.quote, Self.quote])
        let end = [UInt8](repeating: Self.quote, count: isLong ? 3 : 1) + marks
        let escape = [Self.backslash] + marks
        advance(isLong ? 3 : 1)
        var literal: [UInt8] = []
        while position < text.count, !isAt(end) {
            if isAt(escape + [UInt8(ascii: "(")]) {
                advance(escape.count + 1)
                readCode(isInterpolation: true)
                literal += Array(String(Advice.hole).utf8)
            } else if isAt(escape), position + escape.count < text.count {
                advance(escape.count)
                let character = text[position]
                advance()
                switch character {
                case UInt8(ascii: "n"): literal.append(Self.newline)
                case UInt8(ascii: "t"): literal.append(UInt8(ascii: "\t"))
                case Self.newline:
                    // The line goes on.
                    while position < text.count, text[position] == UInt8(ascii: " ") { advance() }
                default: literal.append(character)
                }
            } else {
                literal.append(text[position])
                advance()
            }
        }
        advance(end.count)
        found.append(Literal(file: file, line: begin, text: String(decoding: literal, as: UTF8.self)))
    }
}
