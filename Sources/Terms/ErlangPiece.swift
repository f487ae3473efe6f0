/// A term made ready to be broken over lines: the text of what is never broken, and the length of everything.
struct ErlangPiece {
    indirect enum Content {
        /// An atom, number, string, opaque term or an empty container.
        case text([UInt8])
        /// The bytes of a binary that is not printed as a string, with a comma behind each but the last.
        case binary([String])
        case list([ErlangPiece], tail: ErlangPiece?)
        /// A tuple of two elements at least whose first is an atom.
        case taggedTuple(tag: ErlangPiece, rest: [ErlangPiece])
        case tuple([ErlangPiece])
        case map([ErlangPair])
    }

    let content: Content
    /// How many characters it takes on one line.
    let length: Int

    var isText: Bool {
        if case .text = content { return true }
        return false
    }

    init(_ term: Term, _ style: TermPrinter.Style) {
        switch term {
        case .list(let elements) where !elements.isEmpty && TermPrinter(style: style).characters(elements) == nil:
            self.init(list: elements.map { ErlangPiece($0, style) }, tail: nil)
        case .improperList(let elements, let tail):
            self.init(list: elements.map { ErlangPiece($0, style) }, tail: ErlangPiece(tail, style))
        case .tuple(let elements) where !elements.isEmpty:
            let isTagged = elements.count > 1 && elements[0].asAtom != nil
            self.init(tuple: elements.map { ErlangPiece($0, style) }, isTagged: isTagged)
        case .map(let map) where !map.isEmpty:
            self.init(
                map: map.inKeyOrder.map {
                    ErlangPair(key: ErlangPiece($0.key, style), value: ErlangPiece($0.value, style))
                })
        case .binary(let bytes)
        where !bytes.isEmpty && TermPrinter(style: style).characters(binary: bytes) == nil:
            self.init(binary: bytes.map { String($0) })
        case .bitstring(let bytes, let bits):
            let last = "\((bytes.last ?? 0) >> (8 - UInt8(bits))):\(bits)"
            self.init(binary: bytes.dropLast().map { String($0) } + [last])
        case .atom, .integer, .bigInteger, .float, .binary, .list, .tuple, .map, .opaque:
            var printer = TermPrinter(style: style)
            printer.write(term)
            self.init(text: printer.output)
        }
    }

    private init(text: [UInt8]) {
        content = .text(text)
        length = Self.characterCount(text)
    }

    private init(list elements: [ErlangPiece], tail: ErlangPiece?) {
        content = .list(elements, tail: tail)
        length = 1 + elements.reduce(0) { $0 + $1.length + 1 } + (tail.map { $0.length + 1 } ?? 0)
    }

    private init(tuple elements: [ErlangPiece], isTagged: Bool) {
        content = isTagged ? .taggedTuple(tag: elements[0], rest: Array(elements.dropFirst())) : .tuple(elements)
        length = 1 + elements.reduce(0) { $0 + $1.length + 1 }
    }

    private init(map pairs: [ErlangPair]) {
        content = .map(pairs)
        length = 2 + pairs.reduce(0) { $0 + $1.length + 1 }
    }

    private init(binary numbers: [String]) {
        content = .binary(numbers)
        length = 3 + numbers.reduce(0) { $0 + $1.utf8.count + 1 }
    }

    /// As io_lib counts: code points where all are of Latin-1, otherwise what a reader takes for one character.
    private static func characterCount(_ utf8: [UInt8]) -> Int {
        guard utf8.contains(where: { $0 > 0xC3 }) else { return utf8.count { $0 & 0xC0 != 0x80 } }
        return String(decoding: utf8, as: UTF8.self).count
    }
}

/// A key of a map and its value.
struct ErlangPair {
    let key: ErlangPiece
    let value: ErlangPiece

    var length: Int { key.length + 4 + value.length }
    var isText: Bool { key.isText && value.isText }
}
