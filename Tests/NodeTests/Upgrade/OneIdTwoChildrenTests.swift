import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Two versions of one application that have different children under one id.
@Suite(.timeLimit(.minutes(15))) struct OneIdTwoChildrenTests {
    private static let counter = "[#{id => c1, start => {counter, start_link, [5]}}]"
    private static let other = "[#{id => c1, start => {other, start_link, [7]}}]"
    private static let supervisor = "[#{id => c1, start => {inner_sup, start_link, []}, type => supervisor}]"
    private static let modules = ["counter", "other"]
    private static let runsOn =
        "fix/fix_sup/c1: runs on with the module that it was started with: its new spec counts from its next start on"

    private static func root(_ new: String, _ groups: [String], reads: [String]) throws -> TestRoot {
        let up = TestRoot.script("2.0.0", reads, groups)
        let root = try TestRoot.modules(modules, children: counter, up: up)
        try root.release(
            "2.0.0", children: new, relup: TestRoot.relup(up: up), modules: modules + ["inner_sup"])
        try root.write(
            "lib/fix-2.0.0/ebin/inner_sup.sup",
            "{ok, {#{}, [#{id => c2, start => {other, start_link, []}}]}}.")
        return root
    }

    /// Its supervisor is changed: the worker runs on in the code that it has, and that is said.
    @Test func withAnUpdateOfTheSupervisorItRunsOnUntilItsNextStart() async throws {
        let root = try Self.root(Self.other, [TestRoot.upGroup("fix_sup")], reads: ["fix_sup", "other"])
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            #expect(result.warnings == [Self.runsOn], "\(result)")
            #expect(plan.warnings == [Self.runsOn])
            #expect(try await test.ps().module == "counter")
            #expect(try await test.pid() == pid)
            #expect(try await test.call("get") == "5")
            // From the next start on it is the other one.
            let last = await test.events.last
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: last)
            #expect(try await test.call("get") == "7")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    /// The old module is changed too, and its worker is handed over to what its new spec does not start.
    @Test func withAnUpdateOfBothItIsHandedOverInItsOwnModule() async throws {
        let root = try Self.root(
            Self.other, [TestRoot.upGroup("fix_sup"), TestRoot.upGroup("counter")],
            reads: ["fix_sup", "counter", "other"])
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 1}")
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            #expect(result.warnings.contains { $0.hasPrefix("fix/fix_sup/c1: ") }, "\(result)")
            #expect(plan.warnings.contains { $0.hasPrefix("fix/fix_sup/c1: ") }, "\(plan)")
            #expect(try await test.call("get") == "6")
        }
    }

    /// Nothing of the script knows of it: the running supervisor has its old specs, as in OTP, until it starts again.
    /// `releasectl check` tells it beforehand, as an `uncovered_change`.
    @Test func withoutAnUpdateOfTheSupervisorNothingChanges() async throws {
        let root = try Self.root(Self.other, [TestRoot.upGroup("counter")], reads: ["counter"])
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 1}")
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            #expect(result.warnings == [] && plan.warnings == [])
            #expect(try await test.call("get") == "6")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            let spec = try await test.service.getChildspec(supervisor: "fix_sup", id: "c1").childspec
            #expect(spec.contains("{counter,start_link,[5]}"), "\(spec)")
        }
    }

    /// A supervisor where a worker runs.
    @Test func aWorkerRunsOnWhereASupervisorIsToBe() async throws {
        let root = try Self.root(
            Self.supervisor, [TestRoot.upGroup("fix_sup")], reads: ["fix_sup", "inner_sup", "other"])
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            #expect(result.warnings == [Self.runsOn], "\(result)")
            let later =
                "child fix/fix_sup/c1/c2 is started by no instruction of the script: its first start is the next boot's"
            #expect(plan.warnings == [Self.runsOn, later])
            // It is there, and shown as what it is.
            #expect(try await test.ps().module == "counter")
            #expect(try await test.pid() == pid)
            #expect(try await test.call("get") == "5")
            let last = await test.events.last
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            _ = try await test.events.first("worker_started", worker: "fix/fix_sup/c1/c2", after: last)
            #expect(await test.service.ps().map(\.address) == ["fix/fix_sup/c1/c2"])
        }
    }

    /// A worker where a supervisor runs, with a worker of its own.
    @Test func aSupervisorRunsOnWhereAWorkerIsToBe() async throws {
        let root = try Self.root(Self.other, [TestRoot.upGroup("fix_sup")], reads: ["fix_sup", "other"])
        try root.release("1.0.0", children: Self.supervisor, modules: Self.modules + ["inner_sup"])
        try root.write(
            "lib/fix-1.0.0/ebin/inner_sup.sup",
            "{ok, {#{intensity => 0}, [#{id => c2, start => {counter, start_link, [5]}}]}}.")
        let inner = "fix/fix_sup/c1/c2"
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid(inner)
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            #expect(result.warnings == [Self.runsOn] && plan.warnings == [Self.runsOn], "\(plan.warnings)\n\(result)")
            #expect(await test.service.ps().map(\.address) == [inner])
            #expect(try await test.pid(inner) == pid)
            #expect(try await test.call("get", of: inner) == "5")
            // It gives up with the first end of its worker, and the worker takes its place.
            let last = await test.events.last
            await #expect(throws: ControlError.self) { try await test.call("crash", of: inner) }
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: last)
            #expect(try await test.call("get") == "7")
        }
    }
}
