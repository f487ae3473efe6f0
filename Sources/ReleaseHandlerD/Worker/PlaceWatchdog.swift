import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The driver of a place's `WatchdogMachine`; only a place whose child spec has the key has one.
@HostActor
final class PlaceWatchdog {
    private unowned let place: Place
    private(set) var machine = WatchdogMachine()
    private var timer: ScheduledTimer?

    /// Why it ends whom it does not hear of.
    static let reason = Term.atom("watchdog")

    init(_ place: Place) { self.place = place }

    func feed(_ event: WatchdogMachine.Event) {
        for action in machine.handle(event, now: Reactor.nowMilliseconds()) { perform(action) }
    }

    private func perform(_ action: WatchdogMachine.Action) {
        switch action {
        case .ask(let generation, let question):
            // Whatever it answers, it is there.
            place.process(generation)?.ask(within: nil, isRepeatable: true, { .getStatus(ref: $0) }) {
                [weak self] answer in
                if case .died = answer { return }
                self?.feed(.answered(question))
            }
        case .schedule(let time): schedule(at: time, .timerFired)
        case .cancelTimer:
            timer?.cancel()
            timer = nil
        // Timers come last in a turn: in the next one, all that can be read now has been.
        case .look: schedule(at: Reactor.nowMilliseconds(), .looked)
        case .end: place.end(reason: Self.reason)
        }
    }

    private func schedule(at time: Int, _ event: WatchdogMachine.Event) {
        timer?.cancel()
        timer = Reactor.shared.schedule(atMilliseconds: time) { [weak self] in self?.feed(event) }
    }
}

extension Place {
    /// Who runs is watched where its spec says so; not while it is suspended, started or stopped.
    func watch() {
        guard spec.watchdogMilliseconds != nil || watchdog != nil else { return }
        let watchdog = self.watchdog ?? PlaceWatchdog(self)
        self.watchdog = watchdog
        guard let running, let milliseconds = limit(of: running) else { return watchdog.feed(.rests) }
        let subject: WatchdogMachine.Subject = running.spec.isUnmodifiedProgram ? .program : .worker
        watchdog.feed(.runs(.init(subject, running.number, milliseconds: milliseconds)))
    }

    /// A program goes by what it was told as it was started; a worker knows nothing of it.
    private func limit(of process: Generation) -> Int? {
        process.spec.isUnmodifiedProgram ? process.spec.watchdogMilliseconds : spec.watchdogMilliseconds
    }
}
