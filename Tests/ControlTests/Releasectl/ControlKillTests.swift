import Foundation
import Glibc
import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// `kill` and `logs` of the real releasectl.
@Suite(.timeLimit(.minutes(15))) struct ControlKillTests {
    @Test func whoGotItIsTold() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("kill", "store", "usr1")
            #expect(run == Releasectl(exit: 0, output: "SIGUSR1 sent to kv/kv_sup/store, pid 31\n"))
            let audited = fixture.audit.withLock { $0.map { "\($0.operation) \($0.target) \($0.outcome)" } }
            #expect(audited == ["kill kv/kv_sup/store usr1 done"])
        }
    }

    @Test(arguments: ["0", "NONE", "65", "-9"])
    func whatIsNoSignalIsSentToNobody(signal: String) async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("kill", "store", "--", signal)
            #expect(run.exit == 64)
            #expect(
                run.error == """
                    releasectl: kill: "\(signal)" is no signal
                      Give a name, as TERM, KILL, HUP or USR1, or a number from 1 to 64; `kill -l` lists them.

                    """)
            let answer = try await fixture.request("POST", "/v1/workers/store/kill", body: #"{"signal":"\#(signal)"}"#)
            #expect(answer.status == 400)
            #expect(
                try answer.error().message
                    == "\"\(signal)\" is no signal: give a name as TERM or USR1, or a number from 1 to 64")
        }
    }

    @Test(.enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0))
    func aStrangerSendsNothing() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectlAsStranger("kill", "store", "TERM")
            #expect(run.exit == 2)
            #expect(run.error.contains("user 65534 may not change things here: kill is for root"), "\(run.error)")
        }
    }

    // MARK: Logs

    /// A journalctl that says what it was asked for.
    private static func environment(_ fixture: ControlFixture) throws -> [String: String] {
        // By another program: see `ProgramFile`.
        let script = "printf '#!/bin/sh\\nprintf \"%%s\\\\n\" \"$@\"\\n' > \"$0\"; chmod 755 \"$0\""
        try Spawned.run("/bin/sh", ["-c", script, "\(fixture.directory)/journalctl"])
        return ["PATH": "\(fixture.directory):/usr/bin:/bin"]
    }

    @Test func theJournalIsAskedForTheWorkersEntries() async throws {
        try await ControlFixture.run { fixture async throws in
            let environment = try Self.environment(fixture)
            let plain = try await fixture.releasectl(["logs", "store"], environment: environment)
            #expect(plain == Releasectl(exit: 0, output: "WORKER=kv/kv_sup/store\n_UID=0\n"))
            let all = try await fixture.releasectl(
                ["logs", "store", "-f", "-n", "5", "--since", "1 hour ago", "--json"], environment: environment)
            #expect(
                all.output == """
                    WORKER=kv/kv_sup/store
                    _UID=0
                    --follow
                    --lines=5
                    --since=1 hour ago
                    --output=json

                    """)
        }
    }

    @Test func withoutADaemonTheNameIsTheWholePlace() async throws {
        try await ControlFixture.run { fixture async throws in
            let environment = try Self.environment(fixture).merging(["RELEASE_HANDLER_SOCKET": "/tmp/none.sock"]) { $1 }
            let run = try await Releasectl.run(["logs", "kv/kv_sup/store"], environment: environment)
            #expect(run.exit == 0 && run.output == "WORKER=kv/kv_sup/store\n")
            #expect(
                run.error == """
                    releasectl: logs: no daemon answers at /tmp/none.sock: taking kv/kv_sup/store for the whole place

                    """)
        }
    }

    @Test func whereThereIsNoJournalOrNothingToReadItWith() async throws {
        try await ControlFixture.run { fixture async throws in
            let elsewhere = try await fixture.releasectl("logs", "kv/kv_sup/other")
            #expect(elsewhere.exit == 1)
            #expect(
                elsewhere.error == """
                    releasectl: logs kv/kv_sup/other: the daemon does not log to the journal: its log goes to /var/log/kv.log
                      Look there for lines with WORKER=kv/kv_sup/other.

                    """)
            let missing = try await fixture.releasectl(["logs", "store"], environment: ["PATH": "/nonexistent"])
            #expect(missing.exit == 1)
            #expect(
                missing.error == """
                    releasectl: logs: there is no journalctl on this machine
                      It comes with systemd. The entries to look for have WORKER=kv/kv_sup/store.

                    """)
        }
    }
}
