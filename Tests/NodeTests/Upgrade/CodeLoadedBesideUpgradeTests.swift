import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Modules that an upgrade's own starts load: the code table has one owner, so that they stay known.
@Suite(.timeLimit(.minutes(15))) struct CodeLoadedBesideUpgradeTests {
    static let late = "#{id => late, start => {late, start_link, []}}"

    @Test func aModuleThatApplyStartedIsNoOldCodeForTheNextUpgrade() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {apply, {supervisor, start_child, [fix_sup, \(Self.late)]}}, {suspend, [counter]},
            {load, {counter, brutal_purge, brutal_purge}}, {code_change, up, [{counter, []}]}, {resume, [counter]}
            """
        let down = """
            {load_object_code, {fix, "1.0.0", [late]}}, point_of_no_return,
            {load, {late, brutal_purge, soft_purge}}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up, down: down))
        for vsn in ["1.0.0", "2.0.0"] {
            try root.install(as: "late", vsn: vsn)
            try root.makeDistinct(vsn, module: "late")
        }
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let pid = try await test.pid("fix/fix_sup/late")
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.pid("fix/fix_sup/late") == pid, "a load ends nobody who runs what was current")
        }
    }
}
