/// Where to listen, as in systemd's `ListenStream=`: `127.0.0.1:6379`, `[::1]:6379`, `6379` or `:6379` (all
/// addresses), `/run/x.sock`, `@name` (abstract). Whether a host is one is for who binds.
///
/// Source: systemd.socket(5), unix(7).
public enum ListenAddress: Hashable, Sendable, Codable {
    case internet(host: String, port: UInt16)
    case internet6(host: String, port: UInt16)
    case allAddresses(port: UInt16)
    case path(String)
    case abstract(String)

    /// nil where `text` is none of these.
    public init?(_ text: String) {
        if text.hasPrefix("/") {
            self = .path(text)
        } else if text.hasPrefix("@"), text.count > 1 {
            self = .abstract(String(text.dropFirst()))
        } else if let port = Self.port(text.hasPrefix(":") ? text.dropFirst() : text[...]) {
            self = .allAddresses(port: port)
        } else if let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) {
            let host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                self = .internet6(host: String(host.dropFirst().dropLast()), port: port)
            } else {
                self = .internet(host: String(host), port: port)
            }
        } else {
            return nil
        }
    }

    /// Whether only one of both can be listened at.
    public func excludes(_ other: ListenAddress) -> Bool {
        switch (self, other) {
        case (.path(let one), .path(let other)), (.abstract(let one), .abstract(let other)): return one == other
        default: break
        }
        guard let one = endpoint, let other = other.endpoint, one.port == other.port else { return false }
        return one.families & other.families != 0 && (one.host == other.host || one.isWildcard || other.isWildcard)
    }

    /// `families`: 1 is IPv4, 2 is IPv6.
    private var endpoint: (host: String, port: UInt16, families: Int, isWildcard: Bool)? {
        switch self {
        case .internet(let host, let port): (host, port, 1, host == "0.0.0.0")
        case .internet6(let host, let port): (host, port, 2, host == "::")
        case .allAddresses(let port): ("", port, 3, true)
        case .path, .abstract: nil
        }
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt16(text)
    }

    /// What two addresses have in common of which only one can be listened at.
    enum Key: Hashable {
        case port(UInt16)
        case path(String)
        case abstract(String)
    }

    var key: Key {
        switch self {
        case .internet(_, let port), .internet6(_, let port), .allAddresses(let port): .port(port)
        case .path(let path): .path(path)
        case .abstract(let name): .abstract(name)
        }
    }
}
