import Foundation
import Wire

@testable import TestSupport

/// What `GET /v1/events` tells, kept as it comes.
final class EventTail: Sendable {
    private let connection: RawHTTP
    private let kept = Kept()

    /// Shared with the thread that reads; what is in it is only touched with its lock held.
    private final class Kept: @unchecked Sendable {
        let condition = NSCondition()
        var events: [NodeEvent] = []
        /// With those that are forgotten.
        var count = 0
        var isOver = false
    }

    private init(_ connection: RawHTTP) { self.connection = connection }

    /// Returns once the daemon has taken the follower on.
    static func follow(_ socket: String) async throws -> EventTail {
        let connection = try await offPool {
            let connection = try RawHTTP(path: socket)
            try connection.send("GET", "/v1/events")
            guard try connection.head().status == 200 else { throw Unexpected("no events") }
            return connection
        }
        let tail = EventTail(connection)
        let kept = tail.kept
        Thread.detachNewThread { Self.read(connection, into: kept) }
        return tail
    }

    private static func read(_ connection: RawHTTP, into kept: Kept) {
        var pending: [UInt8] = []
        while let chunk = try? connection.chunk() {
            pending += chunk
            var lines = pending.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            pending = lines.popLast().map(Array.init) ?? []
            let events = lines.compactMap { try? JSONDecoder().decode(NodeEvent.self, from: Data($0)) }
            kept.condition.withLock {
                kept.events += events
                kept.count += events.count
                kept.condition.broadcast()
            }
        }
        kept.condition.withLock {
            kept.isOver = true
            kept.condition.broadcast()
        }
    }

    var all: [NodeEvent] { kept.condition.withLock { kept.events } }
    /// Of all that came, those that are forgotten too.
    var count: Int { kept.condition.withLock { kept.count } }

    func forget() { kept.condition.withLock { kept.events = [] } }

    /// Returns once there are more than `count`, or after that time.
    func more(than count: Int, milliseconds: Int) async throws {
        let kept = kept
        try await offPool {
            kept.condition.withLock {
                let end = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
                while kept.count <= count, kept.condition.wait(until: end) {}
            }
        }
    }

    func stop() { connection.shutdown() }
}
