/// Text as OTP 25's `io_lib:format/2` makes it, so that what is told of a term is told in the same words and lines.
///
/// `~p` breaks lines at 80 characters, from the column at which it stands. Differs from OTP in maps of more than
/// 32 keys, which OTP writes in the order of a hash and this in the order of the keys, and in what a node knows of
/// its own pids, references, ports and funs: here they have the numbers of their external term format.
///
/// Source: `io_lib` and `io` (STDLIB Reference Manual).
public enum ErlangFormat {
    /// What an emulator takes for printable, its `+pc`; Latin-1 unless it was started with another. It matters to
    /// `~tp` alone: a string with characters beyond it is written as a list of integers.
    public enum PrintableRange: Hashable, Sendable {
        case latin1, unicode
    }

    /// What fills one control sequence.
    public enum Argument: Hashable, Sendable {
        case term(Term)
        /// The same as the term that is the list of its characters.
        case text(String)
    }

    /// `~w`: one line, strings as lists of integers, binaries as their bytes.
    public static func w(_ term: Term) -> String { oneLine(term, FormatControl.w.style(.latin1)) }

    /// `~tw`: as `~w`, with the characters of atoms as they are.
    public static func tw(_ term: Term) -> String { oneLine(term, FormatControl.tw.style(.latin1)) }

    /// `~p`: strings of Latin-1 characters between quotes, lines broken; `column` characters stand before it on its line.
    public static func p(_ term: Term, column: Int = 0) -> String {
        pretty(term, FormatControl.p.style(.latin1), column: column)
    }

    /// `~tp`: as `~p`, with the characters of atoms as they are.
    public static func tp(_ term: Term, column: Int = 0, printable: PrintableRange = .latin1) -> String {
        pretty(term, FormatControl.tp.style(printable), column: column)
    }

    /// The text of a format with the control sequences `~w`, `~tw`, `~p`, `~tp`, `~s`, `~ts`, `~n` and `~~`, and of its
    /// arguments, one each but for the last two.
    ///
    /// A format is part of the program: another sequence, or another number of arguments, is a programming error
    /// and traps. An argument of `~s` or `~ts` that is no text is written as by `~tp`.
    public static func format(
        _ format: String, _ arguments: [Argument] = [], printable: PrintableRange = .latin1
    ) -> String {
        var text = FormattedText()
        var arguments = arguments[...]
        var rest = Array(format.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            guard scalar == "~" else {
                text.append(scalar)
                continue
            }
            guard let control = FormatControl(takenFrom: &rest) else {
                preconditionFailure("\"\(format)\" has a control sequence that is not written here")
            }
            switch control {
            case .n: text.append("\n")
            case .tilde: text.append("~")
            case .w, .tw, .p, .tp, .s, .ts:
                guard let argument = arguments.popFirst() else {
                    preconditionFailure("\"\(format)\" has more control sequences than arguments")
                }
                text.append(argument, as: control, printable)
            }
        }
        precondition(arguments.isEmpty, "\"\(format)\" has fewer control sequences than arguments")
        return text.text
    }

    static func oneLine(_ term: Term, _ style: TermPrinter.Style) -> String {
        var printer = TermPrinter(style: style)
        printer.write(term)
        return String(decoding: printer.output, as: UTF8.self)
    }

    static func pretty(_ term: Term, _ style: TermPrinter.Style, column: Int) -> String {
        let piece = ErlangPiece(term, style)
        var layout = ErlangLayout(of: piece, column: max(column + 1, 1))
        layout.write()
        return String(decoding: layout.output, as: UTF8.self)
    }
}

/// A control sequence of a format.
enum FormatControl {
    case w, tw, p, tp, s, ts, n, tilde

    /// Takes the characters behind the `~`; nil where they are none of these.
    init?(takenFrom rest: inout ArraySlice<Unicode.Scalar>) {
        let isUnicode = rest.first == "t"
        if isUnicode { rest.removeFirst() }
        switch (rest.popFirst(), isUnicode) {
        case ("w", false): self = .w
        case ("w", true): self = .tw
        case ("p", false): self = .p
        case ("p", true): self = .tp
        case ("s", false): self = .s
        case ("s", true): self = .ts
        case ("n", false): self = .n
        case ("~", false): self = .tilde
        case (_, _): return nil
        }
    }

    func style(_ printable: ErlangFormat.PrintableRange) -> TermPrinter.Style {
        switch self {
        case .w: TermPrinter.Style(showsStrings: false, isLatin1: true, printsUnicode: false)
        case .tw: TermPrinter.Style(showsStrings: false, printsUnicode: false)
        case .p: TermPrinter.Style(isLatin1: true, printsUnicode: false)
        case .tp, .s, .ts, .n, .tilde: TermPrinter.Style(printsUnicode: printable == .unicode)
        }
    }
}

/// Text with the column at its end.
private struct FormattedText {
    private var scalars = String.UnicodeScalarView()
    private var column = 0

    var text: String { String(scalars) }

    mutating func append(_ scalar: Unicode.Scalar) {
        scalars.append(scalar)
        switch scalar {
        case "\n": column = 0
        case "\t": column = (column + 8) / 8 * 8
        default: column += 1
        }
    }

    mutating func append(_ text: String) {
        for scalar in text.unicodeScalars { append(scalar) }
    }

    mutating func append(
        _ argument: ErlangFormat.Argument, as control: FormatControl, _ printable: ErlangFormat.PrintableRange
    ) {
        switch (control, argument) {
        case (.s, .text(let text)), (.ts, .text(let text)): append(text)
        case (.s, .term(let term)), (.ts, .term(let term)):
            append(term.characters ?? ErlangFormat.tp(term, column: column, printable: printable))
        case (.w, _), (.tw, _): append(ErlangFormat.oneLine(argument.term, control.style(printable)))
        case (_, _): append(ErlangFormat.pretty(argument.term, control.style(printable), column: column))
        }
    }
}

extension ErlangFormat.Argument {
    fileprivate var term: Term {
        switch self {
        case .term(let term): term
        case .text(let text): .string(text)
        }
    }
}

extension Term {
    /// The text of an atom, or of lists of characters and binaries in lists at any depth; a binary is UTF-8, or Latin-1
    /// where it is not. Nil for anything else.
    fileprivate var characters: String? {
        switch self {
        case .atom(let atom): return atom.name
        case .binary(let bytes):
            return asText ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        case .list(let elements):
            var text = ""
            for element in elements {
                switch element {
                case .integer(let value):
                    guard let code = UInt32(exactly: value), let scalar = Unicode.Scalar(code) else { return nil }
                    text.unicodeScalars.append(scalar)
                case .list, .binary:
                    guard let part = element.characters else { return nil }
                    text += part
                case .atom, .bigInteger, .float, .bitstring, .improperList, .tuple, .map, .opaque: return nil
                }
            }
            return text
        case .integer, .bigInteger, .float, .bitstring, .improperList, .tuple, .map, .opaque: return nil
        }
    }
}
