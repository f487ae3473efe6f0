import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A release that runs, and of which a file has gone since: it is not made permanent, since it could not boot.
@Suite(.timeLimit(.minutes(15))) struct MakePermanentTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        let file: String
        /// nil: it is gone.
        var text: String?
        /// What the error begins with, in which ROOT stands for the root.
        let words: String

        var testDescription: String { file }

        func befall(_ root: TestRoot) throws {
            let path = "\(root.root)/\(file)"
            try FileManager.default.moveItem(atPath: path, toPath: "\(path).away")
            if let text { try root.write(file, text) }
        }

        func mend(_ root: TestRoot) throws {
            let path = "\(root.root)/\(file)"
            if text != nil { try FileManager.default.removeItem(atPath: path) }
            try FileManager.default.moveItem(atPath: "\(path).away", toPath: path)
        }

        func sentence(_ root: TestRoot) -> String { words.replacing("ROOT", with: root.root) }
    }

    static let damages = [
        Damage(
            file: "lib/fix-2.0.0/ebin/fix.app", words: "ROOT/lib/fix-2.0.0/ebin/fix.app: No such file or directory"),
        Damage(file: "releases/2.0.0/fix.rel", words: "ROOT/releases/2.0.0/fix.rel: No such file or directory"),
        Damage(file: "releases/2.0.0/sys.config", text: "[{", words: "ROOT/releases/2.0.0/sys.config:1:"),
        Damage(file: "lib/fix-2.0.0/ebin/fix_sup.sup", words: "supervisor fix/fix_sup: "),
        Damage(
            file: "lib/fix-2.0.0/ebin/counter",
            words: """
                child fix/fix_sup/c1: module counter is in no library of the release; searched ROOT/lib/fix-2.0.0/ebin
                """),
    ]

    private static func statuses(_ test: TestNode) async -> [String] {
        await test.service.whichReleases().map { "\($0.vsn) \($0.status)" }.sorted()
    }

    @Test(arguments: damages) func byHandItIsRefusedAndNothingChanges(damage: Damage) async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            // On a busy machine its own time would pass.
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            try damage.befall(test.root)
            let refused = await test.refusal {
                try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            }
            let words = "upgrade_refused: release 2.0.0 could not boot: \(damage.sentence(test.root))"
            #expect(refused.hasPrefix(words), "\(refused)")
            #expect(await Self.statuses(test) == ["1.0.0 permanent", "2.0.0 current"])
            #expect(await test.node.probation.status().state == .onProbation)
            let data = try String(contentsOfFile: "\(test.root.root)/releases/start_erl.data", encoding: .utf8)
            #expect(data == "\(Emulator.vsn) 1.0.0\n")
            try damage.mend(test.root)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            #expect(await Self.statuses(test) == ["1.0.0 old", "2.0.0 permanent"])
            // What is permanent already is not looked at.
            try damage.befall(test.root)
            #expect(try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer).status == .permanent)
        }
    }

    @Test(arguments: damages) func itsProbationTakesItBack(damage: Damage) async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            await test.limitProbation(to: 3_600_000)
            _ = try await test.call("{add, 7}")
            #expect(try await test.install("2.0.0").outcome == .done)
            try damage.befall(test.root)
            await test.endProbation()
            let failed = try await test.events.first("probation_failed")
            let said = try #require(failed.fields["reason"])
            #expect(said.hasPrefix("it runs, and would not boot: \(damage.sentence(test.root))"), "\(said)")
            _ = try await test.events.first("release_installed", after: failed.sequence)
            #expect(await Self.statuses(test) == ["1.0.0 permanent", "2.0.0 old"])
            #expect(try await test.call("get") == "7")
        }
    }

    /// It goes after the probation has looked, and before it is written down: that is tried again until it is back.
    @Test func whatGoesAfterThatIsWaitedFor() async throws {
        let damage = Self.damages[0]
        try await TestNode.with(try .twoVersions()) { test async throws in
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            try damage.befall(test.root)
            await test.node.makePermanentByItself("2.0.0")
            let failed = try await test.events.first("make_permanent_failed")
            let words =
                "release 2.0.0 passed its probation and could not be made permanent: release 2.0.0 could not boot: "
            #expect(failed.message.hasPrefix(words + damage.sentence(test.root)), "\(failed.message)")
            try damage.mend(test.root)
            _ = try await test.events.first("made_permanent")
            #expect(await Self.statuses(test) == ["1.0.0 old", "2.0.0 permanent"])
        }
    }
}
