import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// The `sys` functions over the real server, with the real `releasectl`.
@Suite(.timeLimit(.minutes(15))) struct ControlSysTests {
    private static let store = "kv/kv_sup/store"

    @Test func whatTheyPrint() async throws {
        try await ControlFixture.run { fixture async throws in
            let status = try await fixture.releasectl("get-status", Self.store)
            #expect(status.output == "module: kv_server\npid: 31\nstatus: running\nvsn: \"1.0.0\"\n")
            #expect(try await fixture.releasectl("get-state", Self.store).output == "{counter,7}\n")
            #expect(try await fixture.releasectl("replace-state", Self.store, "{counter, 8}").output == "replaced\n")
            let statistics = try await fixture.releasectl("statistics", Self.store)
            #expect(
                statistics.output == """
                    start time:    2026-01-31T09:05:07.042Z
                    current time:  2026-01-31T10:05:07.042Z
                    messages in:   12
                    messages out:  11
                    open calls:    1
                    mailbox:       0
                    logged:        3
                    dropped:       0
                    cpu:           20 ms
                    memory:        912 KiB

                    """)
        }
    }

    @Test func jsonIsTheAnswerAsItCame() async throws {
        try await ControlFixture.run { fixture async throws in
            for (command, path) in [("get-status", "status"), ("get-state", "state"), ("statistics", "statistics")] {
                let run = try await fixture.releasectl(command, Self.store, "--json")
                let answer = try await fixture.request("GET", "/v1/workers/kv%2Fkv_sup%2Fstore/\(path)")
                #expect(run == Releasectl(exit: 0, output: answer.text + "\n"))
            }
        }
    }

    @Test func whatIsWrong() async throws {
        try await ControlFixture.run { fixture async throws in
            #expect(try await fixture.releasectl("get-state", "kv/other").exit == 2)
            #expect(try await fixture.releasectl("get-status", "").exit == 64)
            let noTerm = try await fixture.releasectl("replace-state", Self.store, "{counter")
            #expect(noTerm.exit == 64)
            #expect(noTerm.error.hasPrefix("releasectl: replace-state: the state is no term:"), "\(noTerm.error)")
        }
    }

    /// A state is its users' own: who may not change it may not read it either.
    @Test func strangersSeeTheStatusAndNoState() async throws {
        try await ControlFixture.run { fixture async throws in
            #expect(try await fixture.releasectlAsStranger("get-status", Self.store).exit == 0)
            #expect(try await fixture.releasectlAsStranger("statistics", Self.store).exit == 0)
            for arguments in [["get-state", Self.store], ["replace-state", Self.store, "1"]] {
                let run = try await fixture.releasectlAsStranger(arguments)
                #expect(run.exit == 2)
                #expect(run.error.contains("(forbidden)"), "\(run.error)")
            }
            let records = fixture.audit.withLock { $0 }
            #expect(
                records.map { "\($0.operation) \($0.target)" } == [
                    "get-state \(Self.store)", "replace-state \(Self.store)",
                ])
        }
    }
}
