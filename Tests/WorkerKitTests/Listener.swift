import Glibc

@testable import TestSupport

/// A listening socket of the test's own on 127.0.0.1, as the daemon would keep it.
final class Listener {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = LineClient.address(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(fd, raw, size) == 0 && listen(fd, 1024) == 0 && getsockname(fd, raw, &size) == 0
            }
        }
        guard result else { throw Unexpected("listen: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
