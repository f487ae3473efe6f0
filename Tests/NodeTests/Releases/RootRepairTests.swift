import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A root whose RELEASES or start_erl.data is gone, empty or damaged, and a release that stands: it boots, and says what it did.
@Suite(.timeLimit(.minutes(15))) struct RootRepairTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        let file: String
        /// nil: it is removed.
        let text: String?
        let words: String

        var testDescription: String { "\(file): \(text ?? "gone")" }

        func befall(_ root: TestRoot) throws {
            let path = "\(root.root)/releases/\(file)"
            try FileManager.default.removeItem(atPath: path)
            if let text { try root.write("releases/\(file)", text) }
        }
    }

    private static let releasesAnew =
        "written anew from the .rel files that stand in releases: 1.0.0 permanent, 2.0.0 unpacked"
    private static let dataAnew = "written anew for release 1.0.0"

    static let damages = [
        Damage(file: "RELEASES", text: nil, words: "releases/RELEASES was missing: \(releasesAnew)"),
        Damage(file: "RELEASES", text: "", words: "releases/RELEASES was empty: \(releasesAnew)"),
        Damage(file: "RELEASES", text: "\0\0\0\0", words: "releases/RELEASES was empty: \(releasesAnew)"),
        Damage(
            file: "RELEASES", text: "[{release, \"fix\", ",
            words: """
                releases/RELEASES was damaged (line 1, column 19: expected a term, found the end of the text: the tuple begun at \
                1:2 is not ended), and is kept as releases/RELEASES.damaged: \(releasesAnew)
                """),
        Damage(file: "start_erl.data", text: nil, words: "releases/start_erl.data was missing: \(dataAnew)"),
        Damage(file: "start_erl.data", text: " \n", words: "releases/start_erl.data was empty: \(dataAnew)"),
        Damage(
            file: "start_erl.data", text: "1.0.0",
            words: """
                releases/start_erl.data was damaged (line 1, column 1: expected "ERTSVSN RELVSN", found "1.0.0"), and is kept as \
                releases/start_erl.data.damaged: \(dataAnew)
                """),
    ]

    @Test(arguments: damages) func itBootsAndSaysWhatItDid(_ damage: Damage) async throws {
        let root = try TestRoot.twoVersions()
        try damage.befall(root)
        try await TestNode.with(root) { test async throws in
            let status = await test.service.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0", "\(status)")
            let notices = try #require(status.notices)
            #expect(notices.map(\.kind) == [.rootRepaired] && notices.map(\.message) == [damage.words], "\(notices)")
            #expect(await test.service.whichReleases().map(\.status) == [.permanent, .unpacked])
            let data = try String(contentsOfFile: "\(test.root.root)/releases/start_erl.data", encoding: .utf8)
            #expect(data == "\(Emulator.vsn) 1.0.0\n")
            let kept = "\(test.root.root)/releases/\(damage.file).damaged"
            if damage.words.contains(".damaged") {
                #expect(try String(contentsOfFile: kept, encoding: .utf8) == damage.text)
            } else {
                #expect(!FileManager.default.fileExists(atPath: kept))
            }
            let history = try await test.node.history.records()
            #expect(history.contains { $0.kind == "root_repaired" && $0.message == damage.words }, "\(history)")
            // What was written is what a release is changed by.
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
        }
    }

    /// And nothing is left to repair.
    @Test func whatWasRepairedIsWhole() async throws {
        let (root, copy) = (try TestRoot.twoVersions(), try TestRoot())
        for damage in Self.damages where damage.file == "RELEASES" || damage.text == "1.0.0" {
            if damage.text == nil || damage.text == "1.0.0" { try damage.befall(root) }
        }
        // Nothing says any more which one it is, but that one alone stands.
        try FileManager.default.removeItem(atPath: "\(root.root)/lib/fix-2.0.0")
        try await TestNode.with(root) { test async throws in
            #expect(await test.service.status().notices?.count == 2)
            #expect(await test.service.whichReleases().map(\.vsn) == ["1.0.0"])
            try FileManager.default.removeItem(atPath: copy.root)
            try FileManager.default.copyItem(atPath: test.root.root, toPath: copy.root)
        }
        try await TestNode.with(copy) { test async throws in
            #expect(await test.service.status().notices == [])
            #expect(await test.service.whichReleases().map(\.vsn) == ["1.0.0"])
        }
    }

    @Test func theHistoryTellsWhatWasPermanentBefore() async throws {
        let (root, copy) = (try TestRoot.twoVersions(), try TestRoot())
        try await TestNode.with(root) { test async throws in
            for vsn in ["2.0.0", "1.0.0"] {
                #expect(try await test.install(vsn).outcome == .done)
                _ = try await test.service.makePermanent(vsn: vsn, peer: TestNode.peer)
            }
            _ = try await test.node.history.records()
            try FileManager.default.removeItem(atPath: copy.root)
            try FileManager.default.copyItem(atPath: test.root.root, toPath: copy.root)
        }
        try Self.damages[0].befall(copy)
        try await TestNode.with(copy) { test async throws in
            let statuses = await test.service.whichReleases().map(\.status)
            #expect(statuses == [.permanent, .old])
        }
    }

    // MARK: What nobody guesses

    @Test func twoReleasesAndNothingThatSaysWhichOneItIs() async throws {
        let root = try TestRoot.twoVersions()
        for damage in Self.damages where damage.text == nil { try damage.befall(root) }
        let text = try await TestNode.failingToBoot(root)
        #expect(
            text == """
                the release root \(root.root) can't be used: releases/RELEASES is missing, releases/start_erl.data is missing, and \
                nothing says which release is permanent; releasectl create-releases VSN --root ROOT makes one of those permanent \
                that stand: 1.0.0, 2.0.0
                """)
    }

    @Test func theReleaseThatIsNamedDoesNotStand() async throws {
        let root = try TestRoot.twoVersions()
        try Self.damages[0].befall(root)
        try root.write("releases/1.0.0/fix.rel", "{release")
        let text = try await TestNode.failingToBoot(root)
        #expect(
            text.contains("and release 1.0.0, which releases/start_erl.data names, does not stand in the root: "),
            "\(text)")
        #expect(text.contains("releases/1.0.0/fix.rel:1:9: "), "\(text)")
        #expect(text.hasSuffix("makes one of those permanent that stand: 2.0.0"), "\(text)")
    }

    /// It may be whole: nothing is known of it.
    @Test func aFileThatCanNotBeReadIsNotWrittenOver() async throws {
        let root = try TestRoot.twoVersions()
        try HalfDoneChangeTests.makeReleasesUnwritable(root)
        let text = try await TestNode.failingToBoot(root)
        #expect(text.hasSuffix("\(root.root)/releases/RELEASES: Is a directory"), "\(text)")
    }
}
