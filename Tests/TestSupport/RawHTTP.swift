import Foundation
import Glibc
import Synchronization
import Wire

/// HTTP/1.1 by hand over a unix socket, so that the server meets what no library would send.
final class RawHTTP: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }

        func error() throws -> ControlError {
            try JSONDecoder().decode(ControlErrorBody.self, from: Data(body)).error
        }
    }

    struct Ended: Error {}

    private let socket: Int32
    private let pending = Mutex<[UInt8]>([])

    convenience init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try self.init(AF_UNIX, address)
    }

    /// To 127.0.0.1.
    convenience init(port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try self.init(AF_INET, address)
    }

    private init<Address>(_ family: Int32, _ address: Address) throws {
        socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        // A hung server fails the test instead of hanging it.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// Whether something has come that was not read yet.
    var hasInput: Bool {
        var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }

    func shutdown() { Glibc.shutdown(socket, Int32(SHUT_RDWR)) }

    func send(_ method: String, _ path: String, body: [UInt8]? = nil) throws {
        let length = body.map { "content-length: \($0.count)\r\n" } ?? ""
        try send(Array("\(method) \(path) HTTP/1.1\r\nhost: localhost\r\n\(length)\r\n".utf8) + (body ?? []))
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // Turned down before all of it was sent: the answer, which is there already, says why.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// How many of these bytes the socket takes at once.
    func offer(_ bytes: [UInt8]) -> Int {
        max(0, Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
    }

    func head() throws -> Answer {
        let first = try line().split(separator: " ")
        var answer = Answer(status: Int(first[1]) ?? 0, headers: [:], body: [])
        while true {
            let field = try line()
            if field.isEmpty { return answer }
            let parts = field.split(separator: ":", maxSplits: 1)
            answer.headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
    }

    func answer() throws -> Answer {
        var answer = try head()
        if let length = answer.headers["content-length"].flatMap({ Int($0) }) {
            answer.body = try bytes(length)
        } else {
            while let part = try chunk() { answer.body += part }
        }
        return answer
    }

    /// One chunk of a chunked body; nil at its end.
    func chunk() throws -> [UInt8]? {
        let size = Int(try line(), radix: 16) ?? 0
        let part = try bytes(size)
        _ = try line()
        return size == 0 ? nil : part
    }

    /// Whether the server has closed the connection.
    func isAtEnd() throws -> Bool {
        do {
            _ = try bytes(1)
            return false
        } catch is Ended {
            return true
        }
    }

    private func line() throws -> String {
        var line: [UInt8] = []
        while true {
            let byte = try bytes(1)[0]
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...], as: UTF8.self)
    }

    private func bytes(_ count: Int) throws -> [UInt8] {
        try pending.withLock { pending in
            while pending.count < count {
                var chunk = [UInt8](repeating: 0, count: 65_536)
                var received = recv(socket, &chunk, chunk.count, 0)
                // unix(7): a peer that closes with bytes unread resets the connection, which is told once, before the
                // answer that lies behind it.
                if received < 0, errno == ECONNRESET { received = recv(socket, &chunk, chunk.count, 0) }
                guard received > 0 else { throw Ended() }
                pending += chunk.prefix(received)
            }
            defer { pending.removeFirst(count) }
            return Array(pending.prefix(count))
        }
    }
}
