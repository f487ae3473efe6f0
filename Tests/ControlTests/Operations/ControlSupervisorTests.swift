import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// The supervisors' functions over the real server, with the real `releasectl`.
@Suite(.timeLimit(.minutes(15))) struct ControlSupervisorTests {
    @Test func whichChildren() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("which-children", "kv/kv_sup")
            #expect(
                run
                    == Releasectl(
                        exit: 0,
                        output: """
                            ID         STATE      TYPE    MODULES    ADDRESS
                            {extra,1}  undefined  worker  dynamic    kv/kv_sup/{extra,1}
                            store      running    worker  kv_server  kv/kv_sup/store

                            """))
        }
    }

    @Test func countsAndSpecs() async throws {
        try await ControlFixture.run { fixture in
            let counts = try await fixture.releasectl("count-children", "kv_sup")
            #expect(counts.output == "specs:       2\nactive:      1\nsupervisors: 0\nworkers:     2\n")
            let spec = try await fixture.releasectl("get-childspec", "kv_sup", "{extra,1}")
            #expect(spec.output == "#{id => {extra,1},start => {kv_server,start_link,[]}}\n")
        }
    }

    @Test func changesAreMadeAndAudited() async throws {
        try await ControlFixture.run { fixture in
            let started = try await fixture.releasectl("start-child", "kv_sup", "#{id => new}")
            #expect(started == Releasectl(exit: 0, output: "started kv/kv_sup/new\n"))
            let restarted = try await fixture.releasectl("restart-child", "kv_sup", "store")
            #expect(restarted == Releasectl(exit: 0, output: "its start answered ignore: it does not run\n"))
            let terminated = try await fixture.releasectl("terminate-child", "kv_sup", "store")
            #expect(terminated == Releasectl(exit: 0, output: "terminated\n"))
            let deleted = try await fixture.releasectl("delete-child", "kv_sup", "{extra,1}")
            #expect(deleted == Releasectl(exit: 0, output: "deleted\n"))
            let records = fixture.audit.withLock { $0 }
            #expect(
                records.map { "\($0.operation) \($0.target)" } == [
                    "start-child kv_sup new", "restart-child kv_sup store", "terminate-child kv_sup store",
                    "delete-child kv_sup {extra,1}",
                ])
            #expect(records.allSatisfy { $0.outcome == .done })
            let places = ["new", "store", "store", "{extra,1}"].map { "kv/kv_sup/\($0)" }
            #expect(records.map(\.worker) == places)
        }
    }

    /// What is started is in the audit log, its arguments and environment, which may hold secrets, are not.
    @Test func theAuditLogSaysWhatWasStarted() async throws {
        try await ControlFixture.run { fixture in
            let specs: [(String, String)] = [
                ("#{id => a, start => {kv_server, start_link, [secret]}, env => #{k => secret}}", " a (kv_server)"),
                ("{b, {kv_sup, start_link, []}, permanent, infinity, supervisor, []}", " b (kv_sup)"),
                (
                    "#{id => {os, 1}, start => {os, start, [\"/usr/sbin/nginx\", \"secret\"]}}",
                    " {os,1} (os \"/usr/sbin/nginx\")"
                ),
                ("#{id => fails, start => {nowhere, start_link, []}}", " fails (nowhere)"),
                ("#{id => d, start => [secret]}", " d"),
                ("[{password, secret}]", ""),
            ]
            for (spec, _) in specs { _ = try await fixture.releasectl("start-child", "kv_sup", spec) }
            let records = fixture.audit.withLock { $0 }
            #expect(records.map(\.target) == specs.map { "kv_sup\($0.1)" })
            #expect(records.allSatisfy { !"\($0)".contains("secret") })
            let ids = ["a", "b", "{os,1}", "fails", "d"]
            #expect(records.map(\.worker) == ids.map { "kv/kv_sup/\($0)" } + [nil])
        }
    }

    @Test func whoWasAskedForIsInTheAuditLogAlsoWhenItFailed() async throws {
        try await ControlFixture.run { fixture in
            _ = try await fixture.releasectl("delete-child", "kv_sup", "store")
            _ = try await fixture.releasectl("terminate-child", "other", "c")
            _ = try await fixture.releasectl("call", "kv/kv_sup/slow", "x", "--timeout-ms", "9")
            _ = try await fixture.releasectl("get-state", "kv/other")
            _ = try await fixture.releasectlAsStranger("replace-state", "kv/kv_sup/store", "1")
            _ = try await fixture.releasectlAsStranger("restart-child", "kv_sup", "store")
            let records = fixture.audit.withLock { $0 }
            #expect(records.allSatisfy { $0.outcome != .done })
            #expect(
                records.map(\.worker) == [
                    "kv/kv_sup/store", nil, "kv/kv_sup/slow", "kv/other", "kv/kv_sup/store", "kv/kv_sup/store",
                ])
            #expect(records.last?.target == "kv_sup store")
        }
    }

    @Test func refusalsAndFailuresHaveTheirExitCodes() async throws {
        try await ControlFixture.run { fixture in
            let running = try await fixture.releasectl("delete-child", "kv_sup", "store")
            #expect(
                running
                    == Releasectl(
                        exit: 2, output: "",
                        error: """
                            releasectl: delete-child kv_sup store: child store of kv/kv_sup runs: terminate it first \
                            (bad_child_state)
                              Nothing was changed. `releasectl which-children kv/kv_sup` lists the children.

                            """))
            #expect(try await fixture.releasectl("terminate-child", "other", "c").exit == 2)
            #expect(try await fixture.releasectl("restart-child", "kv_sup", "c").exit == 2)
            #expect(try await fixture.releasectl("start-child", "kv_sup", "[]").exit == 2)
            #expect(try await fixture.releasectl("start-child", "kv_sup", "fails").exit == 1)
            let noTerm = try await fixture.releasectl("start-child", "kv_sup", "#{id =>")
            #expect(noTerm.exit == 64)
            #expect(noTerm.error.hasPrefix("releasectl: start-child: the child spec is no term:"), "\(noTerm.error)")
            #expect(try await fixture.releasectl("which-children", "").exit == 64)
            #expect(try await fixture.releasectl("terminate-child", "kv_sup").exit == 64)
        }
    }

    @Test func jsonIsTheAnswerAsItCame() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("which-children", "kv_sup", "--json")
            let answer = try await fixture.request("GET", "/v1/supervisors/kv_sup/children")
            #expect(run == Releasectl(exit: 0, output: answer.text + "\n"))
            let change = try await fixture.releasectl("terminate-child", "kv_sup", "store", "--json")
            #expect(change.output == "{\"reply\":\"ok\"}\n")
        }
    }

    @Test func strangersMayLookButNotChange() async throws {
        try await ControlFixture.run { fixture in
            #expect(try await fixture.releasectlAsStranger("which-children", "kv_sup").exit == 0)
            for command in ["get-childspec", "terminate-child", "restart-child", "delete-child"] {
                let run = try await fixture.releasectlAsStranger(command, "kv_sup", "store")
                #expect(run.exit == 2)
                #expect(run.error.contains("(forbidden)"), "\(run.error)")
            }
            #expect(try await fixture.releasectlAsStranger("start-child", "kv_sup", "x").exit == 2)
            #expect(fixture.audit.withLock { $0.count } == 5)
        }
    }
}
