import Glibc
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A worker that goes on, serves, and ends before it says so: what it read is gone, and so nobody goes on as if it had not
/// been read.
@Suite(.timeLimit(.minutes(15))) struct LostAtResumeTests {
    private static let serves = TestRoot.Edit(
        vsn: "2.0.0", module: "store", what: "    HANDLERS = dict(base.Worker.HANDLERS, ",
        with: """
                def resume(self, ref):
                    if self.status == "imported":
                        self.status = "running"
                        for descriptor in list(self.connections):
                            self.serve(descriptor)
                        self.serve_received()
                        os._exit(7)
                    base.Worker.resume(self, ref)

                HANDLERS = dict(base.Worker.HANDLERS, resume=(base.Worker.WITH_STATE, resume), 
            """)

    /// Asks one thing after the other, until the connection ends; the versions that have answered, one after the other.
    private static func versions(
        _ client: LineClient, _ begun: @escaping @Sendable () -> Void
    ) async throws -> [String] {
        try await offPool {
            var versions: [String] = []
            var received: [UInt8] = []
            let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
            while send(client.descriptor, request, request.count, Int32(MSG_NOSIGNAL)) > 0 {
                // Four lines of a head, and the body's.
                while received.count(where: { $0 == UInt8(ascii: "\n") }) < 5 {
                    try Wait.readable(client.descriptor, seconds: 60, "an answer")
                    var buffer = [UInt8](repeating: 0, count: 4096)
                    let count = recv(client.descriptor, &buffer, buffer.count, 0)
                    guard count > 0 else { return versions }
                    received += buffer[..<count]
                }
                let words = String(decoding: received, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                received = []
                let vsn = words.last.map(String.init) ?? ""
                if versions.last != vsn { versions.append(vsn) }
                begun()
            }
            return versions
        }
    }

    /// - Parameter first: whether another worker was resumed in the new code before, so that it can't be undone.
    @Test(arguments: [false, true])
    func itsConnectionsAreNotGivenBack(first: Bool) async throws {
        let group = first ? TestRoot.upGroup("counter") : nil
        let up = TestRoot.script(
            "2.0.0", TransactionTests.both, [group, TestRoot.upGroup("store")].compactMap(\.self))
        let root = try TestRoot.modules(
            TransactionTests.both, children: TransactionTests.children, up: up, edits: [Self.serves])
        try await TestNode.with(root) { test async throws in
            let store = TransactionTests.store
            let (c1, old) = (try await test.pid(), try await test.pid(store))
            _ = try await test.call("{add, 5}")
            let client = try LineClient(port: try await test.port(store))
            let hasBegun = Atomic<Bool>(false)
            async let versions = Self.versions(client) { hasBegun.store(true, ordering: .relaxed) }
            while !hasBegun.load(ordering: .relaxed) { await Task.yield() }
            let ended = ProcessExit(of: old)

            let result = try await test.install("2.0.0")
            #expect(try await versions == ["1.0.0", "2.0.0"])
            try await ended.passed("the old process")
            #expect(result.outcome == (first ? .done : .aborted), "\(result)")
            #expect(result.lost.map(\.worker) == [store], "\(result)")
            #expect(result.lost.first?.why == "its process ended ({resume_failed,{exit_status,7}}); started again")
            // It serves again, from nothing; the other one has lost nothing.
            #expect(try await test.call("get", of: store) == "0")
            #expect(try await test.call("vsn", of: store) == (first ? "\"2.0.0\"" : "\"1.0.0\""))
            #expect(try await test.call("get") == "5")
            #expect((try await test.pid() == c1) == !first)
        }
    }
}
