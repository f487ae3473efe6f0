import Host
import Instructions
import Supervision
import Terms
import Wire
import ReleaseHandling

/// OTP's `sys` functions of workers, as far as they are for people who look and repair.
///
/// Source: OTP sys(3); `docs/worker-protocol.md`.
@HostActor
struct WorkerFunctions {
    let tree: TreeDriver

    /// How long a worker may take to answer, as in OTP where nothing else is said.
    static let sysMilliseconds = 5_000

    func getStatus(_ worker: String) async throws(ControlError) -> WorkerStatus {
        let place = try found(worker)
        guard place.speaksProtocol else {
            return WorkerStatus(worker: worker, status: try programStatus(place, worker).description)
        }
        let status = try await ask(place, worker) { .getStatus(ref: $0) }
        return WorkerStatus(worker: worker, status: status.description)
    }

    func getState(_ worker: String) async throws(ControlError) -> WorkerState {
        let state = try await ask(try withState(worker), worker) { .getState(ref: $0) }
        return WorkerState(worker: worker, state: state.description)
    }

    func replaceState(_ worker: String, _ state: String) async throws(ControlError) -> WorkerState {
        let term: Term
        do {
            term = try TermText.parseTerm(state)
        } catch {
            throw ControlError(.badRequest, "the state is no term: \(error)", details: ["state": state])
        }
        _ = try await ask(try withState(worker), worker, isRepeatable: false) { .replaceState(ref: $0, state: term) }
        return WorkerState(worker: worker, state: term.description)
    }

    /// - Parameter connection: on which it is asked, so that the daemon that goes on in this one's place finds the reply.
    func call(
        _ worker: String, _ request: Term, timeoutMilliseconds: Int, on connection: ControlConnection? = nil
    ) async throws(ControlError) -> String {
        if case .call(let ref)? = connection?.takeClaim() { return try await goOnCalling(worker, ref, connection) }
        let place = try found(worker)
        guard place.speaksProtocol else {
            throw ControlError(
                .workerError, "\(worker) is an unmodified program: it answers no calls",
                details: ["worker": worker, "reason": "os_program"])
        }
        guard place.takesCalls else { throw notRunning(worker) }
        let result: Result<Term, CallFailure> = await withCheckedContinuation { continuation in
            let ref = place.call(request, timeoutMilliseconds: timeoutMilliseconds) {
                connection?.works(.answering)
                continuation.resume(returning: $0)
            }
            if let ref { connection?.works(.call(ref: ref)) }
        }
        return try reply(result, worker)
    }

    /// The daemon before has given it to the worker.
    private func goOnCalling(
        _ worker: String, _ ref: Int, _ connection: ControlConnection?
    ) async throws(ControlError) -> String {
        guard let adopted = tree.launcher.adoptedCalls.removeValue(forKey: ref) else {
            throw CallFailure.ended(.atom("noproc")).controlError(worker)
        }
        connection?.works(.call(ref: ref))
        let result: Result<Term, CallFailure> = await withCheckedContinuation { continuation in
            adopted.claim {
                connection?.works(.answering)
                continuation.resume(returning: $0)
            }
        }
        return try reply(result, worker)
    }

    private func reply(_ result: Result<Term, CallFailure>, _ worker: String) throws(ControlError) -> String {
        switch result {
        case .success(let term): return term.description
        case .failure(let failure): throw failure.controlError(worker)
        }
    }

    func statistics(_ worker: String) throws(ControlError) -> WorkerStatistics {
        let place = try found(worker)
        guard let generation = place.current else { throw notRunning(worker) }
        let counted = place.statistics
        return WorkerStatistics(
            worker: worker,
            startTime: ControlTime.rfc3339(millisecondsSince1970: counted.startedAtMilliseconds),
            currentTime: ControlTime.rfc3339(millisecondsSince1970: WallClock.milliseconds()),
            messagesIn: counted.messagesIn, messagesOut: counted.messagesOut,
            openCalls: place.calls.count - place.mailbox.count, mailbox: place.mailbox.count, logged: counted.logged,
            dropped: counted.dropped, cpuMilliseconds: ProcessMemory.cpuMilliseconds(pid: generation.pid),
            rssAnonKiB: ProcessMemory.rssAnonKiB(pid: generation.pid))
    }

    /// The place of a worker that runs, or has run.
    func found(_ worker: String) throws(ControlError) -> Place {
        if let place = tree.place(named: worker) { return place }
        let address = ChildAddress(parsing: worker)
        let child = address.flatMap { tree.child(at: $0) }
        if child?.spec.type == .worker { throw notRunning(worker) }
        let isSupervisor = child != nil || address.flatMap { tree.supervisor(at: $0) } != nil
        throw ControlError(
            .noSuchWorker,
            isSupervisor
                ? "\(worker) is a supervisor and no worker; see releasectl which-children \(worker)"
                : "no worker \(worker) in the tree; see releasectl ps", details: ["worker": worker])
    }

    private func withState(_ worker: String) throws(ControlError) -> Place {
        let place = try found(worker)
        guard place.speaksProtocol else {
            throw ControlError(
                .workerError, "\(worker) is an unmodified program: it has no state to show or to replace",
                details: ["worker": worker, "reason": "os_program"])
        }
        return place
    }

    func notRunning(_ worker: String) -> ControlError {
        let sentence: String
        switch tree.place(named: worker)?.phase {
        case .starting?: sentence = "\(worker) does not run yet: it is being started"
        case .stopping?: sentence = "\(worker) is being stopped"
        case .empty?, .running?, .suspended?, nil: sentence = "\(worker) does not run"
        }
        return ControlError(.workerError, sentence, details: ["worker": worker, "reason": "noproc"])
    }

    private func programStatus(_ place: Place, _ worker: String) throws(ControlError) -> Term {
        guard let generation = place.current else { throw notRunning(worker) }
        var map: [Term: Term] = [
            .atom("status"): .atom("running"), .atom("module"): .atom("os"),
            .atom("pid"): .integer(Int(generation.pid)),
            .atom("generation"): .integer(generation.number), .atom("path"): .text(worker),
            .atom("program"): place.spec.start.arguments.first ?? .undefined,
        ]
        map[.atom("status_text")] = generation.status.map { .text($0) }
        return .map(map)
    }

    private func ask(
        _ place: Place, _ worker: String, isRepeatable: Bool = true, _ request: @escaping (Int) -> WorkerRequest
    ) async throws(ControlError) -> Term {
        guard let generation = place.current else { throw notRunning(worker) }
        let answer: Answer = await withCheckedContinuation { continuation in
            generation.ask(within: Self.sysMilliseconds, isRepeatable: isRepeatable, request) {
                continuation.resume(returning: $0)
            }
        }
        let failure: CallFailure
        switch answer {
        case .value(let term): return term
        case .ok: return .ok
        case .failed(let reason): failure = .worker(reason)
        case .died(let reason): failure = .ended(reason)
        case .timedOut(let milliseconds): failure = .timedOut(milliseconds: milliseconds)
        case .acknowledged, .ignored, .exported: failure = .worker(.atom("protocol_error"))
        }
        throw failure.controlError(worker)
    }
}

extension CallFailure {
    func controlError(_ worker: String) -> ControlError {
        let details = ["worker": worker]
        switch self {
        case .ended(let reason):
            return ControlError(
                .workerError, "\(worker) ended before it answered: \(reason.reasonText)",
                details: details.merging(["reason": reason.reasonText]) { $1 })
        case .worker(let reason):
            return ControlError(
                .workerError, "\(worker) answered with an error: \(reason.reasonText)",
                details: details.merging(["reason": reason.reasonText]) { $1 })
        case .timedOut(let milliseconds):
            return ControlError(.timeout, "\(worker) did not answer within \(milliseconds) ms", details: details)
        case .mailboxFull:
            let limits = "\(Mailbox.maxMessages) calls or \(Mailbox.maxBytes >> 20) MiB"
            return ControlError(
                .busy, "\(worker) has \(limits) waiting, which is the limit; try again later", details: details)
        }
    }
}
