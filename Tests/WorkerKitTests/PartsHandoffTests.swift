import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport

/// Handoffs in parts: an image while the worker serves, what changed, and what changed last.
struct PartsHandoffTests {
    private static let up = CodeChange.up(from: .string("1.0.0"), extra: .nil)
    private static let down = CodeChange.down(to: .string("1.0.0"), extra: .nil)

    /// From, to, who converts.
    struct Way: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let old: String
        let new: String
        var export = CodeChange.none
        var `import` = CodeChange.none
    }

    static let ways = [
        Way(testDescription: "up", old: "1.0.0", new: "2.0.0", import: up),
        Way(testDescription: "down", old: "2.0.0", new: "1.0.0", export: down),
        Way(testDescription: "down, static", old: "2.0.0", new: "1.0.0", import: down),
        Way(testDescription: "soft", old: "2.0.0", new: "2.0.1"),
    ]

    @Test(arguments: WorkerProgram.inParts, ways) func theStateComesOverInParts(program: WorkerProgram, way: Way) throws
    {
        let old = try WorkerProbe.started(program, vsn: way.old)
        _ = try old.call("{fill,100}")
        let new = try WorkerProbe.started(program, vsn: way.new, mode: .standby, generation: 2)
        #expect(isOk(try old.snapshot(to: new, export: way.export, import: way.import)))
        // Changes of all kinds, in two rounds and the last one.
        for round in 0..<2 {
            _ = try old.call("{put,\(round),changed}")
            _ = try old.call("{remove,\(90 + round)}")
            _ = try old.call("{put,new\(round),1}")
            #expect(isOk(try old.changes(to: new, isLast: false, export: way.export, import: way.import)))
        }
        _ = try old.call("{put,90,again}")
        _ = try old.call("{remove,new0}")
        _ = try old.call("{put,last,1}")
        let expected = try old.call("entries")
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true, export: way.export, import: way.import)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try old.waitForExit() == .exited(0))
        #expect(try new.call("entries") == expected)
        #expect(try new.call("recorded") == .atom("none"))
    }

    @Test(arguments: WorkerProgram.inParts) func nothingHasChanged(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        _ = try old.call("{put,a,1}")
        let new = try WorkerProbe.started(program, mode: .standby, generation: 2)
        #expect(isOk(try old.snapshot(to: new)))
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("{get,a}") == 1)
    }

    @Test(arguments: WorkerProgram.inParts) func aPreloadedProcessIsAStandby(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        let new = try WorkerProbe.started(program, mode: .standby, generation: 2)
        #expect(isOk(try old.snapshot(to: new)))
        guard case .okValue(_, .map(let status)) = try new.request({ .getStatus(ref: $0) }) else {
            Issue.record("no status")
            return
        }
        #expect(status[.atom("status")] == .atom("standby"))
        #expect(reason(try new.request { .call(ref: $0, request: .atom("size")) }) == .atom("standby"))
        #expect(reason(try new.request { .exportState(ref: $0, change: .none) }) == .atom("standby"))
        try new.send(.terminate(ref: new.newRef(), reason: .shutdown))
        #expect(try new.waitForExit() == .exited(0))
    }

    /// What the image has is as it was at the fork, whatever happens while it is written.
    @Test func callsAreServedWhileTheImageIsWritten() throws {
        let old = try WorkerProbe.started(.parts)
        _ = try old.call("{fill,1000}")
        let gate = try Fifo()
        let (ref, child) = try old.beginSnapshot(at: gate)
        for key in 1...500 { _ = try old.call("{remove,\(key)}") }
        #expect(try old.call("size") == 500)
        #expect(try old.call("recorded") == 500)
        gate.open()
        let (answer, packets) = try old.nextWithPackets()
        guard case .exported(ref, let size, 0, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        try child.awaitEnd()
        #expect(packets.map(\.packet) == [.state(ref: ref, size: size)])
        let new = try WorkerProbe.started(.parts, mode: .standby, generation: 2)
        #expect(isOk(try new.importing(packets, from: old.vsn, .none) { .importSnapshot(ref: $0, $1) }))
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("size") == 500)
        #expect(try new.call("{get,500}") == .undefined)
        #expect(try new.call("{get,501}") == 0)
    }

    @Test func connectionsAndTimersComeWithTheLastChanges() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.parts, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        #expect(try client.ask("put a 1") == "'1'")
        // A timer of the old process, and one that the new one sets itself as it is preloaded.
        try old.send(.call(ref: 5000, request: try TermText.parseTerm("{later,300}")))
        _ = try old.call("{put,tick,1}")
        let new = try WorkerProbe.started(
            .parts, vsn: "2.0.0", mode: .standby, listening: [listener.descriptor], generation: 2)
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        try client.send("put b 2\nget a\npu")
        #expect(try client.line() == "'2'")
        #expect(try client.line() == "'1'")
        let late = try LineClient(port: listener.port)
        #expect(try late.ask("get b") == "'2'")
        #expect(isOk(try old.changes(to: new, isLast: false, import: Self.up)))
        #expect(try late.ask("put c 3") == "'3'")
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        let (answer, packets) = try old.export { .exportChanges(ref: $0, change: .none) }
        guard case .exported(_, _, 2, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(isOk(try new.importing(packets, from: old.vsn, Self.up) { .importChanges(ref: $0, $1, isLast: true) }))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try old.waitForExit() == .exited(0))
        try client.send("t d 4\nget c\n")
        #expect(try client.line() == "'4'")
        #expect(try client.line() == "'3'")
        #expect(try late.ask("get d") == "'4'")
        #expect(try new.next() == .reply(ref: 5000, answer: .atom("later")))
        #expect(try new.call("{get,ticked}") == .true)
    }

    @Test(arguments: WorkerProgram.inParts) func theWholeCanStillComeAfterTheImage(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        _ = try old.call("{put,a,1}")
        _ = try old.call("{put,b,1}")
        let new = try WorkerProbe.started(program, vsn: "2.0.0", mode: .standby, generation: 2)
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        _ = try old.call("{remove,a}")
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("entries") == (try TermText.parseTerm("#{b => 1}")))
    }

    @Test(arguments: WorkerProgram.inParts) func aSecondImageBeginsAnew(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        _ = try old.call("{put,a,1}")
        let new = try WorkerProbe.started(program, mode: .standby, generation: 2)
        #expect(isOk(try old.snapshot(to: new)))
        _ = try old.call("{remove,a}")
        #expect(isOk(try old.snapshot(to: new)))
        #expect(try old.call("recorded") == 0)
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("size") == 0)
    }

    @Test func whatTheExportLogsIsPassedOn() throws {
        let old = try WorkerProbe.started(.parts)
        #expect(try old.call("{arm,export_log}") == .ok)
        let new = try WorkerProbe.started(.parts, mode: .standby)
        #expect(isOk(try old.snapshot(to: new)))
        #expect(old.logs == ["exporting"])
    }

    @Test func suspendAndASmallExportAreAnsweredAtOnce() throws {
        let worker = try WorkerProbe.started(.parts)
        _ = try worker.call("{arm,{size,100}}")
        #expect(isOk(try worker.request { .suspend(ref: $0) }))
        #expect(isOk(try worker.request { .resume(ref: $0) }))
        let (first, second) = (worker.newRef(), worker.newRef())
        try worker.send(
            raw: try Frame.encode(WorkerRequest.suspend(ref: first).term)
                + Frame.encode(WorkerRequest.exportState(ref: second, change: .none).term))
        #expect(try worker.next() == .ok(ref: first))
        #expect(try worker.hasNext())
        guard case (.exported(second, _, 0, _), let packets) = try worker.nextWithPackets() else {
            Issue.record("not exported")
            return
        }
        #expect(packets.count == 1)
    }

    /// Each has its own time.
    @Test func theAnswerToSuspendDoesNotWaitForALargeExport() throws {
        let worker = try WorkerProbe.started(.parts)
        let gate = try Fifo()
        _ = try worker.call(.tuple([.atom("arm"), .tuple([.atom("export_wait"), .text(gate.path)])]))
        let (first, second) = (worker.newRef(), worker.newRef())
        try worker.send(
            raw: try Frame.encode(WorkerRequest.suspend(ref: first).term)
                + Frame.encode(WorkerRequest.exportState(ref: second, change: .none).term))
        #expect(try worker.next() == .ok(ref: first))
        #expect(try !worker.hasNext())
        gate.open()
        guard case .exported(second, _, 0, _) = try worker.nextWithPackets().answer else {
            Issue.record("not exported")
            return
        }
    }
}
