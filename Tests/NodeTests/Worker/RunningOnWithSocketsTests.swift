import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A worker that runs on with the sockets that it was started with, though its spec has others by now.
@Suite(.timeLimit(.minutes(15))) struct RunningOnWithSocketsTests {
    static func children(_ sockets: String) -> String {
        "[#{id => c1, start => {counter, start_link, []}, sockets => [\(sockets)]}]"
    }

    static let update = """
        {load_object_code, {fix, "VSN", [counter, fix_sup]}}, point_of_no_return,
        {suspend, [fix_sup]}, {load, {fix_sup, brutal_purge, brutal_purge}}, {code_change, MODE, [{fix_sup, []}]},
        {resume, [fix_sup]}, {suspend, [counter]}, {load, {counter, brutal_purge, brutal_purge}},
        {code_change, up, [{counter, []}]}, {resume, [counter]}
        """

    static func script(to vsn: String, _ mode: String) -> String {
        update.replacing("VSN", with: vsn).replacing("MODE", with: mode)
    }

    static func root(_ first: String, _ second: String) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.install(vsn: vsn) }
        try root.release("1.0.0", children: children(first))
        try root.release(
            "2.0.0", children: children(second),
            relup: TestRoot.relup(
                up: script(to: "2.0.0", "up"), down: script(to: "1.0.0", "up")))
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    @Test func anUpgradeAndTheWayBackGoThroughAWiderAddress() async throws {
        let port = try ReservedPort.take()
        let root = try Self.root(
            "#{name => lines, listen => \"127.0.0.1:\(port)\"}", "#{name => lines, listen => \"\(port)\"}")
        try await TestNode.with(root) { test async throws in
            let client = try LineClient(port: port)
            #expect(try await client.ask("add 5") == "5")
            for vsn in ["2.0.0", "1.0.0", "2.0.0"] {
                let result = try await test.install(vsn)
                #expect(result.outcome == .done, "\(vsn): \(result.reason ?? "")")
                #expect(try await client.ask("vsn") == vsn)
            }
            // Started anew it listens where its spec says, though a process of before the handoff has the narrower one still.
            let held = try await { @HostActor in try test.node.sockets.all.map { try $0.descriptor.duplicated() } }()
            try await test.restartC1()
            withExtendedLifetime(held) {}
            #expect(try await test.ps().sockets.map(\.address) == ["[::]:\(port)"])
        }
    }

    @Test func whatWasBoundForAStandbyAloneIsClosedWithIt() async throws {
        let port = try ReservedPort.take()
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0", "3.0.0"] { try root.install(vsn: vsn) }
        let more = Self.children("#{name => lines, listen => \"127.0.0.1:\(port)\"}")
        try root.release("1.0.0", children: Self.children(""))
        let spec = """
            {load_object_code, {fix, "2.0.0", [fix_sup]}}, point_of_no_return, {suspend, [fix_sup]},
            {load, {fix_sup, brutal_purge, brutal_purge}}, {code_change, up, [{fix_sup, []}]}, {resume, [fix_sup]}
            """
        try root.release("2.0.0", children: more, relup: TestRoot.relup(up: spec))
        let failing = """
            {load_object_code, {fix, "3.0.0", [counter]}}, point_of_no_return, {suspend, [counter]},
            {load, {counter, brutal_purge, brutal_purge}}, {code_change, up, [{counter, throw}]}, {resume, [counter]}
            """
        try root.release("3.0.0", children: more, relup: "{\"3.0.0\", [{\"2.0.0\", [], [\(failing)]}], []}.")
        try root.register(["1.0.0", "2.0.0", "3.0.0"])
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(await test.node.sockets.all.isEmpty, "the worker runs on with what it was started with")
            #expect(try await test.install("3.0.0").outcome == .aborted)
            #expect(await test.node.sockets.all.isEmpty)
            _ = try ListeningSocket.bind("127.0.0.1:\(port)")
        }
    }
}

extension TestNode {
    fileprivate func restartC1() async throws {
        _ = try await service.terminateChild(supervisor: "fix_sup", id: "c1", peer: Self.peer)
        _ = try await service.restartChild(supervisor: "fix_sup", id: "c1", peer: Self.peer)
    }
}
