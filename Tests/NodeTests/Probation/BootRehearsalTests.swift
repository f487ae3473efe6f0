import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A release whose `.sup` has a child that nothing starts in the upgrade: it is tried before the release is permanent.
@Suite(.timeLimit(.minutes(15))) struct BootRehearsalTests {
    /// 2.0.0 has a second child, which the script does not start.
    private static func root(child: String, modules: [String] = ["counter"]) throws -> TestRoot {
        let root = try TestRoot.twoVersions()
        let children = "[#{id => c1, start => {counter, start_link, []}}, \(child)]"
        try root.release(
            "2.0.0", children: children, config: "[{release_handler, [{make_permanent, {auto, 1}}]}].",
            relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()), modules: modules)
        return root
    }

    private static let ghost = "#{id => ghost, start => {ghost, start_link, []}}"

    private static func write(_ root: TestRoot, _ module: String, _ text: String) throws {
        try root.write("lib/fix-2.0.0/ebin/\(module)", text)
        chmod("\(root.root)/lib/fix-2.0.0/ebin/\(module)", 0o755)
    }

    private static func expectTakenBack(_ root: TestRoot, _ reason: String) async throws {
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let failed = try await test.events.first("probation_failed")
            let said = try #require(failed.fields["reason"])
            #expect(said.hasPrefix("it runs, and would not boot: \(reason)"), "\(said)")
            _ = try await test.events.first("release_installed", after: failed.sequence)
            #expect(await test.service.status().release == "1.0.0")
        }
    }

    @Test func aWorkerThatCanNotStartTakesItBack() async throws {
        let root = try Self.root(child: Self.ghost, modules: ["counter", "ghost"])
        try Self.write(root, "ghost", "#!/bin/sh\nexit 3\n")
        try await Self.expectTakenBack(root, "child fix/fix_sup/ghost can't be started: ")
    }

    @Test func aWorkerWhoseProgramIsNotThereTakesItBack() async throws {
        let root = try Self.root(child: Self.ghost)
        try await Self.expectTakenBack(root, "child fix/fix_sup/ghost: ")
    }

    @Test func anUnmodifiedProgramThatIsNotThereTakesItBack() async throws {
        let root = try Self.root(child: "#{id => ghost, start => {os, start, [\"priv/ghost\"]}}")
        try await Self.expectTakenBack(
            root, "child fix/fix_sup/ghost: \(root.root)/lib/fix-2.0.0/priv/ghost can't be executed: No such file")
    }

    /// A boot finds it all the same.
    @Test func aSupervisorThatNoApplicationListsIsNotInTheWay() async throws {
        let root = try Self.root(child: "#{id => inner, type => supervisor, start => {inner_sup, start_link, []}}")
        try root.write(
            "lib/fix-2.0.0/ebin/inner_sup.sup", "{ok, {#{}, [#{id => c2, start => {counter, start_link, []}}]}}.")
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.events.first("made_permanent")
        }
    }

    @Test func oneThatCanStartIsNotInTheWay() async throws {
        let root = try Self.root(child: "#{id => c2, start => {counter, start_link, []}}")
        try await TestNode.with(root) { test async throws in
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(
                plan.warnings.contains(
                    "child fix/fix_sup/c2 is started by no instruction of the script: its first start is the next boot's"
                ),
                "\(plan.warnings)")
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.events.first("made_permanent")
            // It was tried, and is no worker of the tree.
            #expect(await test.service.ps().map(\.address) == [TestNode.c1])
        }
    }
}
