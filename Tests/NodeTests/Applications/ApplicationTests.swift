import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Applications with real processes: start phases, and their environment while it runs.
@Suite(.timeLimit(.minutes(15))) struct ApplicationTests {
    private static let phased = """
        [#{id => c1, start => {counter, start_link, []}, start_phases => [first, last]},
         #{id => c2, start => {counter, start_link, []}, start_phases => [last]},
         #{id => c3, start => {counter, start_link, []}}]
        """

    private static func root(_ phases: String, type: String = "permanent") throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", children: phased, type: type)
        let application = """
            {application, fix, [{vsn, "1.0.0"}, {description, ""}, {modules, [fix_sup, counter]}, {registered, []},
                                {applications, []}, {mod, {fix_sup, []}}, {start_phases, \(phases)}]}.
            """
        try root.write("lib/fix-1.0.0/ebin/fix.app", application)
        try root.register(["1.0.0"])
        return root
    }

    @Test func eachPhaseCallsThoseWhoTakePartInIt() async throws {
        let root = try Self.root("[{first, 1}, {nobody, 7}, {last, 2}]")
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("get") == "12")
            #expect(try await test.call("get", of: "fix/fix_sup/c2") == "2")
            #expect(try await test.call("get", of: "fix/fix_sup/c3") == "0")
            let spec = try await test.service.getChildspec(supervisor: "fix_sup", id: "c1").childspec
            #expect(spec.contains("start_phases => [first,last]"))
        }
    }

    @Test func aPhaseThatTheApplicationHasNotIsTold() async throws {
        try await TestNode.with(try Self.root("[{last, 2}]")) { test async throws in
            #expect(try await test.call("get") == "2")
            let told = try await test.events.first("unknown_start_phase", worker: TestNode.c1)
            #expect(
                told.message
                    == "fix/fix_sup/c1 asks for the start phase first, which fix.app has not: it is not called")
            #expect(told.fields["phase"] == "first")
            #expect(await test.events.all.count { $0.kind == "unknown_start_phase" } == 1)
        }
    }

    @Test(arguments: [
        ("{error, no}", "{no,{<<\"fix/fix_sup/c1\">>,start_phase,[first,normal,{error,no}]}}"),
        ("maybe", "{bad_return_value,{{<<\"fix/fix_sup/c1\">>,start_phase,[first,normal,maybe]},maybe}}"),
    ])
    func aPhaseThatFailsFailsTheStart(arguments: String, reason: String) async throws {
        let failure = try await TestNode.failingToBoot(try Self.root("[{first, \(arguments)}]"))
        #expect(failure.contains("{application_start_failure,fix,\(reason)}"), "\(failure)")
    }

    @Test func aWorkerThatEndsInAPhaseFailsTheStart() async throws {
        let root = try Self.root("[{first, crash}]", type: "temporary")
        try await TestNode.with(root) { test async throws in
            let failure = try await test.events.first("application_failed")
            #expect(failure.fields["reason"]?.hasPrefix("{{signal,sigill}") == true, "\(failure)")
            #expect(await test.service.ps().isEmpty)
        }
    }

    @Test func anUpgradeSetsAndUnsetsTheEnvironment() async throws {
        let script = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {suspend, [counter]}, {load, {counter, brutal_purge, brutal_purge}},
            {code_change, up, [{counter, []}]}, {resume, [counter]},
            {apply, {application, set_env, [fix, greeting, [hello, you]]}},
            {apply, {application, set_env, [fix, extra, 1]}},
            {apply, {application, unset_env, [fix, gone]}},
            {apply, {application, get_env, [fix, greeting]}}
            """
        let root = try TestRoot.twoVersions(
            relup: TestRoot.relup(up: script, down: TestRoot.down()), config2: "[{fix, [{gone, 1}, {stays, 2}]}].")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.warnings == [])
            // The worker that runs was told, and one that starts now has it too.
            #expect(try await test.call("{env, greeting}") == "[hello,you]")
            #expect(try await test.call("{env, gone}") == "undefined")
            #expect(try await test.call("{env, stays}") == "2")
            let spec = "#{id => c2, start => {counter, start_link, []}}"
            _ = try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: TestNode.peer)
            #expect(try await test.call("{env, extra}", of: "fix/fix_sup/c2") == "1")
            // What was set is gone with the release for which it was set.
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.call("{env, greeting}") == "hello")
            #expect(try await test.call("{env, extra}") == "undefined")
        }
    }

    @Test func whatAnAbortedUpgradeSetIsForgotten() async throws {
        let script = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {apply, {application, set_env, [fix, greeting, lost]}},
            {suspend, [counter]}, {load, {counter, brutal_purge, brutal_purge}},
            {code_change, up, [{counter, throw}]}, {resume, [counter]}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: script))
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .aborted)
            #expect(try await test.call("{env, greeting}") == "hello")
            #expect(await test.node.applications.environmentChanges.isEmpty)
        }
    }

    /// What the script loaded and unloaded before it failed.
    @Test(arguments: [("", InstallResult.Outcome.refused), ("point_of_no_return,", .aborted)])
    func whatAnUpgradeLoadedIsTakenBackWithIt(_ before: String, _ outcome: InstallResult.Outcome) async throws {
        let script = """
            {load_object_code, {fix, "2.0.0", [counter]}}, \(before)
            {apply, {application, unload, [idle]}}, {apply, {application, load, [fresh]}},
            {apply, {supervisor, which_children, [nothing]}} \(before.isEmpty ? ", point_of_no_return" : "")
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: script))
        for name in ["idle", "fresh"] {
            try root.write(
                "lib/\(name)-1/ebin/\(name).app",
                "{application, \(name), [{vsn, \"1\"}, {modules, []}, {registered, []}, {applications, []}]}.")
        }
        for vsn in ["1.0.0", "2.0.0"] {
            try root.write(
                "releases/\(vsn)/fix.rel",
                """
                {release, {"fix", "\(vsn)"}, {erts, "\(Emulator.vsn)"},
                 [{fix, "\(vsn)"}, {idle, "1", load}, {fresh, "1", none}]}.
                """)
        }
        let records = ["1.0.0", "2.0.0"].map { vsn in
            """
            {release, "fix", "\(vsn)", "\(Emulator.vsn)",
             [{fix, "\(vsn)", "lib/fix-\(vsn)"}, {idle, "1", "lib/idle-1"}, {fresh, "1", "lib/fresh-1"}],
             \(vsn == "1.0.0" ? "permanent" : "unpacked")}
            """
        }
        try root.write("releases/RELEASES", "[\(records.joined(separator: ",\n"))].")
        try await TestNode.with(root) { test async throws in
            let before = await test.service.whichApplications()
            #expect(before.applications.map(\.state) == [.running, .loaded, .notLoaded])
            let result = try await test.install("2.0.0")
            #expect(result.outcome == outcome)
            #expect(await test.service.whichApplications() == before)
        }
    }

    @Test func anUnloadTakesWhatWasSetWithIt() async throws {
        let script = """
            point_of_no_return,
            {apply, {application, set_env, [fresh, a, 1]}}, {apply, {application, load, [fresh]}},
            {apply, {application, set_env, [fresh, b, 2]}},
            {apply, {application, set_env, [fresh, c, 3, [{persistent, true}]]}},
            {apply, {application, set_env, [fresh, d, 4]}}, {apply, {application, unload, [fresh]}},
            {apply, {application, set_env, [fresh, d, 5]}}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: script))
        try root.write(
            "lib/fresh-1/ebin/fresh.app",
            """
            {application, fresh, [{vsn, "1"}, {modules, []}, {registered, []}, {applications, []},
                                  {env, [{a, own}, {b, own}, {c, own}]}]}.
            """)
        try root.write(
            "releases/2.0.0/fix.rel",
            """
            {release, {"fix", "2.0.0"}, {erts, "\(Emulator.vsn)"}, [{fix, "2.0.0"}, {fresh, "1", none}]}.
            """)
        try root.write(
            "releases/RELEASES",
            """
            [{release, "fix", "1.0.0", "\(Emulator.vsn)", [{fix, "1.0.0", "lib/fix-1.0.0"}], permanent},
             {release, "fix", "2.0.0", "\(Emulator.vsn)",
              [{fix, "2.0.0", "lib/fix-2.0.0"}, {fresh, "1", "lib/fresh-1"}], unpacked}].
            """)
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.service.getAllEnv("fresh").reply == "[{a,own},{b,own},{c,3},{d,5}]")
        }
    }

    @Test func loadingAnswersAsOTP() async throws {
        let script = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {apply, {application, load, [fix]}}, {apply, {application, unload, [fix]}}
            """
        try await TestNode.with(try TestRoot.twoVersions(relup: TestRoot.relup(up: script))) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(
                result.warnings.map { $0.contains("already_loaded") } + result.warnings.map { $0.contains("running") }
                    == [true, false, false, true])
        }
    }
}
