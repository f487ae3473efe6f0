import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// `sync_nodes`: three real daemons upgrade in step, and one of them dies. No two versions run unnoticed.
@Suite(.timeLimit(.minutes(15))) struct SyncNodesTests {
    private static let third = "n3@host"
    private static let nodedown = "nodes could not be synchronised: {sync_error,{nodedown,n3@host}}"

    private static func expectOld(_ result: InstallResult, _ node: NodesInStep.Node) async throws {
        #expect(result.outcome == .aborted && result.lost == [], "\(node.name): \(result)")
        #expect(result.reason == nodedown, "\(node.name): \(result)")
        #expect(try await node.vsn() == "\"1.0.0\"")
        #expect(try await node.daemon.call("get") == "5")
        #expect(try await node.daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
    }

    /// The first two, whose workers have something to keep.
    private static func survivors(_ nodes: NodesInStep) async throws -> (NodesInStep.Node, NodesInStep.Node) {
        for node in nodes.nodes { _ = try await node.daemon.call("{add, 5}") }
        return (nodes.nodes[0], nodes.nodes[1])
    }

    @Test func allTogether() async throws {
        try await NodesInStep.with(timeoutMilliseconds: nil) { nodes in
            let (first, second) = try await Self.survivors(nodes)
            let third = nodes.nodes[2]
            async let one = first.install()
            async let two = second.install()
            async let three = third.install()
            first.before.open()
            second.before.open()
            // Two wait for the third, and nobody has gone on.
            try await nodes.untilAtTheBarrier(2)
            #expect(try await first.vsn() == "\"1.0.0\"")
            third.before.open()
            for node in nodes.nodes {
                try await node.after.reached()
                node.after.open()
            }
            for result in [try await one, try await two, try await three] {
                #expect(result.outcome == .done && result.warnings == [], "\(result)")
            }
            for node in nodes.nodes {
                #expect(try await node.vsn() == "\"2.0.0\"")
                #expect(try await node.daemon.status().node == node.name)
            }
        }
    }

    @Test func oneIsKilledBeforeItBegins() async throws {
        try await NodesInStep.with { nodes in
            let (first, second) = try await Self.survivors(nodes)
            try await nodes.nodes[2].kill()
            async let one = first.install()
            async let two = second.install()
            first.before.open()
            second.before.open()
            try await Self.expectOld(try await one, first)
            try await Self.expectOld(try await two, second)
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM]) func oneEndsInItsUpgradeBeforeTheBarrier(signal: Int32) async throws {
        try await NodesInStep.with { nodes in
            let (first, second) = try await Self.survivors(nodes)
            let third = nodes.nodes[2]
            async let one = first.install()
            async let two = second.install()
            let three = Task { try? await third.install() }
            first.before.open()
            second.before.open()
            try await third.before.reached()
            try await nodes.untilAtTheBarrier(2)
            try await third.kill(by: signal)
            try await Self.expectOld(try await one, first)
            try await Self.expectOld(try await two, second)
            _ = await three.value
        }
    }

    /// The second has not come: for it the third is gone as it comes.
    @Test func oneIsKilledAtTheBarrier() async throws {
        try await NodesInStep.with { nodes in
            let (first, second) = try await Self.survivors(nodes)
            let third = nodes.nodes[2]
            async let one = first.install()
            async let two = second.install()
            let three = Task { try? await third.install() }
            first.before.open()
            third.before.open()
            try await second.before.reached()
            try await nodes.untilAtTheBarrier(2)
            try await third.kill()
            second.before.open()
            try await Self.expectOld(try await one, first)
            try await Self.expectOld(try await two, second)
            _ = await three.value
        }
    }

    @Test func oneIsKilledAfterTheBarrier() async throws {
        try await NodesInStep.with { nodes in
            let (first, second) = try await Self.survivors(nodes)
            let third = nodes.nodes[2]
            async let one = first.install()
            async let two = second.install()
            let three = Task { try? await third.install() }
            for node in nodes.nodes { node.before.open() }
            for node in nodes.nodes { try await node.after.reached() }
            try await third.kill()
            for node in [first, second] { node.after.open() }
            try await Self.expectNamed(try await one, first)
            try await Self.expectNamed(try await two, second)
            _ = await three.value
        }
    }

    @Test func theUpgradeOfOneFailsBeforeTheBarrier() async throws {
        try await NodesInStep.with(failing: .init(node: Self.third, point: .before)) { nodes in
            let (first, second) = try await Self.survivors(nodes)
            let third = nodes.nodes[2]
            async let one = first.install()
            async let two = second.install()
            async let three = third.install()
            first.before.open()
            second.before.open()
            try await nodes.untilAtTheBarrier(2)
            third.before.open()
            try await Self.expectOld(try await one, first)
            try await Self.expectOld(try await two, second)
            let reason = "{sync_error,{bad_answer,<<\"members:list/0 answered nobody, which is no list of nodes\">>}}"
            #expect(try await three.reason == "nodes could not be synchronised: \(reason)")
        }
    }

    @Test func theUpgradeOfOneFailsAfterTheBarrier() async throws {
        try await NodesInStep.with(failing: .init(node: Self.third, point: .after)) { nodes in
            let (first, second) = try await Self.survivors(nodes)
            let third = nodes.nodes[2]
            async let one = first.install()
            async let two = second.install()
            async let three = third.install()
            for node in nodes.nodes { node.before.open() }
            for node in nodes.nodes { try await node.after.reached() }
            third.after.open()
            #expect(try await three.outcome == .aborted)
            #expect(try await third.vsn() == "\"1.0.0\"")
            for node in [first, second] { node.after.open() }
            try await Self.expectNamed(try await one, first)
            try await Self.expectNamed(try await two, second)
        }
    }

    private static func expectNamed(_ result: InstallResult, _ node: NodesInStep.Node) async throws {
        #expect(result.outcome == .done && result.lost == [], "\(node.name): \(result)")
        #expect(
            result.warnings == [
                "{nodedown, \(third)}: went down, or failed its upgrade, after all were at the barrier step"
            ], "\(node.name)")
        #expect(try await node.vsn() == "\"2.0.0\"")
        #expect(try await node.daemon.call("get") == "5")
    }

    /// Who has not begun is waited for, and who never comes is named.
    @Test func oneThatNeverBeginsIsWaitedForAndNamed() async throws {
        try await NodesInStep.with(timeoutMilliseconds: 10_000) { nodes in
            let (first, second) = try await Self.survivors(nodes)
            async let one = first.install()
            async let two = second.install()
            first.before.open()
            second.before.open()
            for (result, node) in [(try await one, first), (try await two, second)] {
                #expect(result.outcome == .aborted, "\(result)")
                #expect(
                    result.reason == "nodes could not be synchronised: {sync_error,{timeout,[n3@host]}}", "\(result)")
                #expect(try await node.vsn() == "\"1.0.0\"")
            }
        }
    }

    /// What the others of its machine can read of it, from its start to its end.
    @Test func whatANodeTellsOfItself() async throws {
        let nodes = TemporaryDirectory.make()
        defer { try? FileManager.default.removeItem(atPath: nodes) }
        let state: @Sendable () -> String? = {
            try? String(contentsOfFile: "\(nodes)/states/one@host", encoding: .utf8)
        }
        let up = "point_of_no_return, {apply, {timer, sleep, [0]}}, restart_emulator"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up, down: TestRoot.down()))
        let options = ["--node", "one@host", "--nodes-directory", nodes]
        try await EndToEndDaemon.with(root, options: options) { daemon async throws in
            #expect(state()?.hasPrefix("{node,one@host,\(daemon.program.pid),") == true)
            #expect(state()?.hasSuffix(",idle}.\n") == true)
            // The next run goes on as that node, whose upgrade is done.
            _ = try await daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilReady()
            #expect(state()?.contains(",{installed,\"2.0.0\",") == true, "\(state() ?? "")")
            try await daemon.ask("install-release", "1.0.0", "--json")
            #expect(state()?.contains(",{installed,\"1.0.0\",") == true, "\(state() ?? "")")
        }
        #expect(state() == nil)
    }

    @Test func whatIsNoRequestIsRefusedByTheProgram() async throws {
        let run = try await Program.run(Releasectl.path, ["barrier"])
        #expect(run.exit == 64)
        #expect(run.error.contains("standard input has no {sync_nodes, Id, Node, Nodes, Options}."), "\(run)")
    }

    @Test func aWrongNameIsRefusedAsTheDaemonStarts() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        let run = try await Program.run(EndToEndDaemon.path, ["--root", root.root, "--node", "a/b@host"])
        #expect(run.exit == 64)
        #expect(run.error.contains("'a/b@host' is no node's name: give NAME or name@host: letters, digits"), "\(run)")
    }

    /// It runs, and says that nobody finds it.
    @Test func theSecondOfANameSaysSo() async throws {
        let nodes = TemporaryDirectory.make()
        defer { try? FileManager.default.removeItem(atPath: nodes) }
        let options = ["--node", "twin@host", "--nodes-directory", nodes]
        try await EndToEndDaemon.with(try TestRoot.twoVersions(), options: options) { first async throws in
            try await EndToEndDaemon.with(try TestRoot.twoVersions(), options: options) { second async throws in
                #expect(try await second.status().state == .running)
                #expect(
                    second.program.complained.contains(
                        """
                        the other nodes of this machine do not know twin@host, and do not wait for it: another daemon of this \
                        machine is twin@host: give this one a name of its own, by --node
                        """), "\(second.program.complained)")
                #expect(!first.program.complained.contains("do not know"))
            }
        }
    }
}
