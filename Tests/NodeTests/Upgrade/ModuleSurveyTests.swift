import Glibc
import Host
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport
import Terms

/// Workers with `modules => dynamic`: each process is asked once in an install or a check, and one that says nothing is told.
@Suite(.timeLimit(.minutes(15))) struct ModuleSurveyTests {
    private static let c2 = "fix/fix_sup/c2"
    private static let silence = "\(c2) did not say within 5 s which modules it has: taken as [other]"

    /// `c2` is of another module, and has nothing to do with the upgrade.
    private static func root() throws -> TestRoot {
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => c2, start => {other, start_link, []}, modules => dynamic, shutdown => brutal_kill}]
            """
        let root = try TestRoot.twoVersions(children: children)
        for vsn in ["1.0.0", "2.0.0"] { try root.install(as: "other", vsn: vsn) }
        return root
    }

    @Test func aHungWorkerIsToldByTheCheckAndByTheInstall() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let hung = await test.hang(Self.c2)
            let pid = try await test.pid(Self.c2)
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.warnings == [Self.silence])
            #expect(plan.instructions[2].workers == [TestNode.c1])
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.warnings == [Self.silence])
            #expect(try await test.pid(Self.c2) == pid)
            kill(pid, SIGKILL)
            await #expect(throws: ControlError.self) { try await hung.value }
        }
    }

    @Test func aWorkerThatAnswersIsToldOfBySilence() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            #expect(try await test.service.checkInstallRelease(vsn: "2.0.0").warnings == [])
            #expect(try await test.install("2.0.0").warnings == [])
        }
    }

    /// The second time nobody is asked: the answer is there in the same turn.
    @Test func aProcessIsAskedOnce() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let hung = await test.hang(Self.c2)
            let (first, second, again) = await Self.surveyTwice(test.node)
            #expect(first.map(\.id.description) == [Self.c2])
            #expect(second == first)
            #expect(again == [Self.silence])
            kill(try await test.pid(Self.c2), SIGKILL)
            await #expect(throws: ControlError.self) { try await hung.value }
        }
    }

    @HostActor
    private static func surveyTwice(_ node: Node) async -> ([WorkerInfo], [WorkerInfo]?, [String]) {
        let survey = ModuleSurvey()
        let first = await withCheckedContinuation { continuation in
            node.tree.workers(listing: ["other"], survey: survey) { continuation.resume(returning: $0) }
        }
        var second: [WorkerInfo]?
        node.tree.workers(listing: ["other"], survey: survey) { second = $0 }
        return (first, second, survey.warnings)
    }

    /// What a worker says that it has, and not only what starts it.
    @Test(arguments: ["counter", "plugin"]) func aDynamicWorkerIsStoppedByItsModules(module: String) async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, modules => dynamic}]"
        let root = try TestRoot.twoVersions(
            children: children, relup: TestRoot.relup(up: "{stop, [\(module)]}, {start, [\(module)]}"))
        for vsn in ["1.0.0", "2.0.0"] {
            let text = try Project.pythonWorker(vsn: vsn)
                .replacing("[self.info[Atom(\"module\")]])", with: "[self.info[Atom(\"module\")], Atom(\"plugin\")])")
            unlink("\(root.root)/lib/fix-\(vsn)/ebin/counter")
            try root.write("lib/fix-\(vsn)/ebin/counter", text)
            chmod("\(root.root)/lib/fix-\(vsn)/ebin/counter", 0o755)
        }
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.instructions.map(\.workers) == [[TestNode.c1], [TestNode.c1]])
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.instructions.map(\.workers) == [[TestNode.c1], [TestNode.c1]])
            #expect(try await test.pid() != pid)
        }
    }
}
