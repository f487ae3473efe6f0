import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

let reason: Term = .atom("reason")

/// The ways in which an action can go wrong, its own and the one of a driver that answers something else.
func failures(of action: Action) -> [Event] {
    let failure = Machine.WorkerFailure(worker: first, reason: reason)
    switch action {
    case .readObjectCode: return [.objectCodeFailed(module: kv, reason: reason), .nodesSynced]
    case .startStandbys: return [.standbyFailed(module: kv, worker: first, reason: reason), .nodesSynced]
    case .handOff(let handoffs, _):
        let ok = handoffs.map(\.worker).filter { $0 != first }
        return [.handedOff(ok: ok, failed: [failure], died: []), .nodesSynced]
    // That of a supervisor alone can't fail: it goes on, or it has ended.
    case .resume([supervisor], _): return [.nodesSynced]
    case .resume: return [.resumed(ok: [], failed: [failure]), .nodesSynced]
    case .startAgain(let ids): return [.startedAgain(ok: ids.filter { $0 != first }, failed: [failure])]
    case .startChildren(let ids): return [.childrenStarted(ok: ids.filter { $0 != first }, failed: [failure])]
    case .syncNodes: return [.nodesSyncFailed(.tuple([.atom("nodedown"), .atom("n@h")]))]
    case .apply: return [.applyFailed(reason)]
    case .changeSupervisors(let ids):
        let failure = Machine.WorkerFailure(worker: ids[0], reason: reason)
        return [.supervisorsChanged(failed: [failure], died: [], notes: []), .nodesSynced]
    case .restoreSupervisors(let ids):
        return [.supervisorsRestored(failed: [Machine.WorkerFailure(worker: ids[0], reason: reason)]), .nodesSynced]
    case .restoreChildren(let children):
        return [.childrenStarted(ok: children.map(\.child).filter { $0 != first }, failed: [failure])]
    case .updateModules: return [.modulesUpdated(ok: [second], failed: [failure]), .nodesSynced]
    case .changeModules(let changes, _):
        let failed = Machine.ModuleFailure(target: changes[0].target, reason: reason)
        return [.modulesChanged(ok: changes.dropFirst().map(\.target), failed: [failed]), .nodesSynced]
    case .restoreModules: return [.modulesRestored(failed: [failure]), .nodesSynced]
    case .copyAhead: return [.copiedAhead(failed: [failure], withoutStandby: [first]), .nodesSynced]
    case .findWorkers, .changeCode, .holdStarts, .suspend, .awaitSuspended, .terminateHung, .releaseStarts, .endWorkers,
        .awaitRestarts,
        .stopChildren,
        .endStandbys:
        return [.nodesSynced]
    case .resumeOld, .report, .committed, .finished: return []
    }
}

extension [LowLevelInstruction] {
    fileprivate var loadsFormat: Bool { contains(loadingFormat) }
}

@Suite struct AbortTests {
    static let scripts = [
        dynamicUp, dynamicDown, staticDown, soft, stopStart, supervisorUp, functionalUp, functionalDown, functionalOnly,
    ]

    /// Fails each action in turn, in each way. As long as nobody ran new code everything is as before.
    @Test(arguments: scripts, [[], [first]] as [Set<ChildAddress>])
    func everyActionFails(script: [LowLevelInstruction], hanging: Set<ChildAddress>) {
        var start = script.loadsFormat ? functionalWorld() : world()
        start.hanging = hanging
        let whole = run(machine(script), start)
        for (number, action) in whole.asked.enumerated() {
            for failure in failures(of: action) {
                let result = run(machine(script), start) { index, action, world in
                    guard index == number else { return nil }
                    perform(action, before: failure, in: &world)
                    return failure
                }
                check(result, start, "\(action) -> \(failure)", isAnswer: failure != .nodesSynced, script)
            }
        }
    }

    /// What was really done of an action that is then said to have failed.
    private func perform(_ action: Action, before failure: Event, in world: inout World) {
        if case .nodesSynced = failure { _ = world.perform(action) }
        // Who failed has it as before, and its brothers have it.
        if case .modulesUpdated(let ok, _, _) = failure {
            _ = world.perform(action)
            for id in world.workers.keys where !ok.contains(id) && world.workers[id]?.functional[format] != nil {
                world.workers[id]?.functional[format] = code(format, one).sha256
            }
        }
        if case .startedAgain(let ok, _) = failure { _ = world.perform(.startAgain(ok)) }
        if case .childrenStarted(let ok, _) = failure { _ = world.perform(.startChildren(ok)) }
    }

    private func check(
        _ result: Run, _ start: World, _ what: String, isAnswer: Bool, _ script: [LowLevelInstruction]
    ) {
        #expect(result.machine.isFinished, "\(what)")
        let newCodeRan = result.world.workers.values.contains { $0.sha256 == code(kv, two).sha256 }
        switch result.outcome {
        case .refused, .aborted:
            var world = result.world
            // Who was terminated or stopped is there again, in the old code, with a new state.
            for (id, worker) in world.workers where worker.state.isEmpty {
                #expect(start.hanging.contains(id) || script == stopStart, "\(what): \(id) lost its state")
                world.workers[id]?.state = ["used"]
            }
            #expect(world == start, "\(what)")
        case .restartNode, .takeBack:
            #expect(!isAnswer || newCodeRan, "\(what)")
        case .done, .restartNewEmulator, .restartEmulator, nil:
            Issue.record("\(what): \(String(describing: result.outcome))")
        }
    }

    /// Undoing fails too: at each of its actions the node restarts, but for a crash in the old code, which is the
    /// supervisor's.
    @Test func everyActionOfAnAbortFails() {
        var start = world()
        start.hanging = [second]
        func abort(_ number: Int, _ event: (Action) -> Event) -> Run {
            run(machine(dynamicUp), start) { index, action, _ in
                if case .handOff = action { return failures(of: action)[0] }
                return index == number ? event(action) : nil
            }
        }
        let whole = abort(.max) { _ in .nodesSynced }
        let handOff = whole.asked.firstIndex {
            if case .handOff = $0 { true } else { false }
        }
        for number in (handOff ?? 0) + 1..<whole.asked.count {
            guard case .restartNode(let failure) = abort(number, { _ in .nodesSynced }).outcome else {
                Issue.record("\(whole.asked[number])")
                continue
            }
            #expect(failure.index == 4)
        }
        let resumed = abort((handOff ?? 0) + 4) { _ in
            .resumed(ok: [], failed: [Machine.WorkerFailure(worker: first, reason: reason)])
        }
        #expect(resumed.asked.contains(.endWorkers([first], reason: .tuple([.atom("resume_failed"), reason]))))
        guard case .aborted(_, let warnings) = resumed.outcome else {
            Issue.record("\(String(describing: resumed.outcome))")
            return
        }
        #expect(warnings.last == "kv/kv_sup/a did not go on (reason): its supervisor starts it again")
    }

    @Test func aFailedCodeChangeNamesInstructionWorkerAndReason() throws {
        let result = run(machine(dynamicUp), world()) { _, action, _ in
            guard case .handOff = action else { return nil }
            return failures(of: action)[0]
        }
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(failure.index == 4)
        #expect(failure.instruction == converting(.up))
        #expect(failure.worker == first)
        #expect(
            failure.description == """
                instruction 5, {code_change,up,[{kv_server,extra}]}: code_change of kv_server failed in kv/kv_sup/a: reason
                """)
        #expect(
            failure.reason
                == .tuple([
                    .atom("code_change_failed"), .string("kv/kv_sup/a"), .atom(kv), reason,
                ]))
    }

    @Test func theOrderOfAnAbort() {
        var start = world()
        start.hanging = [second]
        let result = run(machine(dynamicUp), start) { _, action, _ in
            guard case .handOff = action else { return nil }
            return failures(of: action)[0]
        }
        var saved = CodeTable.Saved()
        saved.note(.replacePath([two]), in: table())
        saved.note(.load(code(kv, two)), in: table())
        #expect(
            Array(result.asked.suffix(6)) == [
                .findWorkers([kv]), .endStandbys, .changeCode(.restore(saved)), .resumeOld([first], leavingHung: false),
                .startAgain([second]),
                .releaseStarts([kv]),
            ])
        #expect(result.world.table == table())
    }

    @Test func anOldProcessThatEndsInItsOwnCodeChangeAborts() {
        let result = run(machine(dynamicDown), world()) { _, action, world in
            guard case .handOff = action else { return nil }
            world.workers[first]?.process = .none
            return .handedOff(ok: [second], failed: [], died: [first])
        }
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(
            failure.error
                == .codeChange(
                    module: kv, worker: first, reason: .text("the process ended in code_change")))
    }

    @Test func oneThatDoesNotResumeWhileOthersDoIsItsSupervisors() {
        let result = run(machine(dynamicUp), world()) { _, action, world in
            guard case .resume = action else { return nil }
            _ = world.perform(.resume([second], isLast: true))
            world.standbys[first] = nil
            return .resumed(ok: [second], failed: [Machine.WorkerFailure(worker: first, reason: reason)])
        }
        #expect(
            result.asked.contains(
                .endWorkers([first], reason: .tuple([.atom("resume_failed"), reason]))))
        #expect(
            result.outcome
                == .done(
                    unpurged: [],
                    warnings: ["kv/kv_sup/a did not resume (reason): ended, its supervisor starts it again"]))
    }

    @Test func afterACommitItIsTakenBack() {
        let script = dynamicUp + [.syncNodes(id: .atom("id"), .nodes(["n@h"]))]
        let result = run(machine(script), world()) { _, action, _ in
            guard case .syncNodes = action else { return nil }
            return .nodesSyncFailed(.tuple([.atom("nodedown"), .atom("n@h")]))
        }
        guard case .takeBack(let failure, let committed, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(committed == Machine.Committed(modules: [kv], script: script, count: 6))
        #expect(failure.reason == .tuple([.atom("sync_error"), .tuple([.atom("nodedown"), .atom("n@h")])]))
    }

    @Test func aWorkerFoundInNewCodeRestartsTheNode() {
        // It crashed by itself after the load, and its supervisor started it in what is current.
        let script = [reading, .pointOfNoReturn, loading, .syncNodes(id: .atom("id"), .nodes([]))]
        let result = run(machine(script), world()) { _, action, world in
            guard case .syncNodes = action else { return nil }
            world.workers[first]?.process = .none
            world.restart(first)
            return .nodesSyncFailed(reason)
        }
        guard case .restartNode = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
    }

    /// The answer to an apply after the point of no return, then the failure of a sync_nodes.
    @Test(arguments: [
        ("timer", "sleep", Term.ok, "aborted"), ("io", "format", .ok, "aborted"),
        ("application", "get_env", .undefined, "aborted"), ("application", "load", .ok, "aborted"),
        ("application", "start", .ok, "restartNode"),
        ("application", "stop", .tuple([.error, .atom("not_started")]), "aborted"),
        ("migrate", "run", .ok, "restartNode"), ("migrate", "run", .tuple([.error, .atom("x")]), "restartNode"),
    ])
    func whatAnApplyDidDecides(module: String, function: String, answer: Term, outcome: String) {
        let script: [LowLevelInstruction] = [
            .pointOfNoReturn, applying(Atom(module), Atom(function)), .syncNodes(id: 1, .nodes([])),
        ]
        let result = run(machine(script), world()) { _, action, _ in
            if case .apply = action { return .applied(answer) }
            if case .syncNodes = action { return .nodesSyncFailed(reason) }
            return nil
        }
        switch result.outcome {
        case .aborted: #expect(outcome == "aborted")
        case .restartNode, .takeBack: #expect(outcome == "restartNode")
        case .done, .refused, .restartNewEmulator, .restartEmulator, nil:
            Issue.record("\(String(describing: result.outcome))")
        }
    }

    @Test func errorsOfApplyAfterThePoint() {
        func outcome(_ function: Atom, _ answer: Term) -> Machine.Outcome? {
            run(machine([.pointOfNoReturn, applying("application", function)]), world()) { _, action, _ in
                guard case .apply = action else { return nil }
                return .applied(answer)
            }.outcome
        }
        let failed = Term.tuple([.error, .atom("bad")])
        guard case .aborted(let failure, _) = outcome("start", failed) else {
            Issue.record("a failed application start is no warning")
            return
        }
        #expect(
            failure.description
                == """
                instruction 2, {apply,{application,start,[kv]}}: application:start/1 failed: {error,bad}
                """)
        let started = Term.tuple([.error, .tuple([.atom("already_started"), .atom("kv")])])
        #expect(
            outcome("start", started)
                == .done(
                    unpurged: [], warnings: ["application:start answered {error,{already_started,kv}}"]))
        #expect(outcome("stop", failed) == .done(unpurged: [], warnings: ["application:stop answered {error,bad}"]))
    }
}
