import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport
@testable import WorkerKit

/// The Python worker's own misdeeds in a handoff in parts: each is one that the daemon's tests rely on.
struct IncrementalFixtureTests {
    private static let told = Term.atom("told")

    private func worker(
        _ fault: String, bytes: Int? = nil, mode: WorkerStartMode = .start
    ) throws -> WorkerProbe {
        let fields: [Term] = [.atom(Atom(fault))] + (bytes.map { [.integer($0)] } ?? []) + [.string("1.0.0")]
        return try WorkerProbe.started(.pythonParts, mode: mode, arguments: [.tuple(fields)])
    }

    @Test func faultsOfAnotherVersionAreNotItsOwn() throws {
        let arguments: [Term] = [.tuple([.atom("snapshot_error"), .string("2.0.0")])]
        let worker = try WorkerProbe.started(.pythonParts, arguments: arguments)
        let new = try WorkerProbe.started(.pythonParts, mode: .standby)
        #expect(isOk(try worker.snapshot(to: new)))
    }

    @Test func itMaySayThatItKnowsNoParts() throws {
        let worker = try worker("not_incremental")
        let failure = reason(try worker.request { .exportSnapshot(ref: $0, change: .none) })
        #expect(failure == .tuple([.atom("unknown_request"), .atom("export_snapshot")]))
        let new = try WorkerProbe.started(.pythonParts, mode: .standby)
        #expect(isOk(try worker.handOff(to: new)))
    }

    @Test(arguments: [
        ("snapshot_error", told),
        ("snapshot_dies", .tuple([.atom("snapshot_failed"), .tuple([.atom("exit_status"), 7])])),
    ])
    func noImage(fault: String, expected: Term) throws {
        let worker = try worker(fault)
        #expect(reason(try worker.request { .exportSnapshot(ref: $0, change: .none) }) == expected)
        #expect(try worker.call("{add,1}") == 1)
    }

    @Test(arguments: ["snapshot_silent", "changes_silent", "last_silent"]) func noAnswer(fault: String) throws {
        let worker = try worker(fault)
        if fault != "snapshot_silent" {
            guard case .exported = try worker.export({ .exportSnapshot(ref: $0, change: .none) }).answer else {
                Issue.record("no image")
                return
            }
        }
        if fault == "last_silent" { #expect(isOk(try worker.request { .suspend(ref: $0) })) }
        let ref = worker.newRef()
        try worker.send(
            fault == "snapshot_silent"
                ? .exportSnapshot(ref: ref, change: .none) : .exportChanges(ref: ref, change: .none))
        // What comes next is another's answer.
        guard case .okValue(_, .map) = try worker.request({ .getStatus(ref: $0) }) else {
            Issue.record("no status")
            return
        }
    }

    @Test(arguments: ["changes_error", "last_error"]) func noChanges(fault: String) throws {
        let worker = try worker(fault)
        let new = try WorkerProbe.started(.pythonParts, mode: .standby)
        #expect(isOk(try worker.snapshot(to: new)))
        if fault == "last_error" {
            #expect(isOk(try worker.changes(to: new, isLast: false)))
            #expect(isOk(try worker.request { .suspend(ref: $0) }))
        }
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == Self.told)
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == .atom("no_snapshot"))
    }

    @Test(arguments: ["changes_garbage", "changes_version"]) func changesThatDoNotFit(fault: String) throws {
        let worker = try worker(fault)
        for standby in WorkerProgram.inParts {
            let new = try WorkerProbe.started(standby, mode: .standby)
            #expect(isOk(try worker.snapshot(to: new)))
            #expect(reason(try worker.changes(to: new, isLast: false)) != nil)
        }
    }

    @Test func moreThanItSends() throws {
        let worker = try worker("changes_announced")
        let new = try WorkerProbe.started(.pythonParts, mode: .standby)
        #expect(isOk(try worker.snapshot(to: new)))
        let (answer, packets) = try worker.export { .exportChanges(ref: $0, change: .none) }
        guard case .exported(let ref, let size, 0, _) = answer, let memory = packets.first?.descriptors.first else {
            Issue.record("\(answer)")
            return
        }
        var status = stat()
        #expect(fstat(memory.raw, &status) == 0)
        #expect(Int(status.st_size) == size - 1)
        #expect(packets.map(\.packet) == [.state(ref: ref, size: size)])
    }

    @Test(arguments: [("changes_huge", 1), ("changes_grow", 3)]) func changesOfASize(fault: String, growth: Int) throws
    {
        let bytes = 1 << 20
        let worker = try worker(fault, bytes: bytes)
        let new = try WorkerProbe.started(.pythonParts, mode: .standby)
        #expect(isOk(try worker.snapshot(to: new)))
        var sizes: [Int] = []
        for _ in 0..<3 {
            guard
                case .exported(_, let size, _, _) = try worker.export({ .exportChanges(ref: $0, change: .none) }).answer
            else {
                Issue.record("not exported")
                return
            }
            sizes.append(size / bytes)
        }
        #expect(sizes == (growth == 1 ? [1, 1, 1] : [1, 2, 3]))
    }

    @Test(arguments: [
        "snapshot_import_dies", "changes_import_dies", "last_import_dies", "preloaded_dies", "imported_dies",
    ])
    func aStandbyThatDies(fault: String) throws {
        let old = try WorkerProbe.started(.pythonParts)
        let new = try worker(fault, mode: .standby)
        #expect(throws: Unexpected.self) {
            let isPreloaded = isOk(try old.snapshot(to: new))
            if fault != "preloaded_dies" { #expect(isPreloaded) }
            if fault == "last_import_dies" || fault == "imported_dies" {
                #expect(isOk(try old.changes(to: new, isLast: false)))
            }
            #expect(isOk(try old.request { .suspend(ref: $0) }))
            #expect(isOk(try old.changes(to: new, isLast: true)))
            _ = try new.next()
        }
        #expect(try new.waitForExit() == .signaled(SIGKILL))
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try old.call("{add,1}") == 1)
    }

    @Test(arguments: ["snapshot_import_error", "changes_import_error", "last_import_error"])
    func aStandbyThatRefuses(fault: String) throws {
        let old = try WorkerProbe.started(.pythonParts)
        let new = try worker(fault, mode: .standby)
        if fault == "snapshot_import_error" {
            #expect(reason(try old.snapshot(to: new)) == Self.told)
        } else {
            #expect(isOk(try old.snapshot(to: new)))
            if fault == "last_import_error" { #expect(isOk(try old.changes(to: new, isLast: false))) }
            #expect(isOk(try old.request { .suspend(ref: $0) }))
            #expect(reason(try old.changes(to: new, isLast: true)) == Self.told)
            #expect(isOk(try old.request { .resume(ref: $0) }))
        }
        // It is a standby still.
        #expect(isOk(try old.handOff(to: new)))
    }
}
