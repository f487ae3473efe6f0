import Foundation
import Glibc
import Host
import Logging
import ServiceLifecycle
import Synchronization
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The real server on a socket of its own, over a node in memory.
final class ControlFixture: Sendable {
    let directory: String
    let node = ControlTestNode()
    let audit = Mutex<[ControlAuditRecord]>([])
    let audited = AsyncStream.makeStream(of: ControlAuditRecord.self)

    var socketPath: String { "\(directory)/run/control.sock" }

    init() throws {
        directory = TemporaryDirectory.make()
        // Other users connect in some of the tests.
        chmod(directory, 0o755)
    }

    /// Runs the server while `body` does, and ends it by a graceful shutdown.
    static func run<Value: Sendable>(
        readers: ControlConfiguration.Readers = .everyone, group: String = "no-such-group-here",
        maxConnections: Int = 128, rates: ControlRates = ControlRates(),
        _ body: @Sendable (ControlFixture) async throws -> Value
    ) async throws -> Value {
        let fixture = try ControlFixture()
        defer { fixture.remove() }
        let value = try await fixture.serve(
            readers: readers, group: group, maxConnections: maxConnections, rates: rates, body)
        #expect(access(fixture.socketPath, F_OK) != 0, "the socket is removed")
        return value
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }

    /// - Parameter given: the service manager's socket, where it has made one.
    func serve<Value: Sendable>(
        readers: ControlConfiguration.Readers = .everyone, group: String = "no-such-group-here",
        maxConnections: Int = 128, rates: ControlRates = ControlRates(), given: OwnedDescriptor? = nil,
        _ body: @Sendable (ControlFixture) async throws -> Value
    ) async throws -> Value {
        let listening = AsyncStream.makeStream(of: Void.self)
        let server = server(
            readers: readers, group: group, maxConnections: maxConnections, rates: rates, given: given
        ) {
            listening.continuation.yield()
            listening.continuation.finish()
        }
        let logger = Logger(label: "control-test") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { listening.continuation.finish() }
                try await group.run()
            }
            for await _ in listening.stream { break }
            do {
                let value = try await body(self)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return value
            } catch {
                tasks.cancelAll()
                throw error
            }
        }
    }

    func server(
        readers: ControlConfiguration.Readers = .everyone, group: String = "no-such-group-here",
        maxConnections: Int = 128, rates: ControlRates = ControlRates(), given: OwnedDescriptor? = nil,
        onListening: @escaping @Sendable () async -> Void = {}
    ) -> ControlServer {
        ControlServer(
            configuration: ControlConfiguration(
                socketPath: socketPath, readers: readers, group: group,
                maxConnections: maxConnections),
            handlers: node.handlers,
            audit: { record in
                self.audit.withLock { $0.append(record) }
                self.audited.continuation.yield(record)
            },
            logger: Logger(label: "control-test") { _ in SwiftLogNoOpLogHandler() }, given: given, rates: rates,
            onListening: onListening)
    }

    /// One request for NDJSON and its answer.
    ///
    /// - Parameter accept: as the client names what it takes.
    func lines(
        _ method: String, _ path: String, body: String = "", accept: String = "application/x-ndjson"
    ) async throws -> RawHTTP.Answer {
        let socketPath = socketPath
        return try await offPool {
            let connection = try RawHTTP(path: socketPath)
            try connection.send(
                Array(
                    """
                    \(method) \(path) HTTP/1.1\r\nhost: localhost\r\naccept: \(accept)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)
                    """.utf8))
            return try connection.answer()
        }
    }

    /// One request and its answer, over raw HTTP.
    func request(_ method: String, _ path: String, body: String? = nil) async throws -> RawHTTP.Answer {
        let path = (path, socketPath)
        return try await offPool {
            let connection = try RawHTTP(path: path.1)
            try connection.send(method, path.0, body: body.map { Array($0.utf8) })
            return try connection.answer()
        }
    }
}
