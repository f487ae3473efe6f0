extension TermPrinter {
    /// Writes the term from `column` (from 0) on, on one line if it fits in `room`, otherwise one part a line.
    ///
    /// `room` is less than the width by what must follow on the last line.
    mutating func writePretty(_ term: Term, column: Int, room: Int) {
        if write(term, ifWithin: room - column) { return }
        switch term {
        case .tuple(let elements) where !elements.isEmpty:
            writeTuple(elements, column: column, room: room)
        case .list(let elements) where !elements.isEmpty && characters(elements) == nil:
            write("[")
            writeLines(elements[...], column: column + 1, room: room - 1)
            write("]")
        case .improperList(let elements, let tail):
            write("[")
            writeLines(elements[...], column: column + 1, room: room - 1)
            write("|")
            newLine(column + 1)
            writePretty(tail, column: column + 1, room: room - 1)
            write("]")
        case .map(let pairs) where !pairs.isEmpty: writeMap(pairs, column: column, room: room)
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .list, .tuple, .map, .opaque:
            write(term)
        }
    }

    /// A tuple's short atom stays on a line with what it names: `{release,{"kv","1.0.0"},`.
    private mutating func writeTuple(_ elements: [Term], column: Int, room: Int) {
        write("{")
        let start = output.count
        if elements.count > 1, case .atom = elements[0], write(elements[0], ifWithin: min(16, room - column)) {
            write(",")
            let tag = 1 + (characterCount(since: start) ?? 0)
            writeLines(elements[1...], column: column + tag, room: room - 1)
        } else {
            writeLines(elements[...], column: column + 1, room: room - 1)
        }
        write("}")
    }

    private mutating func writeLines(_ terms: ArraySlice<Term>, column: Int, room: Int) {
        for (index, term) in terms.enumerated() {
            if index > 0 {
                write(",")
                newLine(column)
            }
            writePretty(term, column: column, room: room)
        }
    }

    private mutating func writeMap(_ pairs: [Term: Term], column: Int, room: Int) {
        write("#{")
        for (index, (key, value)) in pairs.inKeyOrder.enumerated() {
            if index > 0 {
                write(",")
                newLine(column + 2)
            }
            let start = output.count
            writePretty(key, column: column + 2, room: room - 4)
            write(" =>")
            let keyWidth = characterCount(since: start) ?? room
            let lineStart = output.count
            write(" ")
            if !write(value, ifWithin: room - 1 - (column + 2 + keyWidth + 1)) {
                drop(to: lineStart)
                newLine(column + 4)
                writePretty(value, column: column + 4, room: room - 1)
            }
        }
        write("}")
    }

    private mutating func newLine(_ column: Int) {
        // Deep terms stop moving to the right, so that their text does not grow with the square of their depth.
        write("\n" + String(repeating: " ", count: min(column, 60)))
    }
}
