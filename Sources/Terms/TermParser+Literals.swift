extension TermParser {
    // MARK: Atoms

    /// The run of name characters at the cursor.
    mutating func name() throws(TermTextError) -> String {
        let first = offset
        while let (code, length) = peekCharacter(), CharacterClass.isNamePart(code) { advance(length) }
        return String(decoding: text[first..<offset], as: UTF8.self)
    }

    mutating func atom() throws(TermTextError) -> Atom {
        let start = position
        let name: String
        if peek() == UInt8(ascii: "'") {
            var scalars = String.UnicodeScalarView()
            for code in try quoted("quoted atom") {
                guard let scalar = Unicode.Scalar(code) else { continue }
                scalars.append(scalar)
            }
            name = String(scalars)
        } else {
            name = try self.name()
            guard !CharacterClass.reservedWords.contains(name) else {
                throw failure("'\(name)' is a reserved word: as an atom it needs quotes", at: start)
            }
        }
        guard name.utf8.count <= limits.maxAtomCharacters || name.unicodeScalars.count <= limits.maxAtomCharacters
        else {
            throw failure("the atom is longer than \(limits.maxAtomCharacters) characters", at: start)
        }
        return Atom(name)
    }

    // MARK: Strings

    /// One string or several beside each other, as the list of their characters.
    mutating func stringList() throws(TermTextError) -> Term {
        let start = position
        guard !stands("\"\"\"") else {
            throw failure("triple-quoted strings are not read here: write \"...\" with \\n at the lines' ends")
        }
        var elements: [Term] = []
        repeat {
            let codes = try quoted("string")
            try takeElements(codes.count, at: start)
            elements += codes.map(Term.ofCodePoint)
            skipBlanks()
        } while peek() == UInt8(ascii: "\"")
        return .list(elements)
    }

    /// The characters between the quote at the cursor and the next of its kind.
    mutating func quoted(_ what: String) throws(TermTextError) -> [UInt32] {
        let start = position
        let quote = peek()
        advance()
        var codes: [UInt32] = []
        while let (code, length) = peekCharacter() {
            if code < 0x80, UInt8(code) == quote {
                advance()
                return codes
            }
            if code == 0x5C {
                guard peek(1) != nil else { break }
                codes.append(try escape())
            } else {
                try requireCharacter(code)
                advance(length)
                codes.append(code)
            }
        }
        throw failure("the \(what) is not ended: the text ends before the closing quote", at: start)
    }

    /// U+FFFE and U+FFFF are no characters to OTP either.
    private func requireCharacter(_ code: UInt32) throws(TermTextError) {
        guard code & ~1 == 0xFFFE else { return }
        throw failure("U+\(String(code, radix: 16, uppercase: true)) is no character")
    }

    /// The character that a backslash and what follows it stand for.
    private mutating func escape() throws(TermTextError) -> UInt32 {
        let start = position
        advance()
        guard let (code, length) = peekCharacter() else { throw expected("a character after the backslash") }
        if (0x30...0x37).contains(code) { return octalEscape() }
        advance(length)
        switch code {
        case 0x62: return 0x08  // b
        case 0x64: return 0x7F  // d
        case 0x65: return 0x1B  // e
        case 0x66: return 0x0C  // f
        case 0x6E: return 0x0A  // n
        case 0x72: return 0x0D  // r
        case 0x73: return 0x20  // s
        case 0x74: return 0x09  // t
        case 0x76: return 0x0B  // v
        case 0x78: return try hexadecimalEscape(start)
        case 0x5E:
            // Any character, as in OTP 25; a letter, as its documentation has it.
            guard let (control, length) = peekCharacter(), control < 0x80 else {
                throw failure("expected a control character's letter after \\^", at: start)
            }
            advance(length)
            return control & 0x1F
        default: return code
        }
    }

    private mutating func octalEscape() -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<3 {
            guard let digit = peek(), (0x30...0x37).contains(digit) else { break }
            code = code * 8 + UInt32(digit - 0x30)
            advance()
        }
        return code
    }

    /// `\xHH` or `\x{H...}`; the cursor is behind the x.
    private mutating func hexadecimalEscape(_ start: SourcePosition) throws(TermTextError) -> UInt32 {
        let isBraced = peek() == UInt8(ascii: "{")
        if isBraced { advance() }
        var code: UInt32 = 0
        var count = 0
        while isBraced || count < 2, let digit = peek().flatMap({ Self.digit($0, radix: 16) }) {
            // Too large stays too large.
            code = min(code << 4 | UInt32(digit), 0x20_0000)
            count += 1
            advance()
        }
        if isBraced {
            guard count > 0, peek() == UInt8(ascii: "}") else {
                throw failure("expected \\x{...} with hexadecimal digits", at: start)
            }
            advance()
        } else if count < 2 {
            throw failure("expected two hexadecimal digits after \\x", at: start)
        }
        guard Unicode.Scalar(code) != nil, code & ~1 != 0xFFFE else {
            throw failure("\\x{\(String(code, radix: 16))} is no Unicode character", at: start)
        }
        return code
    }

    // MARK: Numbers

    /// A number or character, with or without signs.
    mutating func signedNumber() throws(TermTextError) -> Term {
        let sign = peek()
        let isNegative = sign == UInt8(ascii: "-")
        if isNegative || sign == UInt8(ascii: "+") {
            advance()
            skipBlanks()
        }
        let parentheses = try openParentheses()
        let value: Term
        switch peek() {
        case UInt8(ascii: "$"): value = try character()
        case .some(0x30...0x39): value = try number()
        default: throw expected("a number after the sign")
        }
        try closeParentheses(parentheses)
        guard isNegative else { return value }
        if let float = value.asDouble { return .float(-float) }
        return value.asBigInteger.map { Term(-$0) } ?? value
    }

    /// `$c`: the character's code point.
    private mutating func character() throws(TermTextError) -> Term {
        advance()
        guard let (code, length) = peekCharacter() else { throw expected("a character after '$'") }
        if code == 0x5C { return .ofCodePoint(try escape()) }
        try requireCharacter(code)
        advance(length)
        return .ofCodePoint(code)
    }

    static func digit(_ byte: UInt8, radix: UInt8) -> UInt8? {
        let value: UInt8
        switch byte {
        case 0x30...0x39: value = byte - 0x30
        case 0x41...0x5A: value = byte - 0x41 + 10
        case 0x61...0x7A: value = byte - 0x61 + 10
        default: return nil
        }
        return value < radix ? value : nil
    }

    /// The digits at the cursor, without the underscores between them.
    private mutating func digits(radix: UInt8) -> [UInt8] {
        var digits: [UInt8] = []
        while let byte = peek() {
            if Self.digit(byte, radix: radix) != nil {
                digits.append(byte)
            } else if byte != UInt8(ascii: "_") || digits.isEmpty
                || peek(1).flatMap({ Self.digit($0, radix: radix) }) == nil
            {
                break
            }
            advance()
        }
        return digits
    }

    /// `123`, `1_000`, `16#ff`, `1.5`, `1.5e-3`, without a sign.
    mutating func number() throws(TermTextError) -> Term {
        let start = position
        let whole = digits(radix: 10)
        let value: Term
        if peek() == UInt8(ascii: "#") {
            guard case .integer(let base) = try integer(whole, radix: 10, at: start), (2...36).contains(base) else {
                throw failure("the base of an integer must be from 2 to 36", at: start)
            }
            advance()
            let rest = digits(radix: UInt8(base))
            guard !rest.isEmpty else { throw expected("a digit of base \(base)") }
            value = try integer(rest, radix: base, at: start)
        } else if peek() == UInt8(ascii: "."), let next = peek(1), (0x30...0x39).contains(next) {
            value = .float(try float(whole, at: start))
        } else {
            value = try integer(whole, radix: 10, at: start)
        }
        // `1a` would otherwise be two terms beside each other, with an error that points past the mistake.
        if let (code, _) = peekCharacter(), CharacterClass.isNamePart(code) {
            throw failure("a number is followed by a letter", at: position)
        }
        return value
    }

    private func integer(_ digits: [UInt8], radix: Int, at start: SourcePosition) throws(TermTextError) -> Term {
        let text = String(decoding: digits, as: UTF8.self)
        if let value = Int(text, radix: radix) { return .integer(value) }
        // The digits are counted first, by the whole bits of each, so that the conversion has an end too.
        let bitsEach = Int.bitWidth - 1 - radix.leadingZeroBitCount
        let maxBits = limits.maxIntegerBytes * 8
        guard digits.count <= maxBits / bitsEach + 1, let value = BigInteger(digits: digits, radix: radix),
            value.bitWidth <= maxBits
        else {
            throw failure("the integer takes more than \(limits.maxIntegerBytes) bytes", at: start)
        }
        return Term(value)
    }

    /// A float whose digits before the dot have been read.
    private mutating func float(_ whole: [UInt8], at start: SourcePosition) throws(TermTextError) -> Double {
        advance()
        var characters = whole + [UInt8(ascii: ".")] + digits(radix: 10)
        if let exponent = peek(), exponent | 0x20 == UInt8(ascii: "e") {
            advance()
            characters.append(UInt8(ascii: "e"))
            if let sign = peek(), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                characters.append(sign)
                advance()
            }
            let digits = digits(radix: 10)
            guard !digits.isEmpty else { throw expected("the float's exponent") }
            characters += digits
        }
        guard let value = Double(String(decoding: characters, as: UTF8.self)), value.isFinite else {
            throw failure("the float is too large for 64 bits", at: start)
        }
        return value
    }
}
