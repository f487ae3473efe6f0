import Glibc
import Host
import Logging
import Supervision
import Terms
import Wire

/// Unmodified programs: started at once, or when they say so. Source: sd_notify(3).
extension Place {
    /// A program that can't tell has started once it runs.
    func programStarted(_ id: StartID, _ generation: Generation) {
        endTimeLimit()
        state = .running(id, generation)
        node.placeNotice(self, .started(id))
    }

    /// Its READY=1 is the acknowledgement, and the start's time limit is the worker's.
    func awaitReadiness(_ id: StartID, _ generation: Generation) {
        let milliseconds = spec.startTimeoutMilliseconds
        limit(to: milliseconds) { [weak self] in
            guard let self, case .starting(id, generation) = self.state else { return }
            self.discard(id, generation, .failed(.tuple([.atom("start_timeout"), .integer(milliseconds)])))
        }
    }

    /// Whether an end that was asked for came as asked. A program that has no use of its own for the signal ends by it,
    /// which is as good: systemd.service(5), SuccessExitStatus=.
    func isOrderly(_ reason: Term) -> Bool {
        if reason == .atom("normal") { return true }
        return spec.isUnmodifiedProgram && reason == .tuple([.atom("signal"), .atom(Atom(spec.killSignal.rawValue))])
    }

    func notified(_ generation: Generation, _ notification: ProgramNotification) {
        if let pid = notification.mainPid, pid != generation.pid {
            node.foreignMainPid(self, generation, pid)
        }
        if let milliseconds = notification.extendTimeoutMilliseconds, current === generation {
            extendTimeLimit(by: milliseconds)
        }
        guard notification.isReady, case .starting(let id, generation) = state else { return }
        programStarted(id, generation)
    }
}

/// How long a start or a stop may still take.
extension Place {
    struct TimeLimit {
        var timer: ScheduledTimer
        /// As `Reactor.nowMilliseconds()` counts.
        var atMilliseconds: Int
        var overdue: @HostActor () -> Void
    }

    func limit(to milliseconds: Int, overdue: @escaping @HostActor () -> Void) {
        timeLimit?.timer.cancel()
        let timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { overdue() }
        let end = Reactor.nowMilliseconds() + milliseconds
        timeLimit = TimeLimit(timer: timer, atMilliseconds: end, overdue: overdue)
    }

    /// Never for less than is left. Source: sd_notify(3), `EXTEND_TIMEOUT_USEC=`.
    private func extendTimeLimit(by milliseconds: Int) {
        guard let timeLimit, timeLimit.timer.isScheduled,
            Reactor.nowMilliseconds() + milliseconds > timeLimit.atMilliseconds
        else { return }
        limit(to: milliseconds, overdue: timeLimit.overdue)
    }

    func endTimeLimit() {
        timeLimit?.timer.cancel()
        timeLimit = nil
    }
}

extension KillSignal {
    /// Source: signal(7).
    var number: Int32 {
        switch self {
        case .sighup: SIGHUP
        case .sigint: SIGINT
        case .sigquit: SIGQUIT
        case .sigterm: SIGTERM
        case .sigusr1: SIGUSR1
        case .sigusr2: SIGUSR2
        case .sigwinch: SIGWINCH
        }
    }
}

extension Node {
    func strangeNotification(_ place: Place, _ generation: Generation, _ pid: Int32) {
        events.post(
            "notification_ignored",
            """
            \(place.address): a message to its NOTIFY_SOCKET came from pid \(pid), which is not of its process group: \
            ignored, as all such are
            """, level: .warning, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "sender": "\(pid)"])
    }

    /// The place stays with the process that was started: another one could be neither awaited nor proved to be its own.
    func foreignMainPid(_ place: Place, _ generation: Generation, _ pid: Int32) {
        events.post(
            "main_pid_ignored",
            """
            \(place.address) says that pid \(pid) is its main process now: ignored, pid \(generation.pid) is the one that \
            is supervised; run the program in the foreground
            """, level: .warning, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "main_pid": "\(pid)"])
    }

    func leftBehind(_ place: Place, _ generation: Generation, _ processes: [LeftProcess], _ exit: ExitStatus) {
        let names = processes.prefix(5).map { "pid \($0.pid) (\($0.name))" }.joined(separator: ", ")
        var sentence = "\(place.address) left \(names)\(processes.count > 5 ? ", …" : "") behind as it ended: killed"
        let isInBackground = exit == .exited(0) || processes.contains(where: \.hasLeftGroup)
        if isInBackground, !launcher.speaksProtocol(place.spec) {
            sentence += "; a program that puts itself into the background can't be supervised: "
            sentence += "have it stay in the foreground"
        }
        events.post(
            "processes_left", sentence, level: .warning, worker: place.address.description,
            fields: ["pid": "\(generation.pid)", "count": "\(processes.count)"])
    }
}
