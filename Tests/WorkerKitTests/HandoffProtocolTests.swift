import Glibc
import Terms
import Testing
import Wire

@testable import WorkerKit

/// Handoffs of a state without descriptors, for each program.
struct HandoffProtocolTests {
    private static let extra = Term.list([])

    @Test(arguments: WorkerProgram.allCases) func up(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program, vsn: "1.0.0")
        _ = try old.call("{add,7}")
        let new = try WorkerProbe.started(program, vsn: "2.0.0", mode: .standby, generation: 2)
        #expect(new.vsn == .string("2.0.0"))
        #expect(reason(try new.request { .call(ref: $0, request: .atom("get")) }) == .atom("standby"))
        #expect(reason(try new.request { .resume(ref: $0) }) == .atom("standby"))
        #expect(isOk(try old.handOff(to: new, import: .up(from: .string("1.0.0"), extra: Self.extra))))
        #expect(reason(try new.request { .call(ref: $0, request: .atom("get")) }) == .atom("suspended"))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try old.waitForExit() == .exited(0))
        #expect(try new.call("{add,1}") == 8)
        #expect(try new.call("vsn") == .string("2.0.0"))
        #expect(try new.call("generation") == 2)
        #expect(try new.call("changes") == 1)
    }

    @Test(arguments: WorkerProgram.allCases) func down(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program, vsn: "2.0.0")
        _ = try old.call("{add,7}")
        let new = try WorkerProbe.started(program, vsn: "1.0.0", mode: .standby, generation: 2)
        #expect(isOk(try old.handOff(to: new, export: .down(to: .string("1.0.0"), extra: Self.extra))))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("get") == 7)
        guard case .okValue(_, let state) = try new.request({ .getState(ref: $0) }) else {
            Issue.record("no state")
            return
        }
        #expect(state.asTuple?.first == .atom("counter"))
    }

    @Test(arguments: WorkerProgram.allCases) func downOfAStaticModule(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program, vsn: "2.0.0")
        _ = try old.call("{add,7}")
        let new = try WorkerProbe.started(program, vsn: "1.0.0", mode: .standby)
        #expect(isOk(try old.handOff(to: new, import: .down(to: .string("1.0.0"), extra: Self.extra))))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("get") == 7)
    }

    @Test(arguments: WorkerProgram.allCases) func softUpdate(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program, vsn: "2.0.0")
        _ = try old.call("{add,7}")
        let new = try WorkerProbe.started(program, vsn: "2.0.1", mode: .standby)
        #expect(isOk(try old.handOff(to: new)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("get") == 7)
        #expect(try new.call("changes") == 0)
    }

    @Test(arguments: WorkerProgram.allCases) func aSoftUpdateOfAnotherShapeFails(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program, vsn: "1.0.0")
        let new = try WorkerProbe.started(program, vsn: "2.0.0", mode: .standby)
        let failure = reason(try old.handOff(to: new))
        #expect(failure?.asTuple?.first == .atom("bad_state"))
    }

    @Test(arguments: WorkerProgram.allCases) func abortAndResume(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        _ = try old.call("{add,7}")
        let new = try WorkerProbe.started(program, vsn: "2.0.0", mode: .standby)
        let word = Term.atom(program == .swift ? "throw" : "fail")
        let failure = reason(try old.handOff(to: new, import: .up(from: .string("1.0.0"), extra: word)))
        #expect(failure == .atom(program == .swift ? "told_to_throw" : "told_to_fail"))
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try old.call("{add,1}") == 8)
        // The standby is one still: it takes a second try.
        #expect(isOk(try old.handOff(to: new, import: .up(from: .string("1.0.0"), extra: Self.extra))))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("get") == 8)
    }

    @Test(arguments: WorkerProgram.allCases) func aConvertedExportLeavesTheStateAlone(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program, vsn: "2.0.0")
        _ = try old.call("{add,7}")
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        let (answer, packets) = try old.export(.down(to: .string("1.0.0"), extra: Self.extra))
        guard case .exported = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(packets.count == 1)
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try old.call("get") == 7)
        guard case .okValue(_, let state) = try old.request({ .getState(ref: $0) }) else {
            Issue.record("no state")
            return
        }
        #expect(state.asMap?[.atom("count")] == 7)
    }

    @Test(arguments: WorkerProgram.allCases) func packetsOfAnAbortedImportArePassedOver(program: WorkerProgram) throws {
        let old = try WorkerProbe.started(program)
        _ = try old.call("{add,7}")
        let new = try WorkerProbe.started(program, vsn: "1.0.1", mode: .standby)
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        let stale = try old.export(.none).packets
        try new.send(packet: stale[0].packet.with(ref: 9999), with: stale[0])
        #expect(isOk(try new.importState(try old.export(.none).packets, from: old.vsn, .none)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("get") == 7)
    }

    @Test(arguments: WorkerProgram.allCases) func openCallsAreAnsweredByTheNextGeneration(program: WorkerProgram) throws
    {
        let old = try WorkerProbe.started(program)
        // Far from what the probe gives out: refs are unique for the place in the tree.
        let hold = Term.atom(program == .swift ? "hold" : "later")
        try old.send(.call(ref: 5000, request: hold))
        let new = try WorkerProbe.started(program, vsn: "2.0.0", mode: .standby)
        #expect(isOk(try old.handOff(to: new, import: .up(from: .string("1.0.0"), extra: Self.extra))))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        let release = Term.tuple([.atom(program == .swift ? "release" : "later"), .atom("at_last")])
        try new.send(.call(ref: 5001, request: release))
        #expect(try new.next() == .reply(ref: 5000, answer: .atom("at_last")))
        #expect(try new.next() == .reply(ref: 5001, answer: .ok))
    }

    @Test(arguments: WorkerProgram.allCases) func upAndDownAgain(program: WorkerProgram) throws {
        var worker = try WorkerProbe.started(program)
        _ = try worker.call("{add,100}")
        for round in 1...3 {
            let newer = try WorkerProbe.started(program, vsn: "2.0.0", mode: .standby, generation: 2 * round)
            #expect(isOk(try worker.handOff(to: newer, import: .up(from: .string("1.0.0"), extra: Self.extra))))
            #expect(isOk(try newer.request { .resume(ref: $0) }))
            #expect(try newer.call("{add,1}") == .integer(100 + 2 * round - 1))
            let older = try WorkerProbe.started(program, mode: .standby, generation: 2 * round + 1)
            #expect(isOk(try newer.handOff(to: older, export: .down(to: .string("1.0.0"), extra: Self.extra))))
            #expect(isOk(try older.request { .resume(ref: $0) }))
            #expect(try older.call("{add,1}") == .integer(100 + 2 * round))
            worker = older
        }
    }

    @Test func descriptorsAndTimersThatAreNotUnderstoodPassThroughPython() throws {
        let beside = "#{descriptors => [{thing,0},{thing,1}],timers => [{1,99999,tick}]}"
        let bytes = ExternalTermFormat.encode(
            try TermText.parseTerm("{worker_state,1,\(beside),{counter,4,[]}}"))
        let (first, second) = (try Listener(), try Listener())
        let worker = try WorkerProbe.started(.python, mode: .standby)
        let packets: [WorkerProbe.Packet] = [
            (.state(ref: 0, size: bytes.count), [try StateMemory.create(sealing: bytes)]),
            (
                .descriptors(ref: 0, first: 0, count: 2),
                [OwnedDescriptor(dup(first.descriptor)), OwnedDescriptor(dup(second.descriptor))]
            ),
        ]
        #expect(isOk(try worker.importState(packets, from: .string("1.0.0"), .none)))
        #expect(isOk(try worker.request { .resume(ref: $0) }))
        #expect(try worker.call("descriptors") == 2)
        #expect(isOk(try worker.request { .suspend(ref: $0) }))
        let (answer, exported) = try worker.export(.none)
        #expect(exported.map(\.packet.descriptorCount) == [1, 2])
        guard case .exported(_, let size, 2, _) = answer, let state = exported.first?.descriptors.first else {
            Issue.record("\(answer)")
            return
        }
        let term = try StateMemory.withBytes(of: state, size: size) { try ExternalTermFormat.decode(Array($0)) }
        #expect(term == (try TermText.parseTerm("{worker_state,1,\(beside),{counter,4,[]}}")))
        let inodes = exported[1].descriptors.map { inode($0.raw) }
        #expect(inodes == [inode(first.descriptor), inode(second.descriptor)])
    }

    private func inode(_ descriptor: Int32) -> UInt {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt(status.st_ino) : 0
    }
}
