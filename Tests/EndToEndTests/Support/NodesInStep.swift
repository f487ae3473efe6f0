import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// Real daemons that upgrade in step: each has its own root, and waits at a gate before the barrier and at one after it.
struct NodesInStep: Sendable {
    /// One node: what tests hold it by.
    struct Node: Sendable {
        let name: String
        let daemon: EndToEndDaemon
        /// Where `sync_nodes` asks for its nodes.
        let before: Gate
        /// In the conversion of its worker's state, behind the barrier.
        let after: Gate

        func install() async throws -> InstallResult {
            let run = try await daemon.releasectl("install-release", "--json", "2.0.0")
            let last = run.output.split(separator: "\n").last.map(String.init) ?? ""
            return try #require(
                try JSONDecoder().decode([String: InstallResult].self, from: Data(last.utf8))["result"], "\(run)")
        }

        func vsn() async throws -> String { try await daemon.call("vsn") }

        /// Returns once it is gone.
        func kill(by signal: Int32 = SIGKILL) async throws {
            daemon.program.signal(signal)
            try await daemon.program.ended()
        }
    }

    /// An upgrade that fails.
    struct Failing: Sendable {
        enum Point { case before, after }

        let node: String
        /// Before the barrier, by what `sync_nodes` asks; or after it, by the worker's conversion.
        let point: Point
    }

    let nodes: [Node]
    private let directory: String

    static let names = ["n1@host", "n2@host", "n3@host"]

    /// Returns once so many barrier programs listen, which each does for its whole life.
    func untilAtTheBarrier(_ count: Int) async throws {
        let meetings = "\(directory)/meetings"
        while try FileManager.default.contentsOfDirectory(atPath: meetings).filter({ !$0.hasPrefix(".") }).count < count
        {
            await Task.yield()
        }
    }

    /// - Parameters:
    ///   - timeoutMilliseconds: for the barrier; nil for the barrier of a node that is told nothing.
    ///   - failing: which node's upgrade fails, and where.
    static func with(
        timeoutMilliseconds: Int? = 600_000, failing: Failing? = nil,
        _ body: @Sendable (NodesInStep) async throws -> Void
    ) async throws {
        let directory = TemporaryDirectory.make()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await start(names[...], [], directory, timeoutMilliseconds, failing, body)
    }

    private static func start(
        _ rest: ArraySlice<String>, _ started: [Node], _ directory: String, _ timeoutMilliseconds: Int?,
        _ failing: Failing?, _ body: @Sendable (NodesInStep) async throws -> Void
    ) async throws {
        guard let name = rest.first else {
            return try await body(NodesInStep(nodes: started, directory: directory))
        }
        let root = try TestRoot()
        let (before, after) = (try Gate(in: root, named: "before"), try Gate(in: root, named: "after"))
        try fill(root, before, after, timeoutMilliseconds, fails: failing?.node == name ? failing?.point : nil)
        try await EndToEndDaemon.with(root, options: ["--node", name, "--nodes-directory", directory]) { daemon in
            let node = Node(name: name, daemon: daemon, before: before, after: after)
            try await start(rest.dropFirst(), started + [node], directory, timeoutMilliseconds, failing, body)
        }
    }

    private static func fill(
        _ root: TestRoot, _ before: Gate, _ after: Gate, _ timeoutMilliseconds: Int?, fails: Failing.Point?
    ) throws {
        let sync = "{sync_nodes, step, {members, list, []}}, {suspend, [counter]}"
        let barrier = timeoutMilliseconds.map { ", {sync_nodes, {\"\(Releasectl.path)\", [\"barrier\"], \($0)}}" }
        let config = """
            [{release_handler, [{code_change_timeout, 600000}, {apply_timeout, 600000}\(barrier ?? "")]}].
            """
        try root.release("1.0.0")
        let up = TestRoot.up(fails == .after ? "fail" : "[]").replacing("{suspend, [counter]}", with: sync)
        try root.release("2.0.0", config: config, relup: TestRoot.relup(up: up, down: TestRoot.down()))
        try root.installPython("counter", vsn: "1.0.0")
        try root.installPython(
            "counter", vsn: "2.0.0",
            edits: [
                TestRoot.Edit(
                    vsn: "2.0.0", what: "    def import_state(self, ref, announced):\n",
                    with: "    def import_state(self, ref, announced):\n        \(after.line)\n")
            ])
        let nodes = names.map { "'\($0)'" }.joined(separator: ",")
        try root.write(
            "lib/fix-2.0.0/ebin/members",
            "#!/usr/bin/env python3\n\(before.line)\nprint(\"\(fails == .before ? "nobody." : "[\(nodes)].")\")\n")
        chmod("\(root.root)/lib/fix-2.0.0/ebin/members", 0o755)
        try root.register(["1.0.0", "2.0.0"])
    }
}
