import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// The functions of applications over the real server, with the real `releasectl`.
@Suite(.timeLimit(.minutes(15))) struct ControlApplicationTests {
    @Test func whichApplications() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("which-applications")
            #expect(
                run
                    == Releasectl(
                        exit: 0,
                        output: """
                            NAME  VSN    TYPE       STATE
                            kv    1.0.0  permanent  running
                            lib   0.3.0  load       not loaded
                            gone  -      temporary  stopping

                            """))
        }
    }

    @Test func environments() async throws {
        try await ControlFixture.run { fixture async throws in
            let all = try await fixture.releasectl("get-env", "kv")
            #expect(all.output == "KEY         VALUE\nlimit       10\n'max-size'  [a,b]\n")
            #expect(try await fixture.releasectl("get-env", "kv", "limit").output == "10\n")
            #expect(try await fixture.releasectl("get-env", "kv", "other").output == "undefined\n")
        }
    }

    @Test func changesAreMadeAndAudited() async throws {
        try await ControlFixture.run { fixture async throws in
            let commands: [([String], String)] = [
                (["start-application", "lib"], "started\n"), (["start-application", "lib", "temporary"], "started\n"),
                (["stop-application", "kv"], "stopped\n"), (["load-application", "lib"], "loaded\n"),
                (["unload-application", "lib"], "unloaded\n"), (["set-env", "kv", "limit", "{a, 1}"], "set\n"),
                (
                    ["set-env", "kv", "limit", "bad"],
                    "set\nwarning: config_change of kv/kv_sup/store failed: badarg\n"
                ), (["unset-env", "kv", "'max-size'"], "unset\n"),
            ]
            for (arguments, output) in commands {
                let run = try await fixture.releasectl(arguments)
                #expect(run == Releasectl(exit: 0, output: output))
            }
            let records = fixture.audit.withLock { $0 }
            #expect(
                records.map { "\($0.operation) \($0.target)" } == [
                    "start-application lib", "start-application lib", "stop-application kv", "load-application lib",
                    "unload-application lib", "set-env kv limit", "set-env kv limit", "unset-env kv 'max-size'",
                ])
            #expect(records.allSatisfy { $0.outcome == .done })
        }
    }

    @Test func refusalsAndFailuresHaveTheirExitCodes() async throws {
        try await ControlFixture.run { fixture async throws in
            let running = try await fixture.releasectl("start-application", "kv")
            #expect(
                running
                    == Releasectl(
                        exit: 2, output: "",
                        error: """
                            releasectl: start-application kv: application kv runs already (bad_application_state)
                              Nothing was changed. `releasectl which-applications` lists the applications.

                            """))
            #expect(try await fixture.releasectl("stop-application", "other").exit == 2)
            #expect(try await fixture.releasectl("get-env", "other").exit == 2)
            #expect(try await fixture.releasectl("start-application", "lib", "transient").exit == 1)
            let noType = try await fixture.releasectl("start-application", "lib", "sometimes")
            #expect(
                noType
                    == Releasectl(
                        exit: 64, output: "",
                        error: """
                            releasectl: start-application: sometimes is no type of a start
                              Give permanent, transient or temporary, or none for that of the .rel.

                            """))
            let noTerm = try await fixture.releasectl("set-env", "kv", "limit", "[1,")
            #expect(noTerm.exit == 64)
            #expect(noTerm.error.hasPrefix("releasectl: set-env: the value is no term:"), "\(noTerm.error)")
            #expect(try await fixture.releasectl("stop-application", "").exit == 64)
        }
    }

    @Test func jsonIsTheAnswerAsItCame() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("which-applications", "--json")
            let answer = try await fixture.request("GET", "/v1/applications")
            #expect(run == Releasectl(exit: 0, output: answer.text + "\n"))
            let change = try await fixture.releasectl("set-env", "kv", "limit", "1", "--json")
            #expect(change.output == "{\"reply\":\"ok\",\"warnings\":[]}\n")
        }
    }

    @Test func strangersMayLookButNotChange() async throws {
        try await ControlFixture.run { fixture async throws in
            #expect(try await fixture.releasectlAsStranger("which-applications").exit == 0)
            // An environment may hold secrets.
            for key in [[], ["limit"]] {
                let run = try await fixture.releasectlAsStranger(["get-env", "kv"] + key)
                #expect(run.exit == 2)
                #expect(run.error.contains("may not read this here: "), "\(run.error)")
            }
            for command in ["start-application", "stop-application", "load-application", "unload-application"] {
                let run = try await fixture.releasectlAsStranger(command, "lib")
                #expect(run.exit == 2)
                #expect(run.error.contains("(forbidden)"), "\(run.error)")
            }
            #expect(try await fixture.releasectlAsStranger("set-env", "kv", "limit", "1").exit == 2)
            #expect(try await fixture.releasectlAsStranger("unset-env", "kv", "limit").exit == 2)
            #expect(fixture.audit.withLock { $0.count } == 8)
        }
    }

    @Test func oneApplicationIsChanged() async throws {
        try await ControlFixture.run { fixture async throws in
            let commands = [
                ["upgrade-app", "kv", "/srv/kv-2.0.0"], ["downgrade-app", "kv", "/srv/kv-0.9.0"],
                ["downgrade-app", "kv", "0.8.0", "/srv/old"],
                ["eval-appup-script", "kv", "2.0.0", "/srv/kv-2.0.0", "[point_of_no_return]"],
            ]
            for (command, to) in zip(commands, ["2.0.0", "0.9.0", "0.8.0", "2.0.0"]) {
                let run = try await fixture.releasectl(command)
                #expect(run.exit == 0, "\(run)")
                #expect(run.output.hasSuffix("kv-1.0.0 -> kv-\(to): done\n"), "\(run)")
                #expect(try await fixture.releasectlAsStranger(command).exit == 2)
            }
            let records = fixture.audit.withLock { $0 }.filter { $0.outcome == .done }
            #expect(
                records.map { "\($0.operation) \($0.target)" } == [
                    "upgrade-app kv /srv/kv-2.0.0", "downgrade-app kv /srv/kv-0.9.0",
                    "downgrade-app kv 0.8.0 /srv/old", "eval-appup-script kv 2.0.0 /srv/kv-2.0.0",
                ])
            let json = try await fixture.releasectl("upgrade-app", "kv", "/srv/kv-2.0.0", "--json")
            #expect(json.output.contains("\"reply\":\"{ok,[]}\""), "\(json)")
        }
    }

    @Test func aChangeOfAnApplicationFailsAsAnInstallDoes() async throws {
        try await ControlFixture.run { fixture async throws in
            let refused = try await fixture.releasectl("upgrade-app", "kv", "/srv/refused")
            #expect(
                refused
                    == Releasectl(
                        exit: 2, output: "",
                        error: """
                            releasectl: upgrade-app kv /srv/refused: there is no /srv/refused/ebin/kv.appup, which says how it is \
                            changed (upgrade_refused)
                              Nothing was changed.

                            """))
            let aborted = try await fixture.releasectl("downgrade-app", "kv", "/srv/aborted")
            #expect(aborted.exit == 3)
            #expect(
                aborted.error == """
                    releasectl: downgrade-app kv /srv/aborted: failed: code_change threw badarg
                      It was rolled back: kv-1.0.0 runs on as before.

                    """)
            #expect(try await fixture.releasectl("upgrade-app", "other", "/srv/x").exit == 2)
            #expect(try await fixture.releasectl("downgrade-app", "kv").exit == 64)
            #expect(try await fixture.releasectl("downgrade-app", "kv", "1", "/srv/x", "y").exit == 64)
            let noTerm = try await fixture.releasectl("eval-appup-script", "kv", "2", "/srv/x", "[1,")
            #expect(noTerm.exit == 64)
            #expect(noTerm.error.hasPrefix("releasectl: eval-appup-script: the script is no term:"), "\(noTerm.error)")
        }
    }
}
