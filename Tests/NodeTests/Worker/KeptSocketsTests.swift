import Foundation
import Glibc
import Host
import Supervision
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Every listening socket goes on into the daemon's next run when the node restarts.
@Suite(.timeLimit(.minutes(15))) struct KeptSocketsTests {
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
            while await test.node.tree.places.count > 1 { await Task.yield() }
            #expect(await test.node.sockets.all.count == 1)
        }
    }
}

/// A socket is closed when nobody will start its child again, and not before.
@Suite(.timeLimit(.minutes(15))) struct ClosedSocketsTests {
    private static func ports(_ test: TestNode, _ workers: [String]) async throws -> [UInt16] {
        var ports: [UInt16] = []
        for worker in workers { ports.append(try await test.port(worker)) }
        return ports
    }

    /// `fix_sup` with `inner`, and that with two children that listen.
    private static func nested() throws -> TestRoot {
        let root = try SupervisionProcessTests.oneVersion(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => inner, start => {inner_sup, start_link, []}, type => supervisor}]
                """)
        try root.write(
            "lib/fix-1.0.0/ebin/inner_sup.sup", "{ok, {#{intensity => 0, period => 60}, \(KeptSocketsTests.children)}}."
        )
        return root
    }

    private static let both = ["fix/fix_sup/inner/c1", "fix/fix_sup/inner/c2"]

    @Test func allOfAnApplicationThatIsStopped() async throws {
        try await TestNode.with(try Self.nested()) { test async throws in
            // One that does not run by then is forgotten with the others.
            let peer = TestNode.peer
            _ = try await test.service.terminateChild(supervisor: "inner_sup", id: "c1", peer: peer)
            #expect(await test.node.sockets.all.count == 2)
            #expect(try await test.service.stopApplication("fix", peer: peer).reply == "ok")
            #expect(await test.node.sockets.all.isEmpty)
            #expect(await test.node.tree.places.isEmpty)
            #expect(try await test.service.startApplication("fix", type: nil, peer: peer).reply == "ok")
            #expect(try await test.ps(Self.both[1]).generation == 1)
            #expect(await test.node.sockets.all.count == 2)
        }
    }

    @Test func noneOfASupervisorThatIsRestarted() async throws {
        try await TestNode.with(try Self.nested()) { test async throws in
            let ports = try await Self.ports(test, Self.both)
            _ = await test.refusal { try await test.call("crash", of: Self.both[0]) }
            let restart = try await test.events.first("worker_restart", worker: "fix/fix_sup/inner")
            #expect(restart.message.hasSuffix("it terminated: shutdown"))
            #expect(try await Self.ports(test, Self.both) == ports)
        }
    }

    @Test func noneOfASupervisorThatAnUpgradeStopsAndStarts() async throws {
        let root = try TestRoot.twoVersions(
            children: "[#{id => inner, start => {inner_sup, start_link, []}, type => supervisor}]",
            relup: TestRoot.relup(up: "point_of_no_return, {stop, [inner_sup]}, {start, [inner_sup]}"))
        for vsn in ["1.0.0", "2.0.0"] {
            try root.write("lib/fix-\(vsn)/ebin/inner_sup.sup", "{ok, {#{}, \(KeptSocketsTests.children)}}.")
        }
        try await TestNode.with(root) { test async throws in
            let ports = try await Self.ports(test, Self.both)
            let last = await test.events.last
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.events.first("worker_stopped", worker: Self.both[0], after: last)
            #expect(try await Self.ports(test, Self.both) == ports)
        }
    }

    /// Under another id too: whoever listens where the other did has its socket, with what waits in its backlog.
    @Test func noneThatAnUpgradeStopsAndStarts() async throws {
        let script = """
            {load_object_code, {fix, "2.0.0", [fix_sup]}}, point_of_no_return, {apply, {application, stop, [fix]}},
            {load, {fix_sup, brutal_purge, brutal_purge}}, {apply, {application, start, [fix]}}
            """
        let root = try TestRoot.twoVersions(children: KeptSocketsTests.children, relup: TestRoot.relup(up: script))
        let renamed = KeptSocketsTests.children.replacing("id => c2", with: "id => c3")
        try root.write(
            "lib/fix-2.0.0/ebin/fix_sup.sup", "{ok, {#{intensity => 3, period => 60}, \(renamed)}}.")
        try await TestNode.with(root) { test async throws in
            let before = try await Self.ports(test, ["fix/fix_sup/c1", "fix/fix_sup/c2"])
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await Self.ports(test, ["fix/fix_sup/c1", "fix/fix_sup/c3"]) == before)
            #expect(await test.node.sockets.all.count == 2)
            #expect(await test.node.tree.places.count == 2)
        }
    }
}

/// Sockets that are files, and sockets that somebody else has.
@Suite(.timeLimit(.minutes(15))) struct SocketAccessTests {
    private static func start(_ id: String, _ socket: String, _ test: TestNode) async throws {
        let spec = "#{id => \(id), start => {counter, start_link, []}, sockets => [#{name => a, \(socket)}]}"
        _ = try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: TestNode.peer)
    }

    private static func permissions(_ path: String) throws -> UInt32 { try FileStatus(of: path).permissions }

    @Test func everybodyMayConnectUnlessTheSpecSaysOtherwise() async throws {
        let root = try SupervisionProcessTests.oneVersion(children: "[]")
        let path = "\(root.directory)/a.sock"
        try await TestNode.with(root) { test async throws in
            try await Self.start("c1", "listen => \"\(path)\"", test)
            #expect(try Self.permissions(path) == 0o666)
            try await Self.start("c2", "listen => \"\(path)2\", mode => 8#600", test)
            #expect(try Self.permissions(path + "2") == 0o600)
            let shown = try await test.service.getChildspec(supervisor: "fix_sup", id: "c2").childspec
            #expect(shown.contains("mode => 384"), "\(shown)")
        }
    }

    /// What the daemon before this one bound keeps its connections and gets the access of the spec.
    @Test func aSocketThatWasHandedOverGetsItsAccess() async throws {
        let directory = try TestRoot()
        defer { directory.remove() }
        let path = "\(directory.directory)/a.sock"
        let address = try #require(ChildAddress(parsing: "fix/fix_sup/c1"))
        try await { @HostActor in
            let before = ListeningSockets()
            let bound = try before.sockets(of: address, [SocketSpec(name: "a", listen: path)])
            #expect(chmod(path, 0o755) == 0)
            let next = ListeningSockets()
            next.inherit(before.all)
            let taken = try next.sockets(of: address, [SocketSpec(name: "a", listen: path)])
            #expect(taken.map(\.fd) == bound.map(\.fd))
            #expect(try Self.permissions(path) == 0o666)
            // A spec that changes changes it; one that does not leaves what somebody set by hand.
            _ = try next.sockets(of: address, [SocketSpec(name: "a", listen: path, mode: 0o640)])
            #expect(try Self.permissions(path) == 0o640)
            #expect(chmod(path, 0o600) == 0)
            _ = try next.sockets(of: address, [SocketSpec(name: "a", listen: path, mode: 0o640)])
            #expect(try Self.permissions(path) == 0o600)
            // An access that can't be had loses nothing.
            let last = ListeningSockets()
            last.inherit(next.all)
            let bad = SocketSpec(name: "a", listen: path, user: "no-such-user")
            #expect(throws: ListenError.self) { try last.sockets(of: address, [bad]) }
            let again = try last.sockets(of: address, [SocketSpec(name: "a", listen: path)])
            #expect(again.map(\.fd) == bound.map(\.fd))
        }()
    }

    /// A release that goes back may call the child otherwise: the address is the same, and must not be in its own way.
    @Test func aSocketThatWasHandedOverGoesToWhoAsksForItsAddress() async throws {
        let directory = try TestRoot()
        defer { directory.remove() }
        let old = try #require(ChildAddress(parsing: "fix/fix_sup/web"))
        let new = try #require(ChildAddress(parsing: "fix/fix_sup/front"))
        try await { @HostActor in
            let free = "127.0.0.1:\(try ReservedPort.take())"
            for listen in ["\(directory.directory)/a.sock", free] {
                let before = ListeningSockets()
                let bound = try before.sockets(of: old, [SocketSpec(name: "a", listen: listen)])
                let next = ListeningSockets()
                next.inherit(before.all)
                let taken = try next.sockets(of: new, [SocketSpec(name: "b", listen: listen)])
                #expect(taken.map(\.fd) == bound.map(\.fd))
                next.forgetUnclaimed()
                // From here on it is the new one's.
                let last = ListeningSockets()
                last.inherit(next.all)
                let again = try last.sockets(of: new, [SocketSpec(name: "b", listen: listen)])
                #expect(again.map(\.fd) == bound.map(\.fd))
                let error = #expect(throws: ListenError.self) {
                    try last.sockets(of: old, [SocketSpec(name: "a", listen: listen)])
                }
                #expect(error?.description == "can't listen at \"\(listen)\": fix/fix_sup/front has it")
            }
        }()
    }

    @Test func itSaysWhoHasTheAddress() async throws {
        try await TestNode.with(try .twoVersions(children: KeptSocketsTests.children)) { test async throws in
            let port = try await test.port()
            let refusal = await test.refusal { try await Self.start("c3", "listen => \(port)", test) }
            #expect(
                refusal == """
                    child_start_failed: child c3 of fix/fix_sup could not be started: {listen,<<"can't listen at \
                    \\"\(port)\\": fix/fix_sup/c1 has it">>}
                    """)
            let foreign = "127.0.0.1:\(try ReservedPort.take())"
            let other = try ListeningSocket.bind("127.0.0.1:0")
            let taken = await test.refusal { try await Self.start("c3", "listen => \"\(other.address)\"", test) }
            #expect(taken.contains("the address is in use by another program"), "\(taken)")
            try await Self.start("c3", "listen => \"\(foreign)\"", test)
        }
    }
}

@Suite(.timeLimit(.minutes(15))) struct DeletedChildTests {
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
