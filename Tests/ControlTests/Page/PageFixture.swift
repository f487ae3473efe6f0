import Foundation
import Glibc
import Logging
import ReleaseHandling
import ServiceLifecycle
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// The real page server at a port of its own, over a node in memory.
struct PageFixture: Sendable {
    let port: UInt16

    static func run<Value: Sendable>(
        readers: ControlConfiguration.Readers = .everyone, rates: ControlRates = PageServer.rates,
        _ body: @Sendable (PageFixture) async throws -> Value
    ) async throws -> Value {
        let listening = AsyncStream.makeStream(of: String.self)
        let logger = Logger(label: "page-test") { _ in SwiftLogNoOpLogHandler() }
        let server = PageServer(
            try PageAddress("127.0.0.1:0"), handlers: ControlTestNode().handlers,
            authorization: ControlAuthorization(
                readers: readers, group: ControlGroup("no-such-group-here"), ownUserID: geteuid()),
            audit: AuditLog { Issue.record("a change was asked for: \($0)") }, logger: logger, rates: rates
        ) { listening.continuation.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { listening.continuation.finish() }
                // One that ends is the end of the group, which tells that by an error.
                try? await group.run()
            }
            var place: String?
            for await told in listening.stream {
                place = told
                break
            }
            let port = try #require(place.flatMap { URL(string: $0)?.port }.flatMap { UInt16(exactly: $0) })
            do {
                let value = try await body(PageFixture(port: port))
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return value
            } catch {
                tasks.cancelAll()
                throw error
            }
        }
    }

    /// One request by hand and its answer.
    func request(
        _ method: String = "GET", _ path: String, host: String? = "localhost", fields: [String] = []
    ) async throws -> RawHTTP.Answer {
        let lines = ["\(method) \(path) HTTP/1.1"] + (host.map { ["host: \($0)"] } ?? []) + fields
        let port = port
        return try await offPool {
            let http = try RawHTTP(port: port)
            try http.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
            return try http.answer()
        }
    }
}
