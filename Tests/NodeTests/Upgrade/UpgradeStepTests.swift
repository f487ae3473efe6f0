import Host
import ReleaseHandling
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// What starves the watchdog in an upgrade: a step that does not come on, and none that lawfully takes long.
@Suite(.timeLimit(.minutes(15))) struct UpgradeStepTests {
    private static let limit = UpgradeStep.Limit.standardMilliseconds

    @Test func oneWithoutASignIsOverdue() {
        let step = UpgradeStep(began: 1_000, limit: .standard)
        #expect(!step.isOverdue(now: 1_000 + Self.limit))
        #expect(step.isOverdue(now: 1_001 + Self.limit))
    }

    @Test func eachSignGivesItItsTimeAgain() {
        var step = UpgradeStep(began: 0, limit: .standard)
        for child in 1...1_000 {
            #expect(!step.isOverdue(now: child * Self.limit))
            step.progressed(now: child * Self.limit)
        }
    }

    @Test func oneThatMayTakeAsLongAsItLikesIsNeverOverdue() {
        #expect(!UpgradeStep(began: 0, limit: .none).isOverdue(now: .max))
    }

    /// `{suspend, [{M, infinity}]}` has no limit, one of an hour has more than that.
    @Test func aSuspendHasTheLimitThatItsScriptSays() async throws {
        let suspends: [(String, UpgradeStep.Limit)] = [
            ("{counter, 3600000}", .standard(and: 3_600_000)), ("{counter, infinity}", .none),
        ]
        for (target, expected) in suspends {
            let up = TestRoot.up().replacing("{suspend, [counter]}", with: "{suspend, [\(target)]}")
            let children = "[#{id => c1, start => {counter, start_link, []}, shutdown => brutal_kill}]"
            let root = try TestRoot.twoVersions(children: children, relup: TestRoot.relup(up: up))
            try await TestNode.with(root) { test async throws in
                let orders = await test.hang()
                let install = Task { try await test.install("2.0.0") }
                while await { @HostActor in test.node.tree.place(named: TestNode.c1)?.isRunning }() == true {
                    await Task.yield()
                }
                let limit = await { @HostActor in test.node.installer.upgrade?.stepLimit }()
                #expect(limit == expected, "\(target)")
                await test.node.stop(.stopped)
                _ = try? await install.value
                _ = try? await orders.value
            }
        }
    }
}
