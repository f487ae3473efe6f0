/// Whether a term, laid out with one way of continuing tagged tuples, stays in the left half of the lines, or has room
/// for all of itself where it does not.
///
/// It follows the layout without writing it; parameters are those of `ErlangLayout`. In two places io_lib reckons
/// differently here than where it writes (a map's width, an improper tail's column), and so does this.
///
/// Source: the behaviour of `io_lib_pretty` in OTP 25.
struct ErlangIndentation {
    /// The length of the whole term.
    let total: Int
    let tagIndent: Int?

    func suits(_ piece: ErlangPiece, column: Int) -> Bool {
        suits(piece, column: column, depth: 0, width: 0)
    }

    private func fits(_ length: Int, column: Int, depth: Int, width: Int) -> Bool {
        ErlangLayout.fits(length, column: column, depth: depth, width: width, total: total)
    }

    private func tailFits(_ length: Int, column: Int, depth: Int, width: Int) -> Bool {
        ErlangLayout.tailFits(length, column: column, depth: depth, width: width, total: total)
    }

    private func suits(_ piece: ErlangPiece, column: Int, depth: Int, width: Int) -> Bool {
        if fits(piece.length, column: column, depth: depth, width: width) { return true }
        return switch piece.content {
        case .text, .binary: true
        case .list(let elements, let tail):
            suits(elements, tail: tail, column: column + 1, depth: depth, width: width + 1)
        case .tuple(let elements):
            suits(elements, tail: nil, column: column + 1, depth: depth, width: width + 1)
        case .taggedTuple(let tag, let rest):
            suits(tag: tag.length, rest: rest, column: column, depth: depth, width: width + 1)
        case .map(let pairs): suits(pairs, column: column + 2, depth: depth, width: width + 2)
        }
    }

    private func suits(tag: Int, rest: [ErlangPiece], column: Int, depth: Int, width: Int) -> Bool {
        let tagWidth = tag + 2
        let behindTag = column + tagWidth
        let half = ErlangLayout.lineLength / 2
        if let tagIndent, tagWidth > tagIndent {
            let lineColumn = column + tagIndent
            guard total + lineColumn <= ErlangLayout.lineLength || lineColumn <= half else { return false }
            return suits(
                rest[...], tail: nil, lineColumn: lineColumn, column: behindTag, depth: depth, width: width + tag)
        }
        guard total + behindTag < ErlangLayout.lineLength || behindTag < half else { return false }
        return suits(rest, tail: nil, column: behindTag, depth: depth, width: width + tag + 1)
    }

    private func suits(
        _ elements: [ErlangPiece], tail: ErlangPiece?, column: Int, depth: Int, width: Int
    ) -> Bool {
        let ends = elements.count > 1 ? 0 : depth + 1
        guard let used = used(by: elements[0], column: column, depth: ends, width: width) else { return false }
        return suits(
            elements.dropFirst(), tail: tail, lineColumn: column, column: column + used, depth: depth,
            width: width + used)
    }

    private func suits(
        _ elements: ArraySlice<ErlangPiece>, tail: ErlangPiece?, lineColumn: Int, column: Int, depth: Int,
        width: Int
    ) -> Bool {
        var (column, width) = (column, width)
        for (index, element) in zip(elements.indices, elements) {
            let ends = index < elements.endIndex - 1 ? 0 : depth + 1
            if element.isText, tailFits(element.length, column: column, depth: ends, width: width) {
                column += 1 + element.length
                width += 1 + element.length
            } else {
                guard let used = used(by: element, column: lineColumn, depth: ends, width: 0) else { return false }
                column = lineColumn + used
                width = used
            }
        }
        guard let tail else { return true }
        return suits(tail, column: column, depth: depth + 1, width: 0)
    }

    /// How far the line is used behind an element: all of it where it is no text. Nil: it does not suit.
    private func used(by element: ErlangPiece, column: Int, depth: Int, width: Int) -> Int? {
        if element.isText, fits(element.length, column: column, depth: depth, width: width) {
            return element.length
        }
        return suits(element, column: column, depth: depth, width: width) ? ErlangLayout.lineLength : nil
    }

    private func suits(_ pairs: [ErlangPair], column: Int, depth: Int, width: Int) -> Bool {
        var end = column
        var width = width
        for (index, pair) in pairs.enumerated() {
            let ends = index < pairs.count - 1 ? 0 : depth + 1
            if index > 0 {
                if pair.isText, tailFits(pair.length, column: end, depth: ends, width: width) {
                    end += 1 + pair.length
                    width += 1 + pair.length
                    continue
                }
                width = 0
            }
            guard let used = used(by: pair, column: column, depth: ends, width: width) else { return false }
            end = column + used
            width += used
        }
        return true
    }

    private func used(by pair: ErlangPair, column: Int, depth: Int, width: Int) -> Int? {
        if fits(pair.length, column: column, depth: depth, width: width) {
            return pair.isText ? pair.length : ErlangLayout.lineLength
        }
        guard suits(pair.key, column: column, depth: depth, width: width),
            suits(pair.value, column: column + (tagIndent ?? 4), depth: depth, width: 0)
        else { return nil }
        return ErlangLayout.lineLength
    }
}
