import Glibc

/// Standard output or standard error, and what the other end can show.
struct Terminal: Sendable {
    let descriptor: Int32
    let isTerminal: Bool
    let hasColour: Bool
    /// Whether it understands control sequences.
    let canRedraw: Bool
    /// Lines; nil where it is no terminal.
    let height: Int?
    /// Columns; nil where nothing says how many there are, so that a pipe gets whole lines.
    let width: Int?

    static let standardOutput = Terminal(descriptor: STDOUT_FILENO)
    static let standardError = Terminal(descriptor: STDERR_FILENO)

    init(descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
        let isPlain = Self.environment("NO_COLOR") != nil || Self.environment("TERM") == "dumb"
        hasColour = isTerminal && !isPlain
        canRedraw = isTerminal && Self.environment("TERM") != "dumb"
        var size = winsize()
        let isKnown = isTerminal && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
        height = isTerminal ? (isKnown && size.ws_row > 0 ? Int(size.ws_row) : 24) : nil
        if let columns = Self.environment("COLUMNS").flatMap({ Int($0) }), columns > 0 {
            width = columns
        } else if isTerminal {
            width = isKnown && size.ws_col > 0 ? Int(size.ws_col) : 80
        } else {
            width = nil
        }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    func write(_ text: String) { write(bytes: Array(text.utf8)) }

    /// Ends the process where nobody reads any more, as `… | head` does.
    func write(bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            } else if errno != EINTR {
                Glibc.exit(errno == EPIPE ? 0 : Exit.failure.rawValue)
            }
        }
    }

    func line(_ text: String = "") { write(text + "\n") }

    /// Shows these lines in place of what stands on the screen; what goes beyond its height is counted.
    ///
    /// In one write and line over line, so that nothing flickers. Source: ECMA-48, CUP, EL and ED.
    func redraw(_ lines: [String], isFirst: Bool) {
        var shown = lines
        // The cursor takes the last line.
        if let height, lines.count > height - 1 {
            let room = max(0, height - 2)
            shown = lines.prefix(room) + [shortened("… \(lines.count - room) more lines", to: width)]
        }
        let text = shown.map { $0 + "\u{1B}[K\n" }.joined()
        write((isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H" + text + "\u{1B}[J")
    }

    func paint(_ text: String, _ colour: Colour) -> String {
        hasColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Source: ECMA-48, Select Graphic Rendition.
enum Colour: Int {
    case bold = 1
    case dim = 2
    case red = 31
    case green = 32
    case yellow = 33
}

/// Text as it may stand on a terminal: what workers and files say must not steer it.
func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if isControl(scalar) {
            result += scalar == "\n" ? "\\n" : "\\x{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }

/// The text in at most `width` columns, with `…` where something is left out.
func shortened(_ text: String, to width: Int?, keepingEnd: Bool = false) -> String {
    guard let width, text.count > width else { return text }
    guard width >= 1 else { return "" }
    return keepingEnd ? "…" + text.suffix(width - 1) : text.prefix(width - 1) + "…"
}

extension Terminal {
    /// What is to be told of one instruction of a script, below the table of all: a sentence is not cut to a column.
    ///
    /// - Parameter index: from 0.
    func note(_ index: Int, _ text: String) { line("  \(index + 1): \(printable(text))") }
}
