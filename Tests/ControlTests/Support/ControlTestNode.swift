import Synchronization
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A node that lives in memory, as another list of handlers; what it answers depends on the release's vsn or the
/// worker's name.
final class ControlTestNode: Sendable {
    /// The installs of `waits` that were begun, for the test to end.
    let waiting = AsyncStream.makeStream(of: AsyncStream<InstallProgress>.Continuation.self)
    /// One element for each subscription to the events that was made, and for each that ended.
    let subscribed = AsyncStream.makeStream(of: AsyncStream<NodeEvent>.Continuation.self)
    let unsubscribed = AsyncStream.makeStream(of: Void.self)
    let removed = Mutex<[String]>([])
    let calls = Mutex<[CallRequest]>([])
    let installs = Mutex<[InstallRequest]>([])
    let registered = Mutex<[SetUnpackedRequest]>([])
    let peers = Mutex<[Peer]>([])

    var handlers: ControlHandlers {
        ControlHandlers(
            whole + releases + workers + supervisors + applications,
            places: { (kind, name) async throws(ControlError) in try Self.place(kind, name) }
        ) { supervisor, id in
            (try? self.known(supervisor: supervisor)) == nil ? nil : "kv/kv_sup/\(id)"
        }
    }

    /// `store` and `sup` are last parts that name one place, `twice` ones that name two.
    private static func place(_ kind: ControlParameter.Kind, _ name: String) throws(ControlError) -> String {
        switch (kind, name) {
        case (.worker, "store"): return "kv/kv_sup/store"
        case (.supervisor, "sup"): return "kv/kv_sup"
        case (.worker, "twice"), (.supervisor, "twice"):
            throw ControlError(
                .ambiguousPlace, "2 places are called twice: kv/a/twice, kv/b/twice; name one by more of its place",
                details: ["candidates": "kv/a/twice\nkv/b/twice"])
        default: return name
        }
    }

    // MARK: The node as a whole

    private var whole: [ControlHandler] {
        [
            ControlHandler(Operations.node.status) { _ in
                NodeStatus(
                    state: .running, node: "kv@host", name: "kv", release: "1.0.0", permanent: "1.0.0", erts: "0.1.0",
                    pid: 4_711,
                    uptimeSeconds: 187.25, root: "/var/lib/release-handler")
            },
            ControlHandler(Operations.node.probation) { _ in
                ProbationStatus(
                    state: .onProbation, release: "2.0.0", fallback: "1.0.0", remainingMilliseconds: 12_000,
                    restarts: 0, allowedRestarts: 1, makePermanent: .auto)
            },
            ControlHandler(Operations.node.modules) { _ in
                ModuleList(modules: [
                    ModuleSummary(
                        module: "store", kind: .resident, version: .current, library: "kv", vsn: "1.0.0",
                        path: "/var/lib/release-handler/lib/kv-1.0.0/ebin/store",
                        sha256: String(repeating: "0", count: 64), workers: ["kv/kv_sup/store"])
                ])
            },
            ControlHandler(Operations.node.metrics) { Self.metrics },
            ControlHandler(Operations.node.reload) { _ in ReloadedConfiguration(release: "1.0.0", failures: []) },
            ControlHandler(Operations.node.reexec) { _ in
                Reexecuted(pid: 4711, erts: "0.2.0", previousErts: "0.1.0", workers: 3, pauseMicroseconds: 12_345)
            },
            ControlHandler(Operations.node.tree) { _ in ApplicationList(applications: [Self.tree]) },
            ControlHandler(following: Operations.node.events) { _ in self.follow() },
        ]
    }

    private static let metrics: MetricExposition = {
        var exposition = MetricExposition()
        exposition.add(Metrics.workers.restarts, 3, [#"kv/kv_sup/"o\1""#])
        exposition.add(Metrics.node.upgradePause, MetricHistogram())
        return exposition
    }()

    private func follow() -> EventSubscription {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self, bufferingPolicy: .bufferingNewest(1_000))
        continuation.onTermination = { _ in self.unsubscribed.continuation.yield() }
        subscribed.continuation.yield(continuation)
        return EventSubscription(stream, continuation)
    }

    private static let tree: TreeNode = {
        func worker(_ id: String, _ state: TreeNode.State, pid: Int32?) -> TreeNode {
            TreeNode(
                id: id, address: "kv/kv_sup/\(id)", kind: .worker, state: state, pid: pid,
                generation: pid.map { _ in 2 },
                module: "kv_server", vsn: "1.0.0", restarts: pid == nil ? 3 : 1, rssAnonKiB: 912, ageSeconds: 65)
        }
        let nested = TreeNode(
            id: "pool_sup", address: "kv/kv_sup/pool_sup", kind: .supervisor, state: .running, restarts: 0,
            strategy: "one_for_all", children: [worker("deep", .suspended, pid: 33)])
        let top = TreeNode(
            id: "kv_sup", address: "kv/kv_sup", kind: .supervisor, state: .running, strategy: "one_for_one",
            children: [worker("store", .running, pid: 31), nested, worker("gone\u{1B}[2J", .undefined, pid: nil)])
        return TreeNode(id: "kv", address: "kv", kind: .application, state: .running, vsn: "1.0.0", children: [top])
    }()
}
