import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The relup's other script, when it is needed: it takes back what was committed, or it is wrong and says so.
@Suite(.timeLimit(.minutes(15))) struct WrongWayBackTests {
    private static let sleep = "{apply, {timer, sleep, [1]}}"
    private static var up: String {
        TestRoot.script(
            "2.0.0", TransactionTests.both,
            [TestRoot.upGroup("counter"), sleep, TestRoot.upGroup("store", extra: "fail")])
    }

    private static func root(down extra: String = "[]") throws -> TestRoot {
        let down = TestRoot.script(
            "1.0.0", TransactionTests.both,
            [TestRoot.downGroup("store"), sleep, TestRoot.downGroup("counter", extra: extra)])
        return try .modules(TransactionTests.both, children: TransactionTests.children, up: up, down: down)
    }

    private static let failure = "code_change of store failed in fix/fix_sup/s1: told_to_fail"

    @Test func whatWasCommittedIsTakenBack() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            for worker in [TestNode.c1, TransactionTests.store] { _ = try await test.call("{add, 5}", of: worker) }
            let store = try await test.pid(TransactionTests.store)
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(result.reason == Self.failure)
            for worker in [TestNode.c1, TransactionTests.store] {
                #expect(try await test.call("get", of: worker) == "5")
                #expect(try await test.call("vsn", of: worker) == "\"1.0.0\"")
                #expect(try await test.ps(worker).restarts == 0)
            }
            #expect(try await test.pid(TransactionTests.store) == store)
            #expect(await test.service.status().release == "1.0.0")
        }
    }

    /// Installs and expects that nothing but the node's restart leads back; the warning that says why.
    private static func restarting(_ root: TestRoot) async throws -> String {
        let (result, end) = try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            return (result, await test.node.ended())
        }
        #expect(result.outcome == .restarting, "\(result)")
        #expect(result.reason == failure)
        #expect(result.lost.map(\.worker) == [TransactionTests.store, TestNode.c1], "\(result)")
        guard case .restart(let reason) = end else {
            Issue.record("\(end)")
            return ""
        }
        #expect(reason.contains(failure), "\(reason)")
        return result.warnings.joined(separator: "\n")
    }

    @Test(arguments: ["fail", "crash"])
    func aWayBackWhoseConversionFailsRestartsTheNode(extra: String) async throws {
        let warning = try await Self.restarting(try Self.root(down: extra))
        #expect(warning.hasPrefix("the way back by the script to 1.0.0 failed: "), "\(warning)")
        #expect(warning.contains("code_change of counter failed in fix/fix_sup/c1: "), "\(warning)")
    }

    /// It was there when the install began.
    @Test func aWayBackThatThePreflightRefusesRestartsTheNode() async throws {
        let root = try Self.root()
        let file = "\(root.root)/lib/fix-1.0.0/ebin/counter"
        // The new store's conversion, which fails, takes the file away first.
        try root.installPython(
            "store", vsn: "2.0.0",
            edits: [
                .init(
                    vsn: "2.0.0", module: "store", what: "        super().take_over(memory, announced, descriptors)\n",
                    with: """
                                os.unlink("\(file)")
                                super().take_over(memory, announced, descriptors)

                        """)
            ])
        let warning = try await Self.restarting(root)
        #expect(warning.hasPrefix("the way back by the script to 1.0.0 failed: "), "\(warning)")
        #expect(warning.contains("\(file): no such file"), "\(warning)")
    }

    /// The relup leads one way only, or its script for the other one knows nothing of what was committed.
    @Test(arguments: [nil, TestRoot.script("1.0.0", ["store"], [TestRoot.downGroup("store")])])
    func aRelupWithoutAWayBackRestartsTheNode(down: String?) async throws {
        let root = try Self.root()
        let back = down.map { "{\"1.0.0\", \"down\", [\($0)]}" } ?? ""
        try root.write("releases/2.0.0/relup", "{\"2.0.0\", [{\"1.0.0\", \"up\", [\(Self.up)]}], [\(back)]}.")
        let reason =
            down == nil
            ? "it has no script to 1.0.0"
            : "its script to 1.0.0 does not take back all that was committed, and nothing else"
        #expect(
            try await Self.restarting(root) == "what was committed can't be taken back by the relup: \(reason)")
    }

    /// A probation that fails: the way back is the install of the release before.
    @Test(arguments: ["fail", "crash"])
    func aProbationWhoseWayBackFailsRestartsTheNode(extra: String) async throws {
        let root = try TestRoot.modules(
            up: TestRoot.up(), down: TestRoot.down(extra),
            config: "[{release_handler, [{probation_restarts, 0}]}].")
        let end = try await TestNode.with(root) { test async throws in
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            return await test.node.ended()
        }
        guard case .restart(let reason) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(
            reason.hasPrefix("release 2.0.0 failed its probation and can't be taken back by a script: "), "\(reason)")
        #expect(reason.contains("code_change of counter failed in fix/fix_sup/c1: "), "\(reason)")
    }
}
