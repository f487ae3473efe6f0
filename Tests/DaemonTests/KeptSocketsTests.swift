import Foundation
import Host
import Testing
import Wire

@testable import ReleaseHandlerD

/// Every listening socket goes on into the daemon's next run when the node restarts.
@Suite(.timeLimit(.minutes(5))) struct KeptSocketsTests {
    static let children = """
        [#{id => c1, start => {counter, start_link, []}, sockets => [#{name => a, listen => "127.0.0.1:0"}]},
         #{id => c2, start => {counter, start_link, []}, sockets => [#{name => b, listen => "127.0.0.1:0"}]}]
        """

    @Test func whenItIsToldTo() async throws {
        try await TestNode.with(try .twoVersions(children: Self.children)) { test async throws in
            #expect(await test.node.sockets.all.count == 2)
            await test.node.stop(.restart(reason: "a test"))
            #expect(await test.node.ended() == .restart(reason: "a test"))
            #expect(await test.node.sockets.all.count == 2)
        }
    }

    @Test func whenAnApplicationEnds() async throws {
        let flags = "#{intensity => 0, period => 60}"
        let root = try ProbationTests.versions(children: Self.children, flags: flags)
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = await test.refusal { try await test.call("crash") }
            guard case .restart = await test.node.ended() else { throw Unexpected("the node does not restart") }
            #expect(await test.node.sockets.all.count == 2)
        }
    }

    @Test func notThoseOfAPlaceThatIsGone() async throws {
        let children = Self.children.replacing("#{id => c2,", with: "#{id => c2, restart => temporary,")
        try await TestNode.with(try .twoVersions(children: children)) { test async throws in
            _ = await test.refusal { try await test.call("crash", of: "fix/fix_sup/c2") }
            while await test.node.places.count > 1 { await Task.yield() }
            #expect(await test.node.sockets.all.count == 1)
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct DeletedChildTests {
    @Test func aDeletedChildsSocketIsClosed() async throws {
        let script = """
            point_of_no_return, {apply, {supervisor, terminate_child, [fix_sup, c1]}},
            {apply, {supervisor, delete_child, [fix_sup, c1]}}
            """
        let root = try TestRoot.twoVersions(
            children: UpgradeTests.served, relup: TestRoot.relup(up: script))
        try await TestNode.with(root) { test async throws in
            #expect(await test.node.sockets.all.count == 1)
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(await test.node.sockets.all.isEmpty)
        }
    }
}
