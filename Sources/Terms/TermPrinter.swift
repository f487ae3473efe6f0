/// Writes terms on one line: as text that reads back, as `io_lib:format("~0tp", [Term])` does, or in another style.
struct TermPrinter {
    /// In what `~w`, `~tw`, `~p` and `~tp` differ on one line.
    struct Style {
        /// Lists and binaries of printable characters are written between quotes.
        var showsStrings = true
        /// As `~p` and `~w` without a `t`: an atom's characters beyond Latin-1 are written as `\x{65E5}`, and a binary
        /// is not taken for UTF-8.
        var isLatin1 = false
        /// What is printable, Latin-1 only or all of Unicode: an emulator's `+pc`.
        var printsUnicode = true

        func isPrintable(_ code: UInt32) -> Bool {
            (code < 0x100 || printsUnicode && !isLatin1) && CharacterClass.isPrintable(code)
        }
    }

    let style: Style
    private(set) var output: [UInt8] = []
    /// Once this many bytes are written, nothing more is: for measuring whether a term fits on a line.
    private var limit = Int.max

    init(style: Style = Style(), limit: Int = .max) {
        self.style = style
        self.limit = limit
    }

    var isOverLimit: Bool { output.count > limit }

    mutating func write(_ text: String) { output.append(contentsOf: text.utf8) }

    /// Writes the term on one line if that takes no more than `width` characters; otherwise nothing.
    mutating func write(_ term: Term, ifWithin width: Int) -> Bool {
        let start = output.count
        // At most four bytes a character, so that more of them cannot fit; counted exactly below.
        limit = start + max(width, 0) * 4
        defer { limit = Int.max }
        write(term)
        if !isOverLimit, let count = characterCount(since: start), count <= width { return true }
        drop(to: start)
        return false
    }

    /// Takes back all but the first `count` bytes.
    mutating func drop(to count: Int) { output.removeLast(output.count - count) }

    /// How many characters were written after the first `start` bytes; nil if a line ended among them.
    func characterCount(since start: Int) -> Int? {
        var count = 0
        for index in start..<output.count {
            if output[index] == UInt8(ascii: "\n") { return nil }
            if output[index] & 0xC0 != 0x80 { count += 1 }
        }
        return count
    }

    mutating func write(_ term: Term) {
        guard !isOverLimit else { return }
        switch term {
        case .atom(let atom): write(atom)
        case .integer(let value): write(String(value))
        case .bigInteger(let value): write(value.description)
        case .float(let value): write(FloatText.format(value))
        case .binary(let bytes): write(binary: bytes)
        case .bitstring(let bytes, let bits):
            write("<<")
            write(numbers: bytes.dropLast())
            write(bytes.count > 1 ? "," : "")
            write("\((bytes.last ?? 0) >> (8 - UInt8(bits))):\(bits)>>")
        case .list(let elements):
            if let characters = characters(elements) {
                write(characters, quote: 0x22)
            } else {
                write("[")
                write(separated: elements)
                write("]")
            }
        case .improperList(let elements, let tail):
            write("[")
            write(separated: elements)
            write("|")
            write(tail)
            write("]")
        case .tuple(let elements):
            write("{")
            write(separated: elements)
            write("}")
        case .map(let pairs): write(pairs)
        case .opaque(let opaque): write(opaque.description)
        }
    }

    private mutating func write(separated terms: [Term]) {
        for (index, term) in terms.enumerated() {
            guard !isOverLimit else { return }
            if index > 0 { write(",") }
            write(term)
        }
    }

    private mutating func write(_ pairs: [Term: Term]) {
        write("#{")
        for (index, (key, value)) in pairs.inKeyOrder.enumerated() {
            guard !isOverLimit else { return }
            if index > 0 { write(",") }
            write(key)
            write(" => ")
            write(value)
        }
        write("}")
    }

    private mutating func write(_ atom: Atom) {
        let scalars = atom.name.unicodeScalars
        if let first = scalars.first, CharacterClass.startsAtom(first.value),
            scalars.allSatisfy({ CharacterClass.isNamePart($0.value) }),
            !CharacterClass.reservedWords.contains(atom.name)
        {
            write(atom.name)
        } else {
            write(scalars.map(\.value), quote: 0x27)
        }
    }

    /// The code points of a list that is printed as a string: one character at least, all of them printable.
    func characters(_ elements: [Term]) -> [UInt32]? {
        guard style.showsStrings, !elements.isEmpty else { return nil }
        var characters: [UInt32] = []
        for element in elements {
            guard case .integer(let value) = element, let code = UInt32(exactly: value), style.isPrintable(code)
            else { return nil }
            characters.append(code)
        }
        return characters
    }

    /// The code points of a binary that is printed as a string, and whether they are its UTF-8 rather than its bytes.
    /// Valid UTF-8 is never taken for Latin-1.
    func characters(binary bytes: [UInt8]) -> (codes: [UInt32], areUTF8: Bool)? {
        guard style.showsStrings, !bytes.isEmpty else { return nil }
        if !style.isLatin1, let codes = CharacterClass.codePoints(utf8: bytes) {
            return codes.allSatisfy(style.isPrintable) ? (codes, codes.count < bytes.count) : nil
        }
        let codes = bytes.map { UInt32($0) }
        return codes.allSatisfy(style.isPrintable) ? (codes, false) : nil
    }

    private mutating func write(binary bytes: [UInt8]) {
        write("<<")
        if let (codes, areUTF8) = characters(binary: bytes) {
            write(codes, quote: 0x22)
            if areUTF8 { write("/utf8") }
        } else {
            write(numbers: bytes[...])
        }
        write(">>")
    }

    private mutating func write(numbers bytes: ArraySlice<UInt8>) {
        for (index, byte) in bytes.enumerated() {
            guard !isOverLimit else { return }
            if index > 0 { write(",") }
            write(String(byte))
        }
    }

    private mutating func write(_ codes: [UInt32], quote: UInt32) {
        write(character: quote)
        for code in codes {
            guard !isOverLimit else { return }
            switch code {
            case quote, 0x5C:
                write(character: 0x5C)
                write(character: code)
            case 0x08: write("\\b")
            case 0x09: write("\\t")
            case 0x0A: write("\\n")
            case 0x0B: write("\\v")
            case 0x0C: write("\\f")
            case 0x0D: write("\\r")
            case 0x1B: write("\\e")
            case 0x7F: write("\\d")
            case 0x100... where quote == 0x27 && style.isLatin1:
                write("\\x{\(String(code, radix: 16, uppercase: true))}")
            case ..<0xA0 where !CharacterClass.isPrintable(code):
                let octal = String(code, radix: 8)
                write("\\" + String(repeating: "0", count: 3 - octal.utf8.count) + octal)
            default: write(character: code)
            }
        }
        write(character: quote)
    }

    private mutating func write(character code: UInt32) {
        guard code >= 0x80, let scalar = Unicode.Scalar(code) else {
            output.append(UInt8(truncatingIfNeeded: code))
            return
        }
        output.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
    }
}

extension Term: CustomStringConvertible {
    /// The term on one line, as `~0tp` prints it: strings as `"..."`, binaries as `<<"...">>` or
    /// `<<"..."/utf8>>`, maps by the order of their keys.
    ///
    /// It reads back as the same term, unless a pid, reference, port or local fun is in it.
    public var description: String {
        var printer = TermPrinter()
        printer.write(self)
        return String(decoding: printer.output, as: UTF8.self)
    }

    /// As `description`, of one that is longer than this only the beginning, and ` [cut]` behind it. It costs no more than
    /// what is shown.
    public func description(upToBytes limit: Int) -> String {
        var printer = TermPrinter(limit: limit)
        printer.write(self)
        guard printer.isOverLimit else { return String(decoding: printer.output, as: UTF8.self) }
        var end = limit
        while end > 0, printer.output[end] & 0xc0 == 0x80 { end -= 1 }
        return String(decoding: printer.output[..<end], as: UTF8.self) + " [cut]"
    }

    /// The term on as many lines as it takes for none to be longer than `width` characters where that is
    /// possible. It reads back as `description` does.
    public func pretty(width: Int = 80) -> String {
        var printer = TermPrinter()
        printer.writePretty(self, column: 0, room: width)
        return String(decoding: printer.output, as: UTF8.self)
    }
}
