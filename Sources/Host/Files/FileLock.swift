import CHost
import Glibc

/// A lock that one process holds for as long as it lives. Source: flock(2).
///
/// Whoever can open the file can take the lock, so nobody else may.
public final class FileLock: Sendable {
    private let descriptor: OwnedDescriptor

    /// Nil where another process holds it.
    public init?(_ path: String) throws(SystemError) {
        descriptor = try OwnedDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        // One that an earlier version has left open to all.
        fchmod(descriptor.raw, 0o600)
        if flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0 { return }
        guard errno == EWOULDBLOCK else { throw SystemError("flock", errno, path) }
        return nil
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
            throw SystemError("write", errno)
        }
    }

    private static let maxNoteBytes = 256
}
