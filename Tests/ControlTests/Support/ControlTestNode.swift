import ReleaseHandlerD
import Synchronization
import Wire

@testable import TestSupport

/// A node that lives in memory; what it answers depends on the release's vsn or the worker's name.
final class ControlTestNode: NodeControl {

    /// The installs of `waits` that were begun, for the test to end.
    let waiting = AsyncStream.makeStream(of: AsyncStream<InstallProgress>.Continuation.self)
    /// One element for each subscription to the events that was made, and for each that ended.
    let subscribed = AsyncStream.makeStream(of: AsyncStream<NodeEvent>.Continuation.self)
    let unsubscribed = AsyncStream.makeStream(of: Void.self)
    let removed = Mutex<[String]>([])
    let calls = Mutex<[CallRequest]>([])
    let peers = Mutex<[Peer]>([])

    static let release = ReleaseSummary(
        name: "kv", vsn: "2.0.0", erts: "0.1.0", status: .unpacked,
        applications: [ApplicationVersion(name: "kv", vsn: "2.0.0")])

    static let result = InstallResult(
        outcome: .done, from: "1.0.0", to: "2.0.0", suspendToResumeMicroseconds: 1_234, totalMilliseconds: 56.78,
        instructions: [
            .init(
                index: 0, text: "{load_object_code,{kv,\"2.0.0\",[kv_server]}}", workers: [], milliseconds: 50.5,
                note: "1 standby"),
            .init(index: 1, text: "{suspend,[kv_server]}", workers: ["kv/kv_sup/store"], milliseconds: 0.5),
        ],
        warnings: ["nobody uses kv_lib"])

    func status() async -> NodeStatus {
        NodeStatus(
            state: .running, name: "kv", release: "1.0.0", permanent: "1.0.0", erts: "0.1.0", pid: 4_711,
            uptimeSeconds: 187.25, root: "/var/lib/release-handler")
    }

    func whichReleases() async -> [ReleaseSummary] {
        var permanent = Self.release
        permanent.vsn = "1.0.0"
        permanent.status = .permanent
        return [permanent, Self.release]
    }

    func unpackRelease(package: String, peer: Peer) async throws(ControlError) -> ReleaseSummary {
        guard package.hasSuffix("/kv-2.0.0.tar.gz") else {
            throw ControlError(.packageInvalid, "\(package): is no gzip-compressed tar", details: ["package": package])
        }
        peers.withLock { $0.append(peer) }
        return Self.release
    }

    func checkInstallRelease(vsn: String) async throws(ControlError) -> InstallPlan {
        try known(vsn)
        return InstallPlan(
            from: "1.0.0", to: vsn, direction: .up, description: "more commands",
            instructions: [
                .init(index: 0, text: "point_of_no_return", workers: []),
                .init(index: 1, text: "{suspend,[kv_server]}", workers: ["kv/kv_sup/store", "kv/kv_sup/other"]),
            ], warnings: ["nobody uses kv_lib"])
    }

    func installRelease(vsn: String, peer: Peer) async throws(ControlError) -> AsyncStream<InstallProgress> {
        if vsn == "busy" { throw ControlError(.busy, "2.0.0 is being installed") }
        if vsn == "refused" { throw ControlError(.upgradeRefused, "relup has no entry for 1.0.0") }
        let (stream, continuation) = AsyncStream.makeStream(of: InstallProgress.self)
        var result = Self.result
        result.to = vsn
        switch vsn {
        case "2.0.0":
            break
        case "late-refusal", "aborted":
            result.outcome = vsn == "aborted" ? .aborted : .refused
            result.failedInstruction = .init(index: 1, text: "{suspend,[kv_server]}")
            result.worker = "kv/kv_sup/store"
            result.reason = "code_change threw badarg"
        case "restarts": result.outcome = .restarting
        case "falls":
            result.outcome = .restarting
            result.reason = "kv/kv_sup/other did not resume"
        case "silent":
            continuation.finish()
            return stream
        case "waits":
            continuation.yield(.progress(.init(index: 0, count: 2, text: result.instructions[0].text)))
            waiting.continuation.yield(continuation)
            return stream
        default:
            throw noSuchRelease(vsn)
        }
        for step in result.instructions {
            continuation.yield(.progress(.init(index: step.index, count: 2, text: step.text)))
        }
        continuation.yield(.result(result))
        continuation.finish()
        return stream
    }

    func makePermanent(vsn: String, peer: Peer) async throws(ControlError) -> ReleaseSummary {
        try known(vsn)
        var release = Self.release
        release.status = .permanent
        return release
    }

    func removeRelease(vsn: String, peer: Peer) async throws(ControlError) {
        if vsn == "1.0.0" { throw ControlError(.badStatus, "1.0.0 is permanent: it runs") }
        removed.withLock { $0.append(vsn) }
    }

    func tree() async -> [TreeNode] {
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
        return [TreeNode(id: "kv", address: "kv", kind: .application, state: .running, vsn: "1.0.0", children: [top])]
    }

    func ps() async -> [WorkerSummary] {
        [
            WorkerSummary(
                address: "kv/kv_sup/store", state: .running, pid: 31, generation: 2, module: "kv_server",
                vsn: "1.0.0", restarts: 1, sockets: [SocketSummary(name: "redis", address: "127.0.0.1:6379")],
                rssAnonKiB: 4_403, ageSeconds: 65),
            WorkerSummary(address: "kv/kv_sup/gone", state: .undefined, restarts: 3),
        ]
    }

    func call(
        worker: String, request: String, timeoutMilliseconds: Int, peer: Peer
    ) async throws(ControlError) -> String {
        calls.withLock {
            $0.append(CallRequest(worker: worker, request: request, timeoutMilliseconds: timeoutMilliseconds))
        }
        switch worker {
        case "kv/kv_sup/store": return "{ok,<<\"value\">>}"
        case "kv/kv_sup/slow": throw ControlError(.timeout, "no reply within \(timeoutMilliseconds) ms")
        case "kv/kv_sup/bad": throw ControlError(.workerError, "{badarg,x}")
        default: throw ControlError(.noSuchWorker, "there is no worker \(worker)")
        }
    }

    func getStatus(worker: String) async throws(ControlError) -> WorkerStatus {
        try known(worker: worker)
        return WorkerStatus(
            worker: worker, status: "#{module => kv_server,pid => 31,status => running,vsn => \"1.0.0\"}")
    }

    func statistics(worker: String) async throws(ControlError) -> WorkerStatistics {
        try known(worker: worker)
        return WorkerStatistics(
            worker: worker, startTime: "2026-01-31T09:05:07.042Z", currentTime: "2026-01-31T10:05:07.042Z",
            messagesIn: 12, messagesOut: 11, openCalls: 1, mailbox: 0, logged: 3, dropped: 0, cpuMilliseconds: 20,
            rssAnonKiB: 912)
    }

    func getState(worker: String, peer: Peer) async throws(ControlError) -> WorkerState {
        try known(worker: worker)
        return WorkerState(worker: worker, state: "{counter,7}")
    }

    func replaceState(worker: String, state: String, peer: Peer) async throws(ControlError) -> WorkerState {
        try known(worker: worker)
        return WorkerState(worker: worker, state: state)
    }

    private func known(worker: String) throws(ControlError) {
        if worker == "kv/kv_sup/slow" { throw ControlError(.timeout, "no reply within 5000 ms") }
        guard worker == "kv/kv_sup/store" else { throw ControlError(.noSuchWorker, "there is no worker \(worker)") }
    }

    func events() async -> EventSubscription {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self, bufferingPolicy: .bufferingNewest(1_000))
        continuation.onTermination = { _ in self.unsubscribed.continuation.yield() }
        subscribed.continuation.yield(continuation)
        return EventSubscription(stream, continuation)
    }

    func whichChildren(supervisor: String) async throws(ControlError) -> ChildList {
        try known(supervisor: supervisor)
        return ChildList(
            reply: "[{{extra,1},undefined,worker,dynamic},{store,<<\"kv/kv_sup/store\">>,worker,[kv_server]}]",
            children: [
                .init(
                    id: "{extra,1}", address: "kv/kv_sup/{extra,1}", state: .undefined, type: "worker", modules: nil),
                .init(
                    id: "store", address: "kv/kv_sup/store", state: .running, type: "worker", modules: ["kv_server"]),
            ])
    }

    func countChildren(supervisor: String) async throws(ControlError) -> ChildCounts {
        try known(supervisor: supervisor)
        return ChildCounts(
            reply: "[{specs,2},{active,1},{supervisors,0},{workers,2}]", specs: 2, active: 1, supervisors: 0,
            workers: 2)
    }

    func getChildspec(supervisor: String, id: String) async throws(ControlError) -> ChildSpecification {
        try known(supervisor: supervisor, id: id)
        let spec = "#{id => \(id),start => {kv_server,start_link,[]}}"
        return ChildSpecification(reply: "{ok,\(spec)}", childspec: spec)
    }

    func startChild(supervisor: String, spec: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try known(supervisor: supervisor)
        if spec == "[]" { throw ControlError(.badChildspec, "{invalid_child_spec,[]}") }
        if spec.contains("fails") {
            throw ControlError(.childStartFailed, "it could not be started: boom", details: ["reason": "boom"])
        }
        return ChildAnswer(reply: "{ok,<<\"kv/kv_sup/new\">>}", child: "kv/kv_sup/new")
    }

    func childAddress(supervisor: String, id: String) async -> String? {
        (try? known(supervisor: supervisor)) == nil ? nil : "kv/kv_sup/\(id)"
    }

    func terminateChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try known(supervisor: supervisor, id: id)
        return ChildAnswer(reply: "ok")
    }

    func restartChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try known(supervisor: supervisor, id: id)
        return ChildAnswer(reply: "{ok,undefined}")
    }

    func deleteChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer {
        try known(supervisor: supervisor, id: id)
        if id == "store" {
            throw ControlError(
                .badChildState, "child store of kv/kv_sup runs: terminate it first",
                details: ["supervisor": "kv/kv_sup", "reason": "running", "reply": "{error,running}"])
        }
        return ChildAnswer(reply: "ok")
    }

    private func known(supervisor: String, id: String? = nil) throws(ControlError) {
        guard ["kv/kv_sup", "kv_sup"].contains(supervisor) else {
            throw ControlError(.noSuchSupervisor, "no supervisor \(supervisor) in the tree; see releasectl tree")
        }
        if let id, !["store", "{extra,1}"].contains(id) {
            throw ControlError(.noSuchChild, "kv/kv_sup has no child \(id)", details: ["supervisor": "kv/kv_sup"])
        }
    }

    private func known(_ vsn: String) throws(ControlError) {
        guard vsn == "2.0.0" || vsn == "2 0" else { throw noSuchRelease(vsn) }
    }

    private func noSuchRelease(_ vsn: String) -> ControlError {
        ControlError(.noSuchRelease, "there is no release \(vsn)", details: ["vsn": vsn])
    }
}
