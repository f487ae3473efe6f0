import Glibc

struct ConnectionError: Error {
    let text: String

    static func system(_ what: String) -> ConnectionError {
        ConnectionError(text: "\(what): \(String(cString: strerror(errno)))")
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
func monotonicNanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// An answer of the server, as far as the requests here can get one.
enum Answer: Equatable {
    case simple(String)
    case error(String)
    case integer(Int)
    case bulk(String?)
}

/// A TCP connection to the server. It is closed with `close()`.
struct Connection {
    let socket: Int32
    private var unread: [UInt8] = []
    private var position = 0

    init(_ options: Options) throws(ConnectionError) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = options.port.bigEndian
        guard inet_pton(AF_INET, options.host, &address.sin_addr) == 1 else {
            throw ConnectionError(text: "--host: '\(options.host)' is no IPv4 address such as 127.0.0.1")
        }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw .system("socket") }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            let error = ConnectionError.system("can't connect to \(options.host):\(options.port)")
            Glibc.close(socket)
            throw error
        }
        var yes: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    func close() {
        Glibc.close(socket)
    }

    /// Writes all of the bytes; false when the connection is gone.
    func write(_ bytes: [UInt8]) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(socket, $0.baseAddress! + written, $0.count - written) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Reads what is there, waiting if there is nothing; false when the connection is gone.
    mutating func read() -> Bool {
        if position > 0 {
            unread.removeFirst(position)
            position = 0
        }
        var count = 0
        let (socket, chunk) = (socket, 64 << 10)
        unread += [UInt8](unsafeUninitializedCapacity: chunk) { buffer, initializedCount in
            repeat { count = Glibc.read(socket, buffer.baseAddress, chunk) } while count < 0 && errno == EINTR
            initializedCount = max(0, count)
        }
        return count > 0
    }

    /// The next answer, nil while it is not whole; what is no answer that the requests here can get is an error.
    mutating func nextAnswer() throws(ConnectionError) -> Answer? {
        guard position < unread.count else { return nil }
        guard let lineEnd = unread[position...].firstIndex(of: 0x0A) else { return nil }
        let line = String(decoding: unread[(position + 1)..<max(position + 1, lineEnd - 1)], as: UTF8.self)
        switch unread[position] {
        case UInt8(ascii: "+"):
            position = lineEnd + 1
            return .simple(line)
        case UInt8(ascii: "-"):
            position = lineEnd + 1
            return .error(line)
        case UInt8(ascii: ":"):
            guard let value = Int(line) else { break }
            position = lineEnd + 1
            return .integer(value)
        case UInt8(ascii: "$"):
            guard let length = Int(line) else { break }
            guard length >= 0 else {
                position = lineEnd + 1
                return .bulk(nil)
            }
            let start = lineEnd + 1
            guard start + length + 2 <= unread.count else { return nil }
            position = start + length + 2
            return .bulk(String(decoding: unread[start..<(start + length)], as: UTF8.self))
        default: break
        }
        throw ConnectionError(text: "the server answered what is no RESP2: byte \(unread[position])")
    }
}

/// Requests as bytes.
enum Request {
    static func encode(_ arguments: [String]) -> [UInt8] {
        var text = "*\(arguments.count)\r\n"
        for argument in arguments {
            text += "$\(argument.utf8.count)\r\n\(argument)\r\n"
        }
        return Array(text.utf8)
    }
}
