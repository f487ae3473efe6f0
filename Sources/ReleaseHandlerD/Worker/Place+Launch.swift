import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// A process that the system had no room for, and that is tried again.
///
/// At a limit of tasks, or where memory or descriptors are short, another program's burst would else use up the restart intensity within a
/// millisecond. So the start takes longer; whatever ends the start ends the wait.
@HostActor
final class WaitingLaunch {
    static let firstMilliseconds = 10
    static let mostMilliseconds = 1_000
    /// An upgrade is not to wait as long as a start may take: whoever asked for it is there.
    static let standbyMilliseconds = 5_000

    /// Monotonic milliseconds.
    private let end: Int
    /// What it was last refused for.
    private(set) var failure: StartFailure
    private var delay = firstMilliseconds
    private var timer: ScheduledTimer?

    init(end: Int, _ failure: StartFailure) {
        self.end = end
        self.failure = failure
    }

    /// False where its time is over.
    func wait(_ failure: StartFailure, then: @escaping @HostActor () -> Void) -> Bool {
        self.failure = failure
        let now = Reactor.nowMilliseconds()
        guard now < end else { return false }
        timer = Reactor.shared.schedule(afterMilliseconds: min(delay, end - now), then)
        delay = min(2 * delay, Self.mostMilliseconds)
        return true
    }

    /// Tries again later, whatever its time: it is not its fault.
    func rest(then: @escaping @HostActor () -> Void) {
        timer = Reactor.shared.schedule(afterMilliseconds: Self.mostMilliseconds, then)
    }

    func cancel() { timer?.cancel() }
}

/// Making processes.
extension Place {
    func launch(
        _ number: PlaceMachine.Generation, _ mode: WorkerStartMode,
        _ make: @escaping @HostActor (Launcher) throws(StartFailure) -> Generation
    ) {
        if mode == .start, let waiting = launches[number], observer.isHeld(self) {
            // An upgrade changes what it would be started from.
            return waiting.rest { [weak self] in self?.launch(number, mode, make) }
        }
        do {
            launched(try make(launcher), number, mode)
        } catch {
            guard error.isPassing,
                waits(
                    for: number, mode, error,
                    then: { [weak self] in
                        self?.launch(number, mode, make)
                    })
            else {
                launches[number] = nil
                return feed(.launchFailed(number, error.term))
            }
        }
    }

    private func waits(
        for number: PlaceMachine.Generation, _ mode: WorkerStartMode, _ error: StartFailure,
        then: @escaping @HostActor () -> Void
    ) -> Bool {
        if let waiting = launches[number] { return waiting.wait(error, then: then) }
        var milliseconds = spec(for: mode).startTimeoutMilliseconds
        if mode == .standby { milliseconds = min(milliseconds, WaitingLaunch.standbyMilliseconds) }
        let waiting = WaitingLaunch(end: Reactor.nowMilliseconds() + milliseconds, error)
        launches[number] = waiting
        observer.startDelayed(self, error, withinMilliseconds: milliseconds)
        return waiting.wait(error, then: then)
    }

    /// Those that wait for room have failed.
    func giveUpLaunches() {
        for (number, waiting) in launches {
            launches[number] = nil
            waiting.cancel()
            feed(.launchFailed(number, waiting.failure.term))
        }
    }

    private func launched(_ process: Generation, _ number: PlaceMachine.Generation, _ mode: WorkerStartMode) {
        launches[number] = nil
        joined(process)
        if process.spec.cgroup != nil, case .none(let reason) = Cgroups.shared.standing {
            observer.boundsIgnored(self, reason: reason)
        }
        if mode == .start { process.speaks() }
        feed(.launched(number))
        guard speaksProtocol else { return }
        let message = launcher.initMessage(self, process, mode: mode)
        let ref = launcher.references.next()
        for library in process.libraries {
            guard let memory = library.file.library?.memory else { continue }
            process.send(library.packet(ref: ref), [memory])
        }
        process.toldEnvironment = message.environment
        process.ownEnvironment = message.environment
        let limit = spec(for: mode).startTimeoutMilliseconds
        process.begin(ref: ref, within: limit, { .initialize(ref: $0, message) }) { [weak self] in
            self?.feed(.initAnswered(number, $0))
        }
    }
}
