import CHost
import Glibc

/// A listening unix socket of one barrier program, and the way to those of others.
///
/// Directories may have longer paths than a socket's address holds, so each is named by the directory's descriptor. Source: unix(7).
@HostActor
public final class Meeting {
    private let directory: OwnedDescriptor
    private let path: String
    private let name: String
    private let descriptor: OwnedDescriptor
    private var watch: Watch?
    private static let backlog: Int32 = 256

    /// Listens as `name` in `directory`, in place of what is left of a program that was killed. It has its name only when it can be
    /// connected to.
    public init(
        _ name: String, in directory: String, onConnection: @escaping @HostActor (LineConnection) -> Void
    ) throws(SystemError) {
        path = directory
        self.name = name
        self.directory = try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        descriptor = try Self.socket()
        let temporary = ".\(getpid()).\(name)"
        var address = Self.address(temporary, in: self.directory)
        unlink("\(directory)/\(temporary)")
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw SystemError("bind", errno, "\(directory)/\(temporary)") }
        guard listen(descriptor.raw, Self.backlog) == 0 else { throw SystemError("listen", errno) }
        guard rename("\(directory)/\(temporary)", "\(directory)/\(name)") == 0 else {
            throw SystemError("rename", errno, "\(directory)/\(name)")
        }
        watch = try Reactor.shared.watch(descriptor.raw, .read) { [weak self] _ in self?.accept(onConnection) }
    }

    private func accept(_ onConnection: (LineConnection) -> Void) {
        while true {
            let raw = Glibc.accept(descriptor.raw, nil, nil)
            guard raw >= 0 else { return }
            _ = chost_fcntl(raw, F_SETFD, FD_CLOEXEC)
            let accepted = OwnedDescriptor(raw)
            accepted.setNonBlocking()
            guard let connection = try? LineConnection(accepted) else { continue }
            onConnection(connection)
        }
    }

    /// Nil where nobody listens there, or not any more.
    public func connect(to name: String) -> LineConnection? {
        guard let descriptor = try? Self.socket() else { return nil }
        var address = Self.address(name, in: directory)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return status == 0 ? try? LineConnection(descriptor) : nil
    }

    /// Nobody finds it any more.
    public func end() {
        watch?.cancel()
        watch = nil
        unlink("\(path)/\(name)")
    }

    private static func socket() throws(SystemError) -> OwnedDescriptor {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = Glibc.socket(AF_UNIX, kind, 0)
        guard raw >= 0 else { throw SystemError("socket", errno) }
        return OwnedDescriptor(raw)
    }

    private static func address(_ name: String, in directory: OwnedDescriptor) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array("/proc/self/fd/\(directory.raw)/\(name)".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes.prefix($0.count - 1)) }
        return address
    }
}
