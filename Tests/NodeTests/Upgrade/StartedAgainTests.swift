import Glibc
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Workers of which nothing is left but that they are started again, and one that a failed upgrade had asked to suspend.
@Suite(.timeLimit(.minutes(15))) struct StartedAgainTests {
    static let c2 = "fix/fix_sup/c2"
    static let children =
        "[#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, []}}]"

    /// The Python worker as counter, with a line more in a method of it.
    private static func change(
        _ root: TestRoot, _ vsn: String, module: String = "counter", after line: String, _ more: String
    ) throws {
        let text = try Project.pythonWorker(vsn: vsn)
        let changed = text.replacing(line, with: "\(line)\n        \(more)")
        #expect(changed != text)
        unlink("\(root.root)/lib/fix-\(vsn)/ebin/\(module)")
        try root.write("lib/fix-\(vsn)/ebin/\(module)", changed)
        chmod("\(root.root)/lib/fix-\(vsn)/ebin/\(module)", 0o755)
    }

    private static let export = "    def export_state(self, ref, change):"

    /// A supervisor starts its children one after the other: the second one's start begins when the first one's has ended.
    @Test func allOfOneSupervisorThatDiedInTheirExportAreStartedAgain() async throws {
        let root = try TestRoot.twoVersions(children: Self.children)
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try Self.change(root, "1.0.0", after: Self.export, "os._exit(1)")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.lost.map(\.worker) == [TestNode.c1, Self.c2])
            for worker in [TestNode.c1, Self.c2] { #expect(try await test.call("vsn", of: worker) == "\"2.0.0\"") }
        }
    }

    @Test func anAbortStartsThemAgainToo() async throws {
        let root = try Self.threeWorkers(extra: "fail")
        try Self.change(root, "1.0.0", after: Self.export, "os._exit(1)")
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid(Self.c3)
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted)
            #expect(result.lost.map(\.worker) == [TestNode.c1, Self.c2])
            for worker in [TestNode.c1, Self.c2] { #expect(try await test.call("vsn", of: worker) == "\"1.0.0\"") }
            #expect(try await test.pid(Self.c3) == pid)
        }
    }

    /// With one that died its supervisor ends and starts all of them, which takes its time: none counts as what it was.
    /// Whether the third one's conversion was come to, depends on how far that is.
    @Test(arguments: ["[]", "fail"]) func whoIsRestartedWithOneThatDiedIsLostToo(extra: String) async throws {
        let root = try Self.threeWorkers(
            extra: extra, flags: "#{strategy => one_for_all, intensity => 3, period => 60}")
        try Self.change(root, "1.0.0", after: Self.export, "os._exit(1) if self.info[Atom(\"arguments\")] else None")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome != .restarting, "\(result.reason ?? "") \(result.warnings)")
            #expect(Set(result.lost.map(\.worker)) == [TestNode.c1, Self.c2, Self.c3])
        }
    }

    private static let c3 = "fix/fix_sup/c3"

    /// Two of one module, and one of another that is changed after them.
    private static func threeWorkers(
        extra: String, flags: String = TestRoot.usualFlags
    ) throws -> TestRoot {
        let children = """
            [#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, [1]}},
             #{id => c3, start => {other, start_link, []}}]
            """
        let up = """
            {load_object_code, {fix, "2.0.0", [counter, other]}}, point_of_no_return,
            {suspend, [counter, other]}, {load, {counter, brutal_purge, brutal_purge}},
            {load, {other, brutal_purge, brutal_purge}}, {code_change, up, [{counter, []}]},
            {code_change, up, [{other, \(extra)}]}, {resume, [counter, other]}
            """
        let root = try TestRoot.twoVersions(children: children, flags: flags, relup: TestRoot.relup(up: up))
        for vsn in ["1.0.0", "2.0.0"] {
            try root.installPython(vsn: vsn)
            try root.installPython(as: "other", vsn: vsn)
        }
        return root
    }

    /// It was terminated by the script, and nobody but the script starts it.
    @Test func aHungOneThatDoesNotStartInTheNewCodeIsStartedInTheOld() async throws {
        let root = try TestRoot.twoVersions()
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try Self.change(root, "1.0.0", after: "    def suspend(self, ref):", "os.kill(os.getpid(), 19)")
        try Self.change(
            root, "2.0.0", after: "        self.info = info", "if info[Atom(\"mode\")] != \"standby\": os._exit(7)")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted)
            #expect(result.lost.map(\.why) == ["did not suspend in time: terminated; started again"])
            #expect(try await test.call("vsn") == "\"1.0.0\"")
        }
    }

    /// What was committed with it goes back by the opposite script, and it is started behind that.
    @Test func aHungOneThatDoesNotStartInCommittedCodeIsStartedBehindTheWayBack() async throws {
        let children =
            "[#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {other, start_link, []}}]"
        let both: (String, String) -> String = { vsn, mode in
            """
            {load_object_code, {fix, "\(vsn)", [counter, other]}}, point_of_no_return, {suspend, [counter, other]},
            {load, {counter, brutal_purge, brutal_purge}}, {load, {other, brutal_purge, brutal_purge}},
            {code_change, \(mode), [{counter, []}, {other, []}]}, {resume, [counter, other]}
            """
        }
        let root = try TestRoot.twoVersions(
            children: children, relup: TestRoot.relup(up: both("2.0.0", "up"), down: both("1.0.0", "up")))
        for vsn in ["1.0.0", "2.0.0"] {
            try root.installPython(vsn: vsn)
            try root.install(as: "other", vsn: vsn)
        }
        try Self.change(root, "1.0.0", after: "    def suspend(self, ref):", "os.kill(os.getpid(), 19)")
        try Self.change(
            root, "2.0.0", after: "        self.info = info", "if info[Atom(\"mode\")] != \"standby\": os._exit(7)")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 42}", of: Self.c2)
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted)
            #expect(result.lost.map(\.worker) == [TestNode.c1])
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.call("get", of: Self.c2) == "42")
        }
    }

    /// The commit before it, which its silence asked for, failed: it is not left suspended.
    @Test func whoHadNotAnsweredWhenTheCommitFailedGoesOn() async throws {
        let group: (String) -> String = { module in
            """
            {suspend, [\(module)]}, {load, {\(module), brutal_purge, brutal_purge}}, {code_change, up, [{\(module), []}]},
            {resume, [\(module)]}
            """
        }
        let children =
            "[#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {other, start_link, []}}]"
        let up = """
            {load_object_code, {fix, "2.0.0", [counter, other]}}, point_of_no_return,
            \(group("counter")), \(group("other"))
            """
        let root = try TestRoot.twoVersions(children: children, relup: TestRoot.relup(up: up))
        for vsn in ["1.0.0", "2.0.0"] {
            try root.installPython(vsn: vsn)
            try root.installPython(as: "other", vsn: vsn)
        }
        try Self.change(root, "2.0.0", after: "    def resume(self, ref):", "os._exit(7)")
        // It answers when it is told to go on by the test, which waits for the install's end.
        try Self.change(
            root, "1.0.0", module: "other", after: "    def suspend(self, ref):", "os.kill(os.getpid(), 19)")
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid(Self.c2)
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted)
            #expect(result.lost.map(\.worker) == [TestNode.c1])
            kill(pid, SIGCONT)
            #expect(try await test.call("vsn", of: Self.c2) == "\"1.0.0\"")
            #expect(try await test.pid(Self.c2) == pid)
        }
    }
}
