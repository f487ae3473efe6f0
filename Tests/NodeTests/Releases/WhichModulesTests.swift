import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Which versions of the modules there are, and who runs them.
@Suite(.timeLimit(.minutes(15))) struct WhichModulesTests {
    private func shown(_ test: TestNode) async throws -> [String] {
        let list = try await test.service.ask(
            Operations.node.modules, NoParameters(), NoBody(), peer: TestNode.peer)
        return list.modules.map { "\($0.module) \($0.version) \($0.kind) \($0.library)-\($0.vsn) \($0.workers)" }
    }

    @Test func oldCodeThatIsRunIsShownWithWhoRunsIt() async throws {
        // Loaded without a suspend: the worker goes on in what it runs.
        let up = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return, {load, {counter, soft_purge, soft_purge}}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up))
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try await TestNode.with(root) { test async throws in
            #expect(
                try await shown(test) == [
                    "counter current resident fix-1.0.0 [\"fix/fix_sup/c1\"]",
                    "fix_sup current supervisor fix-1.0.0 []",
                ])
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(
                try await shown(test).prefix(2) == [
                    "counter current resident fix-2.0.0 []",
                    "counter old resident fix-1.0.0 [\"fix/fix_sup/c1\"]",
                ])
        }
    }
}
