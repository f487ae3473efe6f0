import Instructions
import ReleaseHandling
import Terms
import Testing

/// `{update, kv_sup, supervisor}` on the machine.
@Suite struct SupervisorUpdateTests {
    @Test func theSupervisorIsSuspendedChangedAndResumed() {
        let result = run(machine(supervisorUp), world())
        guard case .done(_, let warnings) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(warnings == [])
        #expect(result.world.workers[supervisor]?.state == ["used", "changed"])
        #expect(result.world.workers[supervisor]?.process == .running)
        #expect(result.report(2)?.touched == [supervisor])
        #expect(result.report(4)?.touched == [supervisor])
        #expect(result.report(5)?.touched == [supervisor])
        // Nobody gets a standby for it, and no state of its is handed over.
        #expect(
            !result.actions.contains { action in
                guard case .handOff(let handoffs, _) = action else { return false }
                return handoffs.contains { $0.worker == supervisor }
            })
    }

    @Test func aLaterFailureGivesItBackWhatItHad() {
        let result = run(machine(supervisorUp), world()) { _, action, _ in
            guard case .handOff = action else { return nil }
            return failures(of: action)[0]
        }
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(failure.index == 8)
        #expect(result.asked.contains(.restoreSupervisors([supervisor])))
        #expect(result.world == world())
    }

    @Test func aRefusedCodeChangeAborts() {
        let result = run(machine(supervisorUp), world()) { _, action, _ in
            guard case .changeSupervisors = action else { return nil }
            return failures(of: action)[0]
        }
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(
            failure.description == """
                instruction 5, {code_change,up,[{kv_sup,[]}]}: code_change of kv_sup failed in kv/kv_sup: reason
                """)
        #expect(failure.reason == .tuple([.atom("code_change_failed"), .string("kv/kv_sup"), .atom(kvSup), reason]))
        #expect(result.world == world())
    }

    @Test func oneThatIsBusyFailsTheScriptAndIsNotTerminated() {
        var start = world()
        start.hanging = [supervisor]
        let result = run(machine(supervisorUp), start)
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(
            failure.description == """
                instruction 3, {suspend,[kv_sup]}: supervisor kv/kv_sup could not be suspended in time: it is busy with \
                the start or the end of a child; try again when `releasectl tree` shows that it is done
                """)
        #expect(result.world == start)
    }

    @Test func oneThatEndedReadsTheNewCodeWhenItStartsAgain() {
        let result = run(machine(supervisorUp), world()) { _, action, _ in
            guard case .changeSupervisors(let ids) = action else { return nil }
            return .supervisorsChanged(failed: [], died: ids, notes: [])
        }
        guard case .done(_, let warnings) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(warnings == ["kv/kv_sup ended while suspended: what starts in its place reads the new code"])
    }
}
