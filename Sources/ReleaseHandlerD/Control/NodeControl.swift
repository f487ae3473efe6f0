public import Wire

/// What the control interface asks of the node.
///
/// The server has checked the request's form and the peer's right to it; the node decides the rest.
/// Methods that take a `Peer` change something.
public protocol NodeControl: Sendable {
    func status() async -> NodeStatus
    func whichReleases() async -> [ReleaseSummary]
    /// `package`: the absolute path of a `.tar.gz`.
    func unpackRelease(package: String, peer: Peer) async throws(ControlError) -> ReleaseSummary
    /// Has no side effects.
    func checkInstallRelease(vsn: String) async throws(ControlError) -> InstallPlan
    /// Progress, then exactly one `.result`, then the stream's end. The install goes on when nobody reads.
    func installRelease(vsn: String, peer: Peer) async throws(ControlError) -> AsyncStream<InstallProgress>
    func makePermanent(vsn: String, peer: Peer) async throws(ControlError) -> ReleaseSummary
    func removeRelease(vsn: String, peer: Peer) async throws(ControlError)
    /// One node for each application.
    func tree() async -> [TreeNode]
    func ps() async -> [WorkerSummary]
    /// `request` and the answer are terms as text; `worker` is a place in the tree.
    func call(
        worker: String, request: String, timeoutMilliseconds: Int, peer: Peer
    ) async throws(ControlError) -> String

    // OTP's `sys` functions; states and statuses are terms as text.
    func getStatus(worker: String) async throws(ControlError) -> WorkerStatus
    func statistics(worker: String) async throws(ControlError) -> WorkerStatistics
    func getState(worker: String, peer: Peer) async throws(ControlError) -> WorkerState
    func replaceState(worker: String, state: String, peer: Peer) async throws(ControlError) -> WorkerState

    // A supervisor is named by its place or, where that names one only, by its module; an id is a term as text, or the
    // child's place.
    func whichChildren(supervisor: String) async throws(ControlError) -> ChildList
    func countChildren(supervisor: String) async throws(ControlError) -> ChildCounts
    func getChildspec(supervisor: String, id: String) async throws(ControlError) -> ChildSpecification
    /// Returns once the child has started, however long its spec lets that take.
    func startChild(supervisor: String, spec: String, peer: Peer) async throws(ControlError) -> ChildAnswer
    /// Where that child stands or would stand, for the audit log; nil where there is no such supervisor.
    func childAddress(supervisor: String, id: String) async -> String?
    func terminateChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer
    func restartChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer
    func deleteChild(supervisor: String, id: String, peer: Peer) async throws(ControlError) -> ChildAnswer

    // An application's and a parameter's name are atoms as text; values and replies are terms as text.
    func whichApplications() async -> WhichApplications
    /// Returns once it has started, its start phases included. `type`: nil takes that of the `.rel`.
    func startApplication(_ application: String, type: String?, peer: Peer) async throws(ControlError)
        -> ApplicationAnswer
    func stopApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer
    func loadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer
    func unloadApplication(_ application: String, peer: Peer) async throws(ControlError) -> ApplicationAnswer
    func getAllEnv(_ application: String) async throws(ControlError) -> ApplicationEnvironment
    func getEnv(_ application: String, key: String) async throws(ControlError) -> EnvironmentValue
    /// Returns once the workers that run have been told.
    func setEnv(_ application: String, key: String, value: String, peer: Peer) async throws(ControlError)
        -> EnvironmentAnswer
    func unsetEnv(_ application: String, key: String, peer: Peer) async throws(ControlError) -> EnvironmentAnswer

    /// From now on; bounded by whoever makes it, so that a slow reader loses events and costs no memory.
    func events() async -> EventSubscription
}

/// What one follower of the events is told, up to the node's end or to `finish`, whichever is first.
public struct EventSubscription: Sendable {
    public let events: AsyncStream<NodeEvent>
    private let continuation: AsyncStream<NodeEvent>.Continuation

    public init(_ events: AsyncStream<NodeEvent>, _ continuation: AsyncStream<NodeEvent>.Continuation) {
        self.events = events
        self.continuation = continuation
    }

    /// Takes no more events; those that have come are still read.
    func finish() { continuation.finish() }
}
