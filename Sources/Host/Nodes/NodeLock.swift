import CHost
import Glibc

/// A lock on a file that its holder has for its life, and that others can look at without taking it: whoever looks is in nobody's way.
///
/// Whoever can open the file could hold it by a lock for reading: nobody else may. Source: fcntl(2), "Open file description locks".
final class NodeLock: Sendable {
    /// Linux's numbers, which Glibc shows with _GNU_SOURCE only.
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37

    private let descriptor: OwnedDescriptor

    /// Nil where another one holds it.
    init?(_ path: String) throws(SystemError) {
        descriptor = try OwnedDescriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        fchmod(descriptor.raw, 0o600)
        var lock = Self.whole
        if fcntl(descriptor.raw, Self.setLock, &lock) == 0 { return }
        guard errno == EAGAIN || errno == EACCES else { throw SystemError("fcntl F_OFD_SETLK", errno, path) }
        return nil
    }

    /// One that this process holds already, under this number: it came with it through an execve(2).
    init(held raw: Int32) { descriptor = OwnedDescriptor(raw) }

    var raw: Int32 { descriptor.raw }

    /// Whether somebody holds it.
    static func isHeld(_ path: String) -> Bool {
        guard let file = try? OwnedDescriptor.open(path, O_RDONLY | O_NOFOLLOW) else { return false }
        var lock = whole
        guard fcntl(file.raw, getLock, &lock) == 0 else { return false }
        return Int32(lock.l_type) != F_UNLCK
    }

    private static var whole: Glibc.flock {
        Glibc.flock(
            l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }
}
