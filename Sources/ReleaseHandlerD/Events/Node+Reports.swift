import Host
import Instructions
import Logging
import Supervision
import Terms
import Wire

/// What supervisors and workers say, put into the log and the events.
extension Node {
    func tell(_ report: SupervisorReport) {
        switch report {
        case .progress:
            break  // Each worker's start is told with its pid when it happens.
        case .childTerminated(let child, _, let reason):
            // A worker's end is told with its pid when it happens.
            guard places[child] == nil else { break }
            events.post(
                "supervisor_exited", "\(child) terminated: \(reason.reasonText)", level: .warning,
                worker: child.description,
                fields: ["reason": reason.reasonText])
        case .childEnded(let child, _, let reason, let restart):
            guard places[child] == nil else { break }
            events.post(
                "supervisor_exited",
                "\(child) ended: \(reason.reasonText); it is \(restart.rawValue) and not started again",
                level: .notice, worker: child.description, fields: ["reason": reason.reasonText])
        case .autoShutdown(let supervisor, let child, let flag):
            events.post(
                "supervisor_auto_shutdown",
                "\(supervisor) shuts down since its significant child \(child) has ended (\(flag.rawValue))",
                level: .notice, worker: supervisor.description, fields: ["child": child.description])
        case .restart(let child, let count, let cause):
            tellRestart(child, count, cause)
        case .startError(let child, let reason), .requestedStartError(let child, let reason):
            let why = explained(reason, of: tree.child(at: child)?.spec)
            events.post(
                "start_error", "\(child) failed to start: \(why)", level: .error, worker: child.description,
                fields: ["reason": reason.reasonText])
        case .shutdownError(let child, let reason):
            events.post(
                "shutdown_error", "\(child) ended badly at its shutdown: \(reason.reasonText)", level: .error,
                worker: child.description, fields: ["reason": reason.reasonText])
        case .shutdown(let supervisor, let child, let reason):
            events.post(
                "supervisor_shutdown", "\(supervisor) gives up because of \(child): \(reason.reasonText)",
                level: .error,
                worker: supervisor.description, fields: ["child": child.description, "reason": reason.reasonText])
        }
    }

    /// Every end of a worker is told, an orderly one too: a follower of the events knows who runs.
    func tellEnd(of place: Place, _ reason: Term, asked: Bool) {
        var fields = ["reason": reason.reasonText]
        if let ended = place.lastEnded {
            fields["pid"] = "\(ended.pid)"
            fields["generation"] = "\(ended.generation)"
            fields["age_ms"] = "\(ended.ageMilliseconds)"
        }
        let name = place.address.description
        if asked {
            events.post("worker_stopped", "\(name) was stopped: \(reason.reasonText)", worker: name, fields: fields)
        } else {
            let level: Logger.Level = reason.isOrderlyExit ? .info : .warning
            events.post(
                "worker_exited", "\(name) terminated: \(reason.reasonText)", level: level, worker: name, fields: fields)
        }
    }

    private func tellRestart(_ child: ChildAddress, _ count: Int, _ cause: SupervisorReport.RestartCause) {
        var fields = ["restarts": "\(count)", "supervisor": child.parent?.description ?? ""]
        let why: String
        switch cause {
        case .ended(let reason):
            why = "it terminated: \(reason.reasonText)"
            fields["reason"] = reason.reasonText
        case .startFailed(let reason):
            why = "its start failed: \(explained(reason, of: tree.child(at: child)?.spec))"
            fields["reason"] = reason.reasonText
        case .with(let other):
            why = "with \(other), as the strategy says"
            fields["with"] = other.description
        }
        events.post(
            "worker_restart", "\(child) is restarted, time \(count): \(why)", level: .notice,
            worker: child.description, fields: fields)
    }

    func workerLog(
        _ place: Place, _ generation: Generation, _ level: LogLevel, _ text: String, _ metadata: [Term: Term]
    ) {
        guard maySpeak(place, bytes: text.utf8.count) else { return }
        let message = WorkerLogMessage(text, metadata)
        place.outputBudget.spend(bytes: message.byteCount)
        var fields = message.fields
        fields["pid"] = "\(generation.pid)"
        events.post(
            "log", message.text, level: level.loggerLevel, worker: place.address.description, fields: fields)
    }

    func workerOutput(_ place: Place, _ generation: Generation, _ stream: OutputStream, _ line: String) {
        let bytes = line.utf8.count
        guard maySpeak(place, bytes: bytes) else { return }
        place.outputBudget.spend(bytes: bytes)
        events.post(
            "output", line, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "stream": stream.rawValue])
    }

    /// Whether the worker is within its budget; says so once where it is not, and how much was lost afterwards.
    private func maySpeak(_ place: Place, bytes: Int) -> Bool {
        let now = Reactor.nowMilliseconds()
        switch place.outputBudget.next(bytes: bytes, now: now) {
        case .admit:
            place.statistics.logged += 1
            return true
        case .admitAfter(let loss):
            place.statistics.logged += 1
            tell(loss, of: place.address)
            return true
        case .drop(let reached):
            place.statistics.dropped += 1
            guard let reached else { return false }
            let name = place.address.description
            let limit = "\(reached) in \(OutputBudget.intervalMilliseconds / 1000) s"
            events.post(
                "output_limited", "\(name) says more than \(limit): the rest is dropped", level: .warning,
                worker: name)
            // It may say nothing more, or be gone by then: how much was lost is told all the same.
            let left = place.outputBudget.millisecondsLeft(now: now)
            Reactor.shared.schedule(afterMilliseconds: left) { [weak self, weak place] in
                guard let place, let loss = place.outputBudget.takeLoss(now: Reactor.nowMilliseconds()) else { return }
                self?.tell(loss, of: place.address)
            }
            return false
        }
    }

    private func tell(_ loss: OutputBudget.Loss, of worker: ChildAddress) {
        events.post(
            "output_dropped", "\(loss.lines) lines of \(worker), \(loss.bytes) bytes, were dropped: it said too much",
            level: .warning, worker: worker.description,
            fields: ["dropped": "\(loss.lines)", "dropped_bytes": "\(loss.bytes)"])
    }
}

extension LogLevel {
    /// swift-log has no `alert` and no `emergency`.
    var loggerLevel: Logger.Level {
        switch self {
        case .emergency, .alert, .critical: .critical
        case .error: .error
        case .warning: .warning
        case .notice: .notice
        case .info: .info
        case .debug: .debug
        }
    }
}
