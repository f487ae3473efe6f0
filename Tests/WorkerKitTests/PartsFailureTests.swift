import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport
@testable import WorkerKit

/// Handoffs in parts that go wrong: whatever it is, the old process goes on, and a standby is one still.
struct PartsFailureTests {
    private static let up = CodeChange.up(from: .string("1.0.0"), extra: .nil)

    private func isOrderly(_ worker: WorkerProbe) throws {
        #expect(try worker.call("recorded") == .atom("none"))
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == .atom("no_snapshot"))
        let new = try WorkerProbe.started(.parts, mode: .standby)
        #expect(isOk(try worker.snapshot(to: new)))
    }

    private static func snapshotFailed(_ why: Term) -> Term { .tuple([.atom("snapshot_failed"), why]) }

    @Test func aKilledChildIsAnError() throws {
        let worker = try WorkerProbe.started(.parts)
        let (ref, child) = try worker.beginSnapshot(at: try Fifo())
        #expect(kill(child.pid, SIGKILL) == 0)
        let signal = Term.tuple([.atom("signal"), .atom("sigkill")])
        #expect(try worker.next() == .error(ref: ref, reason: Self.snapshotFailed(signal)))
        #expect(try worker.children == [])
        try isOrderly(worker)
    }

    @Test(arguments: [
        ("export_throw", Term.atom("told_to_throw")),
        ("export_exit", snapshotFailed(.tuple([.atom("exit_status"), 7]))),
    ])
    func anExportThatFailsIsAnError(knob: String, expected: Term) throws {
        let worker = try WorkerProbe.started(.parts)
        _ = try worker.call("{arm,\(knob)}")
        #expect(reason(try worker.request { .exportSnapshot(ref: $0, change: .none) }) == expected)
        _ = try worker.call("disarm")
        try isOrderly(worker)
    }

    @Test func anExportThatTrapsKillsTheChildOnly() throws {
        let worker = try WorkerProbe.started(.parts)
        _ = try worker.call("{arm,export_trap}")
        let failure = reason(try worker.request { .exportSnapshot(ref: $0, change: .none) })?.asTuple
        #expect(failure?.first == .atom("snapshot_failed"))
        #expect(failure?.last?.asTuple?.first == .atom("signal"))
        _ = try worker.call("disarm")
        try isOrderly(worker)
    }

    @Test func aForkThatIsRefusedIsAnError() throws {
        let worker = try WorkerProbe.started(.parts)
        #expect(try worker.call("no_fork") == .ok)
        let failure = reason(try worker.request { .exportSnapshot(ref: $0, change: .none) })
        #expect(
            failure
                == .tuple([
                    .atom("fork_failed"), .text("fork: Resource temporarily unavailable (errno \(EAGAIN))"),
                ]))
        #expect(try worker.call("recorded") == .atom("none"))
        // The whole state needs no process.
        let new = try WorkerProbe.started(.parts, mode: .standby)
        #expect(isOk(try worker.handOff(to: new)))
    }

    @Test(arguments: WorkerProgram.inParts) func partsInTheWrongStateAreRefused(program: WorkerProgram) throws {
        let announced = StateImport(size: 1, descriptors: 0, fromVsn: .undefined, change: .none)
        let worker = try WorkerProbe.started(program)
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == .atom("no_snapshot"))
        #expect(isOk(try worker.request { .endSnapshot(ref: $0) }))
        #expect(reason(try worker.request { .importSnapshot(ref: $0, announced) }) != nil)
        #expect(reason(try worker.request { .importChanges(ref: $0, announced, isLast: true) }) != nil)
        #expect(isOk(try worker.request { .suspend(ref: $0) }))
        #expect(reason(try worker.request { .exportSnapshot(ref: $0, change: .none) }) == .atom("suspended"))
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == .atom("no_snapshot"))
        let standby = try WorkerProbe.started(program, mode: .standby)
        #expect(reason(try standby.request { .exportSnapshot(ref: $0, change: .none) }) == .atom("standby"))
        #expect(reason(try standby.request { .exportChanges(ref: $0, change: .none) }) == .atom("standby"))
        #expect(reason(try standby.request { .endSnapshot(ref: $0) }) == .atom("standby"))
        #expect(
            reason(try standby.request { .importChanges(ref: $0, announced, isLast: false) }) == .atom("no_snapshot"))
    }

    @Test func changesDoNotComeBeforeTheImage() throws {
        let worker = try WorkerProbe.started(.parts)
        let gate = try Fifo()
        let (ref, _) = try worker.beginSnapshot(at: gate)
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == .atom("snapshot_unfinished"))
        // Nothing is lost by it.
        gate.open()
        guard case .exported(ref, _, 0, _) = try worker.nextWithPackets().answer else {
            Issue.record("not exported")
            return
        }
        #expect(try worker.call("recorded") == 0)
    }

    @Test(arguments: ["end_snapshot", "export_snapshot", "resume", "export_state"])
    func theChildEndsWithWhatItWritesFor(ended: String) throws {
        let worker = try WorkerProbe.started(.parts)
        _ = try worker.call("{put,a,1}")
        let (ref, child) = try worker.beginSnapshot(at: try Fifo())
        let next = worker.newRef()
        switch ended {
        case "end_snapshot": try worker.send(.endSnapshot(ref: next))
        case "export_snapshot": try worker.send(.exportSnapshot(ref: next, change: .none))
        default:
            // A suspend is answered while the image is written, and does not end it.
            #expect(isOk(try worker.request { .suspend(ref: $0) }))
            #expect(try worker.children == [child.pid])
            try worker.send(ended == "resume" ? .resume(ref: next) : .exportState(ref: next, change: .none))
        }
        var answers: [WorkerAnswer] = []
        for _ in 0..<2 { answers.append(try worker.nextWithPackets().answer) }
        #expect(answers.contains(.error(ref: ref, reason: .atom("snapshot_ended"))))
        #expect(answers.contains { $0.ref == next && reason($0) == nil })
        try child.awaitEnd()
        if ended == "export_state" { #expect(isOk(try worker.request { .resume(ref: $0) })) }
        #expect(try worker.call("recorded") == (ended == "export_snapshot" ? 0 : .atom("none")))
        // A turn of the worker's loop after the child's end: it is reaped.
        #expect(try worker.call("size") == 1)
        #expect(try worker.children == [])
    }

    @Test(arguments: [Term.shutdown, .atom("handoff")]) func terminateLeavesNoChildBehind(reason: Term) throws {
        let worker = try WorkerProbe.started(.parts)
        let (_, child) = try worker.beginSnapshot(at: try Fifo())
        try worker.send(.terminate(ref: worker.newRef(), reason: reason))
        #expect(try worker.waitForExit() == .exited(0))
        try child.awaitEnd()
    }

    @Test func theChildDiesWithItsWorker() throws {
        let worker = try WorkerProbe.started(.parts)
        let (_, child) = try worker.beginSnapshot(at: try Fifo())
        kill(worker.pid, SIGKILL)
        #expect(try worker.waitForExit() == .signaled(SIGKILL))
        try child.awaitEnd()
    }

    /// A client that is closed while the image is written sees it: the child holds no copy.
    @Test func theChildHoldsNoConnection() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.parts, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        #expect(try client.ask("put a 1") == "'1'")
        let gate = try Fifo()
        _ = try worker.beginSnapshot(at: gate)
        try client.send("no such line\n")
        #expect(try client.line() == nil)
        gate.open()
    }

    @Test(arguments: WorkerProgram.inParts) func anAbortEndsTheRecording(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        _ = try old.call("{put,a,1}")
        let new = try WorkerProbe.started(program, mode: .standby)
        #expect(isOk(try old.snapshot(to: new)))
        _ = try old.call("{put,b,1}")
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true)))
        new.closeChannel()
        #expect(try new.waitForExit() == .exited(0))
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try old.call("recorded") == .atom("none"))
        #expect(reason(try old.request { .exportChanges(ref: $0, change: .none) }) == .atom("no_snapshot"))
        #expect(try old.call("{get,b}") == 1)
    }

    @Test func changesThatThrowEndTheRecording() throws {
        let worker = try WorkerProbe.started(.parts)
        let new = try WorkerProbe.started(.parts, mode: .standby)
        #expect(isOk(try worker.snapshot(to: new)))
        _ = try worker.call("{arm,changes_throw}")
        #expect(reason(try worker.request { .exportChanges(ref: $0, change: .none) }) == .atom("told_to_throw"))
        try isOrderly(worker)
    }

    @Test(arguments: ["throw", "throw_changes"]) func aStandbyThatFailsIsOneStill(extra: String) throws {
        let old = try WorkerProbe.started(.parts)
        _ = try old.call("{put,a,1}")
        let new = try WorkerProbe.started(.parts, vsn: "2.0.0", mode: .standby)
        let failing = CodeChange.up(from: .string("1.0.0"), extra: .atom(Atom(extra)))
        if extra == "throw" {
            #expect(reason(try old.snapshot(to: new, import: failing)) == .atom("told_to_throw"))
        } else {
            #expect(isOk(try old.snapshot(to: new, import: failing)))
            #expect(reason(try old.changes(to: new, isLast: false, import: failing)) == .atom("told_to_throw"))
        }
        // What it had of the state is gone: changes alone are none.
        let (_, packets) = try old.export { .exportChanges(ref: $0, change: .none) }
        let refused = try new.importing(packets, from: old.vsn, Self.up) { .importChanges(ref: $0, $1, isLast: true) }
        #expect(reason(refused) == .atom("no_snapshot"))
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("{get,a}") == 1)
    }

    @Test(arguments: [
        "{worker_state,1,#{descriptors => [],timers => []},{changes,[],#{}}}",
        "{worker_changes,2,#{descriptors => [],timers => []},{changes,[],#{}}}",
        "{worker_changes,1,#{descriptors => [],timers => [{1,5,late}]},{changes,[],#{}}}",
        "{worker_changes,1,#{descriptors => [],timers => [],more => []},{changes,[],#{}}}",
        "{worker_changes,1,#{descriptors => [],timers => []},{entries,#{}}}", "nothing",
    ])
    func changesThatAreNoneAreRefused(text: String) throws {
        let old = try WorkerProbe.started(.parts)
        let new = try WorkerProbe.started(.parts, mode: .standby)
        #expect(isOk(try old.snapshot(to: new)))
        let bytes = ExternalTermFormat.encode(try TermText.parseTerm(text))
        let packet: WorkerProbe.Packet = (
            .state(ref: 0, size: bytes.count), [try StateMemory.create(sealing: bytes)]
        )
        let answer = try new.importing([packet], from: old.vsn, .none) { .importChanges(ref: $0, $1, isLast: false) }
        #expect(reason(answer) != nil)
        #expect(isOk(try old.snapshot(to: new)))
    }
}
