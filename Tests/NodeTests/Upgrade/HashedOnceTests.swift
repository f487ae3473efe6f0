import Glibc
import ReleaseHandling
import Synchronization
import Terms
import Testing
import Wire

@testable import Host
@testable import ReleaseHandlerD
@testable import TestSupport

/// A file that is as it was is not read again by the next check or install; one that was changed is.
@Suite(.timeLimit(.minutes(15))) struct HashedOnceTests {
    /// A node by whose clock the files of its root were settled long ago.
    private static func with(_ root: TestRoot, _ body: @Sendable (TestNode) async throws -> Void) async throws {
        try await TestNode.with(root) { test async throws in
            await { @HostActor in
                test.node.code.reader.digests = FileDigests(now: {
                    WallClock.milliseconds() + FileDigests.settledMilliseconds + 1000
                })
            }()
            try await body(test)
        }
    }

    /// Programs that are nobody else's: those of the build are the same files wherever they are installed.
    private static func root() throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try root.release("1.0.0", children: TestRoot.oneCounter)
        try root.release(
            "2.0.0", children: TestRoot.oneCounter, relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()))
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private static func hashed(_ test: TestNode) async -> Int {
        await { @HostActor in test.node.code.reader.digests.hashed }()
    }

    @Test func aCheckAndInstallsBackAndForthReadEachProgramOnce() async throws {
        try await Self.with(try Self.root()) { test async throws in
            for _ in 0..<2 { _ = try await test.service.checkInstallRelease(vsn: "2.0.0") }
            #expect(await Self.hashed(test) == 1)
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(await Self.hashed(test) == 1)
            // The first version's was read by the boot, before these digests were there.
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(await Self.hashed(test) == 2)
        }
    }

    /// Size, inode and time of modification stay as they were.
    @Test func aProgramChangedInPlaceAfterTheCheckIsReadAgain() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let path = "\(test.root.root)/lib/fix-2.0.0/ebin/counter"
            let (before, digest) = (try FileStatus(of: path), try FileDigest.sha256(path))
            try Self.change(path)
            #expect(try FileStatus(of: path).identity == before.identity)
            #expect(try await test.install("2.0.0").outcome == .done)
            let running = await { @HostActor in test.node.code.table.current["counter"]?.sha256 }()
            #expect(running != digest)
            #expect(running == (try FileDigest.sha256(path)))
            #expect(await Self.hashed(test) == 2)
        }
    }

    /// Makes the last character, a line's end, another that changes nothing for Python, and puts the time back.
    private static func change(_ path: String) throws {
        let before = try FileStatus(of: path)
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        // Until the clock of the file system has ticked since it was written.
        repeat {
            try #require(pwrite(descriptor, " ", 1, off_t(before.size - 1)) == 1)
        } while try FileStatus(of: path).changedNanoseconds == before.changedNanoseconds
        let nanoseconds = before.identity.modifiedNanoseconds
        let time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        try #require(futimens(descriptor, [time, time]) == 0)
    }

    /// They are read beside each other, and which comes first does not matter.
    @Test func ofSeveralThatCanNotBeReadTheFirstOfTheScriptIsTold() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter, gone, lost]}}, {load_object_code, {fix, "9", [counter]}},
            point_of_no_return
            """
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: up))) { test async throws in
            let refusal = try await test.refusedBeforehand()
            let words = "instruction 1, {load_object_code,{fix,\"2.0.0\",[counter,gone,lost]}}: object code of gone: "
            #expect(refusal.hasPrefix(words), "\(refusal)")
        }
    }

    // MARK: Several at a time

    @Test func resultsAreInTheOrderOfTheItems() async {
        let items = Array(0..<1000)
        #expect(await DiskWork.map(items) { $0 * 2 } == items.map { $0 * 2 })
        #expect(await DiskWork.map([Int]()) { $0 }.isEmpty)
    }

    @Test func asManyAreUnderWayAsThereAreCores() async {
        let meeting = Meeting(of: DiskWork.laneCount)
        #expect(await DiskWork.map(Array(0..<DiskWork.laneCount)) { _ in meeting.attend() }.count == DiskWork.laneCount)
    }

    /// Lets nobody go on before all are there.
    private final class Meeting: Sendable {
        private let expected: Int
        private let there = Mutex(0)

        init(of expected: Int) { self.expected = expected }

        func attend() {
            there.withLock { $0 += 1 }
            while there.withLock({ $0 < expected }) { sched_yield() }
        }
    }
}
