import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

/// States that are copied while their workers run: which, when, and for which handoff.
@Suite struct CopyAheadTests {
    /// Both workers of the world say that they can.
    static var start: World {
        var world = world()
        for id in [first, second] { world.workers[id]?.isIncremental = true }
        return world
    }

    static func copies(_ result: Run) -> [[ChildAddress]] {
        result.asked.compactMap { action in
            if case .copyAhead(let orders, _) = action { orders.map(\.worker) } else { nil }
        }
    }

    @Test(arguments: [dynamicUp, dynamicDown, staticDown, soft])
    func allOfATransactionAreCopiedBeforeAnybodyIsSuspended(script: [LowLevelInstruction]) {
        let result = run(machine(script), Self.start)
        #expect(Self.copies(result) == [[first, second]])
        #expect(result.world.violations == [])
        let copying = result.asked.firstIndex { if case .copyAhead = $0 { true } else { false } }
        let holding = result.asked.firstIndex { if case .holdStarts = $0 { true } else { false } }
        #expect(copying != nil && copying! < holding!, "who crashes while others are copied is started again at once")
    }

    @Test func aWorkerThatCannotIsNotAskedTo() {
        var start = Self.start
        start.workers[first]?.isIncremental = false
        #expect(Self.copies(run(machine(dynamicUp), start)) == [[second]])
        #expect(Self.copies(run(machine(dynamicUp), world())) == [])
    }

    /// One that goes to code which knows no parts, or comes from such, is handed over as ever: there is nothing to tell.
    @Test func whoseStandbyCannotIsNotAskedTo() {
        var start = Self.start
        start.plain = [second]
        let result = run(machine(dynamicUp), start)
        #expect(Self.copies(result) == [[first]])
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        #expect(result.world.workers[second]?.state == ["used", "up \"1.0.0\" extra"])
        #expect(result.reports.allSatisfy { $0.notes == [] })
    }

    /// By its `code_change`, and by its `resume` where there is none.
    @Test(arguments: [dynamicUp, soft]) func changesThatWereNotTakenAreTold(script: [LowLevelInstruction]) {
        let failure = Machine.WorkerFailure(worker: first, reason: .atom("boom"))
        let result = run(machine(script), Self.start) { _, action, world in
            guard case .handOff(let handoffs, _) = action, let event = world.perform(action) else { return nil }
            #expect(event == .handedOff(ok: handoffs.map(\.worker), failed: [], died: []))
            return .handedOff(ok: handoffs.map(\.worker), failed: [], died: [], whole: [failure])
        }
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        let sentence = "the last changes of kv/kv_sup/a were not taken (boom): handed over whole"
        #expect(result.reports.flatMap(\.notes) == [sentence])
    }

    /// What was lost with it is started anew, and the state handed over whole.
    @Test func oneWhoseStandbyEndedWithItGetsAnother() {
        let failure = Machine.WorkerFailure(worker: first, reason: .atom("boom"))
        let result = run(machine(dynamicUp), Self.start) { _, action, world in
            guard case .copyAhead = action else { return nil }
            world.standbys[first] = nil
            return .copiedAhead(failed: [failure], withoutStandby: [first])
        }
        #expect(result.outcome == .done(unpurged: [], warnings: []))
        #expect(result.world.violations == [])
        #expect(result.world.workers[first]?.state == ["used", "up \"1.0.0\" extra"])
        let sentence = "the state of kv/kv_sup/a is not copied while it runs (boom): handed over whole"
        #expect(result.reports.contains { $0.notes.contains(sentence) })
    }

    @Test func roundsGoOnAsLongAsTheyBecomeSmaller() {
        func rounds(_ bytes: [Int], of size: Int = 100_000_000) -> [CopyRounds.Next] {
            var rounds = CopyRounds(snapshotBytes: size)
            return bytes.map { rounds.next(after: $0) }
        }
        #expect(CopyRounds(snapshotBytes: 65_536).first == .enough)
        #expect(CopyRounds(snapshotBytes: 65_537).first == .another)
        #expect(rounds([0]) == [.enough])
        #expect(rounds([65_536]) == [.enough])
        #expect(rounds([50_000_000, 20_000_000, 60_000]) == [.another, .another, .enough])
        #expect(rounds([50_000_000, 40_000_000]) == [.another, .enough])
        // A round in parts is one round.
        var parts = CopyRounds(snapshotBytes: 1_000_000)
        for left in [500_000, 300_000, 100_000] { #expect(parts.next(after: 200_000, left: left) == .another) }
        #expect(!parts.isBearable(1_448_577) && parts.isBearable(1_448_576))
        #expect(parts.next(after: 100_000, left: 10_000) == .another)
        #expect(parts.next(after: 60_000) == .enough)
        #expect(CopyRounds(snapshotBytes: 100_000_000).isBearable(101_048_576))
        #expect(!CopyRounds(snapshotBytes: 100_000_000).isBearable(101_048_577))
        #expect(rounds([1_000_000], of: 10) == [.another])
        let halved = rounds((0..<10).map { 64_000_000 >> $0 })
        #expect(halved.prefix(8) == [.another, .another, .another, .another, .another, .another, .another, .enough])
    }
}
