import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

@Suite struct RelupMachineTests {
    @Test func everyActionOfAnUpgrade() {
        let result = run(machine(dynamicUp), world())
        let new = code(kv, two)
        let handoffs = [first, second].map {
            Machine.Handoff(
                worker: $0, module: kv, fromVsn: .string("1.0.0"),
                change: .up(from: .string("1.0.0"), extra: .atom("extra")))
        }
        let expected: [Action] = [
            .findWorkers([kv]),
            .readObjectCode(library: two, modules: [kv]),
            .startStandbys([first, second].map { Machine.StandbyOrder(worker: $0, version: new) }),
            .changeCode(.replacePath([two])),
            .holdStarts([kv]),
            .findWorkers([kv]),
            .suspend(
                [first, second].map {
                    Machine.SuspendOrder(worker: $0, timeoutMilliseconds: 5_000, exporting: handoffs[0].change)
                }, isFirst: true, graceMilliseconds: nil),
            .changeCode(.load(new.reporting(.string("2.0.0")))),
            .handOff(handoffs, timeoutMilliseconds: 5_000),
            .resume([first, second], isLast: true),
            .releaseStarts([kv]),
            .findWorkers([kv]),
            .changeCode(.purge([kv])),
            .endStandbys,
        ]
        #expect(result.asked == expected)
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        #expect(result.reports.map(\.index) == [0, 1, 2, 3, 4, 5])
        #expect(
            result.reports.map(\.touched) == [
                [first, second], [], [first, second], [], [first, second], [first, second],
            ])
        #expect(result.world.violations == [])
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.workers[other] == world().workers[other])
        #expect(result.machine.isFinished)
    }

    @Test(arguments: [
        (dynamicUp, "up \"1.0.0\" extra"), (staticUp, "up \"1.0.0\" extra"),
        (dynamicDown, "down \"2.0.0\" extra oldProcess"), (staticDown, "down \"2.0.0\" extra standby"),
    ])
    func convertsWhereOTPDoes(script: [LowLevelInstruction], done: String) {
        let result = run(machine(script), world())
        #expect(result.world.workers[first]?.state == ["used", done])
        #expect(result.world.workers[second]?.state == ["used", done])
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        #expect(result.world.violations == [])
    }

    @Test func aSoftUpdateHandsOffUnconvertedAtResume() {
        let result = run(machine(soft), world())
        #expect(result.world.workers[first]?.state == ["used"])
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        #expect(result.world.violations == [])
    }

    @Test func withoutAReportedVsnTheDigestStandsForIt() {
        var world = world()
        world.workers[first]?.vsn = nil
        world.workers[second]?.vsn = nil
        world.workers[second]?.sha256 = ""
        let result = run(machine(dynamicUp), world)
        #expect(result.world.workers[first]?.state.last == "up \"kv_server@1.0.0\" extra")
        #expect(result.outcome != nil)
    }

    @Test func anUnknownVsnIsUndefined() {
        let info = WorkerInfo(id: first, resident: kv, modules: [kv], vsn: nil, sha256: "")
        #expect(info.codeVsn == .undefined)
    }

    @Test func suspendedForAModuleThatIsNotLoadedItGoesOnInPlace() {
        var world = world()
        world.workers[other] = worker(resident: "other", modules: ["other", kv])
        let result = run(machine(dynamicUp), world)
        #expect(result.world.workers[other] == world.workers[other])
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.violations == [])
        #expect(
            result.reports[4].notes == [
                "kv/kv_sup/other lists kv_server but its state is that of other: not converted"
            ])
        #expect(result.outcome == .done(unpurged: [], warnings: []))
    }

    @Test func eachWorkerHasItsModulesLongestLimit() {
        var world = world()
        world.workers[second] = worker(modules: [kv, "core"])
        world.workers[other] = worker(resident: "other", modules: ["other"])
        let script: [LowLevelInstruction] = [
            .suspend([
                SuspendTarget(module: kv, timeout: .milliseconds(100)), SuspendTarget(module: "core"),
                SuspendTarget(module: "other", timeout: .infinity),
            ]), .resume([kv, "core", "other"]),
        ]
        let result = run(machine(script), world)
        #expect(
            result.asked.filter { if case .suspend = $0 { true } else { false } } == [
                .suspend(
                    [
                        Machine.SuspendOrder(worker: first, timeoutMilliseconds: 100),
                        Machine.SuspendOrder(worker: second, timeoutMilliseconds: 5_000),
                    ], isFirst: true, graceMilliseconds: nil),
                .suspend(
                    [Machine.SuspendOrder(worker: other, timeoutMilliseconds: nil)], isFirst: false,
                    graceMilliseconds: nil),
            ])
        #expect(result.world.workers == world.workers)
    }

    @Test func hungOnesAreTerminatedAndStartedAgainInTheNewCode() {
        var world = world()
        world.hanging = [first]
        let result = run(machine(dynamicUp), world)
        #expect(result.asked.contains(.terminateHung([first])))
        #expect(result.asked.contains(.startAgain([first])))
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.workers[first]?.state == [])
        #expect(result.world.workers[second]?.state == ["used", "up \"1.0.0\" extra"])
        #expect(result.world.violations == [])
        let warning = "kv/kv_sup/a did not suspend in time: terminated, and started again at resume"
        #expect(result.outcome == .done(unpurged: [], warnings: [warning]))
        #expect(result.world.standbys == [:])
    }

    @Test func whoDiesIsStartedAgainInTheNewCode() {
        var world = world()
        world.dying = [first, second]
        let result = run(machine(dynamicUp), world)
        #expect(result.asked.contains(.startAgain([first, second])))
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.held == [])
        #expect(
            result.outcome
                == .done(
                    unpurged: [],
                    warnings: ["kv/kv_sup/a, kv/kv_sup/b died while being suspended"]))
    }

    @Test func whoDiesBeforeItsExportIsStartedAgainToo() {
        let result = run(machine(dynamicUp), world()) { _, action, world in
            guard case .handOff(let handoffs, _) = action else { return nil }
            world.workers[first]?.process = .none
            _ = world.perform(.handOff(handoffs.filter { $0.worker == second }, timeoutMilliseconds: 0))
            return .handedOff(ok: [second], failed: [], died: [first])
        }
        #expect(result.asked.contains(.startAgain([first])))
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.violations == [])
    }

    @Test func workersThatCameMeanwhileGetTheirStandbyBeforeTheyAreSuspended() {
        let late = place("kv/kv_sup/late")
        let result = run(machine(dynamicUp), world()) { _, action, world in
            if case .holdStarts = action { world.workers[late] = worker() }
            return nil
        }
        #expect(result.world.workers[late]?.state == ["used", "up \"1.0.0\" extra"])
        #expect(result.world.violations == [])
    }

    @Test func whatIsTouchedByNothingSaysSo() {
        var world = world()
        world.workers = [:]
        let result = run(machine(dynamicUp + [.stop(["gone"]), .start(["gone"])]), world)
        #expect(
            result.reports.map(\.notes) == [
                [], [], ["no worker's child spec lists kv_server"],
                ["no worker has kv_server as its resident module"], ["no worker is suspended for kv_server"],
                ["no worker is suspended for kv_server"], ["no child's spec lists these modules"],
                ["no child was stopped for gone"],
            ])
        #expect(
            result.asked.contains(
                .startStandbys([Machine.StandbyOrder(worker: nil, version: code(kv, two))])))
        #expect(result.outcome == .done(unpurged: [], warnings: []))
    }

    @Test func aForgottenResumeIsDoneAtTheEnd() {
        let result = run(machine(Array(dynamicUp.dropLast())), world())
        #expect(result.world.workers[first]?.process == .running)
        #expect(result.world.held == [])
        #expect(
            result.outcome
                == .done(
                    unpurged: [], warnings: ["the script does not resume kv_server: done at its end"]))
        #expect(result.reports.last?.index == 5)
    }

    @Test func restarts() {
        #expect(run(machine([.restartNewEmulator] + dynamicUp), world()).outcome == .restartNewEmulator)
        #expect(run(machine(dynamicUp + [.restartEmulator]), world()).outcome == .restartEmulator(warnings: []))
    }

    @Test func stopAndStartInTheSamePlaces() {
        let result = run(machine(stopStart), world())
        #expect(result.asked.contains(.startChildren([first, second])))
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.workers[first]?.state == [])
        #expect(result.world.violations == [])
        #expect(result.outcome == .done(unpurged: [], warnings: []))
    }

    @Test func loadWithoutSuspendLeavesOldCodeToThePurge() {
        let script = [reading, .pointOfNoReturn, .load(module: kv, prePurge: .softPurge, postPurge: .softPurge)]
        let result = run(machine(script), world())
        let unpurged = [UnpurgedModule(module: kv, method: .softPurge, users: [first, second])]
        #expect(result.outcome == .done(unpurged: unpurged, warnings: []))
        #expect(result.world.table.old[kv]?.sha256 == "kv_server@1.0.0")
        #expect(
            result.asked.contains(
                .startStandbys([Machine.StandbyOrder(worker: nil, version: code(kv, two))])))
    }

    @Test func purgeEndsWhoRunsOldCode() {
        let script = [reading, .pointOfNoReturn, loading, .purge([kv])]
        let result = run(machine(script), world())
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.table.old[kv] == nil)
        #expect(
            result.outcome
                == .done(
                    unpurged: [],
                    warnings: ["kv/kv_sup/a, kv/kv_sup/b ran old code of kv_server and ended by the purge"]))
    }

    @Test func purgeSparesWhoIsSuspendedForItsHandoff() {
        let script = [reading, .pointOfNoReturn, suspending, loading, .purge([kv]), converting(.up), resuming]
        let result = run(machine(script), world())
        #expect(result.world.workers[first]?.state == ["used", "up \"1.0.0\" extra"])
        #expect(result.outcome == .done(unpurged: [], warnings: []))
    }

    @Test func brutalPrePurgeSparesWhoIsSuspended() {
        var world = world()
        world.workers[first]?.sha256 = "kv_server@0.9.0"
        let result = run(machine(dynamicUp), world)
        #expect(result.world.workers[first]?.state == ["used", "up \"kv_server@1.0.0\" extra"])
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.workers[second]?.state == ["used", "up \"1.0.0\" extra"])
        #expect(result.world.violations == [])
    }

    @Test func removeLeavesNothingCurrent() {
        let script: [LowLevelInstruction] = [
            .stop([kv]), .remove(module: kv, prePurge: .softPurge, postPurge: .brutalPurge), .purge([kv]),
        ]
        let result = run(machine(script), world())
        #expect(result.world.table.current[kv] == nil)
        #expect(result.world.table.old[kv] == nil)
        #expect(result.outcome == .done(unpurged: [], warnings: []))
    }

    @Test func aWorkerOfTwoModulesGoesOnWithTheLast() {
        var world = world()
        world.workers = [first: worker(modules: [kv, "core"])]
        let both = LowLevelInstruction.suspend([SuspendTarget(module: kv), SuspendTarget(module: "core")])
        let script = [reading, .pointOfNoReturn, both, loading, resuming, converting(.up), .resume(["core"])]
        let result = run(machine(script), world)
        #expect(
            result.report(4)?.notes == ["kv/kv_sup/a stays suspended for core"])
        // It is still suspended, for core.
        #expect(result.report(5)?.notes == ["no worker is suspended for kv_server"])
        #expect(result.report(6)?.touched == [first])
        #expect(result.world.workers[first]?.sha256 == "kv_server@2.0.0")
        #expect(result.world.violations == [])
    }

    /// Resumed in between, it has not gone on: that waits for what can still fail.
    @Test func aSecondConversionIsRefusedBeforehand() {
        let script = dynamicUp.dropLast() + [resuming, suspending, converting(.up), resuming]
        guard case .refused(let failure) = run(machine(Array(script)), world()).outcome else {
            Issue.record("not refused")
            return
        }
        #expect(failure.index == 7)
        #expect(
            failure.error.description.hasPrefix("the script converts the state of kv_server's workers a second time"))
    }

    @Test func ofWhomNothingIsSaidIsHung() {
        let result = run(machine(dynamicUp), world()) { _, action, world in
            guard case .suspend(let orders, _, _) = action else { return nil }
            _ = world.perform(
                .suspend(
                    orders.filter { $0.worker == second }, isFirst: true,
                    graceMilliseconds: nil))
            return .suspended(ok: [second], hung: [], died: [])
        }
        #expect(result.asked.contains(.terminateHung([first])))
        #expect(result.world.violations == [])
    }
}
