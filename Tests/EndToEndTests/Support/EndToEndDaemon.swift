import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The built release-handlerd on a root of its own, and the built releasectl as its client.
final class EndToEndDaemon: Sendable {
    let root: TestRoot
    let notify: NotifySocket
    let program: Program
    let controlSocket: String

    init(_ root: TestRoot, _ notify: NotifySocket, _ program: Program, controlSocket: String) {
        self.root = root
        self.notify = notify
        self.program = program
        self.controlSocket = controlSocket
    }

    static let path = Project.product("release-handlerd")

    /// Boots the root, runs the test, and shows that no process of the root is left, however the test ended it.
    static func with<Value: Sendable>(
        _ root: TestRoot, options: [String] = [], environment: [String: String] = [:], shell: String? = nil,
        streaming: Program.Streaming = .nothing, _ body: @Sendable (EndToEndDaemon) async throws -> Value
    ) async throws -> Value {
        defer { root.remove() }
        let value = try await again(
            on: root, options: options, environment: environment, shell: shell, streaming: streaming, body)
        return value
    }

    /// As `with`, on a root that another daemon used before and that stays.
    ///
    /// - Parameter shell: the end of a command line in which `exec "$@"` becomes the daemon, for what it is started with.
    static func again<Value: Sendable>(
        on root: TestRoot, options: [String] = [], environment: [String: String] = [:], shell: String? = nil,
        streaming: Program.Streaming = .nothing, _ body: @Sendable (EndToEndDaemon) async throws -> Value
    ) async throws -> Value {
        try await Permits.nodes.with {
            try await run(
                root, options: options, environment: environment, shell: shell, streaming: streaming, body)
        }
    }

    /// One that does not come to run.
    static func ended(on root: TestRoot) async throws -> (ending: Program.Ending, log: String) {
        try await Permits.nodes.with {
            let control = "\(root.directory)/control.sock"
            return try await Program.with(
                path, ["--root", root.root, "--socket", control, "--nodes-directory", "\(root.directory)/nodes"],
                environment: [:]
            ) { program in
                let ending = try await program.ended()
                return (ending, program.complained)
            }
        }
    }

    /// One that ends otherwise than by a request to stop: `body` does what ends it.
    static func untilItsEnd<Value: Sendable>(
        on root: TestRoot, _ body: @Sendable (EndToEndDaemon) async throws -> Value
    ) async throws -> (value: Value, ending: Program.Ending) {
        try await Permits.nodes.with {
            let notify = try NotifySocket(path: "\(root.directory)/notify")
            defer { unlink(notify.path) }
            let control = "\(root.directory)/control.sock"
            return try await Program.with(
                path, ["--root", root.root, "--socket", control, "--nodes-directory", "\(root.directory)/nodes"],
                environment: ["NOTIFY_SOCKET": notify.path]
            ) { program in
                let daemon = EndToEndDaemon(root, notify, program, controlSocket: control)
                try await daemon.untilReady()
                let value = try await body(daemon)
                return (value, try await program.ended())
            }
        }
    }

    private static func run<Value: Sendable>(
        _ root: TestRoot, options: [String], environment: [String: String], shell: String?,
        streaming: Program.Streaming, _ body: @Sendable (EndToEndDaemon) async throws -> Value
    ) async throws -> Value {
        let notify = try NotifySocket(path: "\(root.directory)/notify")
        defer { unlink(notify.path) }
        let control = "\(root.directory)/control.sock"
        let environment = environment.merging(["NOTIFY_SOCKET": notify.path]) { $1 }
        let nodes = ["--nodes-directory", "\(root.directory)/nodes"]
        let command = [path, "--root", root.root, "--socket", control] + nodes + options
        let words = shell.map { ["/bin/sh", "-c", $0, "sh"] + command } ?? command
        return try await Program.with(
            words[0], Array(words.dropFirst()), environment: environment, streaming: streaming
        ) { program async throws in
            let daemon = EndToEndDaemon(root, notify, program, controlSocket: control)
            do {
                try await daemon.untilReady()
                let value = try await body(daemon)
                try await daemon.stop()
                return value
            } catch {
                Issue.record("\(error)\nthe daemon's log:\n\(program.complained)")
                daemon.program.signal(SIGTERM)
                _ = try? await daemon.program.ended(seconds: 20)
                throw error
            }
        }
    }

    /// All that it tells the service manager until READY=1.
    @discardableResult
    func untilReady() async throws -> [[String]] {
        var messages: [[String]] = []
        while messages.last?.contains("READY=1") != true { messages.append(try await notify.next()) }
        return messages
    }

    /// Ends it as the service manager does, where the test has not; nothing of it is left.
    func stop(by signal: Int32 = SIGTERM) async throws {
        program.signal(signal)
        let ending = try await program.ended()
        #expect(ending == .exit(0) || ending == .signal(SIGKILL), "\(ending)\n\(program.complained)")
        if ending == .exit(0) { #expect(try processes() == []) }
    }

    /// Executables of the root that run: the tests' workers lie below their own root, and so it is theirs alone.
    func processes() throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { pid in
            let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
            return executable?.hasPrefix(root.root + "/") == true
        }
    }

    // MARK: releasectl

    func releasectl(_ arguments: String...) async throws -> Releasectl {
        try await Program.run(Releasectl.path, arguments, environment: ["RELEASE_HANDLER_SOCKET": controlSocket])
    }

    /// A run that must succeed; what it printed.
    @discardableResult
    func ask(_ arguments: String...) async throws -> String {
        let run = try await Program.run(
            Releasectl.path, arguments, environment: ["RELEASE_HANDLER_SOCKET": controlSocket])
        try #require(run.exit == 0, "\(arguments): \(run)")
        return run.output
    }

    /// Returns once `status` says that an upgrade is under way.
    func untilUpgrading() async throws {
        for _ in 0..<1000 {
            if try await status().state == .upgrading { return }
        }
        throw Unexpected("no upgrade is under way")
    }

    private func decode<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    func status() async throws -> NodeStatus { try decode(try await ask("status", "--json")) }

    func workers() async throws -> [WorkerSummary] {
        let list: WorkerList = try decode(try await ask("ps", "--json"))
        return list.workers
    }

    func applications() async throws -> [TreeNode] {
        let list: ApplicationList = try decode(try await ask("tree", "--json"))
        return list.applications
    }

    func releases() async throws -> [ReleaseSummary] {
        let list: ReleaseList = try decode(try await ask("which-releases", "--json"))
        return list.releases
    }

    /// `VSN STATUS` of each.
    func releaseStatuses() async throws -> [String] { try await releases().map { "\($0.vsn) \($0.status)" } }

    func call(_ request: String, of worker: String = TestNode.c1) async throws -> String {
        try await ask("call", worker, request).trimmingCharacters(in: .newlines)
    }

    func port(_ worker: String) async throws -> UInt16 {
        let address = try #require(try await workers().first { $0.address == worker }?.sockets.first?.address)
        return try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
    }

    /// Runs `releasectl events --follow` beside the body, which begins once the daemon has taken the follower on.
    ///
    /// The daemon does not say when that is, so a worker logs until the follower hears of it.
    func following<Value: Sendable>(_ body: (EventFollower) async throws -> Value) async throws -> Value {
        try await Program.with(
            Releasectl.path, ["events", "--follow", "--json"],
            environment: ["RELEASE_HANDLER_SOCKET": controlSocket], streaming: .output
        ) { program in
            let follower = EventFollower(program)
            async let heard = program.line()
            for _ in 0..<100 where !program.hasStreamed { _ = try await call("{log, \"do you hear me\"}") }
            try #require(try await heard != nil)
            return try await body(follower)
        }
    }
}

/// The events that `releasectl events --follow --json` prints.
struct EventFollower: Sendable {
    let program: Program

    init(_ program: Program) { self.program = program }

    /// How many other events may come before the one that is awaited.
    static let patience = 100_000

    /// The next event of this kind; others before it are read and forgotten.
    func next(_ kind: String) async throws -> NodeEvent {
        for _ in 0..<Self.patience {
            guard let line = try await program.line() else { break }
            let event = try JSONDecoder().decode(NodeEvent.self, from: Data(line.utf8))
            if event.kind == kind { return event }
        }
        throw Unexpected("no \(kind) among the events")
    }
}
