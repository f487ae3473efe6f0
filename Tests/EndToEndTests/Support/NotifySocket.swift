import Foundation
import Glibc
import Testing

@testable import TestSupport

/// The service manager's side of sd_notify(3): a socket that the daemon tells what it is at.
final class NotifySocket: Sendable {
    let path: String
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8CString)
        try #require(bytes.count <= MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { bytes.withUnsafeBytes($0.copyMemory(from:)) }
        let (descriptor, size) = (descriptor, socklen_t(MemoryLayout<sockaddr_un>.size))
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(bound == 0)
    }

    deinit { close(descriptor) }

    /// The next message's assignments, in order.
    func next(seconds: Int = 120) async throws -> [String] {
        let descriptor = descriptor
        return try await offPool {
            try Wait.readable(descriptor, seconds: seconds, "a notification")
            return try #require(Self.receive(descriptor))
        }
    }

    /// The next message that has this assignment; others before it are read and forgotten.
    @discardableResult
    func next(with assignment: String) async throws -> [String] {
        while true {
            let message = try await next()
            if message.contains(assignment) { return message }
        }
    }

    /// What has come and nobody has read.
    func drain() -> [[String]] {
        var messages: [[String]] = []
        while let message = Self.receive(descriptor) { messages.append(message) }
        return messages
    }

    /// Whether nothing comes within the time: the one question that only time can answer.
    func staysSilent(milliseconds: Int) async throws -> Bool {
        let descriptor = descriptor
        return try await offPool {
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&polled, 1, Int32(milliseconds)) == 0
        }
    }

    private static func receive(_ descriptor: Int32) -> [String]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
