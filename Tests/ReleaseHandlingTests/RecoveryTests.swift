import Instructions
import ReleaseHandling
import Terms
import Testing

@Suite struct RecoveryTests {
    /// One operation on a disk that has 1.0.0 permanent and 2.0.0 unpacked.
    struct Operation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (ReleaseTable) throws -> ReleaseTable.Change
        /// What boots after each number of writes.
        let boots: @Sendable (Int) -> String
    }

    static let operations = [
        Operation(testDescription: "unpack") {
            try $0.unpack(release("3.0.0", erts: "3.0", shared: "3.0.0")) { Disk.fresh.directories.contains($0) }
        } boots: { _ in
            "1.0.0"
        },
        Operation(testDescription: "install") {
            try $0.installed("2.0.0")
        } boots: { _ in
            "1.0.0"
        },
        Operation(testDescription: "make_permanent") {
            try $0.installed("2.0.0").table.makePermanent("2.0.0", allowedBoots: 2)
        } boots: {
            $0 < 2 ? "1.0.0" : "2.0.0"
        },
        Operation(testDescription: "remove") {
            try $0.remove("2.0.0", users: none, identity: same)
        } boots: { _ in
            "1.0.0"
        },
        Operation(testDescription: "set_removed") {
            try $0.setRemoved("2.0.0")
        } boots: { _ in
            "1.0.0"
        },
        Operation(testDescription: "set_unpacked") {
            let brought = ReleaseResource(
                name: "store", vsn: "3.0.0", ertsVsn: "1.0",
                applications: [ReleaseApplication(name: "shared", vsn: "1.0.0")])
            return try $0.setUnpacked(ReleaseRecord.unpacked(brought, directories: [:]), resource: [1])
        } boots: { _ in
            "1.0.0"
        },
        Operation(testDescription: "install_file") {
            try $0.installFile("relup", [1], in: "2.0.0")
        } boots: { _ in
            "1.0.0"
        },
        Operation(testDescription: "restart_emulator") {
            try $0.prepareRestart(into: "2.0.0")
        } boots: { _ in
            "1.0.0"
        },
    ]

    private func start() throws -> (Disk, ReleaseTable) {
        var disk = Disk.fresh
        let change = try ReleaseTable.recover(disk.state, identity: same).table
            .unpack(release("2.0.0")) { Disk.fresh.directories.contains($0) }
        disk.apply(change.writes)
        return (disk, change.table)
    }

    /// The daemon stops after each write, and again after each write of the repair.
    @Test(arguments: operations)
    func stoppedAtEachWrite(_ operation: Operation) throws {
        let (before, table) = try start()
        let change = try operation.change(table)
        for count in 0...change.writes.count {
            var disk = before
            disk.apply(change.writes.prefix(count))
            let recovery = try ReleaseTable.recover(disk.state, identity: same)
            #expect(recovery.table.running?.vsn == operation.boots(count), "after \(count) writes")
            for again in 0...recovery.writes.count {
                var repaired = disk
                repaired.apply(recovery.writes.prefix(again))
                let second = try ReleaseTable.recover(repaired.state, identity: same)
                #expect(second.table == recovery.table)
                repaired.apply(second.writes)
                #expect(repaired.isSound(), "after \(count) writes and \(again) of the repair")
                #expect(try ReleaseTable.recover(repaired.state, identity: same).writes == [])
                #expect(try ReleaseTable.recover(repaired.state, identity: same).notes == [])
                let listed = Set(second.table.releases.releases.flatMap(\.directories))
                // Of both the files are somebody else's.
                if !["set_removed", "set_unpacked"].contains(operation.testDescription) {
                    #expect(repaired.directories == listed)
                }
            }
        }
    }

    /// A write fails after each number of writes: the table is then what a restart would find, with what runs.
    @Test(arguments: operations)
    func failedAtEachWrite(_ operation: Operation) throws {
        let (before, unchanged) = try start()
        let isInstalled = operation.testDescription == "make_permanent"
        let table = isInstalled ? try unchanged.installed("2.0.0").table : unchanged
        let change = try operation.change(unchanged)
        for count in 0...change.writes.count {
            var disk = before
            disk.apply(change.writes.prefix(count))
            let recovery = try ReleaseTable.recover(disk.state, identity: same)
            let adopted = table.adopting(recovery.table)
            #expect(adopted.startErlData.releaseVsn == operation.boots(count))
            #expect(adopted.running?.vsn == table.running?.vsn, "after \(count) writes")
            #expect(adopted.releases.persistent == recovery.table.releases)
            if count == 0 { #expect(adopted == table) }
        }
    }

    /// Stopped after each write of `reboot_old_release`, or failed there: what boots is one of the two, and it is permanent.
    @Test func aRebootIntoAnOldReleaseThatIsCutShort() throws {
        var (disk, table) = try start()
        let permanent = try table.installed("2.0.0").table.makePermanent("2.0.0")
        disk.apply(permanent.writes)
        table = permanent.table
        let change = try table.rebootOld("1.0.0")
        for count in 0...change.writes.count {
            var left = disk
            left.apply(change.writes.prefix(count))
            let recovery = try ReleaseTable.recover(left.state, identity: same)
            let boots = count < 2 ? "2.0.0" : "1.0.0"
            #expect(recovery.table.running?.vsn == boots, "after \(count) writes")
            left.apply(recovery.writes)
            #expect(left.isSound(), "after \(count) writes")
            let other = boots == "1.0.0" ? "2.0.0" : "1.0.0"
            #expect(try recovery.table.release(other).status == .old)
            let adopted = table.adopting(recovery.table)
            #expect(adopted.startErlData.releaseVsn == boots)
            #expect(adopted.running?.vsn == "2.0.0", "it runs on")
        }
    }

    @Test func whatOnlyTheMemoryKnowsOutlivesAFailedWrite() throws {
        var (disk, table) = try start()
        let third = try table.unpack(release("3.0.0")) { _ in true }
        disk.apply(third.writes)
        table = try third.table.installed("2.0.0").table.installed("3.0.0").table
        let adopted = table.adopting(try ReleaseTable.recover(disk.state, identity: same).table)
        #expect(adopted == table)
        #expect(try adopted.release("2.0.0").status == .old)
        // What ran was permanent, and another release has become it.
        var other = try ReleaseTable.recover(disk.state, identity: same).table.installed("2.0.0").table.makePermanent(
            "2.0.0"
        ).table
        other = try ReleaseTable.recover(disk.state, identity: same).table.adopting(other)
        #expect(other.running?.vsn == "1.0.0")
        #expect(other.startErlData.releaseVsn == "2.0.0")
    }

    /// Whatever action an upgrade has reached, a restart boots the permanent release: evaluation writes nothing, and
    /// the install is in memory only, until it is made permanent.
    @Test func stoppedAtEachActionOfAnUpgrade() throws {
        let (disk, table) = try start()
        let whole = run(machine(dynamicUp), world())
        for limit in 0...whole.asked.count {
            let stopped = run(machine(dynamicUp), world(), limit: limit)
            let after = stopped.machine.isFinished ? try table.installed("2.0.0") : nil
            var left = disk
            left.apply(after?.writes ?? [])
            let recovery = try ReleaseTable.recover(left.state, identity: same)
            #expect(recovery.table.running?.vsn == "1.0.0")
            #expect(recovery.writes == [])
        }
    }

    @Test func aReExecutedDaemonRunsTheReleaseAndBootsThePermanentOneNextTime() throws {
        var (disk, table) = try start()
        disk.apply(try table.prepareRestart(into: "2.0.0").writes)
        #expect(disk.state.newStartErlData == StartErlData(ertsVsn: "1.0", releaseVsn: "2.0.0"))
        let booted = try ReleaseTable.recover(disk.state, booted: "2.0.0", identity: same)
        #expect(booted.table.running?.vsn == "2.0.0")
        #expect(try booted.table.release("2.0.0").status == .current)
        disk.apply(booted.writes)
        #expect(disk.isSound())
        #expect(try ReleaseTable.recover(disk.state, identity: same).table.running?.vsn == "1.0.0")
        #expect(try booted.table.makePermanent("2.0.0").table.startErlData.releaseVsn == "2.0.0")
    }

    @Test func startErlDataThatIsMissingIsWrittenAnew() throws {
        var state = Disk.fresh.state
        state.startErlData = nil
        let recovery = try ReleaseTable.recover(state, identity: same)
        #expect(recovery.writes == [.startErlData(StartErlData(ertsVsn: "1.0", releaseVsn: "1.0.0"))])
        #expect(recovery.notes == [])
        #expect(recovery.repairs == ["releases/start_erl.data was missing: written anew for release 1.0.0"])
    }

    @Test func whatNoOperationLeavesIsAnError() {
        func message(_ state: ReleaseTable.DiskState) -> String {
            do throws(ReleaseError) {
                _ = try ReleaseTable.recover(state, identity: same)
                return "none"
            } catch { return error.description }
        }
        #expect(
            message(.init(releases: ReleasesFile(releases: []), startErlData: nil)) == """
                releases/start_erl.data is missing and releases/RELEASES has no permanent release; releasectl create-releases VSN \
                --root ROOT writes both anew
                """)
        #expect(
            message(
                .init(
                    releases: Disk.fresh.state.releases,
                    startErlData: StartErlData(ertsVsn: "1.0", releaseVsn: "9"))) == """
                    releases/start_erl.data names release 9, which releases/RELEASES does not list; releasectl set-permanent VSN \
                    --root ROOT makes one permanent that it lists, releasectl create-releases VSN --root ROOT lists what stands
                    """)
    }
}
