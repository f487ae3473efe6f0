import Foundation
import Host
import Logging
import ReleaseHandling
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD

/// A real node on a root of its own, within the test's process: real workers, real sockets.
final class TestNode: Sendable {
    let root: TestRoot
    let node: Node
    let service: TestService
    /// Everything that happened, from before the boot on.
    let events: EventLog

    private init(_ root: TestRoot) async throws {
        self.root = root
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        node = try await Node(root: ReleaseRoot(path: root.root), logger: logger)
        // A loaded machine is no reason for a failure: a test that is about a limit sets it.
        await { @HostActor [node] in
            node.installer.overrides = InstallRequest(
                codeChangeTimeoutMilliseconds: 120_000, suspendGraceMilliseconds: 5_000)
            node.installer.patience = .init(traceMilliseconds: 600_000, resumeMilliseconds: 120_000)
        }()
        service = TestService(node)
        events = EventLog(await node.events.follow().events)
    }

    /// Boots the root, runs the test, stops the node, and shows that no process of it is left.
    static func with<Value: Sendable>(
        _ root: TestRoot, _ body: @Sendable (TestNode) async throws -> Value
    ) async throws -> Value {
        defer { root.remove() }
        return try await Permits.nodes.with { try await run(root, body) }
    }

    private static func run<Value: Sendable>(
        _ root: TestRoot, _ body: @Sendable (TestNode) async throws -> Value
    ) async throws -> Value {
        let test = try await TestNode(root)
        do {
            try await test.node.boot()
            let value = try await body(test)
            try await test.stop()
            return value
        } catch {
            await test.node.stop(.stopped)
            _ = await test.node.ended()
            throw error
        }
    }

    /// A root that must not boot; returns why it did not.
    static func failingToBoot(_ root: TestRoot) async throws -> String {
        defer { root.remove() }
        do {
            let test = try await TestNode(root)
            do {
                try await test.node.boot()
            } catch {
                _ = await test.node.ended()
                return error.description
            }
            await test.node.stop(.stopped)
            _ = await test.node.ended()
        } catch let error as BootError {
            return error.description
        }
        Issue.record("the node booted")
        return ""
    }

    private func stop() async throws {
        await node.stop(.stopped)
        _ = await node.ended()
        let left = await node.processes.generations.count
        #expect(left == 0)
    }

    // MARK: Asking

    static let peer = Peer(pid: 1, uid: 0, gid: 0)
    static let c1 = "fix/fix_sup/c1"

    func call(_ request: String, of worker: String = c1, within milliseconds: Int = 120_000) async throws -> String {
        try await service.call(
            worker: worker, request: request, timeoutMilliseconds: milliseconds, peer: Self.peer)
    }

    func ps(_ worker: String = c1) async throws -> WorkerSummary {
        try #require(await service.ps().first { $0.address == worker })
    }

    /// Of every process of the node, standbys included.
    func pids() async -> [Int32] {
        await { @HostActor in node.processes.generations.values.map(\.pid) }()
    }

    /// A call that is never answered; the worker has it, and nothing else, when this returns.
    func hang(_ worker: String = c1) async -> Task<String, any Error> {
        let call = Task { try await self.call("hang", of: worker, within: 600_000) }
        while await { @HostActor in node.tree.place(named: worker)?.calls.isEmpty ?? true }() { await Task.yield() }
        return call
    }

    /// What there is of a module: `VSN VERSION WORKERS` of each version that anybody has.
    func modules(_ module: String) async throws -> [String] {
        let list = try await service.ask(Operations.node.modules, NoParameters(), NoBody(), peer: Self.peer)
        return list.modules.filter { $0.module == module }.map { "\($0.vsn) \($0.version) \($0.workers)" }
    }

    /// What waits in the mailbox of a suspended worker.
    func waitingCalls(_ worker: String = c1) async -> Int {
        await { @HostActor in node.tree.place(named: worker)?.mailbox.count ?? 0 }()
    }

    func pid(_ worker: String = c1) async throws -> Int32 { try #require(try await ps(worker).pid) }

    func port(_ worker: String = c1) async throws -> UInt16 {
        let address = try #require(try await ps(worker).sockets.first?.address)
        return try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
    }

    /// Installs and returns the result; an error before the script is the test's to expect.
    @discardableResult
    func install(_ vsn: String) async throws -> InstallResult {
        for await progress in try await service.installRelease(vsn: vsn, peer: Self.peer) {
            if case .result(let result) = progress { return result }
        }
        throw EndedWithoutResult()
    }

    /// Changes the application `fix` and returns the result.
    @discardableResult
    func change(_ change: TestService.Change, of application: String = "fix") async throws -> InstallResult {
        for await progress in try await service.change(application, change) {
            if case .result(let result) = progress { return result }
        }
        throw EndedWithoutResult()
    }

    func upgradeApp(_ directory: String) async throws -> InstallResult {
        try await change(.upgrade(UpgradeApplicationRequest(directory: directory)))
    }

    func downgradeApp(_ directory: String, vsn: String? = nil) async throws -> InstallResult {
        try await change(.downgrade(DowngradeApplicationRequest(directory: directory, vsn: vsn)))
    }

    /// Standbys are killed with the upgrade; their ends come as events of their own.
    func untilOneProcessIsLeft() async throws {
        while await node.processes.generations.count > 1 { await Task.yield() }
        #expect(await node.processes.generations.count == 1)
    }

    func limitCodeChange(to milliseconds: Int) async {
        await { @HostActor in node.installer.overrides.codeChangeTimeoutMilliseconds = milliseconds }()
    }

    func limitResume(to milliseconds: Int) async {
        await { @HostActor in node.installer.patience.resumeMilliseconds = milliseconds }()
    }

    func limitLastWords(to milliseconds: Int) async {
        await { @HostActor in node.installer.patience.lastWordsMilliseconds = milliseconds }()
    }

    struct EndedWithoutResult: Error {}

    /// What a check of an install and the install itself are refused with: the same words, and nothing has begun.
    func refusedBeforehand(_ vsn: String = "2.0.0") async throws -> String {
        let before = await service.ps().map(\.pid)
        let check = await refusal { try await service.checkInstallRelease(vsn: vsn) }
        let install = await refusal { try await self.install(vsn) }
        #expect(check == install)
        #expect(install.hasPrefix("upgrade_refused: "), "\(install)")
        #expect(await service.ps().map(\.pid) == before)
        #expect(await service.status().state == .running)
        return String(install.dropFirst("upgrade_refused: ".count))
    }

    /// The control error's text that an operation ends with.
    func refusal<Value>(_ operation: () async throws -> Value) async -> String {
        do {
            _ = try await operation()
            Issue.record("it was not refused")
            return ""
        } catch {
            return "\(error)"
        }
    }
}

/// The node's events, kept, so that a test can await one that may have come already.
actor EventLog {
    private var seen: [NodeEvent] = []
    private var waiting: [(matches: @Sendable (NodeEvent) -> Bool, resume: CheckedContinuation<NodeEvent?, Never>)] = []
    private var isOver = false

    init(_ stream: AsyncStream<NodeEvent>) {
        Task {
            for await event in stream { await self.add(event) }
            await self.finish()
        }
    }

    private func add(_ event: NodeEvent) {
        seen.append(event)
        waiting.removeAll { waiter in
            guard waiter.matches(event) else { return false }
            waiter.resume.resume(returning: event)
            return true
        }
    }

    private func finish() {
        isOver = true
        for waiter in waiting { waiter.resume.resume(returning: nil) }
        waiting = []
    }

    var all: [NodeEvent] { seen }

    /// The first event after `sequence` that matches; an error where the node ended without one.
    func first(
        after sequence: Int = 0, where matches: @escaping @Sendable (NodeEvent) -> Bool
    ) async throws -> NodeEvent {
        let wanted: @Sendable (NodeEvent) -> Bool = { $0.sequence > sequence && matches($0) }
        if let event = seen.first(where: wanted) { return event }
        if isOver { throw NodeEnded() }
        let event = await withCheckedContinuation { waiting.append((wanted, $0)) }
        guard let event else { throw NodeEnded() }
        return event
    }

    func first(_ kind: String, worker: String? = nil, after sequence: Int = 0) async throws -> NodeEvent {
        try await first(after: sequence) { $0.kind == kind && (worker == nil || $0.worker == worker) }
    }

    var last: Int { seen.last?.sequence ?? 0 }

    struct NodeEnded: Error {}
}
