import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport

/// The Swift fixture's own misdeeds: each is one that the daemon's tests rely on.
struct FixtureWorkerTests {
    private static let crashes: [ProbeExit] = [.signaled(SIGILL), .signaled(SIGTRAP), .signaled(SIGABRT)]

    @Test func initTraps() throws {
        let worker = try WorkerProbe(.swift)
        #expect(throws: Unexpected.self) { try worker.begin(arguments: [.atom("init_trap")]) }
        #expect(Self.crashes.contains(try worker.waitForExit()))
    }

    @Test func initExits() throws {
        let worker = try WorkerProbe(.swift)
        #expect(throws: Unexpected.self) { try worker.begin(arguments: [.atom("init_exit")]) }
        #expect(try worker.waitForExit() == .exited(3))
    }

    @Test func theFirstMessageHasToBeInit() throws {
        let worker = try WorkerProbe(.swift)
        try worker.send(.suspend(ref: 0))
        #expect(
            try worker.next()
                == .exit(reason: .tuple([.atom("protocol_error"), .text("the first message is not init")])))
        #expect(try worker.waitForExit() == .exited(1))
    }

    @Test func garbageFromTheDaemonIsTheEnd() throws {
        let worker = try WorkerProbe.started(.swift)
        try worker.send(raw: [0, 0, 0, 1, 7])
        #expect(
            try worker.next()
                == .exit(
                    reason: .tuple([
                        .atom("protocol_error"),
                        .text(
                            "frame holds no term in the external term format: "
                                + "byte 0: expected the version byte 131, found 7"),
                    ])))
    }

    @Test func oversizedFramesFromTheDaemonAreTheEnd() throws {
        let worker = try WorkerProbe.started(.swift)
        try worker.send(raw: [2, 0, 0, 0])
        #expect(
            try worker.next()
                == .exit(
                    reason: .tuple([
                        .atom("protocol_error"),
                        .text("frame of 33554432 bytes is over the limit of 16777216 bytes"),
                    ])))
    }

    @Test func malformedRequestsAreAnswered() throws {
        let worker = try WorkerProbe.started(.swift)
        try worker.send(raw: try Frame.encode(try TermText.parseTerm("{export_state,7,soft}")))
        let text = "export_state: expected change none or {code_change, Vsn, Extra}, found soft"
        #expect(try worker.next() == .error(ref: 7, reason: .tuple([.atom("bad_request"), .text(text)])))
    }

    @Test func anAnswerOverTheLimitIsAnError() throws {
        let worker = try WorkerProbe.started(.swift)
        let failure = reason(try worker.request { .call(ref: $0, request: .atom("big_answer")) })
        #expect(failure?.asTuple?.first == .atom("answer_too_large"))
        #expect(try worker.call("get") == 0)
    }

    @Test func stopsAndTerminateRuns() throws {
        let worker = try WorkerProbe.started(.swift)
        #expect(try worker.call("{stop,shutdown}") == .ok)
        #expect(try worker.waitForExit() == .exited(0))
        let failing = try WorkerProbe.started(.swift)
        #expect(try failing.call("{stop,tired}") == .ok)
        #expect(try failing.next() == .exit(reason: .atom("tired")))
        #expect(try failing.waitForExit() == .exited(1))
    }

    @Test(arguments: ["export_throw"]) func anExportThatThrowsChangesNothing(knob: String) throws {
        let worker = try WorkerProbe.started(.swift)
        #expect(try worker.call("{arm,\(knob)}") == .ok)
        #expect(isOk(try worker.request { .suspend(ref: $0) }))
        let (answer, packets) = try worker.export(.none)
        #expect(reason(answer) == .atom("told_to_throw"))
        #expect(packets.isEmpty)
        #expect(isOk(try worker.request { .resume(ref: $0) }))
        #expect(try worker.call("disarm") == .ok)
    }

    @Test func anImportThatTrapsKillsTheStandbyOnly() throws {
        let old = try WorkerProbe.started(.swift)
        #expect(try old.call("{arm,import_trap}") == .ok)
        let new = try WorkerProbe.started(.swift, vsn: "2.0.0", mode: .standby)
        #expect(throws: Unexpected.self) {
            try old.handOff(to: new, import: .up(from: .string("1.0.0"), extra: .list([])))
        }
        #expect(Self.crashes.contains(try new.waitForExit()))
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try old.call("disarm") == .ok)
    }

    @Test func logsAndEnvironment() throws {
        let worker = try WorkerProbe.started(.swift)
        #expect(try worker.call("{log,\"hello\"}") == .ok)
        #expect(worker.logs == ["hello"])
        #expect(try worker.call("{env,color}") == .atom("red"))
        let change = ConfigChange(
            changed: [EnvironmentEntry(key: "color", value: .atom("blue"))],
            new: [EnvironmentEntry(key: "size", value: 3)], removed: [])
        #expect(isOk(try worker.request { .configChange(ref: $0, change) }))
        #expect(try worker.call("{env,color}") == .atom("blue"))
        let removal = ConfigChange(changed: [], new: [], removed: ["size"])
        #expect(isOk(try worker.request { .configChange(ref: $0, removal) }))
        #expect(try worker.call("{env,size}") == .undefined)
    }

    @Test func statesThatAreNone() throws {
        let old = try WorkerProbe.started(.swift)
        #expect(isOk(try old.request { .suspend(ref: $0) }))
        let packets = try old.export(.none).packets
        let new = try WorkerProbe.started(.swift, mode: .standby)
        let ref = new.newRef()
        try new.send(
            .importState(ref: ref, StateImport(size: 1, descriptors: 0, fromVsn: .undefined, change: .none)))
        try new.send(packet: packets[0].packet.with(ref: ref), with: packets[0])
        #expect(reason(try new.next())?.asTuple?.first == .atom("bad_packet"))
        let other = new.newRef()
        try new.send(
            .importState(ref: other, StateImport(size: 1, descriptors: 0, fromVsn: .undefined, change: .none)))
        try new.send(packet: .state(ref: other, size: 1), with: packets[0])
        #expect(reason(try new.next())?.asTuple?.first == .atom("bad_state"))
    }
}
