import Glibc
import Synchronization
import Testing

/// A TCP client of the fixture worker's line protocol. Tests that are `async` await its answers off their threads.
final class LineClient: Sendable {
    let descriptor: Int32
    private let received = Mutex<[UInt8]>([])

    /// No test waits for ever: a worker that never answers fails the test instead.
    private static let limitSeconds = 60

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = Self.address(port: port)
        let descriptor = descriptor
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0, "connect: errno \(errno)")
    }

    deinit { close(descriptor) }

    /// 127.0.0.1:PORT
    static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            try #require(count > 0, "send: errno \(errno)")
            bytes = bytes.dropFirst(count)
        }
    }

    /// The next line without its end; nil at the end of the stream.
    func line() throws -> String? {
        try received.withLock { received in
            while true {
                if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                    defer { received.removeSubrange(...end) }
                    return String(decoding: received[..<end], as: UTF8.self)
                }
                if try receive(into: &received) == 0 {
                    defer { received = [] }
                    return received.isEmpty ? nil : String(decoding: received, as: UTF8.self)
                }
            }
        }
    }

    func line() async throws -> String? { try await offPool { try self.line() } }

    /// How many bytes come up to the next line's end.
    func longLineCount() throws -> Int {
        try received.withLock { received in
            var count = 0
            while true {
                // Looked for in C: the lines are of megabytes, and tests are not optimised.
                let end = received.withUnsafeBytes { bytes in
                    bytes.baseAddress.flatMap { start in
                        memchr(start, 10, bytes.count).map { UnsafeRawPointer($0) - start }
                    }
                }
                if let end {
                    received.removeSubrange(...end)
                    return count + end
                }
                count += received.count
                received.removeAll()
                if try receive(into: &received) == 0 { throw Unexpected("the stream has ended") }
            }
        }
    }

    private func receive(into received: inout [UInt8]) throws -> Int {
        try Wait.readable(descriptor, seconds: Self.limitSeconds, "an answer")
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        try #require(count >= 0, "recv: errno \(errno)")
        received += buffer[..<count]
        return count
    }

    /// True where nothing has arrived within the time.
    func isSilent(milliseconds: Int32) -> Bool {
        received.withLock { $0.isEmpty } && !Wait.isReadable([descriptor], milliseconds: milliseconds)
    }

    func ask(_ line: String) throws -> String? {
        try send(line + "\n")
        return try self.line()
    }

    func ask(_ line: String) async throws -> String? {
        try send(line + "\n")
        return try await self.line()
    }

    func closeWriting() { shutdown(descriptor, Int32(SHUT_WR)) }
}
