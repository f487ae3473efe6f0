import Instructions
import ReleaseHandling
import Terms
import Testing

typealias DiskWrite = ReleaseTable.DiskWrite

/// No links, and nothing in use.
let same: @Sendable (String) -> String = { $0 }
let none: @Sendable (String) -> [String] = { _ in [] }

func release(_ vsn: String, erts: String = "1.0", shared: String = "1.0.0") -> ReleaseResource {
    ReleaseResource(
        name: "store", vsn: vsn, ertsVsn: erts,
        applications: [
            ReleaseApplication(name: "kv", vsn: vsn), ReleaseApplication(name: "shared", vsn: shared),
        ])
}

/// A disk that applies writes one by one, and the directories on it.
struct Disk: Equatable {
    var state: ReleaseTable.DiskState
    var directories: Set<String> = ["lib/kv-1.0.0", "lib/shared-1.0.0", "releases/1.0.0", "erts-1.0"]
    /// What is kept beside the file that was written anew.
    var kept: Set<ReleaseTable.StateFile> = []

    static let fresh = Disk(
        state: ReleaseTable.DiskState(
            releases: ReleasesFile(releases: [ReleaseRecord(release("1.0.0"), status: .permanent)]),
            startErlData: StartErlData(ertsVsn: "1.0", releaseVsn: "1.0.0")))

    mutating func apply(_ write: DiskWrite) {
        switch write {
        case .releases(let file):
            state.releases = file
            state.faults[.releases] = nil
        case .startErlData(let data):
            state.startErlData = data
            state.faults[.startErlData] = nil
        case .newStartErlData(let data): state.newStartErlData = data
        case .bootAssessment(let assessment): state.assessment = assessment
        case .removeNewStartErlData:
            state.newStartErlData = nil
            state.faults[.newStartErlData] = nil
        case .pending(let directories): state.pending = directories
        case .removePending:
            state.pending = nil
            state.faults[.pending] = nil
        case .placeDirectory(let directory): directories.insert(directory)
        case .removeDirectory(let directory): directories.remove(directory)
        case .keepAside(let file): kept.insert(file)
        case .file(let file, _): directories.insert(Paths.parent(of: file))
        }
    }

    mutating func apply(_ writes: some Sequence<DiskWrite>) {
        for write in writes { apply(write) }
    }

    /// Every listed release is whole, there is one permanent one, it is what boots, and nothing is `current`.
    func isSound() -> Bool {
        guard let file = state.releases, let data = state.startErlData else { return false }
        return file.releases.allSatisfy { directories.isSuperset(of: $0.directories) }
            && file.releases.filter { $0.status == .permanent }.map(\.vsn) == [data.releaseVsn]
            && !file.releases.contains { $0.status == .current || $0.status == .tmpCurrent }
    }
}

@Suite struct ReleaseTableTests {
    private func fresh() throws -> ReleaseTable { try ReleaseTable.recover(Disk.fresh.state, identity: same).table }

    private func statuses(_ table: ReleaseTable) -> [String: ReleaseStatus] {
        Dictionary(uniqueKeysWithValues: table.releases.releases.map { ($0.vsn, $0.status) })
    }

    private func unpacked(_ table: ReleaseTable, _ vsn: String) throws -> ReleaseTable {
        try table.unpack(release(vsn)) { Disk.fresh.directories.contains($0) }.table
    }

    @Test func statusesThroughALife() throws {
        var table = try unpacked(fresh(), "2.0.0")
        #expect(statuses(table) == ["1.0.0": .permanent, "2.0.0": .unpacked])
        table = try table.installed("2.0.0").table
        #expect(statuses(table) == ["1.0.0": .permanent, "2.0.0": .current])
        #expect(table.running?.vsn == "2.0.0")
        table = try table.installed("1.0.0").table
        #expect(statuses(table) == ["1.0.0": .permanent, "2.0.0": .old])
        table = try table.installed("2.0.0").table.makePermanent("2.0.0").table
        #expect(statuses(table) == ["1.0.0": .old, "2.0.0": .permanent])
        #expect(table.startErlData == StartErlData(ertsVsn: "1.0", releaseVsn: "2.0.0"))
        // Until the restart the one that runs is what it is.
        let reboot = try table.rebootOld("1.0.0")
        #expect(statuses(reboot.table) == ["1.0.0": .permanent, "2.0.0": .current])
        #expect(reboot.table.running?.vsn == "2.0.0")
        var disk = Disk(state: .init(releases: table.releases.persistent, startErlData: table.startErlData))
        disk.apply(reboot.writes)
        table = try ReleaseTable.recover(disk.state, identity: same).table
        #expect(statuses(table) == ["1.0.0": .permanent, "2.0.0": .old])
        table = try table.remove("2.0.0", users: none, identity: same).table
        #expect(statuses(table) == ["1.0.0": .permanent])
    }

    @Test func unpackWritesDirectoriesFirst() throws {
        let change = try fresh().unpack(release("2.0.0", erts: "2.0")) {
            Disk.fresh.directories.contains($0)
        }
        let new = ["lib/kv-2.0.0", "releases/2.0.0", "erts-2.0"]
        #expect(
            change.writes == [
                .pending(new), .placeDirectory(new[0]), .placeDirectory(new[1]), .placeDirectory(new[2]),
                .releases(change.table.releases), .removePending,
            ])
    }

    @Test func aReleaseDirectoryThatNoReleaseHasIsReplaced() throws {
        let change = try fresh().unpack(release("2.0.0")) { _ in true }
        #expect(
            change.writes == [
                .pending(["releases/2.0.0"]), .removeDirectory("releases/2.0.0"), .placeDirectory("releases/2.0.0"),
                .releases(change.table.releases), .removePending,
            ])
    }

    @Test func removeTakesWhatNoOtherReleaseHas() throws {
        let table = try unpacked(fresh(), "2.0.0")
        let change = try table.remove(
            "2.0.0", users: { $0 == "lib/kv-1.0.0" ? ["kv/kv_sup/store"] : [] }, identity: same)
        #expect(
            change.writes == [
                .pending(["lib/kv-2.0.0", "releases/2.0.0"]), .releases(change.table.releases),
                .removeDirectory("lib/kv-2.0.0"), .removeDirectory("releases/2.0.0"), .removePending,
            ])
    }

    /// RELEASES may name a library absolutely, and a link may lead there from another name.
    @Test func whatAnotherReleaseHasUnderAnotherNameStays() throws {
        func table(_ directory: String, others: String) throws -> ReleaseTable {
            var file = ReleasesFile(releases: [
                ReleaseRecord(release("1.0.0"), status: .permanent), ReleaseRecord(release("2.0.0"), status: .unpacked),
            ])
            file.releases[0].libraries[1].directory = others
            file.releases[1].libraries[1].directory = directory
            let data = StartErlData(ertsVsn: "1.0", releaseVsn: "1.0.0")
            return try ReleaseTable.recover(.init(releases: file, startErlData: data), identity: same).table
        }
        func removed(_ table: ReleaseTable) throws -> [String] {
            let identity: (String) -> String = { $0 == "/opt/link" || $0 == "lib/link" ? "lib/shared-1.0.0" : $0 }
            return try table.remove("2.0.0", users: none, identity: identity).writes.compactMap { write in
                if case .removeDirectory(let directory) = write { return directory }
                return nil
            }
        }
        let own = ["lib/kv-2.0.0", "releases/2.0.0"]
        #expect(try removed(table("lib/shared-1.0.0", others: "/opt/link")) == own)
        #expect(try removed(table("lib/link", others: "lib/shared-1.0.0")) == own)
        #expect(
            try removed(table("lib/link", others: "lib/another")) == ["lib/kv-2.0.0", "lib/link", "releases/2.0.0"])
        // Nothing outside the root goes, and nothing in which another release's things lie.
        for directory in ["/opt/shared", "../shared", "lib/../../x", ".", "lib", "releases"] {
            #expect(try removed(table(directory, others: "lib/another")) == own, "\(directory)")
        }
    }

    @Test func currentIsNeverWritten() throws {
        let table = try unpacked(unpacked(fresh(), "2.0.0").installed("2.0.0").table, "3.0.0")
        let change = try table.setRemoved("3.0.0")
        #expect(statuses(change.table)["2.0.0"] == .current)
        #expect(change.writes == [.releases(change.table.releases.persistent)])
        #expect(try table.installed("3.0.0").writes == [])
    }

    @Test func setUnpackedWithItsOwnDirectories() throws {
        let record = ReleaseRecord.unpacked(release("2.0.0"), directories: ["kv": "/opt"])
        let change = try fresh().setUnpacked(record, resource: [1, 2])
        #expect(
            change.writes == [.file("releases/2.0.0/store.rel", [1, 2]), .releases(change.table.releases.persistent)])
        #expect(try fresh().setUnpacked(record).writes.count == 1)
        #expect(change.table.releases.release("2.0.0")?.library("kv")?.directory == "/opt/kv-2.0.0")
        #expect(change.table.releases.release("2.0.0")?.library("shared")?.directory == "lib/shared-1.0.0")
    }

    @Test func errors() throws {
        let table = try unpacked(fresh(), "2.0.0")
        let current = try table.installed("2.0.0").table
        func error(_ body: () throws(ReleaseError) -> Void) -> String {
            do throws(ReleaseError) {
                try body()
                return "none"
            } catch { return "\(error.term): \(error)" }
        }
        let texts = [
            error { () throws(ReleaseError) in _ = try table.unpack(release("2.0.0")) { _ in false } },
            error { () throws(ReleaseError) in _ = try table.installed("9") },
            error { () throws(ReleaseError) in _ = try table.installed("1.0.0") },
            error { () throws(ReleaseError) in _ = try current.installed("2.0.0") },
            error { () throws(ReleaseError) in _ = try table.makePermanent("2.0.0") },
            error { () throws(ReleaseError) in _ = try table.rebootOld("2.0.0") },
            error { () throws(ReleaseError) in _ = try table.remove("1.0.0", users: none, identity: same) },
            error { () throws(ReleaseError) in _ = try current.remove("2.0.0", users: none, identity: same) },
            error { () throws(ReleaseError) in
                _ = try table.remove(
                    "2.0.0", users: { $0 == "lib/kv-2.0.0" ? ["kv/kv_sup/store"] : [] }, identity: same)
            },
            error { () throws(ReleaseError) in _ = try table.setRemoved("1.0.0") },
            error { () throws(ReleaseError) in _ = try current.setRemoved("2.0.0") },
            error { () throws(ReleaseError) in _ = try table.setRemoved("9") },
            error { () throws(ReleaseError) in
                _ = try table.setUnpacked(ReleaseRecord(release("2.0.0"), status: .unpacked))
            },
            error { () throws(ReleaseError) in
                _ = try table.setUnpacked(ReleaseRecord(release("1.0.0"), status: .unpacked))
            },
            error { () throws(ReleaseError) in
                _ = try current.setUnpacked(ReleaseRecord(release("2.0.0"), status: .unpacked))
            },
            error { () throws(ReleaseError) in _ = try table.rebootOld("1.0.0") },
            error { () throws(ReleaseError) in _ = try table.rebootOld("9") },
            error { () throws(ReleaseError) in _ = try table.installFile("relup", [], in: "1.0.0") },
            error { () throws(ReleaseError) in _ = try current.installFile("relup", [], in: "2.0.0") },
            error { () throws(ReleaseError) in _ = try table.installFile("relup", [], in: "9") },
            error { () throws(ReleaseError) in
                _ = try table.script(to: "2.0.0", relupOfTarget: nil, relupOfRunning: nil)
            },
        ]
        #expect(
            texts == [
                "{existing_release,\"2.0.0\"}: release 2.0.0 is unpacked already; remove it first to unpack it anew",
                "{no_such_release,\"9\"}: there is no release 9; which-releases lists those that are unpacked",
                "{already_installed,\"1.0.0\"}: release 1.0.0 runs already",
                "{already_installed,\"2.0.0\"}: release 2.0.0 runs already",
                "{bad_status,unpacked}: release 2.0.0 is unpacked: install it first",
                """
                {bad_status,unpacked}: release 2.0.0 is unpacked, and only one that ran before, an old one, is rebooted into
                """,
                "{permanent,\"1.0.0\"}: release 1.0.0 is permanent and can't be removed; make another one permanent first",
                "{bad_status,current}: release 2.0.0 is current: it runs; install another one first",
                """
                {in_use,"lib/kv-2.0.0"}: release 2.0.0 can't be removed: kv/kv_sup/store runs from lib/kv-2.0.0; \
                it is free once that has ended or started again
                """,
                "{permanent,\"1.0.0\"}: release 1.0.0 is permanent and can't be removed; make another one permanent first",
                "{bad_status,current}: release 2.0.0 is current: it runs; install another one first",
                "{no_such_release,\"9\"}: there is no release 9; which-releases lists those that are unpacked",
                "{existing_release,\"2.0.0\"}: release 2.0.0 is unpacked already; remove it first to unpack it anew",
                """
                {existing_release,"1.0.0"}: release 1.0.0 is there already, and is permanent; give what was changed in it a \
                release of another version
                """,
                """
                {existing_release,"2.0.0"}: release 2.0.0 is there already, and is current; give what was changed in it a \
                release of another version
                """,
                """
                {bad_status,permanent}: release 1.0.0 is permanent, and only one that ran before, an old one, is rebooted into
                """,
                "{no_such_release,\"9\"}: there is no release 9; which-releases lists those that are unpacked",
                """
                {bad_status,permanent}: release 1.0.0 is permanent: files of a release that runs or boots stay as they are
                """,
                "{bad_status,current}: release 2.0.0 is current: files of a release that runs or boots stay as they are",
                "{no_such_release,\"9\"}: there is no release 9; which-releases lists those that are unpacked",
                """
                {no_matching_relup,"2.0.0","1.0.0"}: neither the relup of 2.0.0 nor that of 1.0.0 leads from 1.0.0 to 2.0.0
                """,
            ])
        #expect(try table.makePermanent("1.0.0").writes == [])
    }

    @Test func aFileComesIntoTheDirectoryOfAReleaseThatDoesNotRun() throws {
        let table = try unpacked(fresh(), "2.0.0")
        let change = try table.installFile("relup", [3], in: "2.0.0")
        #expect(change.writes == [.file("releases/2.0.0/relup", [3])])
        #expect(change.table == table)
        // So that there is a way back to it.
        let permanent = try table.installed("2.0.0").table.makePermanent("2.0.0").table
        #expect(try permanent.installFile("relup", [3], in: "1.0.0").writes.count == 1)
    }

    /// Its files as they are, too: they may be what leads there.
    @Test func whatAReleaseOnProbationGoesBackToStays() throws {
        let two = try unpacked(fresh(), "2.0.0").installed("2.0.0").table
        let three = try unpacked(two, "3.0.0").installed("3.0.0").table
        #expect(statuses(three) == ["1.0.0": .permanent, "2.0.0": .old, "3.0.0": .current])
        var probation = Probation()
        _ = probation.handle(ProbationTests.install("3.0.0", over: "2.0.0", permanent: "1.0.0"), now: 0)
        let trial = try #require(probation.state.trial)
        let refused = ReleaseError.wayBack("2.0.0", of: "3.0.0")
        #expect(throws: refused) { try three.remove("2.0.0", during: trial, users: none, identity: same) }
        #expect(throws: refused) { try three.setRemoved("2.0.0", during: trial) }
        #expect(throws: refused) { try three.installFile("relup", [], in: "2.0.0", during: trial) }
        #expect("\(refused.term)" == "{in_use,\"2.0.0\"}")
        // One that is permanent is refused as ever, and any other is taken away.
        #expect(throws: ReleaseError.permanent("1.0.0")) { try three.setRemoved("1.0.0", during: trial) }
        let four = try unpacked(three, "4.0.0")
        #expect(try four.setRemoved("4.0.0", during: trial).table == three)
        #expect(try four.setRemoved("2.0.0").table.releases.release("2.0.0") == nil)
    }

    @Test func theScriptIsTheTargetsUpOrTheRunningOnesDown() throws {
        let table = try unpacked(fresh(), "2.0.0")
        let relup = Relup(
            vsn: "2.0.0", up: [RelupEntry(vsn: "1.0.0", description: .nil, script: dynamicUp)],
            down: [RelupEntry(vsn: "1.0.0", description: .nil, script: dynamicDown)])
        let up = try table.script(to: "2.0.0", relupOfTarget: relup, relupOfRunning: nil)
        #expect(up.direction == .up)
        #expect(up.entry.script == dynamicUp)
        let down = try table.installed("2.0.0").table
            .script(to: "1.0.0", relupOfTarget: nil, relupOfRunning: relup)
        #expect(down.direction == .down)
        #expect(down.from.vsn == "2.0.0")
        #expect(down.entry.script == dynamicDown)
    }
}
