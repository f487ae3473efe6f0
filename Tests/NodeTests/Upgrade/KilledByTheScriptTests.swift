import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport
import ReleaseHandling

/// Workers that a script itself ends: they run again when the install is answered, and no probation holds it against the
/// release.
@Suite(.timeLimit(.minutes(15))) struct KilledByTheScriptTests {
    static let children =
        "[#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {other, start_link, []}}]"

    /// The seeds' own example: two modules that change together, replaced by killing who runs them.
    static let replaced = """
        {load_object_code, {fix, "2.0.0", [counter, other]}}, point_of_no_return,
        {remove, {counter, brutal_purge, brutal_purge}}, {remove, {other, brutal_purge, brutal_purge}},
        {purge, [counter, other]},
        {load, {counter, brutal_purge, brutal_purge}}, {load, {other, brutal_purge, brutal_purge}}
        """

    static func root(children: String = children, config: String = "[].") throws -> TestRoot {
        let root = try TestRoot.twoVersions(
            children: children, relup: TestRoot.relup(up: replaced), config2: config)
        for vsn in ["1.0.0", "2.0.0"] {
            try root.install(as: "other", vsn: vsn)
            for module in ["counter", "other"] { try root.makeDistinct(vsn, module: module) }
        }
        return root
    }

    @Test func theReleaseStaysAndItsWorkersRunWhenItIsAnswered() async throws {
        let config = "[{release_handler, [{probation_restarts, 0}]}]."
        try await TestNode.with(try Self.root(config: config)) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            for worker in [TestNode.c1, "fix/fix_sup/c2"] {
                let summary = try await test.ps(worker)
                #expect(summary.state == .running)
                #expect(summary.vsn == "2.0.0")
            }
            #expect(await test.node.probation.state.trial?.restarts == 0)
            #expect(await test.node.probation.state.trial?.release == "2.0.0")
        }
    }

    @Test func oneThatIsNotStartedAgainIsSaidToBeDown() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => c2, start => {other, start_link, []}, restart => temporary}]
            """
        try await TestNode.with(try Self.root(children: children)) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(
                result.warnings.last
                    == "fix/fix_sup/c2 was ended by the script and does not run: it is not in the tree any more")
        }
    }
}
