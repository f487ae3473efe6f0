import Instructions
import Testing

@testable import ReleaseHandling

/// What a start makes of the runs before it. The disk is a value: each start is judged from what the writes have left.
@Suite struct BootAssessmentTests {
    /// A root with releases of which the first is permanent, one run after the other.
    private struct World {
        var disk = Disk.fresh
        var table: ReleaseTable
        var machineRun = "a"
        /// Releases that can't boot.
        var broken: Set<String> = []
        var seconds = 0

        init(_ vsns: String...) throws {
            table = try ReleaseTable.recover(disk.state, identity: same).table
            for vsn in vsns { apply(try table.unpack(release(vsn)) { disk.directories.contains($0) }) }
        }

        mutating func apply(_ change: ReleaseTable.Change) {
            disk.apply(change.writes)
            table = change.table
        }

        /// Another run of the daemon.
        mutating func start(goesOn: Bool = false, writes: Int? = nil) throws -> [ReleaseTable.Finding] {
            seconds += 1
            let recovered = try ReleaseTable.recover(disk.state, identity: same)
            disk.apply(recovered.writes)
            let start = ReleaseTable.Start(goesOn: goesOn, machineRun: machineRun, seconds: seconds)
            let (change, findings) = recovered.table.assess(start) { broken.contains($0.vsn) ? "it is broken" : nil }
            disk.apply(change.writes.prefix(writes ?? change.writes.count))
            table = change.table
            return findings
        }

        mutating func install(_ vsn: String) throws {
            apply(table.beginningInstall(of: vsn, machineRun: machineRun))
            table = try table.installed(vsn).table
            apply(table.settlingInstall(machineRun: machineRun))
        }

        mutating func makePermanent(_ vsn: String, allowed: Int? = 2) throws {
            try install(vsn)
            apply(try table.makePermanent(vsn, allowedBoots: allowed))
        }

        var boots: String { table.startErlData.releaseVsn }
    }

    private static let silent =
        "the daemon ended without a word (a crash, its watchdog, or a signal that it could not answer)"

    @Test func aPermanentReleaseThatBootsLeavesNothing() throws {
        var world = try World("2.0.0")
        #expect(try world.start() == [])
        try world.makePermanent("2.0.0")
        #expect(try world.start() == [])
        #expect(world.boots == "2.0.0")
        world.apply(world.table.provingBoot(of: "2.0.0"))
        #expect(world.table.assessment == nil)
        #expect(world.disk.state.assessment == nil)
        for _ in 0..<5 { #expect(try world.start() == []) }
    }

    @Test func oneThatDoesNotBootIsLeftAfterTheAllowedNumber() throws {
        var world = try World("2.0.0")
        try world.makePermanent("2.0.0")
        #expect(try world.start() == [])
        #expect(world.table.assessment?.isLastBoot(of: "2.0.0") == false)
        #expect(try world.start() == [.triedAgain(release: "2.0.0", boot: 2, allowed: 2, last: Self.silent)])
        #expect(world.table.assessment?.isLastBoot(of: "2.0.0") == true)
        world.apply(world.table.endingRun("kv gave up", isFailure: true))
        let fallback = BootAssessment.Fallback(
            from: "2.0.0", to: "1.0.0", boots: 2, why: "kv gave up", seconds: 3)
        #expect(try world.start() == [.fellBack(fallback)])
        #expect(world.boots == "1.0.0")
        #expect(try world.table.release("2.0.0").status == .old)
        // It is told until another release is permanent, and nothing is counted any more.
        for _ in 0..<5 { #expect(try world.start() == []) }
        #expect(world.table.assessment?.fallback == fallback)
        try world.makePermanent("2.0.0")
        #expect(world.table.assessment?.fallback == nil)
    }

    /// Whatever of a fallback was written before a power cut: the next start comes to the same.
    @Test(arguments: 0...3) func aFallbackThatIsCutShortIsMadeAgain(writes: Int) throws {
        var world = try World("2.0.0")
        try world.makePermanent("2.0.0", allowed: 1)
        #expect(try world.start() == [])
        _ = try world.start(writes: writes)
        let again = try world.start()
        #expect(world.boots == "1.0.0")
        #expect(again.count == (writes < 3 ? 1 : 0))
        #expect(world.table.assessment?.fallback?.from == "2.0.0")
        #expect(world.table.assessment?.unproved == nil)
        #expect(world.disk.isSound())
    }

    @Test func aStopAndTheMachinesEndAreNoFaultOfIt() throws {
        var world = try World("2.0.0")
        try world.makePermanent("2.0.0")
        for _ in 0..<5 {
            #expect(try world.start() == [])
            world.apply(world.table.endingRun("it was stopped", isFailure: false))
        }
        for run in ["b", "c", "d", "e"] {
            world.machineRun = run
            #expect(try world.start() == [])
        }
        #expect(world.boots == "2.0.0")
    }

    @Test func theOneBeforeTheOneBeforeIsNext() throws {
        var world = try World("2.0.0", "3.0.0")
        try world.makePermanent("2.0.0", allowed: 1)
        try world.makePermanent("3.0.0", allowed: 1)
        _ = try world.start()
        _ = try world.start()
        #expect(world.boots == "2.0.0")
        // It has not booted either.
        _ = try world.start()
        #expect(world.boots == "1.0.0")
        for _ in 0..<3 { #expect(try world.start() == []) }
        #expect(world.boots == "1.0.0")
    }

    @Test func whatCanNotBootIsNoFallback() throws {
        var world = try World("2.0.0", "3.0.0")
        try world.makePermanent("2.0.0", allowed: 1)
        try world.makePermanent("3.0.0", allowed: 1)
        world.broken = ["2.0.0"]
        _ = try world.start()
        _ = try world.start()
        #expect(world.boots == "1.0.0")

        var other = try World("2.0.0")
        try other.makePermanent("2.0.0", allowed: 1)
        other.broken = ["1.0.0"]
        _ = try other.start()
        let reason = "release 1.0.0, which was permanent before it, can't boot: it is broken"
        #expect(try other.start() == [.noFallback(release: "2.0.0", boots: 1, reason: reason)])
        #expect(other.boots == "2.0.0")
        // It is left as soon as that can be done.
        other.broken = []
        _ = try other.start()
        #expect(other.boots == "1.0.0")
    }

    /// One that was gone back to by hand has booted before, and the one that was left is no way back from it.
    @Test func whoIsGoneBackToHasNothingToProve() throws {
        var world = try World("2.0.0")
        try world.makePermanent("2.0.0")
        try world.makePermanent("1.0.0")
        #expect(world.table.assessment?.unproved == nil)
        for _ in 0..<5 { _ = try world.start() }
        #expect(world.boots == "1.0.0")
    }

    /// What another one's install ends is no fault of the release that is permanent.
    @Test func whatEndsWithAnotherReleaseDoesNotCount() throws {
        var world = try World("2.0.0", "3.0.0")
        try world.makePermanent("2.0.0")
        for _ in 0..<4 {
            _ = try world.start()
            try world.install("3.0.0")
        }
        _ = try world.start()
        #expect(world.boots == "2.0.0")
        #expect(world.table.assessment?.unproved?.boots == 1)
    }

    /// The proof of one release's boot is none of the next one's.
    @Test func aProofIsOfOneRelease() throws {
        var world = try World("2.0.0", "3.0.0")
        try world.makePermanent("2.0.0")
        _ = try world.start()
        try world.makePermanent("3.0.0")
        world.apply(world.table.provingBoot(of: "2.0.0"))
        world.apply(world.table.provingBoot(of: "3.0.0"))
        #expect(world.table.assessment?.unproved?.release == "3.0.0")
    }

    /// A power cut before the write that decides: what was to be proved before is still.
    @Test func whatWasUnprovedBeforeIsSoAgain() throws {
        var world = try World("2.0.0", "3.0.0")
        try world.makePermanent("2.0.0")
        _ = try world.start()
        try world.install("3.0.0")
        let change = try world.table.makePermanent("3.0.0", allowedBoots: 2)
        world.disk.apply(change.writes.prefix(1))
        _ = try world.start()
        #expect(world.boots == "2.0.0")
        #expect(world.table.assessment?.unproved?.release == "2.0.0")
        #expect(world.table.assessment?.unproved?.before == ["1.0.0"])
    }

    @Test func itCanBeSwitchedOff() throws {
        var world = try World("2.0.0")
        try world.makePermanent("2.0.0", allowed: nil)
        for _ in 0..<9 { #expect(try world.start() == []) }
        #expect(world.boots == "2.0.0")
    }

    // MARK: What is dropped

    @Test func aReleaseOnProbationIsToldAsDropped() throws {
        var world = try World("2.0.0")
        try world.install("2.0.0")
        let dropped = BootAssessment.Dropped(release: "2.0.0", permanent: "1.0.0", why: Self.silent, seconds: 1)
        #expect(try world.start() == [.dropped(dropped)])
        #expect(world.table.assessment?.dropped == dropped)
        #expect(try world.start() == [])
        // Until somebody tries again.
        try world.install("2.0.0")
        #expect(world.table.assessment?.dropped == nil)
    }

    @Test func howTheRunEndedIsSaid() throws {
        var world = try World("2.0.0")
        try world.install("2.0.0")
        world.apply(world.table.endingRun("it was stopped", isFailure: false))
        guard case .dropped(let dropped) = try world.start().first else { return #expect(Bool(false)) }
        #expect(dropped.why == "it was stopped")
        try world.install("2.0.0")
        world.machineRun = "b"
        guard case .dropped(let second) = try world.start().first else { return #expect(Bool(false)) }
        #expect(second.why.hasPrefix("the machine was started anew"))
    }

    @Test func theInstallsOwnRestartDropsNothing() throws {
        var world = try World("2.0.0")
        world.apply(world.table.beginningInstall(of: "2.0.0", machineRun: "a"))
        #expect(try world.start(goesOn: true) == [])
        // Another one does.
        #expect(try world.start().count == 1)
    }

    @Test func oneThatWasTakenBackIsNotAtStake() throws {
        var world = try World("2.0.0")
        try world.install("2.0.0")
        try world.install("1.0.0")
        #expect(world.table.assessment == nil)
        #expect(try world.start() == [])
    }

    /// The one write that decides has not happened: it was never permanent.
    @Test(arguments: 0...3) func becomingPermanentIsCutShort(writes: Int) throws {
        var world = try World("2.0.0")
        try world.install("2.0.0")
        let change = try world.table.makePermanent("2.0.0", allowedBoots: 2)
        world.disk.apply(change.writes.prefix(writes))
        let findings = try world.start()
        #expect(world.boots == (writes < 2 ? "1.0.0" : "2.0.0"))
        #expect(findings.count == (writes < 2 ? 1 : 0))
        #expect((world.table.assessment?.unproved?.release == "2.0.0") == (writes >= 2))
    }

    @Test func theFileIsReadAsItWasWritten() throws {
        var world = try World("2.0.0", "3.0.0")
        try world.makePermanent("2.0.0")
        try world.install("3.0.0")
        _ = try world.start()
        let assessment = try #require(world.table.assessment)
        let text = try assessment.text()
        #expect(try BootAssessment.parse(Array(text.utf8), file: "f") == assessment)
        #expect(throws: FileError.self) { try BootAssessment.parse(Array("{nonsense}.".utf8), file: "f") }
        #expect(throws: FileError.self) { try BootAssessment.parse([], file: "f") }
    }
}
