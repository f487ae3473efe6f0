import Host
import ReleaseHandling

/// One run of a program that ends by itself, in a process group of its own; it is nobody's worker.
@HostActor
final class ProgramRun {
    enum Ending {
        case exited(ExitStatus)
        /// It took longer than it may, and was killed with all of its process group.
        case timedOut(milliseconds: Int)
        case notStarted(LaunchError)
    }

    private let onLine: (OutputStream, String) -> Void
    private let processes: Processes
    private var then: ((Ending) -> Void)?
    private var process: WorkerProcess?
    private var timer: ScheduledTimer?
    /// How it ends where it was killed for its time.
    private var verdict: Ending?
    /// How long the end of one that was killed is waited for: what hangs in the kernel ends when that lets it.
    private static let killMilliseconds = 5_000
    /// Processes that it left behind as it ended; they are killed.
    private(set) var leftBehind: [LeftProcess] = []

    /// It is one of `processes` from its start to its end, also after `cancel`.
    init(among processes: Processes, onLine: @escaping @HostActor (OutputStream, String) -> Void) {
        self.processes = processes
        self.onLine = onLine
    }

    /// `then` is called once, and never before this returns.
    func start(
        _ launch: WorkerProcess.Launch, timeoutMilliseconds: Int, then: @escaping @HostActor (Ending) -> Void
    ) {
        self.then = then
        processes.started(self)
        do {
            process = try WorkerProcess.launch(launch) { [self] event in heard(event) }
        } catch {
            Reactor.shared.soon { [self] in
                settle(.notStarted(error))
                processes.ended(self)
            }
            return
        }
        timer = Reactor.shared.schedule(afterMilliseconds: timeoutMilliseconds) { [self] in
            overdue(.timedOut(milliseconds: timeoutMilliseconds))
        }
    }

    /// Nobody is to go on beside it: its end comes first.
    private func overdue(_ ending: Ending) {
        verdict = ending
        process?.killGroup()
        timer = Reactor.shared.schedule(afterMilliseconds: Self.killMilliseconds) { [self] in settle(ending) }
    }

    /// It has said what it was run for, and may go on for as long as it likes.
    func goesOn() {
        timer?.cancel()
        timer = nil
    }

    /// From now on; then it is killed.
    func hasAtMost(milliseconds: Int) {
        goesOn()
        timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [self] in
            overdue(.timedOut(milliseconds: milliseconds))
        }
    }

    /// Ends it; that is told.
    func kill() { process?.killGroup() }

    /// Ends it; how is not told.
    func cancel() {
        then = nil
        timer?.cancel()
        process?.killGroup()
    }

    private func heard(_ event: WorkerProcess.Event) {
        switch event {
        case .output(let stream, let line): onLine(stream, line)
        case .exited(let status):
            timer?.cancel()
            process = nil
            settle(verdict ?? .exited(status))
            processes.ended(self)
        case .leftBehind(let processes, _): leftBehind = processes
        case .message, .protocolError, .channelClosed, .transfer, .notification, .strangeNotification, .outOfMemory:
            break  // It has no channel.
        }
    }

    private func settle(_ ending: Ending) {
        let then = self.then
        self.then = nil
        then?(ending)
    }
}
