/// Writes a term as `~p` does: on one line where it fits, otherwise broken in the places in which io_lib breaks it.
///
/// What the parameters of all functions mean:
/// - `column`: where the piece begins, from 1;
/// - `indent`: how many spaces a new line of the piece's container begins with;
/// - `depth`: how many brackets will close right behind the piece;
/// - `width`: how many characters, blanks not counted, stand before it on its line.
///
/// A piece that is no text always ends the line: whatever follows it begins a new one.
///
/// Source: the behaviour of `io_lib_pretty` in OTP 25.
struct ErlangLayout {
    let piece: ErlangPiece
    let column: Int
    /// A tuple whose tag takes more is continued on the next line, indented by this; nil: never, it is aligned
    /// behind its tag.
    let tagIndent: Int?
    private(set) var output: [UInt8] = []

    static let lineLength = 80

    init(of piece: ErlangPiece, column: Int) {
        self.piece = piece
        self.column = column
        // The first that does not push the text beyond the middle of the lines; if none, the smallest.
        tagIndent =
            if ErlangIndentation(total: piece.length, tagIndent: nil).suits(piece, column: column) {
                nil
            } else if ErlangIndentation(total: piece.length, tagIndent: 4).suits(piece, column: column) {
                4
            } else {
                1
            }
    }

    mutating func write() {
        if piece.isText {
            write(piece)
        } else {
            lay(piece, column: column, indent: column - 1, depth: 0, width: 0)
        }
    }

    static func fits(_ length: Int, column: Int, depth: Int, width: Int, total: Int) -> Bool {
        length < lineLength - column - depth && length + width + depth <= total
    }

    /// Whether an element, with the comma before it, fits behind those before it, so that what follows it (a comma,
    /// or the brackets that close) fits too.
    static func tailFits(_ length: Int, column: Int, depth: Int, width: Int, total: Int) -> Bool {
        let last = max(depth, 1)
        return 1 + length < lineLength - column - last && width + 1 + length + last <= total
    }

    private func fits(_ length: Int, column: Int, depth: Int, width: Int) -> Bool {
        Self.fits(length, column: column, depth: depth, width: width, total: piece.length)
    }

    private func tailFits(_ length: Int, column: Int, depth: Int, width: Int) -> Bool {
        Self.tailFits(length, column: column, depth: depth, width: width, total: piece.length)
    }

    private mutating func lay(_ piece: ErlangPiece, column: Int, indent: Int, depth: Int, width: Int) {
        if fits(piece.length, column: column, depth: depth, width: width) { return write(piece) }
        switch piece.content {
        case .text: write(piece)
        case .binary(let numbers):
            lay(binary: numbers, column: column + 2, indent: indent + 2, depth: depth, width: width)
        case .list(let elements, let tail):
            write("[")
            lay(
                elements, tail: tail, column: column + 1, indent: indent + 1, depth: depth, width: width + 1)
            write("]")
        case .tuple(let elements):
            write("{")
            lay(elements, tail: nil, column: column + 1, indent: indent + 1, depth: depth, width: width + 1)
            write("}")
        case .taggedTuple(let tag, let rest):
            write("{")
            lay(tag: tag, rest: rest, column: column, indent: indent, depth: depth, width: width + 1)
            write("}")
        case .map(let pairs):
            write("#{")
            lay(pairs, column: column + 2, indent: indent + 2, depth: depth, width: width + 1)
            write("}")
        }
    }

    private mutating func lay(
        tag: ErlangPiece, rest: [ErlangPiece], column: Int, indent: Int, depth: Int, width: Int
    ) {
        write(tag)
        let tagWidth = tag.length + 2
        if let tagIndent, tagWidth > tagIndent {
            lay(
                rest[...], tail: nil, lineColumn: column + tagIndent, column: column + tagWidth,
                indent: indent + tagIndent, depth: depth, width: width + tag.length)
        } else {
            write(",")
            lay(
                rest, tail: nil, column: column + tagWidth, indent: indent + tagWidth, depth: depth,
                width: width + tag.length + 1)
        }
    }

    /// The elements of a list or tuple.
    private mutating func lay(
        _ elements: [ErlangPiece], tail: ErlangPiece?, column: Int, indent: Int, depth: Int, width: Int
    ) {
        let ends = elements.count > 1 ? 0 : depth + 1
        let used = lay(element: elements[0], column: column, indent: indent, depth: ends, width: width)
        lay(
            elements.dropFirst(), tail: tail, lineColumn: column, column: column + used, indent: indent,
            depth: depth, width: width + used)
    }

    /// The elements behind the first. `column`, `width`: where the line so far ends.
    private mutating func lay(
        _ elements: ArraySlice<ErlangPiece>, tail: ErlangPiece?, lineColumn: Int, column: Int, indent: Int,
        depth: Int, width: Int
    ) {
        var (column, width) = (column, width)
        for (index, element) in zip(elements.indices, elements) {
            let ends = index < elements.endIndex - 1 ? 0 : depth + 1
            write(",")
            if element.isText, tailFits(element.length, column: column, depth: ends, width: width) {
                write(element)
                column += 1 + element.length
                width += 1 + element.length
            } else {
                newLine(indent)
                width = lay(element: element, column: lineColumn, indent: indent, depth: ends, width: 0)
                column = lineColumn + width
            }
        }
        guard let tail else { return }
        write("|")
        if tail.isText, fits(tail.length + 1, column: column, depth: depth + 1, width: width) {
            write(tail)
        } else {
            newLine(indent)
            lay(tail, column: lineColumn, indent: indent, depth: depth + 1, width: 0)
        }
    }

    /// How far the line is used then: all of it where the element is no text.
    private mutating func lay(
        element: ErlangPiece, column: Int, indent: Int, depth: Int, width: Int
    ) -> Int {
        lay(element, column: column, indent: indent, depth: depth, width: width)
        return element.isText && fits(element.length, column: column, depth: depth, width: width)
            ? element.length : Self.lineLength
    }

    private mutating func lay(_ pairs: [ErlangPair], column: Int, indent: Int, depth: Int, width: Int) {
        var end = column
        var width = width
        for (index, pair) in pairs.enumerated() {
            let ends = index < pairs.count - 1 ? 0 : depth + 1
            if index > 0 {
                write(",")
                if pair.isText, tailFits(pair.length, column: end, depth: ends, width: width) {
                    write(pair)
                    end += 1 + pair.length
                    width += 1 + pair.length
                    continue
                }
                newLine(indent)
                width = 0
            }
            width = lay(pair, column: column, indent: indent, depth: ends, width: width)
            end = column + width
        }
    }

    /// How far the line is used then, as for elements.
    private mutating func lay(
        _ pair: ErlangPair, column: Int, indent: Int, depth: Int, width: Int
    ) -> Int {
        if fits(pair.length, column: column, depth: depth, width: width) {
            write(pair)
            return pair.isText ? pair.length : Self.lineLength
        }
        let valueIndent = tagIndent ?? 4
        lay(pair.key, column: column, indent: indent, depth: depth, width: width)
        write(" =>")
        newLine(indent + valueIndent)
        lay(pair.value, column: column + valueIndent, indent: indent + valueIndent, depth: depth, width: 0)
        return Self.lineLength
    }

    private mutating func lay(binary numbers: [String], column: Int, indent: Int, depth: Int, width: Int) {
        let room = max(8, min(Self.lineLength - column, piece.length - 4 - width) - depth)
        var left = room
        write("<<")
        for (index, number) in numbers.enumerated() {
            let isLast = index == numbers.count - 1
            let length = number.utf8.count + (isLast ? 0 : 1)
            if length > left {
                newLine(indent)
                left = room
            }
            left -= length
            write(isLast ? number : number + ",")
        }
        write(">>")
    }
}

extension ErlangLayout {
    private mutating func newLine(_ indent: Int) {
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent))
    }

    private mutating func write(_ text: String) { output.append(contentsOf: text.utf8) }

    private mutating func write(_ pair: ErlangPair) {
        write(pair.key)
        write(" => ")
        write(pair.value)
    }

    /// The piece on one line.
    private mutating func write(_ piece: ErlangPiece) {
        switch piece.content {
        case .text(let text): output.append(contentsOf: text)
        case .binary(let numbers): write("<<" + numbers.joined(separator: ",") + ">>")
        case .list(let elements, let tail):
            write("[")
            write(separated: elements)
            if let tail {
                write("|")
                write(tail)
            }
            write("]")
        case .taggedTuple(let tag, let rest):
            write("{")
            write(separated: [tag] + rest)
            write("}")
        case .tuple(let elements):
            write("{")
            write(separated: elements)
            write("}")
        case .map(let pairs):
            write("#{")
            for (index, pair) in pairs.enumerated() {
                if index > 0 { write(",") }
                write(pair)
            }
            write("}")
        }
    }

    private mutating func write(separated pieces: [ErlangPiece]) {
        for (index, piece) in pieces.enumerated() {
            if index > 0 { write(",") }
            write(piece)
        }
    }
}
