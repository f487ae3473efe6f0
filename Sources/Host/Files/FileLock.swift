import CHost
import Glibc
import Instructions

/// A lock that one process holds for as long as it lives. Source: flock(2).
///
/// Whoever can open the file can take the lock, so nobody else may.
public final class FileLock: Sendable {
    private let descriptor: OwnedDescriptor

    /// Nil where another process holds it. In a file system that is read-only it is the lock of the file as it stands there, or of its directory
    /// where it does not.
    public init?(_ path: String) throws(SystemError) {
        descriptor = try Self.opened(path)
        // One that an earlier version has left open to all.
        if (try? FileStatus(of: descriptor.raw))?.kind == .file { fchmod(descriptor.raw, 0o600) }
        if flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0 { return }
        guard errno == EWOULDBLOCK else { throw SystemError("flock", errno, path) }
        return nil
    }

    private static func opened(_ path: String) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) {
            return try .open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        } catch {
            guard error.number == EROFS else { throw error }
            do throws(SystemError) {
                return try .open(path, O_RDONLY | O_NOFOLLOW)
            } catch {
                guard error.number == ENOENT else { throw error }
                return try .open(Paths.parent(of: path), O_RDONLY | O_DIRECTORY)
            }
        }
    }

    /// Of a lock that root has made: a daemon that is not root has to open it.
    public func giveToOwner(of directory: String) {
        var status = stat()
        guard geteuid() == 0, stat(directory, &status) == 0 else { return }
        _ = fchown(descriptor.raw, status.st_uid, status.st_gid)
    }

    /// One that this process holds already, under this number: it came with it through an execve(2).
    public init(held raw: Int32) { descriptor = OwnedDescriptor(raw) }

    public var raw: Int32 { descriptor.raw }

    /// What its holder wrote into the file: of the one before, until this one has written.
    public func note() -> String {
        var buffer = [UInt8](repeating: 0, count: Self.maxNoteBytes)
        let count = pread(descriptor.raw, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }

    /// - Parameter note: 256 bytes at the most.
    public func write(note: String) throws(SystemError) {
        let bytes = Array(note.utf8.prefix(Self.maxNoteBytes))
        guard ftruncate(descriptor.raw, 0) == 0, pwrite(descriptor.raw, bytes, bytes.count, 0) == bytes.count else {
            // Of a descriptor that is for reading alone since nothing else could be had: ftruncate(2) has other words for it.
            throw SystemError("write", [EINVAL, EBADF].contains(errno) ? EROFS : errno)
        }
    }

    private static let maxNoteBytes = 256
}
