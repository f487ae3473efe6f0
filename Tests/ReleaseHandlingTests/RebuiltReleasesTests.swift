import Instructions
import ReleaseHandling
import Terms
import Testing

/// RELEASES and start_erl.data that are gone, empty or damaged: what a start makes of what stands, and what by hand is made of it.
@Suite struct RebuiltReleasesTests {
    typealias DiskState = ReleaseTable.DiskState
    typealias Fault = ReleaseTable.FileFault

    private static func standing(_ vsns: [String], broken: [String] = []) -> [ReleaseTable.StandingRelease] {
        vsns.map { .init(vsn: $0, contents: .whole(release($0))) }
            + broken.map { .init(vsn: $0, contents: .broken("lib/kv-\($0)/ebin/kv.app is missing")) }
    }

    /// 1.0.0 is permanent and 2.0.0 unpacked, as far as the files say it.
    private static func state(
        releases: Fault? = nil, lacksReleases: Bool = false, data: Fault? = nil, lacksData: Bool = false,
        standing vsns: [String] = ["1.0.0", "2.0.0"], broken: [String] = []
    ) -> DiskState {
        var state = DiskState(
            releases: ReleasesFile(releases: [
                ReleaseRecord(release("1.0.0"), status: .permanent), ReleaseRecord(release("2.0.0"), status: .unpacked),
            ]), startErlData: StartErlData(ertsVsn: "1.0", releaseVsn: "1.0.0"))
        if lacksReleases || releases != nil { state.releases = nil }
        if lacksData || data != nil { state.startErlData = nil }
        state.faults[.releases] = releases
        state.faults[.startErlData] = data
        if state.releases == nil { state.standing = standing(vsns, broken: broken) }
        return state
    }

    private static let damage = Fault.damaged("line 1, column 2: expected a term")

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let state: DiskState
        let statuses: [String]
        let repairs: [String]
        var kept: Set<ReleaseTable.StateFile> = []
    }

    private static let anew = "written anew from the .rel files that stand in releases: 1.0.0 permanent"

    static let cases = [
        Case(
            testDescription: "RELEASES is gone", state: state(lacksReleases: true),
            statuses: ["1.0.0 permanent", "2.0.0 unpacked"],
            repairs: ["releases/RELEASES was missing: \(anew), 2.0.0 unpacked"]),
        Case(
            testDescription: "RELEASES is empty", state: state(releases: .empty),
            statuses: ["1.0.0 permanent", "2.0.0 unpacked"],
            repairs: ["releases/RELEASES was empty: \(anew), 2.0.0 unpacked"]),
        Case(
            testDescription: "RELEASES is damaged", state: state(releases: damage, broken: ["3.0.0"]),
            statuses: ["1.0.0 permanent", "2.0.0 unpacked"],
            repairs: [
                """
                releases/RELEASES was damaged (line 1, column 2: expected a term), and is kept as releases/RELEASES.damaged: \(anew), \
                2.0.0 unpacked
                """
            ], kept: [.releases]),
        Case(
            testDescription: "start_erl.data is empty", state: state(data: .empty),
            statuses: ["1.0.0 permanent", "2.0.0 unpacked"],
            repairs: ["releases/start_erl.data was empty: written anew for release 1.0.0"]),
        Case(
            testDescription: "start_erl.data is damaged", state: state(data: damage),
            statuses: ["1.0.0 permanent", "2.0.0 unpacked"],
            repairs: [
                """
                releases/start_erl.data was damaged (line 1, column 2: expected a term), and is kept as \
                releases/start_erl.data.damaged: written anew for release 1.0.0
                """
            ], kept: [.startErlData]),
        Case(
            testDescription: "both are, and one release stands",
            state: state(releases: damage, data: damage, standing: ["1.0.0"], broken: ["2.0.0"]),
            statuses: ["1.0.0 permanent"],
            repairs: [
                """
                releases/RELEASES was damaged (line 1, column 2: expected a term), and is kept as releases/RELEASES.damaged: \(anew)
                """,
                """
                releases/start_erl.data was damaged (line 1, column 2: expected a term), and is kept as \
                releases/start_erl.data.damaged: written anew for release 1.0.0
                """,
            ], kept: [.releases, .startErlData]),
    ]

    private func statuses(_ file: ReleasesFile) -> [String] {
        file.releases.map { "\($0.vsn) \($0.status.atom.name)" }
    }

    /// And the daemon stops after each write of the repair, and again after each of that one's.
    @Test(arguments: cases)
    func itIsRepairedWhereverThatIsCutShort(_ test: Case) throws {
        let recovery = try ReleaseTable.recover(test.state, identity: same)
        #expect(statuses(recovery.table.releases) == test.statuses)
        #expect(recovery.table.startErlData == StartErlData(ertsVsn: "1.0", releaseVsn: "1.0.0"))
        #expect(recovery.repairs == test.repairs)
        #expect(recovery.notes == [])
        for count in 0...recovery.writes.count {
            var disk = Disk(state: test.state)
            disk.apply(recovery.writes.prefix(count))
            let second = try ReleaseTable.recover(disk.state, identity: same)
            #expect(second.table == recovery.table, "after \(count) writes")
            for again in 0...second.writes.count {
                var repaired = disk
                repaired.apply(second.writes.prefix(again))
                let third = try ReleaseTable.recover(repaired.state, identity: same)
                #expect(third.table == recovery.table, "after \(count) writes and \(again)")
                repaired.apply(third.writes)
                #expect(repaired.kept == test.kept)
                #expect(try ReleaseTable.recover(repaired.state, identity: same).writes == [])
            }
        }
    }

    /// What is whole is never written over: only what a start would write of it anyway.
    @Test(arguments: cases)
    func whatIsWholeStays(_ test: Case) throws {
        let writes = try ReleaseTable.recover(test.state, identity: same).writes
        for write in writes {
            switch write {
            case .releases: #expect(test.state.releases == nil)
            case .startErlData: #expect(test.state.startErlData == nil)
            case .keepAside(let file): #expect(test.kept.contains(file))
            default: Issue.record("\(write)")
            }
        }
    }

    @Test func whatWasPermanentBeforeIsOldWhereThatIsKnown() throws {
        var state = Self.state(lacksReleases: true, standing: ["1.0.0", "2.0.0", "3.0.0", "4.0.0"])
        state.formerlyPermanent = ["2.0.0", "1.0.0"]
        let file = try ReleaseTable.recover(state, identity: same).table.releases
        #expect(statuses(file) == ["1.0.0 permanent", "2.0.0 old", "3.0.0 unpacked", "4.0.0 unpacked"])
    }

    @Test func theRunsBeforeSayItToo() throws {
        let table = try ReleaseTable.recover(Self.state(), identity: same).table
        var state = Self.state(lacksReleases: true)
        state.assessment = try table.installed("2.0.0").table.makePermanent("2.0.0", allowedBoots: 2).table.assessment
        state.startErlData = StartErlData(ertsVsn: "1.0", releaseVsn: "2.0.0")
        let recovery = try ReleaseTable.recover(state, identity: same)
        #expect(statuses(recovery.table.releases) == ["2.0.0 permanent", "1.0.0 old"])
        #expect(recovery.table.assessment == state.assessment)
    }

    private func message(_ state: DiskState) -> String {
        do throws(ReleaseError) {
            _ = try ReleaseTable.recover(state, identity: same)
            return "none"
        } catch { return error.description }
    }

    @Test func whatNothingSaysIsNotGuessed() {
        #expect(
            message(Self.state(releases: Self.damage, data: .empty, broken: ["3.0.0"])) == """
                releases/RELEASES is damaged (line 1, column 2: expected a term), releases/start_erl.data is empty, and nothing says \
                which release is permanent; releasectl create-releases VSN --root ROOT makes one of those permanent that stand: 1.0.0, 2.0.0
                """)
        #expect(
            message(Self.state(lacksReleases: true, lacksData: true, standing: [], broken: ["1.0.0"])) == """
                releases/RELEASES is missing, releases/start_erl.data is missing, and no release stands in the root; releasectl \
                make-root PACKAGE DIR lays out a root in an empty directory
                """)
        #expect(
            message(Self.state(lacksReleases: true, standing: ["2.0.0"], broken: ["1.0.0"])) == """
                releases/RELEASES is missing, and release 1.0.0, which releases/start_erl.data names, does not stand in the root: \
                lib/kv-1.0.0/ebin/kv.app is missing; releasectl create-releases VSN --root ROOT makes one of those permanent that \
                stand: 2.0.0
                """)
        #expect(
            message(Self.state(lacksReleases: true, standing: [])).contains(
                "does not stand in the root: there is no releases/1.0.0;"))
    }

    /// What only the lost RELEASES knew may lie there.
    @Test func whatWasPendingStaysWhereReleasesIsLost() throws {
        var state = Self.state(lacksReleases: true)
        state.pending = ["lib/kv-2.0.0", "lib/kv-3.0.0"]
        let recovery = try ReleaseTable.recover(state, identity: same)
        #expect(recovery.writes.contains(.removePending))
        #expect(!recovery.writes.contains { if case .removeDirectory = $0 { true } else { false } })
        #expect(
            recovery.repairs.last
                == "lib/kv-3.0.0 belongs to no release that stands, and stays: releasectl check ROOT names what does")
        state = Self.state()
        state.faults[.pending] = .empty
        #expect(try ReleaseTable.recover(state, identity: same).writes == [.removePending])
        state.faults[.pending] = Self.damage
        state.faults[.newStartErlData] = Self.damage
        let damaged = try ReleaseTable.recover(state, identity: same)
        #expect(damaged.writes == [.removeNewStartErlData, .removePending])
        #expect(damaged.repairs.count == 1)
    }

    // MARK: By hand

    private func made(_ vsn: String?, _ state: DiskState) throws -> (ReleaseTable.Change, Disk) {
        let change = try ReleaseTable.create(vsn, from: state)
        var disk = Disk(state: state)
        disk.apply(change.writes)
        return (change, disk)
    }

    @Test func byHandAnyReleaseThatStandsBecomesPermanent() throws {
        let (change, disk) = try made("2.0.0", Self.state(releases: Self.damage, data: .empty))
        #expect(statuses(change.table.releases) == ["2.0.0 permanent", "1.0.0 unpacked"])
        #expect(disk.kept == [.releases])
        #expect(disk.state.startErlData?.releaseVsn == "2.0.0")
        let recovery = try ReleaseTable.recover(disk.state, identity: same)
        #expect(recovery.writes == [] && recovery.table == change.table)
    }

    /// What RELEASES says stays, where it can be read: also where libraries lie.
    @Test func byHandWhatWasListedKeepsWhatIsKnownOfIt() throws {
        var state = Self.state()
        state.releases?.releases[1].libraries[0].directory = "/opt/kv"
        state.standing = Self.standing(["1.0.0", "2.0.0", "3.0.0"])
        state.newStartErlData = state.startErlData
        let (change, disk) = try made("2.0.0", state)
        #expect(statuses(change.table.releases) == ["2.0.0 permanent", "1.0.0 old", "3.0.0 unpacked"])
        #expect(change.table.releases.permanent?.libraries.map(\.directory) == ["/opt/kv", "lib/shared-1.0.0"])
        #expect(disk.kept == [] && disk.state.newStartErlData == nil)
        #expect(try made(nil, state).0.table.startErlData.releaseVsn == "1.0.0")
    }

    @Test func byHandWhatDoesNotStandIsRefused() {
        let state = Self.state(lacksReleases: true, broken: ["3.0.0"])
        for (vsn, reason) in [("3.0.0", "lib/kv-3.0.0/ebin/kv.app is missing"), ("9", "there is no releases/9")] {
            do throws(ReleaseError) {
                _ = try ReleaseTable.create(vsn, from: state)
                Issue.record("\(vsn) was taken")
            } catch {
                #expect(error.description == "release \(vsn) does not stand in the root: \(reason)")
            }
        }
    }
}
