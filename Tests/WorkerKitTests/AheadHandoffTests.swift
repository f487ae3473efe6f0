import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport

/// A state that is copied ahead by a server which can't name its changes: what has not changed is not sent again.
struct AheadHandoffTests {
    private static let up = CodeChange.up(from: .string("1.0.0"), extra: .nil)

    private func pair(_ vsn: String = "2.0.0", listening: [Int32] = []) throws -> (old: WorkerProbe, new: WorkerProbe) {
        let old = try WorkerProbe.started(.ahead, listening: listening)
        _ = try old.call("{put,a}")
        let new = try WorkerProbe.started(.ahead, vsn: vsn, mode: .standby, listening: listening, generation: 2)
        return (old, new)
    }

    private func lastChanges(_ old: WorkerProbe) throws -> (size: Int, packets: Int) {
        let (answer, packets) = try old.export { .exportChanges(ref: $0, change: .none) }
        guard case .exported(_, let size, _, _) = answer else { throw Unexpected("\(answer)") }
        return (size, packets.count)
    }

    @Test func whatHasNotChangedIsNotSentAgain() throws {
        let (old, new) = try pair()
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        #expect(try old.children.isEmpty)
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        let last = try lastChanges(old)
        #expect(last == (0, 0))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == (try TermText.parseTerm("[up,a]")))
        #expect(try new.call("starts") == 1)
    }

    @Test func whatHasChangedComesAsAWhole() throws {
        let (old, new) = try pair()
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        _ = try old.call("{put,b}")
        #expect(isOk(try old.changes(to: new, isLast: false, import: Self.up)))
        #expect(isOk(try old.changes(to: new, isLast: false, import: Self.up)))
        #expect(try old.call("{put,c}") == .ok)
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == (try TermText.parseTerm("[up,c,b,a]")))
        #expect(try new.call("starts") == 3)
    }

    @Test func theNewerOneConvertsDown() throws {
        let old = try WorkerProbe.started(.ahead, vsn: "2.0.0")
        let new = try WorkerProbe.started(.ahead, mode: .standby, generation: 2)
        let down = CodeChange.down(to: .string("1.0.0"), extra: .nil)
        #expect(isOk(try old.snapshot(to: new, export: down)))
        _ = try old.call("{put,a}")
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(isOk(try old.changes(to: new, isLast: true, export: down)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == (try TermText.parseTerm("[down,a]")))
    }

    /// What runs the server's code may have changed its state, whatever it is.
    @Test(arguments: ["replace_state", "config_change", "cast", "timer"]) func everythingThatRunsCounts(what: String)
        throws
    {
        let (old, new) = try pair()
        if what == "timer" { _ = try old.call("{later,1}") }
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        switch what {
        case "replace_state": #expect(isOk(try old.request { .replaceState(ref: $0, state: .list([.atom("b")])) }))
        case "config_change":
            let change = ConfigChange(changed: [], new: [], removed: [])
            #expect(isOk(try old.request { .configChange(ref: $0, change) }))
        case "cast": try old.send(.cast(request: .atom("x")))
        default:
            let expected = try TermText.parseTerm("[late,a]")
            while try old.call("state") != expected {}
        }
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(try lastChanges(old).packets == 1)
    }

    /// They go with the last of it, and with them the state.
    @Test func timersAndConnectionsAreNotForgotten() throws {
        let listener = try Listener()
        let (old, new) = try pair(listening: [listener.descriptor])
        _ = try old.call("{later,3600000}")
        let client = try LineClient(port: listener.port)
        // Taken on before whatever comes later.
        while true {
            guard case .okValue(_, .map(let status)) = try old.request({ .getStatus(ref: $0) }) else { break }
            if status[.atom("connections")]?.asMap?.values.first == 1 { break }
        }
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        let (answer, packets) = try old.export { .exportChanges(ref: $0, change: .none) }
        guard case .exported(_, _, 1, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(isOk(try new.importing(packets, from: old.vsn, Self.up) { .importChanges(ref: $0, $1, isLast: true) }))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("starts") == 2)
        withExtendedLifetime(client) {}
    }

    /// While it serves it is not to write once more what is large; suspended it hands over the whole.
    @Test func aLargeStateThatHasChangedIsHandedOverAsAWhole() throws {
        let (old, new) = try pair()
        let large = Term.binary(Array(repeating: 7, count: 200_000))
        #expect(try old.call(.tuple([.atom("put"), large])) == .ok)
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        #expect(try old.call("{put,b}") == .ok)
        let refused = reason(try old.request { .exportChanges(ref: $0, change: .none) })
        #expect(refused?.asTuple?.first == .atom("state_changed"))
        #expect(isOk(try old.request { .endSnapshot(ref: $0) }))
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == .list([.atom("up"), .atom("b"), large, .atom("a")]))
    }

    /// Without a message: what comes later finds it suspended, whatever it is.
    @Test func itIsHeldAtRest() throws {
        let (old, new) = try pair()
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        try old.holdAtRest()
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == (try TermText.parseTerm("[up,a]")))
        #expect(reason(try old.request { .call(ref: $0, request: .atom("state")) }) == .atom("suspended"))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try old.waitForExit() == .exited(0))
    }

    @Test func calledOffItGoesOnWhereItWasHeld() throws {
        let (old, new) = try pair()
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        try old.holdAtRest()
        let latch = try #require(old.latch)
        #expect(isOk(try old.request { .resume(ref: $0) }))
        _ = try old.call("{put,b}")
        #expect(!latch.hold(), "its image is of no use any more")
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        try old.holdAtRest()
        // The whole is to be had of it, too.
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == (try TermText.parseTerm("[up,b,a]")))
    }

    /// One that has changed, or has anything beside its state, is asked.
    @Test(arguments: ["changed", "timer", "listening", "version 2"]) func itIsNotAtRest(how: String) throws {
        let listener = how == "listening" ? try Listener() : nil
        let listening = listener.map { [$0.descriptor] } ?? []
        let old = try WorkerProbe(.ahead, listening: listening)
        let version = how == "version 2" ? 2 : WireLimits.protocolVersion
        _ = try old.begin(sockets: listening.map { _ in "socket0" }, protocolVersion: version)
        if how == "timer" { _ = try old.call("{later,3600000}") }
        let new = try WorkerProbe.started(.ahead, vsn: "2.0.0", mode: .standby, listening: listening, generation: 2)
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        if how == "changed" { _ = try old.call("{put,b}") }
        // Behind it there was a wait.
        for _ in 1...3 { _ = try old.request { .getStatus(ref: $0) } }
        #expect((old.latch == nil) == (how == "version 2"))
        #expect(old.latch?.hold() != true)
        withExtendedLifetime(listener) {}
    }

    /// Called off: it is as it was, and may be asked again.
    @Test func anAbortLeavesNothingBehind() throws {
        let (old, new) = try pair()
        #expect(isOk(try old.snapshot(to: new, import: Self.up)))
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        #expect(try lastChanges(old).size == 0)
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(reason(try old.request { .exportChanges(ref: $0, change: .none) }) == .atom("no_snapshot"))
        #expect(try old.call("state") == (try TermText.parseTerm("[a]")))
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.call("state") == (try TermText.parseTerm("[up,a]")))
    }

    /// To a server that names its changes, and from one: what it gets is the whole, or it says so.
    @Test func aServerThatNamesChangesTakesTheWholeToo() throws {
        let old = try WorkerProbe.started(.ahead)
        let new = try WorkerProbe.started(.ahead, mode: .standby, generation: 2)
        let other = try WorkerProbe.started(.parts)
        _ = try other.call("{put,a,1}")
        #expect(isOk(try old.snapshot(to: new)))
        #expect(isOk(try other.snapshot(to: try WorkerProbe.started(.parts, mode: .standby))))
        _ = try other.call("{put,b,1}")
        let (_, packets) = try other.export { .exportChanges(ref: $0, change: .none) }
        let answer = try new.importing(packets, from: other.vsn, .none) { .importChanges(ref: $0, $1, isLast: false) }
        #expect(reason(answer)?.asTuple?.first == .atom("not_supported"))
    }
}
