import CHost
import Glibc

/// A file descriptor with one owner; it is closed when the last reference goes.
public final class OwnedDescriptor: Sendable {
    public let raw: Int32

    /// Takes `raw` over.
    public init(_ raw: Int32) { self.raw = raw }

    deinit { close(raw) }

    /// A second descriptor of the same open file, close-on-exec.
    public func duplicated() throws(SystemError) -> OwnedDescriptor {
        let copy = chost_fcntl(raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemError("fcntl F_DUPFD_CLOEXEC", errno) }
        return OwnedDescriptor(copy)
    }

    func setNonBlocking() {
        let flags = chost_fcntl(raw, F_GETFL, 0)
        _ = chost_fcntl(raw, F_SETFL, flags | O_NONBLOCK)
    }

    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) -> OwnedDescriptor {
        let raw = chost_open(path, flags, mode)
        guard raw >= 0 else { throw SystemError("open", errno, path) }
        return OwnedDescriptor(raw)
    }

    /// A pipe, close-on-exec at both ends.
    static func pipe() throws(SystemError) -> (readEnd: OwnedDescriptor, writeEnd: OwnedDescriptor) {
        var ends: [Int32] = [-1, -1]
        let status = chost_pipe(&ends)
        guard status == 0 else { throw SystemError("pipe2", -status) }
        return (OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1]))
    }

    /// A pair of connected unix sockets, close-on-exec; `kind` is SOCK_STREAM or SOCK_SEQPACKET.
    static func socketPair(
        _ kind: __socket_type
    ) throws(SystemError) -> (ours: OwnedDescriptor, theirs: OwnedDescriptor) {
        var ends: [Int32] = [-1, -1]
        let flags = Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &ends) == 0 else { throw SystemError("socketpair", errno) }
        return (OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1]))
    }
}
