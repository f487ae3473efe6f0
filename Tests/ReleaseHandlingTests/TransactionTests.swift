import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

/// What belongs together goes on together: docs/instructions.md, "One transaction".
@Suite struct TransactionTests {
    static let core: Atom = "core"
    static let libraries = LowLevelInstruction.loadObjectCode(library: "kv", vsn: "2.0.0", modules: [kv, core])

    static func group(_ module: Atom) -> [LowLevelInstruction] {
        [
            .suspend([SuspendTarget(module: module)]),
            .load(module: module, prePurge: .brutalPurge, postPurge: .brutalPurge),
            .codeChange(.up, [CodeChangeTarget(module: module, extra: .nil)]), .resume([module]),
        ]
    }

    static func twoGroups(between: [LowLevelInstruction] = []) -> [LowLevelInstruction] {
        [libraries, .pointOfNoReturn] + group(kv) + between + group(core)
    }

    /// `first` is of kv, `second` of core.
    static var start: World {
        var start = world()
        start.workers = [first: worker(), second: worker(resident: core, modules: [core])]
        return start
    }

    private func failingSecond(_ script: [LowLevelInstruction]) -> Run {
        run(machine(script), Self.start) { _, action, _ in
            guard case .handOff(let handoffs, _) = action, handoffs[0].worker == second else { return nil }
            return .handedOff(ok: [], failed: [.init(worker: second, reason: .atom("reason"))], died: [])
        }
    }

    private func names(_ run: Run) -> [String] {
        run.actions.compactMap { action in
            switch action {
            case .suspend(let orders, _, _): "suspend \(orders.map(\.worker))"
            case .handOff(let handoffs, _): "hand off \(handoffs.map(\.worker))"
            case .resume(let workers, _): "resume \(workers)"
            case .resumeOld(let workers, _): "resume old \(workers)"
            case .committed: "committed"
            case .apply: "apply"
            case .startChildren: "start"
            default: nil
            }
        }
    }

    @Test func bothGroupsGoOnBehindTheLastConversion() {
        let result = run(machine(Self.twoGroups()), Self.start)
        #expect(
            names(result) == [
                "suspend [kv/kv_sup/a]", "hand off [kv/kv_sup/a]", "suspend [kv/kv_sup/b]", "hand off [kv/kv_sup/b]",
                "resume [kv/kv_sup/a]", "committed", "resume [kv/kv_sup/b]",
            ])
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        #expect(result.world.violations == [])
        #expect(result.report(5)?.touched == [first])
        #expect(result.report(9)?.touched == [second])
    }

    @Test func theSecondOnesFailureUndoesTheFirst() {
        let result = failingSecond(Self.twoGroups())
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(failure.index == 8)
        #expect(result.world == Self.start)
    }

    @Test(arguments: [
        LowLevelInstruction.start(["none"]), .syncNodes(id: 1, .nodes([])), .stop(["none"]),
        .apply(MFA(module: "supervisor", function: "restart_child", arguments: [.atom("s"), .atom("c")])),
        .apply(MFA(module: "timer", function: "sleep", arguments: [.integer(1)])),
    ])
    func whatNeedsRunningWorkersCommits(between: LowLevelInstruction) {
        let result = failingSecond(Self.twoGroups(between: [between]))
        guard case .takeBack(let failure, let committed, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(failure.index == 9)
        #expect(committed.modules == [kv])
        #expect(committed.count == 9)
        // What came after the commit is undone, and what it committed is not.
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.workers[second] == Self.start.workers[second])
        #expect(result.world.table.current[kv]?.libraryVsn == "2.0.0")
        #expect(result.world.table.current[Self.core] == Self.start.table.current[Self.core])
        #expect(result.world.held == [])
    }

    @Test(arguments: [("io", "format"), ("application", "get_env"), ("application", "load")])
    func whatOnlyLooksCommitsNothing(module: String, function: String) {
        let between = LowLevelInstruction.apply(MFA(module: Atom(module), function: Atom(function), arguments: []))
        guard case .aborted = failingSecond(Self.twoGroups(between: [between])).outcome else {
            Issue.record("it was committed")
            return
        }
    }

    /// The second one uses the first, and nothing says so: it can't answer as long as that is held.
    @Test func anUndeclaredUseCommitsTheEarlierGroups() {
        let result = run(machine(Self.twoGroups()), Self.start) { _, action, world in
            guard case .suspend(let orders, _, .some(let grace)) = action else { return nil }
            #expect(grace == 100)
            _ = world.perform(action)
            return .suspended(ok: [], hung: [], died: [], waiting: orders.map(\.worker))
        }
        #expect(
            names(result) == [
                "suspend [kv/kv_sup/a]", "hand off [kv/kv_sup/a]", "suspend [kv/kv_sup/b]", "resume [kv/kv_sup/a]",
                "committed", "hand off [kv/kv_sup/b]", "resume [kv/kv_sup/b]", "committed",
            ])
        let awaited = result.actions.compactMap { action in
            if case .awaitSuspended(let orders) = action { orders } else { nil }
        }
        #expect(awaited.map { $0.map(\.worker) } == [[second]] && awaited[0][0].timeoutMilliseconds == 5_000)
        guard case .done(_, let warnings) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(
            warnings == [
                """
                kv/kv_sup/b did not answer within 100 ms while workers of earlier groups were held, and may use one of \
                them: those groups were committed first
                """
            ])
    }

    @Test func suspendedInTheOrderOfTheModules() {
        let both: [LowLevelInstruction] = [
            .suspend([SuspendTarget(module: Self.core), SuspendTarget(module: kv)]), .resume([kv, Self.core]),
        ]
        #expect(
            names(run(machine(both), Self.start)) == [
                "suspend [kv/kv_sup/b]", "suspend [kv/kv_sup/a]", "resume [kv/kv_sup/a]", "resume [kv/kv_sup/b]",
            ])
    }

    @Test func suspendedAgainBeforeTheCommitItStaysSo() {
        var start = Self.start
        start.workers = [first: worker(modules: [kv, Self.core])]
        let script: [LowLevelInstruction] = [
            .suspend([SuspendTarget(module: Self.core)]), .resume([Self.core]), suspending, resuming,
        ]
        let result = run(machine(script), start)
        #expect(names(result) == ["suspend [kv/kv_sup/a]", "resume [kv/kv_sup/a]"])
        #expect(result.report(1)?.notes.contains("suspended again before it") == true)
    }

    @Test func withAbortAHungOneIsLeftAlone() {
        var options = Machine.Options()
        options.hungWorkers = .abort
        let machine = Machine(
            script: Self.twoGroups(), fromRelease: "1.0.0", toRelease: "2.0.0", libraries: [two], options: options)
        var start = Self.start
        start.hanging = [second]
        let result = run(machine, start)
        guard case .aborted(let failure, _) = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
        #expect(failure.error == .hung([second]))
        #expect(!result.actions.contains { if case .terminateHung = $0 { true } else { false } })
        #expect(result.actions.contains(.resumeOld([first, second], leavingHung: true)))
    }

    /// The commit that its silence asked for fails: nobody waits for its answer any more, and it goes on.
    @Test func whoHasNotAnsweredGoesOnWhereTheCommitFails() {
        let result = run(machine(Self.twoGroups()), Self.start) { _, action, _ in
            switch action {
            case .suspend(let orders, _, .some):
                .suspended(ok: [], hung: [], died: [], waiting: orders.map(\.worker))
            case .resume(let workers, _):
                .resumed(ok: [], failed: workers.map { .init(worker: $0, reason: .atom("reason")) })
            case .resumeOld(let workers, _): .resumed(ok: workers, failed: [])
            default: nil
            }
        }
        #expect(result.actions.contains(.resumeOld([first, second], leavingHung: false)))
        guard case .aborted = result.outcome else {
            Issue.record("\(String(describing: result.outcome))")
            return
        }
    }

    /// One of two has not answered yet where the other one's refusal ends it.
    @Test func whoHasNotAnsweredGoesOnWhereAnotherOneIsHung() {
        var options = Machine.Options()
        options.hungWorkers = .abort
        let machine = Machine(
            script: Self.twoGroups(), fromRelease: "1.0.0", toRelease: "2.0.0", libraries: [two], options: options)
        let third = first.parent!.child(.atom("c"))
        var start = Self.start
        start.workers[third] = worker(resident: Self.core, modules: [Self.core])
        let result = run(machine, start) { _, action, _ in
            switch action {
            case .suspend(_, _, .some): .suspended(ok: [], hung: [third], died: [], waiting: [second])
            case .resumeOld(let workers, _): .resumed(ok: workers, failed: [])
            default: nil
            }
        }
        let resumed = result.actions.compactMap {
            if case .resumeOld(let workers, _) = $0 { Set(workers) } else { nil }
        }
        #expect(resumed == [[first, second, third]])
    }

    /// What the plan says of a purge, from the script and a census.
    @Test func whomAPurgeWillEnd() {
        let census = Self.start.infos([kv, Self.core])
        func ended(_ script: [LowLevelInstruction]) -> [[ChildAddress]] {
            let machine = machine(script)
            return script.indices.map { machine.usersOfOldCode(at: $0, Self.start.table, census: census) }
        }
        let remove = LowLevelInstruction.remove(module: kv, prePurge: .brutalPurge, postPurge: .brutalPurge)
        #expect(ended([remove, .purge([kv])]) == [[], [first]])
        #expect(ended([remove, loading, .purge([kv])]) == [[], [], [first]])
        #expect(ended([suspending, loading, .purge([kv]), resuming, .purge([kv])]) == [[], [], [], [], []])
    }

    // MARK: The way back

    static let down: [LowLevelInstruction] =
        [.loadObjectCode(library: "kv", vsn: "1.0.0", modules: [core, kv]), .pointOfNoReturn] + group(core) + group(kv)

    @Test func theWayBackIsTheGroupsThatWereCommitted() {
        let script = Self.twoGroups(between: [.syncNodes(id: 1, .nodes([]))])
        let committed = Machine.Committed(modules: [kv], script: script, count: 9)
        #expect(
            WayBack.script(of: Self.down, after: committed)
                == [.loadObjectCode(library: "kv", vsn: "1.0.0", modules: [kv]), .pointOfNoReturn] + Self.group(kv))
    }

    @Test func withoutTheGroupsOfEachThereIsNone() {
        let committed = Machine.Committed(modules: [kv, "another"], script: Self.twoGroups(), count: 9)
        #expect(WayBack.script(of: Self.down, after: committed) == nil)
        #expect(WayBack.script(of: [], after: committed) == nil)
    }

    @Test func whatStartsOrCallsGoesBackWholeOrNotAtAll() {
        let call = applying("supervisor", "restart_child")
        let back = applying("supervisor", "terminate_child")
        let script = Self.twoGroups(between: [call])
        let opposite = Self.down + [back]
        #expect(
            WayBack.script(of: opposite, after: .init(modules: [kv], script: script, count: 9))?.contains(back) == true)
        let later = Self.twoGroups(between: [.syncNodes(id: 1, .nodes([]))]) + [call]
        #expect(
            WayBack.script(of: opposite, after: .init(modules: [kv], script: later, count: 9))?.contains(back) == false)
        #expect(WayBack.script(of: opposite, after: .init(modules: [kv], script: script + [call], count: 9)) == nil)
    }
}
