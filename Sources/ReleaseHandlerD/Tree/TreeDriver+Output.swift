import Host
import Supervision
import Terms
import Wire

/// What workers say, put into the log and the events: within a budget.
extension TreeDriver {
    func workerLog(
        _ place: Place, _ generation: Generation, _ level: LogLevel, _ text: String, _ metadata: [Term: Term]
    ) {
        guard maySpeak(place, bytes: text.utf8.count) else { return }
        let message = WorkerLogMessage(text, metadata)
        place.outputBudget.spend(bytes: message.byteCount)
        events.post(.output(.log(place.address, pid: generation.pid, level, message)))
    }

    func workerOutput(_ place: Place, _ generation: Generation, _ stream: OutputStream, _ line: String) {
        let bytes = line.utf8.count
        guard maySpeak(place, bytes: bytes) else { return }
        place.outputBudget.spend(bytes: bytes)
        events.post(.output(.line(place.address, pid: generation.pid, stream, line)))
    }

    /// What else a process has the daemon say of it, as often as it likes.
    func mayBeSpokenOf(_ place: Place) -> Bool {
        guard maySpeak(place, bytes: Self.noticeBytes) else { return false }
        place.outputBudget.spend(bytes: Self.noticeBytes)
        return true
    }

    /// About a line.
    private static let noticeBytes = 128

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
            events.post(.output(.limited(place.address, reached)))
            tellLossLater(place, now: now)
            return false
        }
    }

    /// It may say nothing more, or be gone by then: how much was lost is told all the same.
    func tellLossLater(_ place: Place, now: Int) {
        let left = place.outputBudget.millisecondsLeft(now: now)
        Reactor.shared.schedule(afterMilliseconds: left) { [weak self, weak place] in
            guard let place, let loss = place.outputBudget.takeLoss(now: Reactor.nowMilliseconds()) else { return }
            self?.tell(loss, of: place.address)
        }
    }

    private func tell(_ loss: OutputBudget.Loss, of worker: ChildAddress) {
        events.post(.output(.dropped(worker, loss)))
    }
}
