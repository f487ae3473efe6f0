/// Workers. Source: OTP sys(3).
public struct WorkerOperations: Sendable {
    public let list = ControlOperation<NoParameters, NoBody, WorkerList>(
        "ps", .get, "/v1/workers", may: .look, help: "List the workers")

    public let call = ControlOperation<NoParameters, CallRequest, CallReply>(
        "call", .post, "/v1/call", may: .change, help: "Send a worker a request and wait for its reply",
        target: { [$1.worker] }, worker: { $1.map { .worker($0.worker) } })

    public let getStatus = ControlOperation<OfWorker, NoBody, WorkerStatus>(
        "get-status", .get, "/v1/workers/{worker}/status", may: .look, help: "Show what a worker says of itself")

    public let getState = ControlOperation<OfWorker, NoBody, WorkerState>(
        "get-state", .get, "/v1/workers/{worker}/state", may: .change, help: "Show a worker's state")

    public let replaceState = ControlOperation<OfWorker, ReplaceStateRequest, WorkerState>(
        "replace-state", .put, "/v1/workers/{worker}/state", may: .change,
        help: "Give a worker another state, to repair it")

    public let statistics = ControlOperation<OfWorker, NoBody, WorkerStatistics>(
        "statistics", .get, "/v1/workers/{worker}/statistics", may: .look,
        help: "Show what a worker was given and gave since its start")

    public let kill = ControlOperation<OfWorker, KillRequest, SentSignal>(
        "kill", .post, "/v1/workers/{worker}/kill", may: .change,
        help: "Send a worker's process a signal", target: { $0.values + [$1.signal] })

    public let logs = ControlOperation<OfWorker, NoBody, WorkerLog>(
        "logs", .get, "/v1/workers/{worker}/log", may: .look,
        help: "Say where to find what a worker said and what was logged of it")
}
