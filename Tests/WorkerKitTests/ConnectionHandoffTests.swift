import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport

/// Connections over a handoff: what was half read, what is unread in the kernel, what is unsent.
struct ConnectionHandoffTests {
    private static let up = CodeChange.up(from: .string("1.0.0"), extra: .list([]))

    private func standby(_ listener: Listener, vsn: String = "2.0.0") throws -> WorkerProbe {
        try WorkerProbe.started(
            .swift, vsn: vsn, mode: .standby, listening: [listener.descriptor], generation: 2)
    }

    @Test func halfARequestSurvives() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        #expect(try client.ask("mark blue") == "ok")
        #expect(try client.ask("add 4") == "4")
        // A whole request and half of one: the answer to the first shows that the half was read.
        try client.send("get\nad")
        #expect(try client.line() == "4")
        let new = try standby(listener)
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        // Unread in the kernel while nobody looks.
        try client.send("d 5\nvsn\n")
        let late = try LineClient(port: listener.port)
        try late.send("generation\n")
        #expect(client.isSilent(milliseconds: 100))
        #expect(late.isSilent(milliseconds: 0))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try old.waitForExit() == .exited(0))
        #expect(try client.line() == "9")
        #expect(try client.line() == "2.0.0")
        #expect(try client.ask("marked") == "blue")
        #expect(try late.line() == "2")
        #expect(try new.call("connections") == 2)
    }

    @Test func abortAndResumeLosesNothing() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        try client.send("add 1\nad")
        #expect(try client.line() == "1")
        let new = try standby(listener)
        let failing = CodeChange.up(from: .string("1.0.0"), extra: .atom("throw"))
        #expect(reason(try old.handOff(to: new, import: failing)) == .atom("told_to_throw"))
        try client.send("d 1\n")
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try client.line() == "2")
        new.closeChannel()
        #expect(try new.waitForExit() == .exited(0))
        #expect(try client.ask("vsn") == "1.0.0")
    }

    @Test func aStandbyThatDiesAfterItsImportTakesNothingAlong() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        #expect(try client.ask("add 1") == "1")
        let new = try standby(listener)
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        kill(new.pid, SIGKILL)
        #expect(try new.waitForExit() == .signaled(SIGKILL))
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try client.ask("add 1") == "2")
    }

    @Test func downgradeWithConnections() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, vsn: "2.0.0", listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        try client.send("add 3\nge")
        #expect(try client.line() == "3")
        let new = try standby(listener, vsn: "1.0.0")
        #expect(isOk(try old.handOff(to: new, export: .down(to: .string("1.0.0"), extra: .list([])))))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try client.send("t\n")
        #expect(try client.line() == "3")
        #expect(try client.ask("vsn") == "1.0.0")
    }

    @Test func unsentAnswersSurvive() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        let size = 12_000_000
        // More than the kernel takes, with a request behind it that has to wait for room.
        try client.send("big \(size)\nget\n")
        // The answer has begun: the worker has handled the request.
        #expect(Wait.isReadable([client.descriptor], milliseconds: WorkerProbe.timeoutMilliseconds))
        let new = try standby(listener)
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try client.longLineCount() == size)
        #expect(try client.line() == "0")
        #expect(try client.ask("generation") == "2")
    }

    @Test func halfClosedConnectionsGetTheirAnswers() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        let size = 12_000_000
        try client.send("big \(size)\nget\n")
        client.closeWriting()
        #expect(Wait.isReadable([client.descriptor], milliseconds: WorkerProbe.timeoutMilliseconds))
        let new = try standby(listener)
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        #expect(try client.longLineCount() == size)
        #expect(try client.line() == "0")
        #expect(try client.line() == nil)
    }

    @Test func manyConnectionsInSeveralPackets() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let clients = try (0..<300).map { _ in try LineClient(port: listener.port) }
        for (index, client) in clients.enumerated() { #expect(try client.ask("mark m\(index)") == "ok") }
        let new = try standby(listener)
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        try old.send(.terminate(ref: old.newRef(), reason: .atom("handoff")))
        for (index, client) in clients.enumerated() { #expect(try client.ask("marked") == "m\(index)") }
        #expect(try new.call("connections") == 300)
    }

    @Test func timersSurvive() throws {
        let old = try WorkerProbe.started(.swift)
        try old.send(.call(ref: 5000, request: try TermText.parseTerm("{later,300}")))
        let new = try WorkerProbe.started(.swift, vsn: "2.0.0", mode: .standby)
        #expect(isOk(try old.handOff(to: new, import: Self.up)))
        #expect(isOk(try new.request { .resume(ref: $0) }))
        #expect(try new.next() == .reply(ref: 5000, answer: .atom("later")))
    }

    @Test func connectionsOfASocketThatIsNotServedFailTheImport() throws {
        let listener = try Listener()
        let old = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        #expect(try client.ask("add 1") == "1")
        let new = try WorkerProbe.started(.swift, vsn: "1.0.1", mode: .standby)
        let failure = reason(try old.handOff(to: new))
        #expect(
            failure
                == .tuple([
                    .atom("no_such_server"),
                    .text("connections of the socket socket0 came, which this version does not serve"),
                ]))
        #expect(isOk(try old.request { .resume(ref: $0) }))
        #expect(try client.ask("add 1") == "2")
    }
}
