import Foundation
import Glibc
import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

@Suite(.timeLimit(.minutes(15))) struct ControlServerTests {
    @Test func answersQuestions() async throws {
        try await ControlFixture.run { fixture in
            let status = try await fixture.request("GET", "/v1/status")
            #expect(status.status == 200)
            #expect(status.headers["content-type"] == "application/json")
            #expect(
                status.text
                    == #"{"erts":"0.1.0","name":"kv","node":"kv@host","permanent":"1.0.0","pid":4711,"release":"1.0.0","#
                    + #""root":"/var/lib/release-handler","state":"running","uptime_s":187.25}"#)
            let releases = try await fixture.request("GET", "/v1/releases?all=1")
            let list = try JSONDecoder().decode(ReleaseList.self, from: Data(releases.body))
            #expect(list.releases == ControlTestNode.releases)
            #expect(fixture.audit.withLock { $0.isEmpty }, "looking is not audited")
        }
    }

    @Test func makesChangesAndAuditsThem() async throws {
        try await ControlFixture.run { fixture in
            let unpacked = try await fixture.request(
                "POST", "/v1/releases", body: #"{"package":"/srv/kv-2.0.0.tar.gz"}"#)
            #expect(unpacked.status == 201)
            let removed = try await fixture.request("DELETE", "/v1/releases/0.9.0")
            #expect(removed.text == #"{"removed":"0.9.0"}"#)
            #expect(fixture.node.removed.withLock { $0 } == ["0.9.0"])
            let permanent = try await fixture.request("DELETE", "/v1/releases/1.0.0")
            #expect(permanent.status == 409)
            let records = fixture.audit.withLock { $0 }.map { "\($0)" }
            let peer = "uid=\(getuid()) gid=\(getgid()) pid=\(getpid())"
            #expect(
                records == [
                    "unpack-release /srv/kv-2.0.0.tar.gz by \(peer): done", "remove-release 0.9.0 by \(peer): done",
                    "remove-release 1.0.0 by \(peer): bad_status: 1.0.0 is permanent: it runs",
                ])
            #expect(fixture.node.peers.withLock { $0 }.first?.pid == getpid())
        }
    }

    @Test func decodesVsnsInPaths() async throws {
        try await ControlFixture.run { fixture in
            let plan = try await fixture.request("GET", "/v1/releases/2%200/check")
            #expect(plan.status == 200)
            for path in ["/v1/releases/..%2Fetc/check", "/v1/releases/../check", "/v1/releases/a%00b/check"] {
                let answer = try await fixture.request("GET", path)
                #expect(answer.status == 400)
                #expect(try answer.error().code == .badRequest)
            }
            let broken = try await fixture.request("GET", "/v1/releases/2%zz/check")
            #expect(broken.status == 404)
        }
    }

    @Test func connectionsAreKeptAndPipelined() async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let statuses = try await offPool {
                let connection = try RawHTTP(path: path)
                let request = "GET /v1/tree HTTP/1.1\r\nhost: localhost\r\n\r\n"
                try connection.send(Array((request + request).utf8))
                return [try connection.answer().status, try connection.answer().status]
            }
            #expect(statuses == [200, 200])
        }
    }

    @Test func streamsAnInstall() async throws {
        try await ControlFixture.run { fixture in
            let answer = try await fixture.request("POST", "/v1/releases/2.0.0/install")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/x-ndjson")
            let lines = try answer.text.split(separator: "\n").map {
                try JSONDecoder().decode(InstallProgress.self, from: Data($0.utf8))
            }
            let instructions = ControlTestNode.result.instructions
            #expect(
                lines == [
                    .progress(.init(index: 0, count: 2, text: instructions[0].text)),
                    .progress(.init(index: 1, count: 2, text: instructions[1].text)), .result(ControlTestNode.result),
                ])
            #expect(fixture.audit.withLock { $0.map(\.outcome) } == [.started, .done])
        }
    }

    @Test(arguments: ["falls", "restarts"])
    func aRestartWithAReasonIsAFailure(vsn: String) async throws {
        try await ControlFixture.run { fixture in
            _ = try await fixture.request("POST", "/v1/releases/\(vsn)/install")
            let failure = ControlError(.upgradeFailed, "kv/kv_sup/other did not resume")
            let last: ControlAuditRecord.Outcome = vsn == "falls" ? .failed(failure) : .done
            #expect(fixture.audit.withLock { $0.map(\.outcome) } == [.started, last])
        }
    }

    @Test func progressComesWhileTheInstallRuns() async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let connection = try await offPool {
                let connection = try RawHTTP(path: path)
                try connection.send("POST", "/v1/releases/waits/install")
                #expect(try connection.head().status == 200)
                let first = try connection.chunk() ?? []
                #expect(String(decoding: first, as: UTF8.self).hasPrefix(#"{"progress":{"count":2,"index":0"#))
                return connection
            }
            for await install in fixture.node.waiting.stream {
                install.yield(.result(ControlTestNode.result))
                install.finish()
                break
            }
            try await offPool {
                let last = try connection.chunk() ?? []
                #expect(String(decoding: last, as: UTF8.self).hasPrefix(#"{"result":{"from":"1.0.0""#))
                #expect(try connection.chunk() == nil)
            }
        }
    }

    @Test(arguments: [true, false]) func anInstallGoesOnWhenItsClientIsGone(waitsForTheHead: Bool) async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let connection = try await offPool {
                let connection = try RawHTTP(path: path)
                try connection.send("POST", "/v1/releases/waits/install")
                if waitsForTheHead { _ = try connection.head() }
                return connection
            }
            for await install in fixture.node.waiting.stream {
                connection.shutdown()
                install.yield(.result(ControlTestNode.result))
                install.finish()
                break
            }
            var outcomes: [ControlAuditRecord.Outcome] = []
            for await record in fixture.audited.stream {
                outcomes.append(record.outcome)
                if outcomes.count == 2 { break }
            }
            #expect(outcomes == [.started, .done])
        }
    }

    @Test func anInstallWithoutAResultEndsInAnError() async throws {
        try await ControlFixture.run { fixture in
            let answer = try await fixture.request("POST", "/v1/releases/silent/install")
            #expect(
                answer.text
                    == #"{"error":{"code":"internal_error","details":{},"#
                    + #""message":"the install of silent ended without a result: see the daemon's log"}}"# + "\n")
        }
    }

    @Test func streamsEventsUntilTheClientGoes() async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let connection = try await offPool {
                let connection = try RawHTTP(path: path)
                try connection.send("GET", "/v1/events")
                #expect(try connection.head().headers["content-type"] == "application/x-ndjson")
                return connection
            }
            for await subscriber in fixture.node.subscribed.stream {
                subscriber.yield(
                    NodeEvent(
                        sequence: 1, millisecondsSince1970: 0, kind: "worker_started", worker: "w", message: "m"))
                break
            }
            let line = try await offPool { try connection.chunk() ?? [] }
            #expect(
                String(decoding: line, as: UTF8.self)
                    == #"{"fields":{},"kind":"worker_started","message":"m","sequence":1,"#
                    + #""time":"1970-01-01T00:00:00.000Z","worker":"w"}"# + "\n")
            connection.shutdown()
            for await _ in fixture.node.unsubscribed.stream { break }
        }
    }

    /// A follower, with events of `bytes` each under way to it when the server is told to end.
    private func followerAtTheEnd(events: Int, bytes: Int) async throws -> RawHTTP {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let connection = try await offPool {
                let connection = try RawHTTP(path: path)
                try connection.send("GET", "/v1/events")
                _ = try connection.head()
                return connection
            }
            let message = String(repeating: "m", count: bytes)
            for await subscriber in fixture.node.subscribed.stream {
                for sequence in 1...events {
                    subscriber.yield(
                        NodeEvent(sequence: sequence, millisecondsSince1970: 0, kind: "log", message: message))
                }
                break
            }
            return connection
        }
    }

    @Test func shutdownEndsEventStreamsWhenAllIsSaid() async throws {
        let connection = try await followerAtTheEnd(events: 100, bytes: 1)
        let (text, closed) = try await offPool {
            var text = ""
            while let chunk = try connection.chunk() { text += String(decoding: chunk, as: UTF8.self) }
            return (text, try connection.isAtEnd())
        }
        #expect(text.split(separator: "\n").count == 100)
        #expect(text.contains(#""sequence":100,"#))
        #expect(closed)
    }

    /// More than the socket holds: the server ends all the same.
    @Test func aFollowerThatDoesNotReadHoldsUpNobody() async throws {
        let connection = try await followerAtTheEnd(events: 1_000, bytes: 10_000)
        await #expect(throws: RawHTTP.Ended.self) {
            try await offPool { while try connection.chunk() != nil {} }
        }
    }

    /// The daemon would keep all of it.
    @Test func whatComesBehindAStreamStaysWithTheClient() async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let taken = try await offPool {
                let follower = try RawHTTP(path: path)
                try follower.send("GET", "/v1/events")
                #expect(try follower.head().status == 200)
                let looker = try RawHTTP(path: path)
                let some = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
                var taken = 0
                for _ in 0..<100 {
                    while case let count = follower.offer(some), count > 0 { taken += count }
                    // Answered in a turn of the event loop in which what the follower sends could be read, too.
                    try looker.send("GET", "/v1/status")
                    #expect(try looker.answer().status == 200)
                }
                return taken
            }
            // What the kernel keeps for the socket, and what the daemon has read.
            #expect(taken < 4 << 20)
        }
    }

    @Test func connectionsBeyondTheLimitWait() async throws {
        try await ControlFixture.run(maxConnections: 1) { fixture in
            let path = fixture.socketPath
            let status = try await offPool {
                let first = try RawHTTP(path: path)
                try first.send("GET", "/v1/status")
                _ = try first.answer()
                let second = try RawHTTP(path: path)
                try second.send("GET", "/v1/status")
                first.shutdown()
                return try second.answer().status
            }
            #expect(status == 200)
        }
    }
}
