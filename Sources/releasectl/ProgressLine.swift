import Glibc
import Wire

/// One line on a terminal that each step of long work overwrites, with a bar where it is known how much there is to do;
/// nothing where there is no terminal, or one that can't rewrite a line.
final class ProgressLine {
    private let descriptor: Int32
    private var isDrawn = false
    /// Whether anything is shown.
    let isShown: Bool

    /// - Parameter isWanted: not with `--json`.
    init(on terminal: Terminal = .standardError, isWanted: Bool) {
        descriptor = terminal.descriptor
        isShown = isWanted && terminal.canRedraw
        if isShown { Self.clearWhenInterrupted() }
    }

    /// - Parameter fraction: 0 to 1, where it is known.
    func show(_ text: String, fraction: Double? = nil) {
        guard isShown else { return }
        // The terminal's size may have changed since. Its last column is left alone: what fills it goes on in the next line.
        let terminal = Terminal(descriptor: descriptor)
        isDrawn = true
        terminal.write("\(Self.clearing)\(Self.line(text, fraction, width: terminal.width.map { $0 - 1 }))")
    }

    func show(_ step: WorkStep) {
        guard let done = step.done else { return show("\(step.text)…") }
        guard let total = step.total, total > 0 else { return show("\(step.text): \(Self.count(done, step.unit))") }
        show("\(step.text): \(Self.count(total, step.unit))", fraction: Double(done) / Double(total))
    }

    func clear() {
        guard isDrawn else { return }
        isDrawn = false
        Terminal(descriptor: descriptor).write(Self.clearing)
    }

    // MARK: The line

    private static let clearing = "\r\u{1B}[K"
    private static let barWidths = 10...30
    /// Around the bar, with the percentage.
    private static let besideBar = "[]  100%  ".count

    /// `[#####.....]   50%  unpacking: 4.3 MiB`, in as many columns as there are.
    static func line(_ text: String, _ fraction: Double?, width: Int?) -> String {
        let text = printable(text)
        guard let fraction else { return shortened(text, to: width) }
        let columns = width ?? 80
        let bar = min(barWidths.upperBound, columns / 3)
        let whole = min(max(fraction, 0), 1)
        let percent = "\(Int(whole * 100))%"
        guard bar >= barWidths.lowerBound else { return shortened("\(percent) \(text)", to: width) }
        let full = Int(whole * Double(bar))
        let drawn = String(repeating: "#", count: full) + String(repeating: ".", count: bar - full)
        let padding = String(repeating: " ", count: "100%".count - percent.count)
        return "[\(drawn)]  \(padding)\(percent)  \(shortened(text, to: width.map { _ in columns - bar - besideBar }))"
    }

    private static func count(_ value: Int, _ unit: WorkStep.Unit?) -> String {
        switch unit {
        case .bytes: memory(kiB: (value + 1_023) / 1_024)
        case .files: value == 1 ? "1 file" : "\(value) files"
        case nil: "\(value)"
        }
    }

    // MARK: Ctrl-C

    /// Who is interrupted leaves the line clean, and ends by the signal all the same.
    private static func clearWhenInterrupted() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let before = signal(number) { number in
                let clearing: StaticString = "\r\u{1B}[K"
                _ = write(STDERR_FILENO, clearing.utf8Start, clearing.utf8CodeUnitCount)
                signal(number, SIG_DFL)
                raise(number)
            }
            // Who was started to hear nothing of it goes on so: nohup(1).
            if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
        }
    }
}
