import Foundation
import Host
import Supervision
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `{update, fix_sup, supervisor}` with real processes: new flags and specs for what runs.
@Suite(.timeLimit(.minutes(15))) struct SupervisorUpdateTests {
    private static func child(_ id: String, _ more: String = "") -> String {
        "#{id => \(id), start => {counter, start_link, []}\(more)}"
    }

    /// What systools makes of `{update, fix_sup, supervisor}`, either way.
    private static func script(_ vsn: String, _ mode: String, after: String = "") -> String {
        """
        {load_object_code, {fix, "\(vsn)", [fix_sup]}}, point_of_no_return, {suspend, [fix_sup]},
        {load, {fix_sup, brutal_purge, brutal_purge}}, {code_change, \(mode), [{fix_sup, []}]}, {resume, [fix_sup]}
        \(after.isEmpty ? "" : ", " + after)
        """
    }

    private static func root(
        _ first: String, _ second: String, flags: String = "#{intensity => 3, period => 60}",
        newFlags: String = "#{intensity => 4, period => 60}", after: String = "", afterDown: String = ""
    ) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.install(vsn: vsn) }
        let relup = TestRoot.relup(
            up: script("2.0.0", "up", after: after), down: script("1.0.0", "down", after: afterDown))
        try root.release("1.0.0", children: first, flags: flags)
        try root.release("2.0.0", children: second, flags: newFlags, relup: relup)
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private func specs(_ test: TestNode) async throws -> [String] {
        try await test.service.whichChildren(supervisor: "fix_sup").children.reversed()
            .map { "\($0.id) \($0.state.rawValue)" }
    }

    private func flags(_ test: TestNode) async -> Int? {
        await { @HostActor in test.node.tree.allSupervisors().first?.flags?.intensity }()
    }

    @Test func whatRunsGetsTheNewSpecAndNobodyIsStartedOrStopped() async throws {
        let root = try Self.root(
            "[\(Self.child("c1")), \(Self.child("c2"))]",
            "[\(Self.child("c1", ", shutdown => 1234")), \(Self.child("{c, 3}"))]")
        try await TestNode.with(root) { test async throws in
            let (one, two) = (try await test.pid(), try await test.pid("fix/fix_sup/c2"))
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(try await test.pid() == one)
            #expect(try await test.pid("fix/fix_sup/c2") == two)
            #expect(await flags(test) == 4)
            #expect(try await specs(test) == ["c1 running", "{c,3} undefined", "c2 running"])
            let spec = try await test.service.getChildspec(supervisor: "fix_sup", id: "c1").childspec
            #expect(spec.contains("shutdown => 1234"))
            #expect(result.instructions[2].workers == ["fix/fix_sup"])
            #expect(
                result.instructions[4].note == """
                    fix/fix_sup: flags changed, 1 child added ({c,3}), 1 child removed (c2), 1 child with a new spec (c1)
                    """)
            // The two have the same start, so that it looks like another id for the same child.
            #expect(
                result.warnings == [
                    """
                    fix/fix_sup: the child c2 is called {c,3} now: c2 runs on and nothing starts {c,3}; in the relup, \
                    {apply,{supervisor,terminate_child,["fix/fix_sup",c2]}}, \
                    {apply,{supervisor,delete_child,["fix/fix_sup",c2]}} and \
                    {apply,{supervisor,restart_child,["fix/fix_sup",{c,3}]}} see to it
                    """
                ])

            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done, "\(down)")
            #expect(await flags(test) == 3)
            #expect(try await test.pid() == one)
            #expect(try await specs(test) == ["c1 running", "c2 running", "{c,3} undefined"])
            #expect(down.warnings == [])
        }
    }

    @Test func newAndRemovedChildrenAreTold() async throws {
        let root = try Self.root(
            "[\(Self.child("c1")), #{id => c2, start => {counter, start_link, [{count, 2}]}}]",
            "[\(Self.child("c1")), #{id => c3, start => {counter, start_link, [{count, 3}]}}]")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(
                result.warnings == [
                    """
                    fix/fix_sup: the child c3 is new and nothing starts it; in the relup, \
                    {apply,{supervisor,restart_child,["fix/fix_sup",c3]}} does
                    """,
                    """
                    fix/fix_sup: the child c2 is no longer among the specs and still runs; in the relup, \
                    {apply,{supervisor,terminate_child,["fix/fix_sup",c2]}} and \
                    {apply,{supervisor,delete_child,["fix/fix_sup",c2]}} end it
                    """,
                ])
        }
    }

    @Test func aScriptThatSeesToThemHasNothingToWarnOf() async throws {
        let root = try Self.root(
            "[\(Self.child("c1")), \(Self.child("c2"))]", "[\(Self.child("c1")), \(Self.child("c3"))]",
            after: """
                {apply, {supervisor, terminate_child, [fix_sup, c2]}}, {apply, {supervisor, delete_child, [fix_sup, c2]}},
                {apply, {supervisor, restart_child, [fix_sup, c3]}}
                """)
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.warnings == [])
            #expect(try await specs(test) == ["c1 running", "c3 running"])
        }
    }

    @Test func theNewSpecCountsFromTheNextStartOn() async throws {
        let root = try Self.root(
            "[\(Self.child("c1"))]", "[#{id => c1, start => {counter, start_link, [{count, 7}]}}]")
        try await TestNode.with(root) { test async throws in
            _ = try await test.install("2.0.0")
            #expect(try await test.call("get") == "0")
            let last = await test.events.last
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            _ = try await test.events.first("worker_started", after: last)
            #expect(try await test.call("get") == "7")
        }
    }

    @Test func theTemplateOfDynamicChildrenChanges() async throws {
        let flags = "#{strategy => simple_one_for_one, intensity => 3, period => 60}"
        let root = try Self.root(
            "[\(Self.child("c1"))]", "[#{id => c1, start => {counter, start_link, [{count, 7}]}}]", flags: flags,
            newFlags: flags)
        try await TestNode.with(root) { test async throws in
            let service = test.service
            _ = try await service.startChild(supervisor: "fix_sup", spec: "[{count, 1}]", peer: TestNode.peer)
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.warnings == [])
            #expect(try await test.call("get", of: "fix/fix_sup/1") == "1")
            _ = try await service.startChild(supervisor: "fix_sup", spec: "[]", peer: TestNode.peer)
            #expect(try await test.call("get", of: "fix/fix_sup/2") == "7")
        }
    }

    @Test(arguments: [
        ("oops", "bad_return: expected {ok, {Flags, Children}}, found oops"),
        (
            "{ok, {#{}, [#{id => c1, start => {counter, start_link, []}, shutdwon => 1}]}}",
            "unknown key shutdwon in a child spec"
        ),
        (
            "{ok, {#{}, [#{id => c, start => {counter, s, []}}, #{id => c, start => {counter, s, []}}]}}",
            "duplicate_child_name: expected each child id once, found c again"
        ),
    ])
    func anUnusableInitIsRefusedBeforeAnythingChanged(sup: String, words: String) async throws {
        let root = try Self.root("[\(Self.child("c1"))]", "[]")
        try root.write("lib/fix-2.0.0/ebin/fix_sup.sup", "\(sup).")
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid()
            let refusal = try await test.refusedBeforehand()
            #expect(refusal.hasPrefix("instruction 1, {load_object_code,"), "\(refusal)")
            #expect(refusal.contains(words), "\(refusal)")
            #expect(try await test.pid() == before)
            #expect(await flags(test) == 3)
        }
    }

    @Test func aStrategyThatCanNotBeTakenOverIsRefused() async throws {
        let root = try Self.root("[\(Self.child("c1"))]", "[]")
        let sup = "lib/fix-2.0.0/ebin/fix_sup.sup"
        try root.write(sup, "{ok, {#{strategy => simple_one_for_one}, [\(Self.child("c1"))]}}.")
        try await TestNode.with(root) { test async throws in
            #expect(
                try await test.refusedBeforehand() == """
                    instruction 1, {load_object_code,{fix,"2.0.0",[fix_sup]}}: object code of fix_sup: \
                    \(root.root)/\(sup): fix/fix_sup runs and can't be changed to simple_one_for_one; stop and start its \
                    application in the script instead
                    """)
            #expect(await flags(test) == 3)
        }
    }

    @Test func anInitThatIgnoresChangesNothing() async throws {
        let root = try Self.root("[\(Self.child("c1"))]", "[]")
        try root.write("lib/fix-2.0.0/ebin/fix_sup.sup", "ignore.")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.instructions[4].note == "fix/fix_sup: its init answers ignore: nothing changed")
            #expect(await flags(test) == 3)
        }
    }

    @Test func anAbortGivesBackFlagsAndSpecs() async throws {
        let root = try Self.root(
            "[\(Self.child("c1")), \(Self.child("c2"))]",
            "[\(Self.child("c1", ", shutdown => 1")), \(Self.child("c3"))]")
        let up = """
            {load_object_code, {fix, "2.0.0", [fix_sup, counter]}}, point_of_no_return, {suspend, [fix_sup]},
            {load, {fix_sup, brutal_purge, brutal_purge}}, {code_change, up, [{fix_sup, []}]}, {resume, [fix_sup]},
            {suspend, [counter]}, {load, {counter, brutal_purge, brutal_purge}}, {code_change, up, [{counter, throw}]},
            {resume, [counter]}
            """
        try root.write("releases/2.0.0/relup", TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            let specBefore = try await test.service.getChildspec(supervisor: "fix_sup", id: "c1")
            let before = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted, "\(result)")
            #expect(result.warnings == [])
            #expect(try await specs(test) == ["c1 running", "c2 running"])
            #expect(try await test.service.getChildspec(supervisor: "fix_sup", id: "c1") == specBefore)
            #expect(await flags(test) == 3)
            #expect(try await test.pid() == before)
        }
    }

    @Test func aCrashWhileItIsSuspendedIsSeenToAtResume() async throws {
        let root = try Self.root("[\(Self.child("c1"))]", "[#{id => c1, start => {counter, start_link, [{count, 7}]}}]")
        let up = """
            {load_object_code, {fix, "2.0.0", [fix_sup]}}, point_of_no_return, {suspend, [fix_sup]},
            {load, {fix_sup, brutal_purge, brutal_purge}}, {apply, {timer, sleep, [60000]}},
            {code_change, up, [{fix_sup, []}]}, {resume, [fix_sup]}
            """
        try root.write("releases/2.0.0/relup", TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            let install = Task { try await test.install("2.0.0") }
            while await { @HostActor in test.node.installer.upgrade?.sleepTimer == nil }() { await Task.yield() }
            let top = try #require(await test.service.tree().first?.children.first)
            #expect(top.state == .suspended)
            let pid = try await test.pid()
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            while kill(pid, 0) == 0 { await Task.yield() }
            // Changes by hand wait for the upgrade's end.
            let refusal = await test.refusal {
                try await test.service.restartChild(supervisor: "fix_sup", id: "c1", peer: TestNode.peer)
            }
            #expect(refusal.hasPrefix("busy: "), "\(refusal)")
            await { @HostActor in test.node.installer.upgrade?.wakeUp() }()
            #expect(try await install.value.outcome == .done)
            _ = try await test.events.first("worker_restart", worker: TestNode.c1)
            #expect(try await test.call("get") == "7")
        }
    }

    @Test func aNestedSupervisorIsFoundByItsSpecsModules() async throws {
        let inner = "[#{id => inner, start => {inner_sup, start_link, []}, type => supervisor}]"
        let root = try Self.root(inner, inner)
        try root.write(
            "lib/fix-1.0.0/ebin/inner_sup.sup", "{ok, {#{intensity => 1}, [\(Self.child("c2"))]}}.")
        try root.write(
            "lib/fix-2.0.0/ebin/inner_sup.sup",
            "{ok, {#{intensity => 9}, [\(Self.child("c2")), \(Self.child("c3"))]}}.")
        let up = Self.script("2.0.0", "up").replacingOccurrences(of: "fix_sup", with: "inner_sup")
        try root.write("releases/2.0.0/relup", TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.instructions[2].workers == ["fix/fix_sup/inner"])
            #expect(try await test.install("2.0.0").outcome == .done)
            let intensities = await { @HostActor in test.node.tree.allSupervisors().map { $0.flags?.intensity } }()
            #expect(intensities == [3, 9])
            #expect(try await test.service.countChildren(supervisor: "inner_sup").specs == 2)
        }
    }

    @Test func aSupervisorThatIsBusyIsNotSuspended() async throws {
        let hanging = "#{id => c9, start => {counter, start_link, [init_hang]}}"
        let root = try Self.root("[\(Self.child("c1"))]", "[\(Self.child("c1"))]")
        let up = Self.script("2.0.0", "up").replacingOccurrences(
            of: "{suspend, [fix_sup]}", with: "{suspend, [{fix_sup, 50}]}")
        try root.write("releases/2.0.0/relup", TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            // As a restart keeps it busy; a start by hand would keep the install from beginning.
            let start = Task { try await test.node.supervisors.startChild("fix_sup", hanging) }
            while await test.service.ps().count < 2 { await Task.yield() }
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted, "\(result)")
            #expect(
                result.reason == """
                    supervisor fix/fix_sup could not be suspended in time: it is busy with the start or the end of a \
                    child; try again when `releasectl tree` shows that it is done
                    """)
            await { @HostActor in test.node.tree.place(named: "fix/fix_sup/c9")?.end(reason: .atom("enough")) }()
            await #expect(throws: ControlError.self) { try await start.value }
            // The suspend that came too late is taken back.
            let last = await test.events.last
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            _ = try await test.events.first("worker_started", after: last)
        }
    }
}
