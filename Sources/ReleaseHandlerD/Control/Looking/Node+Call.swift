import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// `call`: a request to a worker, and why it was not answered.
extension Node {
    func call(_ worker: String, _ request: Term, timeoutMilliseconds: Int) async throws(ControlError) -> String {
        let place = try found(worker)
        guard launcher.speaksProtocol(place.spec) else {
            throw ControlError(
                .workerError, "\(worker) is an unmodified program: it answers no calls",
                details: ["worker": worker, "reason": "os_program"])
        }
        guard place.takesCalls else { throw notRunning(worker) }
        let result: Result<Term, CallFailure> = await withCheckedContinuation { continuation in
            place.call(request, timeoutMilliseconds: timeoutMilliseconds) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let term): return term.description
        case .failure(let failure): throw failure.controlError(worker)
        }
    }
}

extension CallFailure {
    func controlError(_ worker: String) -> ControlError {
        let details = ["worker": worker]
        switch self {
        case .ended(let reason):
            return ControlError(
                .workerError, "\(worker) ended before it answered: \(reason)",
                details: details.merging(["reason": reason.description]) { $1 })
        case .worker(let reason):
            return ControlError(
                .workerError, "\(worker) answered with an error: \(reason)",
                details: details.merging(["reason": reason.description]) { $1 })
        case .timedOut(let milliseconds):
            return ControlError(.timeout, "\(worker) did not answer within \(milliseconds) ms", details: details)
        case .mailboxFull:
            let limits = "\(Mailbox.maxMessages) calls or \(Mailbox.maxBytes >> 20) MiB"
            return ControlError(
                .busy, "\(worker) has \(limits) waiting, which is the limit; try again later", details: details)
        }
    }
}
