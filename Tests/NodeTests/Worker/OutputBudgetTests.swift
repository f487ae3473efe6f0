import Terms
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

@Suite(.timeLimit(.minutes(15))) struct OutputBudgetTests {
    /// A line of the log that says who changed what is the daemon's own.
    @Test(arguments: ["AUDIT", "audit", "UID", "event", "Worker", "RELEASE", "MESSAGE_ID", "priority"])
    func aWorkerDoesNotSpeakForTheDaemon(field: String) {
        let message = WorkerLogMessage("text", [.atom(field): .string("make-permanent"), .atom("mine"): .integer(1)])
        #expect(message.fields == ["mine": "1"])
        #expect(message.text == "text [fields left out: 1]")
    }

    @Test func whatIsOverTheBudgetIsDroppedCountedAndTold() {
        var budget = OutputBudget()
        for line in 0..<OutputBudget.lines { #expect(budget.next(bytes: 1, now: line) == .admit) }
        #expect(budget.next(bytes: 5, now: 2_000) == .drop(reached: .lines))
        #expect(budget.next(bytes: 60_000, now: 2_001) == .drop(reached: nil))
        #expect(budget.next(bytes: 0, now: 9_999) == .drop(reached: nil))
        #expect(budget.next(bytes: 7, now: 10_000) == .admitAfter(.init(lines: 3, bytes: 60_005)))
        #expect(budget.next(bytes: 7, now: 10_001) == .admit)
    }

    @Test func bytesCountBesideTheLines() {
        var budget = OutputBudget()
        for start in [0, 10_000] {
            // The last of them begins within the budget and ends beyond it.
            for line in 0..<17 {
                let verdict = budget.next(bytes: 64_000, now: start + line)
                #expect(verdict == (start > 0 && line == 0 ? .admitAfter(.init(lines: 2, bytes: 10)) : .admit))
                budget.spend(bytes: 64_000)
            }
            #expect(budget.next(bytes: 9, now: start + 17) == .drop(reached: .bytes))
            #expect(budget.next(bytes: 1, now: start + 18) == .drop(reached: nil))
        }
    }

    @Test func whatWasDroppedIsTakenOnceTheIntervalIsOver() {
        var budget = OutputBudget()
        for _ in 0..<OutputBudget.lines { _ = budget.next(bytes: 1, now: 500) }
        #expect(budget.takeLoss(now: 10_500) == nil)
        _ = budget.next(bytes: 4, now: 600)
        #expect(budget.millisecondsLeft(now: 600) == 9_900)
        #expect(budget.takeLoss(now: 10_499) == nil)
        #expect(budget.takeLoss(now: 10_500) == .init(lines: 1, bytes: 4))
        #expect(budget.takeLoss(now: 10_500) == nil)
        #expect(budget.next(bytes: 1, now: 10_500) == .admit)
    }

    @Test func aQuietWorkerIsNeverLimited() {
        var budget = OutputBudget()
        for second in 0..<5_000 {
            #expect(budget.next(bytes: 10, now: second * 100) == .admit)
            budget.spend(bytes: 10)
        }
    }

    // MARK: One message

    @Test func whatIsWithinTheLimitsIsTakenAsItIs() {
        let text = String(repeating: "é", count: WorkerLogMessage.textLimit / 2)
        let message = WorkerLogMessage(text, [.atom("a"): .text("1"), .atom("b"): .list([.integer(2), .ok])])
        #expect(message.text == text)
        #expect(message.fields == ["a": "1", "b": "[2,ok]"])
        #expect(message.byteCount == 8192 + 2 + 7)
    }

    @Test func aLongTextIsCutAndMarked() {
        // The limit lies within a character.
        let message = WorkerLogMessage("x" + String(repeating: "é", count: 30_000), [:])
        #expect(message.text == "x" + String(repeating: "é", count: 4095) + " [cut: 60001 bytes]")
        #expect(message.byteCount == message.text.utf8.count)
    }

    @Test func fieldsThatDoNotFitAreLeftOutAndTold() {
        let long = Term.text(String(repeating: "v", count: 5000))
        let message = WorkerLogMessage("t", [.atom("a"): long, .atom("b"): long, .atom("c"): .integer(3)])
        #expect(message.text == "t [fields left out: 1]")
        #expect(message.fields.mapValues(\.count) == ["a": 5000, "c": 1])

        let many = Dictionary(uniqueKeysWithValues: (0..<65).map { (Term.atom("k\($0)"), Term.integer($0)) })
        #expect(WorkerLogMessage("t", many).text == "t [fields left out: 65]")
        #expect(WorkerLogMessage("t", many).fields == [:])
    }
}
