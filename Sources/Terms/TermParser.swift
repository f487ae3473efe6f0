/// Reads terms out of a text: the cursor, what lies between terms, and errors. The terms are in the extensions.
struct TermParser {
    let text: [UInt8]
    let limits: TermLimits
    private(set) var offset = 0
    private var line = 1
    private var lineStart = 0
    /// Bytes of this line that are no character's first, which columns don't count.
    private var continuationBytes = 0
    /// What is left of `limits.maxElements`.
    private var elementsLeft: Int
    /// What is left of `limits.maxBytes` for binaries: `<<0:8000>>` takes more room than its text.
    private var binaryBytesLeft: Int

    init(_ utf8: [UInt8], limits: TermLimits) throws(TermTextError) {
        text = utf8
        self.limits = limits
        elementsLeft = limits.maxElements
        binaryBytesLeft = limits.maxBytes
        guard utf8.count <= limits.maxBytes else {
            throw failure("the text is \(utf8.count) bytes long, at most \(limits.maxBytes) are accepted")
        }
        guard String(validating: utf8, as: UTF8.self) == nil else { return }
        let valid = Self.validPrefix(utf8)
        while offset < valid { advance() }
        throw failure("the text is not valid UTF-8")
    }

    private static func validPrefix(_ utf8: [UInt8]) -> Int {
        var valid = 0
        var decoder = UTF8()
        var bytes = utf8.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&bytes) { valid += UTF8.width(scalar) }
        return valid
    }

    var position: SourcePosition {
        SourcePosition(line: line, column: offset - lineStart - continuationBytes + 1)
    }

    // MARK: The cursor

    /// The byte at the cursor, or further on; nil behind the end.
    @inline(__always)
    func peek(_ distance: Int = 0) -> UInt8? {
        offset + distance < text.count ? text[offset + distance] : nil
    }

    /// Whether ASCII `word` stands at the cursor.
    func stands(_ word: StaticString) -> Bool {
        guard text.count - offset >= word.utf8CodeUnitCount else { return false }
        return (0..<word.utf8CodeUnitCount).allSatisfy { text[offset + $0] == word.utf8Start[$0] }
    }

    /// Passes over one byte.
    @inline(__always)
    mutating func advance() {
        let byte = text[offset]
        offset += 1
        if byte == UInt8(ascii: "\n") {
            line += 1
            lineStart = offset
            continuationBytes = 0
        } else if byte & 0xC0 == 0x80 {
            continuationBytes += 1
        }
    }

    mutating func advance(_ count: Int) {
        for _ in 0..<count { advance() }
    }

    /// The character at the cursor, without passing over it; nil at the end.
    func peekCharacter() -> (code: UInt32, length: Int)? {
        guard let first = peek() else { return nil }
        let length = first < 0x80 ? 1 : (first < 0xE0 ? 2 : (first < 0xF0 ? 3 : 4))
        // The text has been validated as a whole.
        var code = length == 1 ? UInt32(first) : UInt32(first) & (0x7F >> UInt32(length))
        for index in 1..<length { code = code << 6 | UInt32(text[offset + index] & 0x3F) }
        return (code, length)
    }

    /// Passes over white space and comments.
    mutating func skipBlanks() {
        while let byte = peek() {
            switch byte {
            case 0...0x20: advance()
            case UInt8(ascii: "%"): while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
            case 0xC2:
                // White space of Latin-1's upper half: U+0080 to U+00A0.
                guard let next = peek(1), next <= 0xA0 else { return }
                advance(2)
            case 0xEF where offset == 0 && stands("\u{FEFF}"): advance(3)
            default: return
            }
        }
    }

    mutating func isAtEnd() throws(TermTextError) -> Bool {
        skipBlanks()
        return offset == text.count
    }

    /// The dot behind a term, with white space, a comment or the end behind it.
    mutating func endOfTerm() throws(TermTextError) {
        skipBlanks()
        guard peek() == UInt8(ascii: ".") else { throw expected("'.' at the end of the term") }
        advance()
        guard let next = peek() else { return }
        guard next <= 0x20 || next == UInt8(ascii: "%") || next == 0xC2 else {
            throw expected("white space after the '.' that ends a term")
        }
    }

    // MARK: Limits

    mutating func takeElements(_ count: Int, at position: SourcePosition) throws(TermTextError) {
        elementsLeft -= count
        guard elementsLeft >= 0 else {
            throw failure("the text has more than \(limits.maxElements) elements", at: position)
        }
    }

    mutating func takeBinaryBytes(_ count: Int, at position: SourcePosition) throws(TermTextError) {
        binaryBytesLeft -= count
        guard binaryBytesLeft >= 0 else {
            throw failure("the binaries take more than \(limits.maxBytes) bytes", at: position)
        }
    }

    // MARK: Errors

    func failure(_ message: String, at position: SourcePosition? = nil) -> TermTextError {
        TermTextError(position: position ?? self.position, message: message)
    }

    /// The error that something else stands at the cursor.
    func expected(_ what: String) -> TermTextError { failure("expected \(what), found \(found)") }

    /// As `expected`, inside of what `opener` opened: at the end of the text, the opener is what helps.
    func expected(_ what: String, in opener: String, from start: SourcePosition) -> TermTextError {
        offset < text.count
            ? expected(what)
            : failure("expected \(what), found the end of the text: the \(opener) begun at \(start) is not ended")
    }

    /// What stands at the cursor, in short.
    private var found: String {
        guard let (code, length) = peekCharacter() else { return "the end of the text" }
        switch code {
        case 0x22: return "a string"
        case 0x27: return "a quoted atom"
        case ..<0x20, 0x7F...0xA0: return "a control character (\(code))"
        default: break
        }
        var end = offset + length
        if CharacterClass.isNamePart(code) {
            var rest = self
            while let (code, length) = rest.peekCharacter(), CharacterClass.isNamePart(code) { rest.advance(length) }
            end = max(rest.offset, end)
        }
        let word = String(decoding: text[offset..<end], as: UTF8.self)
        let isLong = word.unicodeScalars.count > 40
        let short = isLong ? String(String.UnicodeScalarView(word.unicodeScalars.prefix(40))) + "…" : word
        return CharacterClass.startsVariable(code) ? "the variable \(short)" : "'\(short)'"
    }
}
