/// Rows under a heading, in columns as wide as what is in them, and all together no wider than the terminal.
struct Table {
    struct Column {
        var title: String
        var isRight = false
        /// May be cut short where the terminal is narrow.
        var yields = false
        /// Cut at its beginning: a place in the tree is told apart by its end.
        var keepsEnd = false
        /// The width below which it is not cut.
        var leastWidth = 8
        /// Left out where the terminal is too narrow for all; the lowest first.
        var leavesAs: Int?
    }

    var columns: [Column]
    var rows: [[Cell]] = []

    struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        var text: String
        var colour: Colour?

        init(_ text: String, colour: Colour? = nil) {
            self.text = text.isEmpty ? "-" : printable(text)
            self.colour = colour
        }

        /// Nothing where there is nothing to say, for tables that have much of that.
        init(orBlank text: String?) {
            self.text = printable(text ?? "")
            colour = nil
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    static let gap = 2

    func print(on terminal: Terminal) {
        for line in lines(on: terminal) { terminal.line(line) }
    }

    func lines(on terminal: Terminal) -> [String] {
        var table = self
        table.leaveOut(beyond: terminal.width)
        let widths = table.widths(within: terminal.width)
        let heading = table.columns.map { Cell($0.title, colour: .bold) }
        return ([heading] + table.rows).map { table.line($0, widths: widths, terminal: terminal) }
    }

    private func line(_ row: [Cell], widths: [Int], terminal: Terminal) -> String {
        var line = ""
        for (index, cell) in row.enumerated() {
            let text = shortened(cell.text, to: widths[index], keepingEnd: columns[index].keepsEnd)
            let padding = String(repeating: " ", count: widths[index] - text.count)
            let painted = cell.colour.map { terminal.paint(text, $0) } ?? text
            let isLast = index == row.count - 1
            if columns[index].isRight {
                line += padding + painted
            } else {
                line += isLast ? painted : painted + padding
            }
            if !isLast { line += String(repeating: " ", count: Self.gap) }
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private mutating func leaveOut(beyond limit: Int?) {
        guard let limit else { return }
        while widths(within: limit).reduce(0, +) + Self.gap * (columns.count - 1) > limit {
            let leaving = columns.indices.filter { columns[$0].leavesAs != nil }
            guard let first = leaving.min(by: { columns[$0].leavesAs ?? 0 < columns[$1].leavesAs ?? 0 }) else { return }
            columns.remove(at: first)
            for row in rows.indices { rows[row].remove(at: first) }
        }
    }

    /// Takes from the widest column that yields, one by one, until the line fits or none can give more.
    func widths(within limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            max(columns[index].title.count, rows.map { $0[index].text.count }.max() ?? 0)
        }
        guard let limit else { return widths }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - limit
        while excess > 0 {
            let yielding = widths.indices.filter { columns[$0].yields && widths[$0] > columns[$0].leastWidth }
            guard let widest = yielding.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}
