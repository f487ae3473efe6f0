import Glibc
import ReleaseHandling

typealias SocketAddress = ListenAddress

/// Addresses as the system calls take them.
extension ListenAddress {
    /// nil where `text` is no address that could be listened at.
    init?(checking text: String) {
        self.init(text)
        switch self {
        case .internet, .internet6: guard storage() != nil else { return nil }
        case .allAddresses, .path, .abstract: break  // Whether a path is too long is told as such.
        }
    }

    var family: Int32 {
        switch self {
        case .internet: return AF_INET
        case .internet6, .allAddresses: return AF_INET6
        case .path, .abstract: return AF_UNIX
        }
    }

    /// The address as bind(2) takes it, and its length; nil where the host is no address or the path too long.
    func storage() -> (storage: sockaddr_storage, length: socklen_t)? {
        switch self {
        case .internet(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return nil }
            return Self.stored(address, socklen_t(MemoryLayout<sockaddr_in>.size))
        case .internet6(let host, let port):
            return Self.internet6(host, port)
        case .allAddresses(let port):
            return Self.internet6("::", port)
        case .path(let path):
            return Self.unix(Array(path.utf8), endsInNUL: true)
        case .abstract(let name):
            return Self.unix([0] + Array(name.utf8), endsInNUL: false)
        }
    }

    private static func internet6(_ host: String, _ port: UInt16) -> (sockaddr_storage, socklen_t)? {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return nil }
        return stored(address, socklen_t(MemoryLayout<sockaddr_in6>.size))
    }

    private static func unix(_ name: [UInt8], endsInNUL: Bool) -> (sockaddr_storage, socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard name.count + (endsInNUL ? 1 : 0) <= room else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        return stored(address, socklen_t(offset + name.count + (endsInNUL ? 1 : 0)))
    }

    private static func stored<Address>(
        _ address: Address, _ length: socklen_t
    ) -> (sockaddr_storage, socklen_t) {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        }
        return (storage, length)
    }

    /// The text of an address that getsockname(2) returned.
    static func text(_ storage: sockaddr_storage, _ length: socklen_t) -> String {
        let family = Int32(storage.ss_family)
        return withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET:
                return "\(host(AF_INET, bytes.baseAddress! + 4)):\(port(bytes))"
            case AF_INET6:
                return "[\(host(AF_INET6, bytes.baseAddress! + 8))]:\(port(bytes))"
            case AF_UNIX where length > 2 && bytes[2] == 0:
                return "@" + String(decoding: bytes[3..<Int(length)], as: UTF8.self)
            case AF_UNIX:
                return String(decoding: bytes[2..<Int(length)].prefix { $0 != 0 }, as: UTF8.self)
            default:
                return "address family \(family)"
            }
        }
    }

    private static func port(_ bytes: UnsafeRawBufferPointer) -> Int { Int(bytes[2]) << 8 | Int(bytes[3]) }

    private static func host(_ family: Int32, _ address: UnsafeRawPointer) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard let result = inet_ntop(family, address, &text, socklen_t(text.count)) else { return "?" }
        return String(cString: result)
    }
}
