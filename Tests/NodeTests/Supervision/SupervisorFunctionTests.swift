import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// start_child and its kin with real processes: OTP's replies, and its errors.
@Suite(.timeLimit(.minutes(15))) struct SupervisorFunctionTests {
    static let peer = TestNode.peer

    private static func oneVersion(_ children: String = TestRoot.oneCounter, flags: String? = nil) throws -> TestRoot {
        try SupervisionProcessTests.oneVersion(
            children: children, flags: flags ?? "#{intensity => 3, period => 60}")
    }

    @Test func aChildIsStartedTerminatedRestartedAndDeleted() async throws {
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let service = test.service
            let spec = "#{id => c2, start => {counter, start_link, [{count, 9}]}}"
            let started = try await service.startChild(supervisor: "fix_sup", spec: spec, peer: Self.peer)
            #expect(started == ChildAnswer(reply: "{ok,<<\"fix/fix_sup/c2\">>}", child: "fix/fix_sup/c2"))
            #expect(try await test.call("get", of: "fix/fix_sup/c2") == "9")

            let list = try await service.whichChildren(supervisor: "fix/fix_sup")
            #expect(
                list.reply
                    == "[{c2,<<\"fix/fix_sup/c2\">>,worker,[counter]},{c1,<<\"fix/fix_sup/c1\">>,worker,[counter]}]")
            #expect(list.children.map(\.state) == [.running, .running])

            let terminated = try await service.terminateChild(supervisor: "fix_sup", id: "c2", peer: Self.peer)
            #expect(terminated.reply == "ok")
            let counts = try await service.countChildren(supervisor: "fix_sup")
            #expect(counts.reply == "[{specs,2},{active,1},{supervisors,0},{workers,2}]")

            let restarted = try await service.restartChild(supervisor: "fix_sup", id: "c2", peer: Self.peer)
            #expect(restarted.child == "fix/fix_sup/c2")
            _ = try await service.terminateChild(
                supervisor: "fix_sup", id: "fix/fix_sup/c2", peer: Self.peer)
            #expect(try await service.deleteChild(supervisor: "fix_sup", id: "c2", peer: Self.peer).reply == "ok")
            #expect(try await service.countChildren(supervisor: "fix_sup").specs == 1)
        }
    }

    @Test func theSpecComesBackWithAllItsKeys() async throws {
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let spec =
                "#{id => {os, 1}, start => {os, start, [\"/bin/sleep\", \"1000\"]}, cwd => \"/\", "
                + "env => #{\"A\" => b}, rlimits => #{nofile => {64, 128}}, start_timeout => 7000}"
            _ = try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: Self.peer)
            let answer = try await test.service.getChildspec(supervisor: "fix_sup", id: "{os,1}")
            #expect(
                answer.childspec == """
                    #{cwd => "/",env => [{"A","b"}],id => {os,1},modules => [os],restart => permanent,\
                    rlimits => #{nofile => {64,128}},shutdown => 5000,significant => false,\
                    start => {os,start,["/bin/sleep","1000"]},start_timeout => 7000,type => worker}
                    """)
            // What get_childspec answers is a spec that start_child takes.
            _ = try await test.service.terminateChild(supervisor: "fix_sup", id: "{os,1}", peer: Self.peer)
            _ = try await test.service.deleteChild(supervisor: "fix_sup", id: "{os,1}", peer: Self.peer)
            _ = try await test.service.startChild(supervisor: "fix_sup", spec: answer.childspec, peer: Self.peer)
        }
    }

    @Test func errorsAreThoseOfOTP() async throws {
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let before = try await test.pid()
            func details(_ operation: () async throws -> ChildAnswer) async -> [String] {
                do {
                    return ["no error", "\(try await operation())"]
                } catch {
                    guard let error = error as? ControlError else { return ["\(error)"] }
                    return [error.code.rawValue, error.message, error.details["reply"] ?? ""]
                }
            }
            let (service, peer) = (test.service, Self.peer)
            func start(_ spec: String) async -> [String] {
                await details { try await service.startChild(supervisor: "fix_sup", spec: spec, peer: peer) }
            }
            #expect(
                await start("#{id => c1, start => {counter, start_link, []}}") == [
                    "bad_child_state", "fix/fix_sup/c1 runs already",
                    "{error,{already_started,<<\"fix/fix_sup/c1\">>}}",
                ])
            #expect(
                await start("#{id => c2, start => {counter, start_link, []}, shutdwon => 1}") == [
                    "bad_childspec",
                    "unknown key shutdwon in a child spec; the keys are capabilities, cgroup, cwd, env, id, kill_signal, "
                        + "modules, no_new_privs, notify, private_tmp, protect_system, read_write_paths, restart, "
                        + "restart_delay, rlimits, seccomp, shutdown, significant, sockets, start, start_phases, "
                        + "start_timeout, type, user, watchdog",
                    "{error,{unknown_key,shutdwon}}",
                ])
            #expect(
                await start("#{id => c2, start => {counter, start_link, []}, restart => sometimes}") == [
                    "bad_childspec",
                    "invalid_restart_type: expected permanent, transient or temporary, found sometimes",
                    "{error,{invalid_restart_type,sometimes}}",
                ])
            #expect(
                await start("#{id => c2, start => {counter, start_link, []}, significant => true}") == [
                    "bad_childspec",
                    "bad_combination: significant => true needs flags with auto_shutdown any_significant or "
                        + "all_significant",
                    "{error,{bad_combination,[{auto_shutdown,never},{significant,true}]}}",
                ])
            #expect(
                await start("#{id => c2, start => {nothing, start_link, []}}").first == "child_start_failed")
            let failed = await start("#{id => c2, start => {counter, start_link, [{init_throw, boom}]}}")
            #expect(failed[0] == "child_start_failed")
            #expect(failed[1] == "child c2 of fix/fix_sup could not be started: boom")
            #expect(failed[2].hasPrefix("{error,{boom,#{"), "\(failed[2])")
            #expect(
                await details { try await service.deleteChild(supervisor: "fix_sup", id: "c1", peer: peer) } == [
                    "bad_child_state", "child c1 of fix/fix_sup runs: terminate it first", "{error,running}",
                ])
            #expect(
                await details { try await service.restartChild(supervisor: "fix_sup", id: "c9", peer: peer) } == [
                    "no_such_child", "there is no child c9 of fix/fix_sup", "{error,not_found}",
                ])
            #expect(
                await details { try await service.restartChild(supervisor: "other", id: "c9", peer: peer) } == [
                    "no_such_supervisor", "no supervisor other in the tree; see releasectl tree", "",
                ])
            // None of it has touched what runs, and nothing of it is left in the tree.
            #expect(try await test.pid() == before)
            #expect(try await service.countChildren(supervisor: "fix_sup").specs == 1)
        }
    }

    @Test func dynamicChildrenAreNamedByTheirPlace() async throws {
        let root = try Self.oneVersion(flags: "#{strategy => simple_one_for_one, intensity => 3, period => 60}")
        try await TestNode.with(root) { test async throws in
            let service = test.service
            for count in [5, 6] {
                let answer = try await service.startChild(
                    supervisor: "fix_sup", spec: "[{count, \(count)}]", peer: Self.peer)
                #expect(answer.child == "fix/fix_sup/\(count - 4)")
                #expect(try await test.call("get", of: "fix/fix_sup/\(count - 4)") == "\(count)")
            }
            let list = try await service.whichChildren(supervisor: "fix_sup")
            #expect(list.children.map(\.id) == ["undefined", "undefined"])
            #expect(list.children.map(\.address) == ["fix/fix_sup/2", "fix/fix_sup/1"])
            let ended = try await service.terminateChild(
                supervisor: "fix_sup", id: "fix/fix_sup/1", peer: Self.peer)
            #expect(ended.reply == "ok")
            #expect(await service.ps().map(\.address) == ["fix/fix_sup/2"])
            let refusal = await test.refusal {
                try await service.startChild(supervisor: "fix_sup", spec: "#{id => x}", peer: Self.peer)
            }
            #expect(refusal.hasPrefix("bad_childspec: fix/fix_sup is simple_one_for_one"), "\(refusal)")
        }
    }

    @Test func aStartThatNeverEndsIsOverAtItsLimit() async throws {
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let before = try await test.pid()
            let spec = "#{id => c2, start => {counter, start_link, [init_hang]}, start_timeout => 300}"
            let refusal = await test.refusal {
                try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: Self.peer)
            }
            #expect(
                refusal
                    == "child_start_failed: child c2 of fix/fix_sup could not be started: {start_timeout,300}")
            #expect(try await test.pid() == before)
            #expect(try await test.service.countChildren(supervisor: "fix_sup").specs == 1)
        }
    }

    @Test func twoSupervisorsOfOneModuleMustBeNamedByTheirPlace() async throws {
        let root = try Self.oneVersion(
            """
            [#{id => a, start => {inner_sup, start_link, []}, type => supervisor},
             #{id => b, start => {inner_sup, start_link, []}, type => supervisor}]
            """)
        try root.write(
            "lib/fix-1.0.0/ebin/inner_sup.sup",
            "{ok, {#{intensity => 0, period => 1}, [#{id => c2, start => {counter, start_link, []}}]}}.")
        try await TestNode.with(root) { test async throws in
            let refusal = await test.refusal { try await test.service.whichChildren(supervisor: "inner_sup") }
            #expect(
                refusal == """
                    ambiguous_place: 2 supervisors are called inner_sup: fix/fix_sup/a, fix/fix_sup/b; name one by more of its place
                    """)
            #expect(try await test.service.whichChildren(supervisor: "b").children.map(\.id) == ["c2"])
            #expect(try await test.service.whichChildren(supervisor: "fix/fix_sup/a").children.count == 1)
        }
    }

    @Test func applyHasThemToo() async throws {
        let script = """
            point_of_no_return,
            {apply, {supervisor, start_child, [fix_sup, #{id => c2, start => {counter, start_link, []}}]}},
            {apply, {supervisor, terminate_child, ["fix/fix_sup", c2]}},
            {apply, {supervisor, restart_child, [fix_sup, c2]}},
            {apply, {supervisor, terminate_child, [fix_sup, <<"fix/fix_sup/c2">>]}},
            {apply, {supervisor, delete_child, [fix_sup, c2]}},
            {apply, {supervisor, which_children, [fix_sup]}}, {apply, {supervisor, count_children, [fix_sup]}},
            {apply, {supervisor, get_childspec, [fix_sup, c1]}}, {apply, {supervisor, delete_child, [fix_sup, c1]}}
            """
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: script))) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.warnings == ["supervisor:delete_child answered {error,running}"])
            #expect(try await test.service.countChildren(supervisor: "fix_sup").specs == 1)
        }
    }
}
