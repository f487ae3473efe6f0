import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

@Suite struct CodeTableTests {
    @Test func whatAStartFindsElsewhereIsTheSameVersionThere() {
        func version(_ vsn: String, _ sha256: String) -> CodeVersion {
            CodeVersion(
                module: "m", kind: .resident, library: "l", libraryVsn: vsn, path: "/lib/l-\(vsn)/ebin/m",
                sha256: sha256)
        }
        var table = CodeTable()
        table.found(version("1", "a"))
        table.found(version("2", "a"))
        #expect(table.current["m"]?.libraryVsn == "2" && table.old["m"] == nil)
        table.found(version("3", "b"))
        #expect(table.current["m"]?.libraryVsn == "3" && table.old["m"]?.libraryVsn == "2")
    }

    private func info(_ id: ChildAddress, _ sha256: String, resident: Atom? = kv) -> WorkerInfo {
        WorkerInfo(id: id, resident: resident, modules: [kv], vsn: nil, sha256: sha256)
    }

    @Test func loadRemovePurge() {
        var table = table()
        table.load(code(kv, two))
        #expect(table.current[kv]?.libraryVsn == "2.0.0")
        #expect(table.old[kv]?.libraryVsn == "1.0.0")
        table.remove(kv)
        #expect(table.current[kv] == nil)
        #expect(table.old[kv]?.libraryVsn == "2.0.0")
        table.purge(kv)
        #expect(table.old[kv] == nil)
    }

    @Test func usersAreThoseThatVerifiablyRunOtherCode() {
        var table = table()
        table.load(code(kv, two))
        let workers = [
            info(first, "kv_server@1.0.0"), info(second, "kv_server@2.0.0"),
            info(other, "x", resident: "other"), info(place("os/sup"), "kv_server@1.0.0", resident: nil),
        ]
        #expect(table.usersOfOldCode(of: kv, among: workers) == [first])
        table.remove(kv)
        #expect(table.usersOfOldCode(of: kv, among: workers) == [first, second])
    }

    @Test func softPurgeForgetsWhatNobodyRuns() {
        var table = table()
        table.load(code(kv, two))
        var unpurged = Unpurged([UnpurgedModule(module: kv, method: .softPurge, users: [first])])
        #expect(unpurged.softPurge(table, workers: [info(first, "kv_server@1.0.0")]) == [])
        #expect(!unpurged.isEmpty)
        #expect(unpurged.softPurge(table, workers: [info(first, "kv_server@2.0.0")]) == [kv])
        #expect(unpurged.isEmpty)
    }

    @Test func makePermanentEndsWhoIsPurgedBrutally() {
        var table = table()
        table.load(code(kv, two))
        table.load(code("other", two))
        var unpurged = Unpurged([
            UnpurgedModule(module: kv, method: .brutalPurge, users: []),
            UnpurgedModule(module: "other", method: .softPurge, users: [other]),
        ])
        let workers = [info(first, "kv_server@1.0.0"), info(other, "other@1.0.0", resident: "other")]
        #expect(unpurged.brutalPurge(table, workers: workers).modules == [], "it is not permanent yet")
        unpurged.releaseMadePermanent()
        #expect(unpurged.hasDue)
        let purged = unpurged.brutalPurge(table, workers: workers)
        #expect(purged.modules == [kv])
        #expect(purged.users == [first])
        #expect(!unpurged.hasDue)
        #expect(unpurged.modules.map(\.module) == ["other"])
    }

    @Test func anAbortGivesBackWhatTheScriptChangedAndNothingElse() {
        var table = table()
        let before = table
        var saved = CodeTable.Saved()
        let third = LibraryRecord(name: "kv", vsn: "3.0.0", directory: "lib/kv-3.0.0")
        let changes: [CodeTable.Change] = [
            .replacePath([two]), .load(code(kv, two)), .purge([kv]), .load(code(kv, third)), .remove("other"),
        ]
        for change in changes {
            saved.note(change, in: table)
            table.apply(change)
        }
        table.load(code("late", two))
        table.apply(.restore(saved))
        #expect(table.current["late"] == code("late", two), "a start beside the script loaded it")
        #expect(table.current[kv] == before.current[kv])
        #expect(table.current["other"] == before.current["other"])
        #expect(table.old == before.old)
        #expect(table.path == before.path)
    }

    /// One that never says what it runs may be busy, or be stuck in the very code that is to go.
    @Test func whoNeverSaysWhatItRunsEndsAfterAWhile() {
        var table = table()
        table.load(code(kv, two))
        let old = FunctionalCode(current: nil, used: ["kv_server@1.0.0"], isAssumed: true)
        let silent = WorkerInfo(
            id: other, resident: "other", modules: [kv], vsn: nil, sha256: "other@1.0.0", functional: [kv: old])
        let heard = WorkerInfo(
            id: other, resident: "other", modules: [kv], vsn: nil, sha256: "other@1.0.0",
            functional: [kv: FunctionalCode(current: nil, used: ["kv_server@1.0.0"])])
        var unpurged = Unpurged([UnpurgedModule(module: kv, method: .brutalPurge, users: [])])
        unpurged.releaseMadePermanent()
        var afterAnAnswer = unpurged
        for _ in 1..<Unpurged.maximumSilences {
            #expect(unpurged.brutalPurge(table, workers: [silent]).users == [])
            #expect(unpurged.hasDue)
        }
        #expect(unpurged.brutalPurge(table, workers: [silent]).users == [other])
        #expect(!unpurged.hasDue)
        #expect(afterAnAnswer.brutalPurge(table, workers: [silent]).users == [])
        #expect(afterAnAnswer.brutalPurge(table, workers: [heard]).users == [other])
    }

    @Test func whatTheNextInstallLeavesIsNotDueYet() {
        var unpurged = Unpurged([UnpurgedModule(module: kv, method: .brutalPurge, users: [first])])
        unpurged.releaseMadePermanent()
        unpurged.add([UnpurgedModule(module: kv, method: .brutalPurge, users: [first])])
        #expect(!unpurged.hasDue)
    }

    @Test func theLastMethodCounts() {
        var unpurged = Unpurged([UnpurgedModule(module: kv, method: .softPurge, users: [])])
        unpurged.add([
            UnpurgedModule(module: kv, method: .brutalPurge, users: [first]),
            UnpurgedModule(module: "other", method: .brutalPurge, users: []),
        ])
        #expect(
            unpurged.modules == [
                UnpurgedModule(module: kv, method: .brutalPurge, users: [first]),
                UnpurgedModule(module: "other", method: .brutalPurge, users: []),
            ])
    }
}
