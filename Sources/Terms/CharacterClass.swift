/// What Erlang's scanner and printer take a character for.
///
/// Source: Erlang Reference Manual, "Data Types" and "Reserved Words"; `io_lib:printable_unicode_list/1`.
enum CharacterClass {
    /// The first of an atom that needs no quotes: a Latin-1 lowercase letter.
    static func startsAtom(_ code: UInt32) -> Bool {
        switch code {
        case 0x61...0x7A, 0xDF...0xF6, 0xF8...0xFF: true
        default: false
        }
    }

    static func startsVariable(_ code: UInt32) -> Bool {
        switch code {
        case 0x41...0x5A, 0x5F, 0xC0...0xD6, 0xD8...0xDE: true
        default: false
        }
    }

    /// Any but the first of an atom or variable.
    static func isNamePart(_ code: UInt32) -> Bool {
        startsAtom(code) || startsVariable(code) || code == 0x40 || (0x30...0x39).contains(code)
    }

    /// What may stand as it is, or with a letter escape, in a string that is printed as one.
    static func isPrintable(_ code: UInt32) -> Bool {
        switch code {
        case 0x08...0x0D, 0x1B, 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    static let reservedWords: Set<String> = [
        "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond",
        "div", "end", "fun", "if", "let", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
    ]

    /// The code points of bytes that are well-formed UTF-8, otherwise nil.
    static func codePoints(utf8 bytes: [UInt8]) -> [UInt32]? {
        String(validating: bytes, as: UTF8.self)?.unicodeScalars.map(\.value)
    }
}
