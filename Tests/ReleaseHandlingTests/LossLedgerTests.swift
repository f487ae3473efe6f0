import ReleaseHandling
import Supervision
import Testing
import Wire

@Suite struct LossLedgerTests {
    private let one = StartID(number: 1)
    private let again = StartID(number: 9)

    private func ledger() -> LossLedger {
        LossLedger(running: [.init(worker: first, start: one), .init(worker: second, start: StartID(number: 2))])
    }

    private func running(_ start: StartID?) -> [LossLedger.Running] {
        [.init(worker: second, start: StartID(number: 2))] + (start.map { [.init(worker: first, start: $0)] } ?? [])
    }

    @Test func whoseStartLivesHasLostNothing() {
        #expect(ledger().losses(running: running(one)) == [])
    }

    @Test func theFirstCauseIsTold() {
        var ledger = ledger()
        ledger.concerns([first])
        ledger.note(.script("ended by the purge"), of: first, start: one)
        ledger.note(.itself("its process ended (purged)"), of: first, start: one)
        ledger.note(.itself("the next one too"), of: first, start: again)
        #expect(
            ledger.losses(running: running(again)) == [
                .init(
                    worker: "kv/kv_sup/a", what: "state and connections", why: "ended by the purge; started again")
            ])
        #expect(ledger.losses(running: running(nil)).first?.why == "ended by the purge; it does not run")
    }

    @Test func theEndOfOneThatNobodyTouchedIsNotTheInstalls() {
        var ledger = ledger()
        ledger.note(.itself("it crashed"), of: first, start: one)
        #expect(ledger.losses(running: running(again)) == [])
        ledger.concerns([first])
        #expect(ledger.losses(running: running(again)).count == 1)
    }

    @Test func whatItsSupervisorRestartedWithOthersIs() {
        var ledger = ledger()
        ledger.note(.supervisor("stopped by its supervisor"), of: first, start: one)
        #expect(ledger.losses(running: running(again)).count == 1)
    }

    @Test func whoWasMeantToEndIsNoLossAsLongAsItIsGone() {
        var ledger = ledger()
        ledger.means(toEnd: first)
        #expect(ledger.losses(running: running(nil)) == [])
        #expect(ledger.losses(running: running(again)).count == 1)
    }

    @Test func withTheNodeAllIsLost() {
        #expect(ledger().losses(running: [], nodeEnds: true).map(\.worker) == ["kv/kv_sup/a", "kv/kv_sup/b"])
    }
}
