import Host

/// What a program says that is run once, told line by line: one that floods it would take the log's own limit from all others.
@HostActor
final class ProgramSpeech {
    private let tell: (String) -> Void
    private var budget = OutputBudget()
    private var lastLine: String?

    init(tell: @escaping @HostActor (String) -> Void) { self.tell = tell }

    func say(_ line: String) {
        lastLine = line
        switch budget.next(bytes: line.utf8.count, now: Reactor.nowMilliseconds()) {
        case .admit: break
        case .admitAfter(let loss): tell("\(loss.lines) lines, \(loss.bytes) bytes, were dropped: it said too much")
        case .drop(let reached):
            guard let reached else { return }
            let seconds = OutputBudget.intervalMilliseconds / 1000
            return tell("it says more than \(reached) in \(seconds) s: the rest is dropped")
        }
        budget.spend(bytes: line.utf8.count)
        tell(line)
    }

    /// What it said last, for the reason of its failure; empty where it said nothing.
    var lastWords: String { lastLine.map { ": \($0.cut(toBytes: Self.reasonBytes))" } ?? "" }

    private static let reasonBytes = 1_024
}
