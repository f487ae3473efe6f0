import Foundation
import Host
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// An install whose release is not to become permanent by itself, whatever its configuration says.
@Suite(.timeLimit(.minutes(15))) struct KeptCurrentTests {
    private static func install(_ test: TestNode, _ wish: InstallRequest.MakePermanent?) async throws {
        for await step in try await test.node.installWhenNothingChanges("2.0.0", InstallRequest(makePermanent: wish)) {
            if case .result(let result) = step { #expect(result.outcome == .done) }
        }
    }

    private static func notices(_ test: TestNode) async -> [String] {
        (await test.service.status().notices ?? []).map { "\($0.kind.rawValue): \($0.message)" }
    }

    @Test func itStaysCurrentAndSaysHowToKeepIt() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            await test.limitProbation(to: 60_000)
            try await Self.install(test, .manual)
            #expect(await test.node.probation.status().makePermanent == .manual)
            #expect(
                await Self.notices(test) == [
                    """
                    probation: release 2.0.0 is on probation; what fails takes it back to 1.0.0; it stays current then until \
                    `releasectl make-permanent 2.0.0`
                    """
                ])
            await { @HostActor in test.node.probation.judge(.timerFired) }()
            let passed = try await test.events.first("probation_passed")
            #expect(
                passed.message
                    == "release 2.0.0 passed its probation; it stays current until `releasectl make-permanent 2.0.0`")
            #expect(await test.service.whichReleases().map(\.status) == [.permanent, .current])
            #expect(
                await Self.notices(test) == [
                    "not_permanent: release 2.0.0 runs and a restart boots 1.0.0: `releasectl make-permanent 2.0.0` keeps it"
                ])
            let history = try await test.node.history.records().map(\.message)
            #expect(history.contains("installing release 2.0.0 over 1.0.0, to stay current until it is made permanent"))
            #expect(history.contains(passed.message))
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            #expect(await Self.notices(test) == [])
        }
    }

    /// And the other way round: what the file leaves to people the request does not.
    @Test func theWishCountsBeforeTheFile() async throws {
        let root = try TestRoot.twoVersions(config2: "[{release_handler, [{make_permanent, manual}]}].")
        try await TestNode.with(root) { test async throws in
            await test.limitProbation(to: 50)
            try await Self.install(test, .auto)
            _ = try await test.events.first("made_permanent")
            #expect(await Self.notices(test) == [])
        }
    }

    @Test func oneThatFailsIsTakenBackAllTheSame() async throws {
        let root = try TestRoot.twoVersions(config2: "[{release_handler, [{probation_restarts, 0}]}].")
        try await TestNode.with(root) { test async throws in
            try await Self.install(test, .manual)
            _ = try await test.service.kill(worker: "c1", signal: "KILL")
            let back = try await test.events.first { $0.kind == "release_installed" && $0.fields["to"] == "1.0.0" }
            #expect(back.fields["from"] == "2.0.0")
        }
    }

    // MARK: Where nothing else could run

    /// What of the permanent release is gone, and what its boot would come to, in which ROOT stands for the root.
    static let gone: [(path: String, obstacle: String)] = [
        ("releases/1.0.0", "ROOT/releases/1.0.0/fix.rel: No such file or directory"),
        ("lib/fix-1.0.0/ebin/fix.app", "ROOT/lib/fix-1.0.0/ebin/fix.app: No such file or directory"),
        (
            "lib/fix-1.0.0/ebin/counter",
            "child fix/fix_sup/c1: module counter is in no library of the release; searched ROOT/lib/fix-1.0.0/ebin"
        ),
    ]

    /// It failed, and a restart would end the node for good.
    @Test(arguments: gone.indices) func oneThatFailsIsKeptWhereThePermanentReleaseCouldNotBoot(index: Int) async throws
    {
        let root = try TestRoot.twoVersions(config2: "[{release_handler, [{probation_restarts, 0}]}].")
        let path = "\(root.root)/\(Self.gone[index].path)"
        try await TestNode.with(root) { test async throws in
            try await Self.install(test, .auto)
            try FileManager.default.moveItem(atPath: path, toPath: "\(path).away")
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            let failed = try await test.events.first("probation_failed")
            let kept = try await test.events.first("make_permanent_failed", after: failed.sequence)
            let words = "release 2.0.0 failed its probation and stays current: it can't be taken back by a script: "
            #expect(kept.message.hasPrefix(words), "\(kept.message)")
            let obstacle = Self.gone[index].obstacle.replacing("ROOT", with: root.root)
            let end = """
                ; and the permanent release 1.0.0 could not boot: \(obstacle); mend that, or `releasectl make-permanent 2.0.0` \
                keeps this one
                """
            #expect(kept.message.hasSuffix(end), "\(kept.message)")
            while (try? await test.call("vsn")) != "\"2.0.0\"" { await Task.yield() }
            let status = await test.service.status()
            #expect(status.state == .running && status.release == "2.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(await test.node.probation.state == .none)
            #expect(
                await Self.notices(test) == [
                    "not_permanent: release 2.0.0 runs and a restart boots 1.0.0: `releasectl make-permanent 2.0.0` keeps it"
                ])
            let history = try await test.node.history.records().map(\.message)
            #expect(history.contains(kept.message), "\(history)")
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            #expect(await test.service.whichReleases().map(\.status) == [.old, .permanent])
        }
    }
}
