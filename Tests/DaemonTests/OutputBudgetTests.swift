import Testing

@testable import ReleaseHandlerD

@Suite(.timeLimit(.minutes(5))) struct OutputBudgetTests {
    @Test func whatIsOverTheBudgetIsDroppedCountedAndTold() {
        var budget = OutputBudget()
        for line in 0..<OutputBudget.burst { #expect(budget.next(now: line) == .admit) }
        #expect(budget.next(now: 2_000) == .drop(isFirst: true))
        #expect(budget.next(now: 2_001) == .drop(isFirst: false))
        #expect(budget.next(now: 9_999) == .drop(isFirst: false))
        #expect(budget.next(now: 10_000) == .admitAfter(dropped: 3))
        #expect(budget.next(now: 10_001) == .admit)
    }

    @Test func aQuietWorkerIsNeverLimited() {
        var budget = OutputBudget()
        for second in 0..<5_000 { #expect(budget.next(now: second * 100) == .admit) }
    }
}
