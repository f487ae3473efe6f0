import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What became of the releases, over several runs.
@Suite(.timeLimit(.minutes(15))) struct ReleaseHistoryTests {
    private static func kinds(_ records: [HistoryRecord]) -> [String] { records.map(\.kind) }

    @Test func whatHappensIsKept() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            try await test.service.removeRelease(vsn: "1.0.0", peer: TestNode.peer)
            let records = try await test.node.history.records()
            #expect(
                Self.kinds(records) == ["boot", "install_release", "release_installed", "made_permanent", "removed"])
            #expect(records.last?.fields == ["vsn": "1.0.0"])
            #expect(records.last?.message == "release 1.0.0 is removed")
            #expect(records.last?.release == "2.0.0")
        }
    }

    @Test func aLineThatAPowerCutHasCutOffCostsNoOther() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        let release = ReleaseRoot(path: root.root)
        func note(_ kind: String) async {
            let history = await ReleaseHistory(release)
            await history.note(HistoryRecord(time: "t", kind: kind, message: "m", fields: ["a": "b\nc"]))
            await history.written()
        }
        await note("first")
        let handle = try #require(FileHandle(forWritingAtPath: "\(root.root)/releases/history"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("#{\"kind\" => \"half".utf8))
        try handle.close()
        await note("second")
        let records = try await ReleaseHistory(release).records()
        #expect(Self.kinds(records) == ["first", "second"])
        #expect(records.last?.fields == ["a": "b\nc"])
    }

    /// Who goes on in the node's place would write once more what is being written.
    @Test func nothingIsHandedOnWhileItIsWritten() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let obstacle = await { @HostActor in
                test.node.history.note(HistoryRecord(time: "t", kind: "noted", message: "m"))
                do throws(HandoverObstacle) {
                    _ = try test.node.state()
                    return "none"
                } catch {
                    return "\(error), \(error.isBrief ? "briefly" : "for long")"
                }
            }()
            #expect(obstacle == "the history of the releases is being written, briefly")
            await test.node.history.written()
            let unwritten = try await { @HostActor in try test.node.state().history }()
            #expect(unwritten == [])
            let records = try await test.node.history.records()
            #expect(Self.kinds(records).count { $0 == "noted" } == 1)
        }
    }

    /// Here since it is longer than what is read.
    @Test func whatCantBeReadIsNotReplacedByTheNewestRecord() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        let path = "\(root.root)/releases/history"
        let history = await ReleaseHistory(ReleaseRoot(path: root.root))
        func note(_ kind: String) async {
            await history.note(HistoryRecord(time: "t", kind: kind, message: "m"))
            await history.written()
        }
        await note("first")
        let size = try FileStatus(of: path).size
        let tooLong = ReleaseRoot.maxFileBytes + 1
        try #require(truncate(path, off_t(tooLong)) == 0)
        await note("second")
        #expect(try FileStatus(of: path).size > tooLong)
        // Which is not as if nothing had happened.
        let error = await #expect(throws: ControlError.self) { _ = try await history.records() }
        #expect(error?.message.hasPrefix("\(path) can't be read: ") == true, "\(String(describing: error))")
        try #require(truncate(path, off_t(size)) == 0)
        await note("third")
        #expect(Self.kinds(try await history.records()) == ["first", "third"])
    }

    @Test func theFileIsBounded() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        let history = await ReleaseHistory(ReleaseRoot(path: root.root))
        let long = String(repeating: "x", count: 100_000)
        for number in 1...40 {
            await history.note(HistoryRecord(time: "t", kind: "\(number)", message: long))
            await history.written()
        }
        let size = try #require(try? FileStatus(of: "\(root.root)/releases/history").size)
        #expect(size <= ReleaseHistory.maximumBytes)
        let kinds = Self.kinds(try await history.records())
        #expect(kinds.last == "40" && kinds.count >= 4, "\(kinds)")
        #expect(kinds == (41 - kinds.count...40).map { "\($0)" })
    }
}
