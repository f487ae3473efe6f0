/// The words of an inline command, as somebody types it into telnet.
///
/// Words stand apart by white space. "..." knows \n \r \t \b \a \xHH and backslash before any other byte; '...'
/// knows \' only. A closing quote ends the word and must be followed by white space or the end.
enum InlineWords {
    /// The words, or nil when a quote is not closed or something follows it directly.
    static func split(_ line: UnsafeRawBufferPointer) -> [Bytes]? {
        var words: [Bytes] = []
        var position = 0
        while true {
            while position < line.count, isSpace(line[position]) { position += 1 }
            guard position < line.count else { return words }
            guard let word = word(line, &position) else { return nil }
            words.append(Bytes(word))
        }
    }

    private static func word(_ line: UnsafeRawBufferPointer, _ position: inout Int) -> [UInt8]? {
        var word: [UInt8] = []
        while position < line.count, !isSpace(line[position]) {
            switch line[position] {
            case UInt8(ascii: "\""):
                position += 1
                guard doubleQuoted(line, &position, &word) else { return nil }
                return word
            case UInt8(ascii: "'"):
                position += 1
                guard singleQuoted(line, &position, &word) else { return nil }
                return word
            case let byte:
                word.append(byte)
                position += 1
            }
        }
        return word
    }

    private static func doubleQuoted(
        _ line: UnsafeRawBufferPointer, _ position: inout Int, _ word: inout [UInt8]
    ) -> Bool {
        while position < line.count {
            let byte = line[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return position == line.count || isSpace(line[position]) }
            guard byte == UInt8(ascii: "\\"), position < line.count else {
                word.append(byte)
                continue
            }
            if line[position] == UInt8(ascii: "x"), position + 2 < line.count,
                let high = hexDigit(line[position + 1]), let low = hexDigit(line[position + 2])
            {
                word.append(high << 4 | low)
                position += 3
            } else {
                word.append(escaped(line[position]))
                position += 1
            }
        }
        return false
    }

    private static func singleQuoted(
        _ line: UnsafeRawBufferPointer, _ position: inout Int, _ word: inout [UInt8]
    ) -> Bool {
        while position < line.count {
            let byte = line[position]
            position += 1
            if byte == UInt8(ascii: "'") { return position == line.count || isSpace(line[position]) }
            if byte == UInt8(ascii: "\\"), position < line.count, line[position] == UInt8(ascii: "'") {
                word.append(UInt8(ascii: "'"))
                position += 1
            } else {
                word.append(byte)
            }
        }
        return false
    }

    private static func escaped(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "a"): 0x07
        default: byte
        }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0
    }
}
