import Glibc

/// A listening socket of the test's own on 127.0.0.1, as the daemon would keep it.
final class Listener {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Listener.address(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(fd, raw, size) == 0 && listen(fd, 1024) == 0 && getsockname(fd, raw, &size) == 0
            }
        }
        guard result else { throw ProbeError(description: "listen: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}

/// A client of the fixture's line protocol. Waits at most the probe's time for an answer.
final class LineClient {
    let descriptor: Int32
    private var received: [UInt8] = []

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Listener.address(port: port)
        let fd = descriptor
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw ProbeError(description: "connect: errno \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw ProbeError(description: "send: errno \(errno)") }
            bytes = bytes.dropFirst(count)
        }
    }

    /// The next line without its end, nil at the end of the stream.
    func line() throws -> String? {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received.removeSubrange(...end) }
                return String(decoding: received[..<end], as: UTF8.self)
            }
            guard try receive() > 0 else { return nil }
        }
    }

    /// How many bytes come up to the next line's end.
    func longLineCount() throws -> Int {
        var count = 0
        while true {
            // Looked for in C: the lines are of megabytes, and tests are not optimised.
            let end = received.withUnsafeBytes { bytes in
                bytes.baseAddress.flatMap { start in memchr(start, 10, bytes.count).map { UnsafeRawPointer($0) - start }
                }
            }
            if let end {
                received.removeSubrange(...end)
                return count + end
            }
            count += received.count
            received.removeAll()
            guard try receive() > 0 else { throw ProbeError(description: "the stream has ended") }
        }
    }

    private func receive() throws -> Int {
        guard WorkerProbe.wait([descriptor], milliseconds: WorkerProbe.timeoutMilliseconds) else {
            throw ProbeError(description: "no answer")
        }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw ProbeError(description: "recv: errno \(errno)") }
        received.append(contentsOf: buffer[..<count])
        return count
    }

    /// True where nothing has arrived within the time.
    func isSilent(milliseconds: Int32) -> Bool {
        received.isEmpty && !WorkerProbe.wait([descriptor], milliseconds: milliseconds)
    }

    func ask(_ line: String) throws -> String? {
        try send(line + "\n")
        return try self.line()
    }

    func closeWriting() { shutdown(descriptor, Int32(SHUT_WR)) }
}
