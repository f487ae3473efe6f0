import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport
import Terms

/// What a start needs is seen to on threads that may wait: the program is read there, and the user database asked.
@Suite(.timeLimit(.minutes(15))) struct PreparedStartTests {
    static let spec = "#{id => c2, start => {other, start_link, []}, user => \"0\", restart => temporary}"

    static func root() throws -> TestRoot {
        let root = try TestRoot.twoVersions()
        try root.install(as: "other", vsn: "1.0.0")
        return root
    }

    @Test(.enabled(if: geteuid() == 0)) func aStartOfWhatWasNotReadYetIsPreparedFirst() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            #expect(await { @HostActor in test.node.code.mustRead("other") }())
            _ = try await test.service.startChild(supervisor: "fix_sup", spec: Self.spec, peer: TestNode.peer)
            #expect(await { @HostActor in test.node.tree.preparing.isEmpty }())
            #expect(await { @HostActor in !test.node.code.mustRead("other") }())
            #expect(try await test.call("vsn", of: "fix/fix_sup/c2") == "\"1.0.0\"")
        }
    }

    /// Nothing is started afterwards, and whoever asked is told.
    @Test func oneThatIsCalledOffWhileItIsPreparedStartsNothing() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let failure = await test.refusal {
                async let start = test.service.startChild(supervisor: "fix_sup", spec: Self.spec, peer: TestNode.peer)
                while await { @HostActor in test.node.tree.preparing.isEmpty }() { await Task.yield() }
                await test.node.stop(.stopped)
                return try await start
            }
            #expect(failure.contains("could not be started") || failure.contains("is ending"), "\(failure)")
            _ = await test.node.ended()
            #expect(await test.events.all.filter { $0.kind == "worker_started" }.map(\.worker) == [TestNode.c1])
        }
    }
}
