import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Parts of a state that are wrong, or do not come, and processes that end in the middle of them: the handoff is done with the
/// whole state, or called off. Who calls the worker notices nothing.
@Suite(.timeLimit(.minutes(15))) struct CopyAheadFaultTests {
    private static let copying = "the state of \(TestNode.c1) is not copied while it runs ("
    private static let lastChanges = "the last changes of \(TestNode.c1) were not taken ("

    /// A worker that does this in its handoff and must be the same afterwards.
    private static func expectDone(
        _ fault: String, told: String?, snapshotMilliseconds: Int = CopiedRoot.longMilliseconds
    ) async throws {
        let root = try CopiedRoot.make(faults: fault, snapshotMilliseconds: snapshotMilliseconds)
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{put, kept, 1}")
            let before = try await test.pid()
            let result = try await test.underCalls { try await test.install("2.0.0") }
            #expect(result.outcome == .done && result.lost == [] && result.warnings == [], "\(result)")
            let notes = TestNode.notes(result)
            #expect(notes == (told.map { ["\($0): handed over whole"] } ?? []))
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("{get, kept}") == "1")
            #expect(try await test.call("recorded") == "none")
            #expect(try await test.pid() != before)
            #expect(try await test.ps().restarts == 0)
        }
    }

    @Test(arguments: [
        ("{snapshot_error, \"1.0.0\"}", "told"),
        ("{snapshot_dies, \"1.0.0\"}", "{snapshot_failed,{exit_status,7}}"),
        ("{changes_error, \"1.0.0\"}", "told"),
        ("{snapshot_import_error, \"2.0.0\"}", "told"),
        ("{changes_import_error, \"2.0.0\"}", "told"),
        ("{snapshot_import_dies, \"2.0.0\"}", "{signal,sigkill}"),
        ("{changes_import_dies, \"2.0.0\"}", "{signal,sigkill}"),
        ("{preloaded_dies, \"2.0.0\"}", "{signal,sigkill}"),
    ]) func withoutParts(fault: String, reason: String) async throws {
        try await Self.expectDone(fault, told: "\(Self.copying)\(reason))")
    }

    @Test(arguments: [
        "{snapshot_silent, \"1.0.0\"}", "{changes_silent, \"1.0.0\"}", "{snapshot_import_silent, \"2.0.0\"}",
        "{changes_import_silent, \"2.0.0\"}",
    ]) func withoutPartsThatNeverCome(fault: String) async throws {
        try await Self.expectDone(fault, told: "\(Self.copying){timeout,1000})", snapshotMilliseconds: 1000)
    }

    /// What the last changes can't, the whole can: it is told, since clients waited for it.
    @Test(arguments: ["{last_error, \"1.0.0\"}", "{last_import_error, \"2.0.0\"}"])
    func withoutTheLastChanges(fault: String) async throws {
        try await Self.expectDone(fault, told: "\(Self.lastChanges)told)")
    }

    /// More each time, but less than the state and a mebibyte: the rounds end, and what is left goes over with the suspend.
    @Test func changesThatBecomeMore() async throws {
        try await Self.expectDone("{changes_grow, 200000, \"1.0.0\"}", told: nil)
    }

    @Test(arguments: [
        ("{changes_huge, 4000000, \"1.0.0\"}", "the state changes as fast as it is copied: "),
        ("{changes_announced, \"1.0.0\"}", "{protocol_error,"),
        ("{changes_garbage, \"1.0.0\"}", ""),
        ("{changes_version, \"1.0.0\"}", ""),
    ]) func changesThatDoNotFit(fault: String, reason: String) async throws {
        try await TestNode.with(try CopiedRoot.make(faults: fault)) { test async throws in
            _ = try await test.call("{put, kept, 1}")
            let result = try await test.underCalls { try await test.install("2.0.0") }
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            let notes = TestNode.notes(result)
            #expect(notes.count == 1 && notes[0].hasPrefix("\(Self.copying)\(reason)"), "\(notes)")
            #expect(try await test.call("{get, kept}") == "1")
        }
    }

    /// The old process goes on with all that it had, and says no more what changes.
    private static func expectAborted(
        _ reason: String, faults: String = "", codeChangeMilliseconds: Int = CopiedRoot.longMilliseconds,
        root given: TestRoot? = nil,
        meanwhile: @escaping @Sendable (TestNode) async throws -> Void = { _ in }
    ) async throws {
        let root = try given ?? CopiedRoot.make(faults: faults)
        try await TestNode.with(root) { test async throws in
            await test.limitCodeChange(to: codeChangeMilliseconds)
            _ = try await test.call("{put, kept, 1}")
            let before = try await test.pid()
            let result = try await test.underCalls {
                async let installed = test.install("2.0.0")
                try await meanwhile(test)
                return try await installed
            }
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(result.reason?.contains(reason) == true, "\(result)")
            #expect(try await test.pid() == before)
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.call("{get, kept}") == "1")
            #expect(try await test.call("recorded") == "none")
            try await test.untilOneProcessIsLeft()
        }
    }

    @Test func aStandbyThatDiesInTheLastChanges() async throws {
        try await Self.expectAborted("{standby_died,{signal,sigkill}}", faults: "{last_import_dies, \"2.0.0\"}")
    }

    /// Before it is told to go on: from there on nobody could know what it has read.
    @Test func aStandbyThatDiesWithTheLastChanges() async throws {
        let up = UpgradeDisturbanceTests.pausing(after: "{code_change, up, [{counter, []}]}")
        let root = try CopiedRoot.make(faults: "{imported_dies, \"2.0.0\"}", up: up)
        try await Self.expectAborted("{standby_died,{signal,sigkill}}", root: root) { test in
            while try await test.ps().state != .suspended { await Task.yield() }
            while await test.pids().count > 1 { await Task.yield() }
            await test.node.installer.upgrade?.wakeUp()
        }
    }

    @Test(arguments: ["{last_silent, \"1.0.0\"}", "{last_import_silent, \"2.0.0\"}"])
    func lastChangesThatNeverCome(fault: String) async throws {
        try await Self.expectAborted("{timeout,1000}", faults: fault, codeChangeMilliseconds: 1000)
    }

    // MARK: Killed

    private static func killStandby(_ test: TestNode, _ old: Int32) async throws {
        let others = await test.pids().filter { $0 != old }
        try #require(others.count == 1)
        kill(others[0], SIGKILL)
    }

    @Test(arguments: [CopiedRoot.importSnapshot, CopiedRoot.importChanges])
    func aStandbyThatIsKilledWhileItTakesAPart(method: String) async throws {
        let root = try CopiedRoot.make()
        let gate = try Gate(in: root)
        try root.installIncremental("counter", vsn: "2.0.0", edits: [CopiedRoot.waits(gate, in: method, of: "2.0.0")])
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{put, kept, 1}")
            let old = try await test.pid()
            let result = try await test.underCalls {
                async let installed = test.install("2.0.0")
                try await gate.reached()
                try await Self.killStandby(test, old)
                return try await installed
            }
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            #expect(TestNode.notes(result) == ["\(Self.copying){signal,sigkill}): handed over whole"])
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("{get, kept}") == "1")
        }
    }

    @Test func aStandbyThatIsKilledWhileItTakesTheLastChanges() async throws {
        let root = try CopiedRoot.make()
        let gate = try Gate(in: root)
        let edit = CopiedRoot.waits(gate, in: CopiedRoot.importChanges, of: "2.0.0", where: "last == \"true\"")
        try root.installIncremental("counter", vsn: "2.0.0", edits: [edit])
        try await Self.expectAborted("{standby_died,{signal,sigkill}}", root: root) { test in
            let old = try await test.pid()
            try await gate.reached()
            try await Self.killStandby(test, old)
        }
    }

    /// The worker's own end is its end: it is started again by its supervisor, in the old code, and changed with what it has
    /// then. Whose image the standby has taken is of no use for that.
    @Test(arguments: [true, false]) func aWorkerThatIsKilledWhileItIsCopied(inExport: Bool) async throws {
        let root = try CopiedRoot.make()
        let gate = try Gate(in: root)
        let edit =
            inExport
            ? CopiedRoot.waits(gate, in: CopiedRoot.exportChanges, of: "1.0.0")
            : CopiedRoot.waits(gate, in: CopiedRoot.importSnapshot, of: "2.0.0")
        try root.installIncremental("counter", vsn: edit.vsn, edits: [edit])
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{put, kept, 1}")
            let old = try await test.pid()
            async let installed = test.install("2.0.0")
            try await gate.reached()
            kill(old, SIGKILL)
            let exited = try await test.events.first("worker_exited", worker: TestNode.c1)
            gate.open()
            let result = try await installed
            #expect(exited.fields["reason"] == "{signal,sigkill}")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == [TestNode.c1], "\(result)")
            #expect(TestNode.notes(result).contains("\(Self.copying){signal,sigkill}): handed over whole"), "\(result)")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("size") == "0")
            #expect(try await test.call("{add, 2}") == "2")
        }
    }
}
