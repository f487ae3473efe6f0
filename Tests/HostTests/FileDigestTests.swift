import Glibc
import Testing

@testable import Host
@testable import TestSupport

/// What was hashed is not hashed again as long as it is what it was.
struct FileDigestTests {
    let directory = TemporaryDirectory()

    /// A clock by which what is written now was settled long ago.
    private static let later: @Sendable () -> Int = {
        WallClock.milliseconds() + FileDigests.settledMilliseconds + 1000
    }

    private func digest(_ path: String, _ digests: FileDigests) throws -> String {
        try ModuleFile(path).sha256(digests)
    }

    /// Writes to the first byte of the file as it is.
    private func write(_ byte: UInt8, into path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(withUnsafePointer(to: byte) { pwrite(descriptor, $0, 1, 0) } == 1)
    }

    /// Writes to the file, and puts its time of modification back: size, inode and that time stay.
    private func change(_ path: String, to byte: UInt8) throws {
        let before = try FileStatus(of: path)
        // Until the clock that ctime is taken from has ticked, a change would not be told from the one before it.
        repeat {
            try write(byte, into: path)
        } while try FileStatus(of: path).changedNanoseconds == before.changedNanoseconds
        let nanoseconds = before.identity.modifiedNanoseconds
        let time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        try #require(utimensat(AT_FDCWD, path, [time, time], 0) == 0)
        try #require(try FileStatus(of: path).identity == before.identity)
    }

    @Test func `a file that is as it was is hashed once`() throws {
        let path = try directory.write("file", "bytes")
        let digests = FileDigests(now: Self.later)
        let first = try digest(path, digests)
        #expect(first == (try FileDigest.sha256(path)))
        #expect(try digest(path, digests) == first)
        // By another name, too.
        try #require(symlink(path, directory.file("link")) == 0)
        #expect(try digest(directory.file("link"), digests) == first)
        #expect(digests.hashed == 1)
    }

    @Test func `bytes changed in place are found`() throws {
        let path = try directory.write("file", "bytes")
        let digests = FileDigests(now: Self.later)
        let first = try digest(path, digests)
        try change(path, to: UInt8(ascii: "B"))
        let second = try digest(path, digests)
        #expect(second != first)
        #expect(second == (try FileDigest.sha256(path)))
        #expect(digests.hashed == 2)
    }

    @Test func `what was changed a moment ago is hashed each time`() throws {
        let path = try directory.write("file", "bytes")
        let changed = try FileStatus(of: path).changedNanoseconds / 1_000_000
        // Also one that was changed in what is the future of the clock.
        for (age, hashed) in [(0, 2), (FileDigests.settledMilliseconds, 2), (-60_000, 2), (60_000, 1)] {
            let digests = FileDigests(now: { changed + age })
            _ = try digest(path, digests)
            _ = try digest(path, digests)
            #expect(digests.hashed == hashed, "\(age) ms old")
        }
    }

    /// Two changes in one tick of the clock: the digest of the first is never taken for that of the second.
    @Test func `two changes of the same time are told apart`() throws {
        let digests = FileDigests()
        let path = try directory.write("file", "0")
        for round in 0..<200 {
            try write(UInt8(ascii: "0") + UInt8(round % 10), into: path)
            #expect(try digest(path, digests) == (try FileDigest.sha256(path)))
        }
        #expect(digests.count == 0)
    }

    @Test func `a file in another's place is another`() throws {
        let path = try directory.write("file", "one")
        let digests = FileDigests(now: Self.later)
        let first = try digest(path, digests)
        try directory.write("other", "two")
        try #require(rename(directory.file("other"), path) == 0)
        #expect(try digest(path, digests) != first)
        try directory.write("again", "one")
        try #require(rename(directory.file("again"), path) == 0)
        #expect(try digest(path, digests) == first)
        #expect(digests.hashed == 3)
    }

    @Test func `what changes while it is hashed is not kept`() throws {
        let path = try directory.write("file", "bytes")
        let digests = FileDigests(now: Self.later)
        let first = try digests.sha256(of: try ModuleFile(path)) { file throws(ObjectCodeError) in
            let digest = try file.sha256()
            do { try change(path, to: UInt8(ascii: "B")) } catch { Issue.record("\(error)") }
            return digest
        }
        #expect(digests.count == 0)
        let second = try digest(path, digests)
        #expect(second != first)
        #expect(second == (try FileDigest.sha256(path)))
        #expect(digests.count == 1)
    }

    @Test func `object code that is as it was is checked without being read`() throws {
        let digests = FileDigests(now: Self.later)
        let program = try FileContents.read("/bin/true", limit: 16 * 1024 * 1024)
        let path = try directory.write("program", program, permissions: 0o755)
        let script = try directory.script("script", "#!/bin/sh\nexit 0\n")
        for path in [path, script] {
            let code = try ObjectCode.check(path, digests)
            let again = try ObjectCode.check(path, digests)
            #expect(again.sha256 == code.sha256 && again.identity == code.identity)
            #expect(again.executable?.isUnchanged == true)
        }
        #expect(digests.hashed == 2)
        // Touched, it is hashed again, and is the same code.
        let code = try ObjectCode.check(path, digests)
        try #require(utimes(path, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
        let again = try #require(code.readAgain(digests))
        #expect(again.sha256 == code.sha256 && again.executable?.isUnchanged == true)
        #expect(digests.hashed == 3)
        // Not executable any more: the check is not of the digest alone.
        try #require(chmod(path, 0o644) == 0)
        #expect(throws: ObjectCodeError.self) { try ObjectCode.check(path, digests) }
    }

    @Test func `no more digests are kept than there is room for`() throws {
        let digests = FileDigests(now: Self.later, limit: 3)
        for name in ["a", "b", "c", "d"] { _ = try digest(try directory.write(name, name), digests) }
        #expect(digests.count == 1)
        #expect(try digest(directory.file("a"), digests) == (try FileDigest.sha256(directory.file("a"))))
    }
}
