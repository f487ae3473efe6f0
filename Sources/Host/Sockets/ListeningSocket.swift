import CHost
import Glibc
import Instructions
public import ReleaseHandling

/// Why nothing listens at an address.
public struct ListenError: Error, Hashable, CustomStringConvertible {
    public let address: String
    /// 0 where the text is no address.
    public let errno: Int32
    private let sentence: String

    init(_ address: String, errno: Int32, _ sentence: String) {
        self.address = address
        self.errno = errno
        self.sentence = sentence
    }

    public var isInUse: Bool { errno == EADDRINUSE }

    /// Another place of the tree listens there.
    public static func inUse(_ address: String, by holder: String) -> ListenError {
        ListenError(address, errno: EADDRINUSE, "\(holder) has it")
    }

    public var description: String { "can't listen at \"\(address)\": \(sentence)" }
}

/// A listening stream socket that the daemon keeps for its workers, generation after generation.
public final class ListeningSocket: Sendable {
    public let descriptor: OwnedDescriptor
    /// Where it listens: with the port that the system chose where 0 was asked for.
    public let address: String

    private init(_ descriptor: OwnedDescriptor, address: String) {
        self.descriptor = descriptor
        self.address = address
    }

    public var fd: Int32 { descriptor.raw }

    /// Nobody listens there by it any more, whoever has a copy of the descriptor: the address is free. Source: shutdown(2), tcp(7).
    public func stopListening() { _ = shutdown(descriptor.raw, Int32(SHUT_RDWR)) }

    /// Listens at `text`: `127.0.0.1:6379`, `[::1]:6379`, `6379` or `:6379` for all addresses, `/path`, `@abstract`.
    ///
    /// A socket file that nobody listens at any more is replaced; `access` is that of the new one. The socket blocks, as
    /// an unmodified program expects it; who wants it otherwise sets that itself.
    public static func bind(_ text: String, access: SocketFileAccess = .standard) throws(ListenError) -> ListeningSocket
    {
        let address = try checked(text)
        switch address {
        case .allAddresses(let port):
            do {
                return try bind(address, text)
            } catch  where error.errno == EAFNOSUPPORT || error.errno == EADDRNOTAVAIL {
                // A machine without IPv6.
                return try bind(.internet(host: "0.0.0.0", port: port), text)
            }
        case .path(let path):
            removeStale(path, address)
            return try bind(address, text) { () throws(ListenError) in
                do throws(ListenError) {
                    try access.set(on: path)
                } catch {
                    unlink(path)
                    throw error
                }
            }
        case .internet, .internet6, .abstract:
            return try bind(address, text)
        }
    }

    /// Why nobody can listen at `text` on any machine: it is no address, or a path that is too long.
    public static func formError(of text: String) -> ListenError? {
        do throws(ListenError) {
            _ = try checked(text)
            return nil
        } catch {
            return error
        }
    }

    private static func checked(_ text: String) throws(ListenError) -> SocketAddress {
        guard let address = SocketAddress(checking: text) else {
            throw ListenError(
                text, errno: 0,
                "not an address; write 127.0.0.1:6379, [::1]:6379, 6379 for all addresses, /run/x.sock or @name")
        }
        guard address.storage() != nil else { throw tooLong(text) }
        return address
    }

    private static func tooLong(_ text: String) -> ListenError {
        ListenError(text, errno: ENAMETOOLONG, "the path of a unix socket has at most 107 bytes")
    }

    /// A listening socket that came from elsewhere, such as the service manager's descriptor store.
    public static func adopt(_ descriptor: OwnedDescriptor) throws(ListenError) -> ListeningSocket {
        var listens: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor.raw, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0, listens == 1 else {
            throw ListenError("descriptor \(descriptor.raw)", errno: EINVAL, "not a listening socket")
        }
        return ListeningSocket(descriptor, address: boundAddress(descriptor))
    }

    /// `prepare` has its time between bind(2) and listen(2), while nobody can connect yet.
    private static func bind(
        _ address: SocketAddress, _ text: String, prepare: () throws(ListenError) -> Void = {}
    ) throws(ListenError) -> ListeningSocket {
        func failure(_ call: String) -> ListenError {
            let number = errno
            return ListenError(text, errno: number, sentence(call, number, address))
        }
        guard let (storage, length) = address.storage() else { throw tooLong(text) }
        let raw = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw failure("socket") }
        let descriptor = OwnedDescriptor(raw)
        if address.family != AF_UNIX { set(raw, SOL_SOCKET, SO_REUSEADDR, 1) }
        if address.family == AF_INET6 {
            var only: Int32 = 1
            if case .allAddresses = address { only = 0 }
            set(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, only)
        }
        var copy = storage
        let bound = withUnsafePointer(to: &copy) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(raw, $0, length) }
        }
        guard bound == 0 else { throw failure("bind") }
        try prepare()
        guard listen(raw, 4096) == 0 else { throw failure("listen") }
        return ListeningSocket(descriptor, address: boundAddress(descriptor))
    }

    /// Gives the socket's file another access; nothing where it has no file, or has lost it.
    public func setAccess(_ access: SocketFileAccess) throws(ListenError) {
        guard case .path(let path) = SocketAddress(checking: address), FileNames.exists(path) else { return }
        try access.set(on: path)
    }

    /// What `bind` made it of; nil where that is none of ours.
    public var listenAddress: ListenAddress? {
        guard let own = SocketAddress(checking: address) else { return nil }
        guard case .internet6(host: "::", let port) = own else { return own }
        var only: Int32 = 1
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, &length)
        return only == 0 ? .allAddresses(port: port) : own
    }

    /// The file that its path leads to; nil where there is none, where that is no socket, and for any other address.
    public var file: FileIdentity? {
        guard case .path(let path) = SocketAddress(checking: address),
            let status = try? FileStatus(of: path), status.kind == .socket
        else { return nil }
        return status.identity
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func boundAddress(_ descriptor: OwnedDescriptor) -> String {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(descriptor.raw, $0, &length)
            }
        }
        return SocketAddress.text(storage, length)
    }

    /// Removes the socket file that a listener that is gone left behind: bind(2) would find it in use for ever.
    private static func removeStale(_ path: String, _ address: SocketAddress) {
        guard (try? FileStatus(ofLink: path))?.kind == .socket, let (stored, length) = address.storage() else { return }
        var storage = stored
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let probe = socket(AF_UNIX, kind, 0)
        guard probe >= 0 else { return }
        defer { close(probe) }
        let connected = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, length) }
        }
        if connected < 0, errno == ECONNREFUSED { unlink(path) }
    }

    private static func sentence(_ call: String, _ number: Int32, _ address: SocketAddress) -> String {
        switch (number, address) {
        case (EADDRINUSE, .path(let path)) where (try? FileStatus(ofLink: path)).map { $0.kind != .socket } == true:
            return "something that is no socket has that name: remove it, or listen elsewhere"
        case (EADDRINUSE, _):
            return "the address is in use by another program"
        case (EACCES, .internet), (EACCES, .internet6), (EACCES, .allAddresses):
            return "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE"
        case (EADDRNOTAVAIL, _):
            return "no interface of this machine has that address"
        case (ENOENT, .path(let path)):
            return "the directory \(Paths.parent(of: path)) does not exist"
        default:
            return "\(call): \(SystemError.reason(number))"
        }
    }
}
