import Glibc
import Host
import Synchronization
import Testing

/// TCP ports that nobody listens at and that nobody is given meanwhile: below those that the system hands out by itself to
/// whoever asks for any, and locked against the other tests of this machine, by a unix socket with the port in its name, until
/// the tests end.
enum ReservedPort {
    private static let locks = Mutex<[ListeningSocket]>([])

    static func take() throws -> UInt16 {
        let range = String(
            decoding: try FileContents.read("/proc/sys/net/ipv4/ip_local_port_range", limit: 100), as: UTF8.self)
        let first = try #require(range.split(whereSeparator: \.isWhitespace).first.flatMap { UInt16($0) })
        for port in (10000..<max(first, 10001)).shuffled() {
            guard let lock = try? ListeningSocket.bind("@release-handler-test-port-\(port)"),
                (try? ListeningSocket.bind("\(port)")) != nil
            else { continue }
            locks.withLock { $0.append(lock) }
            return port
        }
        throw SystemError("bind", EADDRINUSE, "all ports below \(first)")
    }
}
