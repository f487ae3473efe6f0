import Glibc
import ReleaseHandling

/// Where the page is served: an address that only this machine comes to, since whoever comes there may look.
///
/// `127.0.0.1:PORT` (any of 127.0.0.0/8), `[::1]:PORT`, `unix:/PATH`. A port of 0 is one that the kernel chooses; the log says which.
public enum PageAddress: Hashable, Sendable, CustomStringConvertible {
    /// - Parameter host: an IPv4 or IPv6 address, without brackets.
    case loopback(host: String, port: UInt16)
    case path(String)

    public struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        let text: String
        public var description: String {
            "'\(text)' is no address that only this machine comes to: give 127.0.0.1:PORT, [::1]:PORT or unix:/PATH"
        }
    }

    public init(_ text: String) throws(Invalid) {
        if text.hasPrefix("unix:/") {
            self = .path(String(text.dropFirst("unix:".count)))
            return
        }
        switch ListenAddress(text) {
        case .internet(let host, let port) where Self.isLoopback(host): self = .loopback(host: host, port: port)
        case .internet6(let host, let port) where Self.isLoopback6(host): self = .loopback(host: host, port: port)
        default: throw Invalid(text: text)
        }
    }

    public var description: String {
        switch self {
        case .loopback(let host, let port): "http://\(host.contains(":") ? "[\(host)]" : host):\(port)/"
        case .path(let path): "unix:\(path)"
        }
    }

    private static func isLoopback(_ host: String) -> Bool { bytes(of: host, AF_INET, count: 4)?.first == 127 }

    private static func isLoopback6(_ host: String) -> Bool {
        bytes(of: host, AF_INET6, count: 16) == [UInt8](repeating: 0, count: 15) + [1]
    }

    /// Source: inet_pton(3).
    private static func bytes(of host: String, _ family: Int32, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, host, &bytes) == 1 ? bytes : nil
    }

    /// Whether a request that names this as its host means us, and is not a page of somebody else's whose name leads here (DNS rebinding).
    ///
    /// - Parameter authority: a request's `Host`.
    static func isOwn(authority: String) -> Bool {
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard host[host.index(after: colon)...].utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
            host = host[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { return isLoopback6(String(host.dropFirst().dropLast())) }
        return host.lowercased() == "localhost" || isLoopback(String(host))
    }
}
