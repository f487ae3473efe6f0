import Foundation
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A change of the releases of which a write fails: the node knows what stands on disk, and says what boots.
@Suite(.timeLimit(.minutes(15))) struct HalfDoneChangeTests {
    /// Nobody replaces a directory that is not empty by a file, root neither.
    static func makeReleasesUnwritable(_ root: TestRoot) throws {
        try FileManager.default.removeItem(atPath: "\(root.root)/releases/RELEASES")
        try root.write("releases/RELEASES/in/the/way", "")
    }

    static func statuses(_ test: TestNode) async -> [String] {
        await test.service.whichReleases().map { "\($0.vsn) \($0.status)" }
    }

    @Test func whatIsPermanentByStartErlDataIsPermanent() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            try Self.makeReleasesUnwritable(test.root)
            let refusal = await test.refusal {
                try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            }
            #expect(refusal.hasPrefix("system_error: "), "\(refusal)")
            let words = "; it was half done, and which-releases shows what it came to; release 2.0.0 boots next"
            #expect(refusal.hasSuffix(words), "\(refusal)")
            let data = try String(contentsOfFile: "\(test.root.root)/releases/start_erl.data", encoding: .utf8)
            #expect(data == "\(Emulator.vsn) 2.0.0\n")
            #expect(await Self.statuses(test) == ["1.0.0 old", "2.0.0 permanent"])
            #expect(await test.service.status().permanent == "2.0.0")
            // It is not taken back any more: that would restart into itself.
            #expect(await test.node.probation.state == .none)

            // The next change that can be written brings the disk into order.
            try FileManager.default.removeItem(atPath: "\(test.root.root)/releases/RELEASES")
            #expect(try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer).status == .permanent)
            #expect(try await test.install("1.0.0").outcome == .done)
            _ = try await test.service.makePermanent(vsn: "1.0.0", peer: TestNode.peer)
            let file = try String(contentsOfFile: "\(test.root.root)/releases/RELEASES", encoding: .utf8)
            #expect(file.contains("permanent") && file.contains("old"))
        }
    }

    @Test func aChangeOfWhichNothingStaysLeavesAllAsItWas() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            try Self.makeReleasesUnwritable(test.root)
            let refusal = await test.refusal {
                try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
            }
            #expect(refusal.hasSuffix("; the releases are as they were"), "\(refusal)")
            #expect(await Self.statuses(test) == ["1.0.0 permanent", "2.0.0 unpacked"])
            #expect(FileManager.default.fileExists(atPath: "\(test.root.root)/lib/fix-2.0.0/ebin/counter"))
            #expect(!FileManager.default.fileExists(atPath: "\(test.root.root)/releases/RELEASES.pending"))
            #expect(try await test.install("2.0.0").outcome == .done)
        }
    }
}
