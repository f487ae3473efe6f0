import Host
import Instructions
import Logging
import Supervision
import Terms
import Wire

/// What supervisors report and how workers end, put into the log and the events.
extension TreeDriver {
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
            let why = code.explained(reason, of: self.child(at: child)?.spec)
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
            why = "its start failed: \(code.explained(reason, of: self.child(at: child)?.spec))"
            fields["reason"] = reason.reasonText
        case .with(let other):
            why = "with \(other), as the strategy says"
            fields["with"] = other.description
        }
        events.post(
            "worker_restart", "\(child) is restarted, time \(count): \(why)", level: .notice,
            worker: child.description, fields: fields)
    }
}
