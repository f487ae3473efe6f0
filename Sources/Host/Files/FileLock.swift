import CHost
import Glibc

/// A lock that one process holds for as long as it lives. Source: flock(2).
public final class FileLock: Sendable {
    private let descriptor: OwnedDescriptor

    /// Nil where another process holds it.
    public init?(_ path: String) throws(SystemError) {
        descriptor = try OwnedDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o644)
        if flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0 { return }
        guard errno == EWOULDBLOCK else { throw SystemError("flock", errno, path) }
        return nil
    }
}
