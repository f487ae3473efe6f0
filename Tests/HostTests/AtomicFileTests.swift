import Glibc
import Synchronization
import Testing

@testable import Host
@testable import TestSupport

/// The real system calls, with a record of their order; one of them can be made to fail.
private final class Recording: Sendable {
    private let log = Mutex<[String]>([])
    private let failing: String?
    /// How many bytes one write(2) takes.
    private let writeLimit: Int

    init(failing: String? = nil, writeLimit: Int = .max) {
        self.failing = failing
        self.writeLimit = writeLimit
    }

    var entries: [String] { log.withLock { $0 } }

    private func note(_ entry: String) -> Bool {
        log.withLock { $0.append(entry) }
        return entry == failing
    }

    var calls: FileSystemCalls {
        let system = FileSystemCalls.system
        let isDirectory = Mutex(false)
        // Held by the closures together: fsync(2) does not say what it syncs.
        let kind = Shared(isDirectory: isDirectory.withLock { $0 })
        return FileSystemCalls(
            open: { [self] path, flags, mode in
                kind.set(flags & O_DIRECTORY != 0)
                return note("open \(kind.name)") ? -EACCES : system.open(path, flags, mode)
            },
            write: { [self] descriptor, bytes in
                if note("write") { return -Int(ENOSPC) }
                return system.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(writeLimit)))
            },
            sync: { [self] in note("sync \(kind.name)") ? -EIO : system.sync($0) },
            close: { [self] in
                let result = system.close($0)
                return note("close \(kind.name)") ? -EDQUOT : result
            },
            rename: { [self] in note("rename") ? -EROFS : system.rename($0, $1) },
            unlink: { [self] in note("unlink") ? -EROFS : system.unlink($0) })
    }

    private final class Shared: Sendable {
        private let isDirectory: Mutex<Bool>
        init(isDirectory: Bool) { self.isDirectory = Mutex(isDirectory) }
        func set(_ value: Bool) { isDirectory.withLock { $0 = value } }
        var name: String { isDirectory.withLock { $0 } ? "directory" : "file" }
    }
}

struct AtomicFileTests {
    let directory = TemporaryDirectory()

    private func contents() throws -> String {
        String(decoding: try FileContents.read(directory.file("RELEASES"), limit: 1000), as: UTF8.self)
    }

    @Test func `new file, sync, rename, sync of the directory, in this order`() throws {
        try directory.write("RELEASES", "old")
        let recording = Recording(writeLimit: 2)
        try AtomicFile.write(directory.file("RELEASES"), Array("new!".utf8), calls: recording.calls)
        #expect(
            recording.entries == [
                "open file", "write", "write", "sync file", "close file", "rename", "open directory",
                "sync directory", "close directory",
            ])
        #expect(try contents() == "new!")
        #expect(directory.names == ["RELEASES"])
    }

    @Test(arguments: [
        ("open file", "open: Permission denied"), ("write", "write: No space left on device"),
        ("sync file", "fsync: Input/output error"), ("close file", "close: Disk quota exceeded"),
        ("rename", "rename: Read-only file system"),
    ])
    func `a failure leaves the old file and nothing else`(call: String, text: String) throws {
        try directory.write("RELEASES", "old")
        let error = #expect(throws: SystemError.self) {
            try AtomicFile.write(
                directory.file("RELEASES"), Array("new".utf8), calls: Recording(failing: call).calls)
        }
        #expect(error?.description.hasSuffix(": \(text)") == true, "\(String(describing: error))")
        #expect(try contents() == "old")
        #expect(directory.names == ["RELEASES"])
    }

    @Test func `a directory that can't be synced is told of`() throws {
        let error = #expect(throws: SystemError.self) {
            try AtomicFile.write(
                directory.file("RELEASES"), [], calls: Recording(failing: "sync directory").calls)
        }
        #expect(error?.description == "\(directory.path): fsync: Input/output error")
    }

    @Test func `permissions, also of a file that is replaced`() throws {
        try directory.write("RELEASES", "old", permissions: 0o644)
        try directory.write("RELEASES", "new", permissions: 0o600)
        #expect(try FileStatus(of: directory.file("RELEASES")).permissions == 0o600)
    }

    @Test func `a file that is replaced keeps its owner, group and mode`() throws {
        let path = try directory.write("RELEASES", "old", permissions: 0o640)
        // Who is not root can't give a file away.
        let owner: uid_t = geteuid() == 0 ? 12_345 : geteuid()
        try #require(chown(path, owner, geteuid() == 0 ? 23_456 : getegid()) == 0)
        var before = stat()
        try #require(stat(path, &before) == 0)
        try AtomicFile.write(path, Array("new".utf8))
        var after = stat()
        try #require(stat(path, &after) == 0)
        #expect(try contents() == "new")
        #expect(after.st_uid == owner && after.st_gid == before.st_gid && after.st_mode == before.st_mode)
        #expect(after.st_mode & 0o7777 == 0o640)
        #expect(after.st_ino != before.st_ino)
        #expect(try FileStatus(of: directory.write("fresh", "x")).permissions == 0o644)
    }

    @Test(arguments: ["elsewhere/data", "./elsewhere/data"])
    func `a link stays, and what it leads to is replaced`(target: String) throws {
        try Directory.make(directory.file("elsewhere"))
        // Through a second link, and to nothing yet.
        #expect(symlink(target, directory.file("second")) == 0)
        #expect(symlink(directory.file("second"), directory.file("RELEASES")) == 0)
        for text in ["first", "then"] {
            try AtomicFile.write(directory.file("RELEASES"), Array(text.utf8))
            #expect(try contents() == text)
            #expect(try FileStatus(ofLink: directory.file("RELEASES")).kind == .symbolicLink)
            #expect(try FileStatus(ofLink: directory.file("elsewhere/data")).kind == .file)
            #expect(Directory.names(directory.file("elsewhere")) == ["data"])
            #expect(directory.names == ["RELEASES", "elsewhere", "second"])
        }
    }

    @Test func `a link that leads to itself is told of`() throws {
        let path = directory.file("RELEASES")
        #expect(symlink("RELEASES", path) == 0)
        let error = #expect(throws: SystemError.self) { try AtomicFile.write(path, []) }
        #expect(error?.description.hasSuffix("/RELEASES: open: Too many levels of symbolic links") == true)
    }

    @Test func `what a crash left is removed, other hidden files are not`() throws {
        for name in [".RELEASES.new-12-3", ".hidden", ".a.new-x-1", "RELEASES.new-1-1"] {
            try directory.write(name, "x")
        }
        AtomicFile.removeLeftovers(in: directory.path)
        #expect(directory.names == [".a.new-x-1", ".hidden", "RELEASES.new-1-1"])
    }

    @Test func `a directory is given its name once`() throws {
        for name in ["first", "second", "third"] { try Directory.make(directory.file("\(name)/lib")) }
        try directory.write("third/lib/file", "x")
        try AtomicFile.place(directory.file("first"), at: directory.file("target"))
        try AtomicFile.place(directory.file("second"), at: directory.file("target"))
        let target = directory.file("target")
        #expect(throws: SystemError("rename", EEXIST, target)) {
            try AtomicFile.place(directory.file("third"), at: target)
        }
        try AtomicFile.place(try directory.write("new", "x"), at: try directory.write("old", "y"))
        #expect(directory.names == ["old", "second", "target", "third"])
    }

    @Test func `files that are too large, directories, no files, or not there`() throws {
        let path = try directory.write("large", [UInt8](repeating: 0, count: 101))
        #expect(try FileContents.read(path, limit: 101).count == 101)
        let large = #expect(throws: SystemError.self) { try FileContents.read(path, limit: 100) }
        #expect(large?.number == EFBIG && large?.description == "\(path): read: over the limit of 100 bytes")
        #expect(throws: SystemError("read", EISDIR, directory.path)) {
            try FileContents.read(directory.path, limit: 100)
        }
        let fifo = directory.file("fifo")
        mkfifo(fifo, 0o600)
        let other = #expect(throws: SystemError.self) { try FileContents.read(fifo, limit: 100) }
        #expect(other?.number == EINVAL && other?.description == "\(fifo): read: not a regular file")
        #expect(throws: SystemError("open", ENOENT, "/no/such")) { try FileContents.read("/no/such", limit: 100) }
    }
}
