import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Who may look only is served at a rate, and who may change things as ever. The clock stands still.
@Suite(.timeLimit(.minutes(15))) struct ControlRatesTests {
    private static func rates(each: Int, together: Int = 100) -> ControlRates {
        func rate(_ count: Int) -> TokenBucket.Rate { TokenBucket.Rate(atOnce: count, perSecond: 500) }
        return ControlRates(
            requests: UserRates.Allowance(each: rate(each), together: rate(together)), now: { 1_000_000 })
    }

    /// The status of each answer, from `curl` as that user.
    private static func statuses(
        _ fixture: ControlFixture, _ user: Int, _ paths: String..., method: String = "GET"
    ) async throws -> [String] {
        let credentials = ["--reuid=\(user)", "--regid=\(user)", "--clear-groups"]
        let curl = ["curl", "-s", "-i", "-X", method, "--unix-socket", fixture.socketPath]
        let run = try await Releasectl.run(
            credentials + curl + paths.map { "http://x\($0)" }, executable: "/usr/bin/setpriv")
        // A body ends without a line's end.
        return run.output.replacing("HTTP/1.1 ", with: "\nHTTP/1.1 ").split(whereSeparator: \.isNewline).map {
            $0.lowercased()
        }.compactMap { line in
            if line.hasPrefix("http/1.1 ") { return String(line.split(separator: " ")[1]) }
            return line.hasPrefix("retry-after:") ? String(line) : nil
        }
    }

    @Test func whoAsksTooOftenIsToldWhenToAskAgain() async throws {
        try await ControlFixture.run(rates: Self.rates(each: 3)) { fixture in
            // What is not there counts, too, and who waits for an answer is not asked to hurry.
            let said = try await Self.statuses(
                fixture, 65_534, "/v1/status", "/no", "/v1/tree", "/v1/status", "/v1/status")
            #expect(said == ["200", "404", "200", "429", "retry-after: 1", "429", "retry-after: 1"])
            let other = try await Self.statuses(fixture, 65_533, "/v1/status")
            #expect(other == ["200"], "another one has its own")
            for _ in 0..<10 {
                let root = try await fixture.request("GET", "/v1/status")
                #expect(root.status == 200)
            }
            let client = try await fixture.releasectlAsStranger("status")
            #expect(client.exit == 2 && client.output.isEmpty)
            #expect(
                client.error == """
                    releasectl: status: user 65534 asks more often than a user who may look only may, 500 times a second and 3 times at \
                    once: try again in 1 s (too_many_requests)
                      Nothing was changed. Ask less often: `releasectl events --follow` tells what happens as it does.

                    """)
        }
    }

    @Test func allWhoMayLookOnlyHaveARateTogether() async throws {
        try await ControlFixture.run(rates: Self.rates(each: 3, together: 4)) { fixture in
            let first = try await Self.statuses(fixture, 65_534, "/v1/status", "/v1/status", "/v1/status")
            #expect(first == ["200", "200", "200"])
            let said = try await Self.statuses(fixture, 65_533, "/v1/status", "/v1/status")
            #expect(said == ["200", "429", "retry-after: 1"])
        }
    }

    @Test func membersOfTheGroupAreNotCounted() async throws {
        // Of every Debian: a group `daemon` (1).
        try await ControlFixture.run(group: "daemon", rates: Self.rates(each: 1)) { fixture in
            for _ in 0..<4 {
                let member = try await fixture.releasectl(
                    ["status"], as: ["--reuid=65534", "--regid=65534", "--groups=1"])
                #expect(member.exit == 0, "\(member)")
            }
        }
    }

    /// A change that is asked for too often was asked for all the same.
    @Test func whatIsTurnedDownForItsRateIsAudited() async throws {
        try await ControlFixture.run(rates: Self.rates(each: 2)) { fixture in
            let path = "/v1/releases/2.0.0/make-permanent"
            let said = try await Self.statuses(fixture, 65_534, path, path, path, path, method: "POST")
            #expect(said == ["403", "403", "429", "retry-after: 1", "429", "retry-after: 1"])
            let first = fixture.audit.withLock { $0 }
            #expect(first.count == 1 && first.first?.peer.uid == 65_534, "\(first)")
        }
    }
}
