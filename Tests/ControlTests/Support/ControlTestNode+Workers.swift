import Synchronization
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Workers: `kv/kv_sup/store` runs, `slow` does not answer, `bad` answers with an error, and there are no others.
extension ControlTestNode {
    var workers: [ControlHandler] {
        [
            ControlHandler(Operations.workers.list) { _ in
                WorkerList(workers: [
                    WorkerSummary(
                        address: "kv/kv_sup/store", state: .running, pid: 31, generation: 2, module: "kv_server",
                        vsn: "1.0.0", restarts: 1, sockets: [SocketSummary(name: "redis", address: "127.0.0.1:6379")],
                        rssAnonKiB: 4_403, ageSeconds: 65),
                    WorkerSummary(address: "kv/kv_sup/gone", state: .undefined, restarts: 3),
                ])
            },
            ControlHandler(Operations.workers.call) { request async throws(ControlError) in
                self.calls.withLock { $0.append(request.body) }
                switch request.body.worker {
                case "kv/kv_sup/store": return CallReply(reply: "{ok,<<\"value\">>}")
                case "kv/kv_sup/slow":
                    throw ControlError(.timeout, "no reply within \(request.body.timeoutMilliseconds) ms")
                case "kv/kv_sup/bad": throw ControlError(.workerError, "{badarg,x}")
                default: throw ControlError(.noSuchWorker, "there is no worker \(request.body.worker)")
                }
            },
            ControlHandler(Operations.workers.getStatus) { request async throws(ControlError) in
                WorkerStatus(
                    worker: try Self.known(request.parameters),
                    status: "#{module => kv_server,pid => 31,status => running,vsn => \"1.0.0\"}")
            },
            ControlHandler(Operations.workers.statistics) { request async throws(ControlError) in
                WorkerStatistics(
                    worker: try Self.known(request.parameters), startTime: "2026-01-31T09:05:07.042Z",
                    currentTime: "2026-01-31T10:05:07.042Z", messagesIn: 12, messagesOut: 11, openCalls: 1, mailbox: 0,
                    logged: 3, dropped: 0, cpuMilliseconds: 20, rssAnonKiB: 912)
            },
            ControlHandler(Operations.workers.kill) { request async throws(ControlError) in
                let worker = try Self.known(request.parameters)
                guard let signal = WorkerSignal(request.body.signal) else {
                    throw KillRequest.noSignal(request.body.signal)
                }
                return SentSignal(worker: worker, pid: 31, generation: 2, signal: signal.description)
            },
            ControlHandler(Operations.workers.logs) { request async throws(ControlError) in
                if request.parameters.worker == "kv/kv_sup/other" {
                    return WorkerLog(worker: request.parameters.worker, file: "/var/log/kv.log")
                }
                let worker = try Self.known(request.parameters)
                return WorkerLog(worker: worker, journal: ["WORKER=\(worker)", "_UID=0"])
            },
            ControlHandler(Operations.workers.getState) { request async throws(ControlError) in
                WorkerState(worker: try Self.known(request.parameters), state: "{counter,7}")
            },
            ControlHandler(Operations.workers.replaceState) { request async throws(ControlError) in
                WorkerState(worker: try Self.known(request.parameters), state: request.body.state)
            },
        ]
    }

    private static func known(_ parameters: OfWorker) throws(ControlError) -> String {
        let worker = parameters.worker
        if worker == "kv/kv_sup/slow" { throw ControlError(.timeout, "no reply within 5000 ms") }
        guard worker == "kv/kv_sup/store" else { throw ControlError(.noSuchWorker, "there is no worker \(worker)") }
        return worker
    }
}
