import Host
import ReleaseHandling

/// One run of a release's health command: how it ends decides.
///
/// It is a process group of its own, without standard input; what it prints goes to the events. It runs as the daemon's
/// user, in the release root, with `RELEASE_ROOT` and `RELEASE_VSN` in its environment.
@HostActor
final class HealthCommand {
    private let program: String
    private let onLine: (String) -> Void
    private let onEnd: () -> Void
    private var then: ((String?) -> Void)?
    private var process: WorkerProcess?
    private var timer: ScheduledTimer?
    private var lastLine: String?

    /// `onEnd` is called once no process is left, also after `cancel`.
    init(program: String, onLine: @escaping @HostActor (String) -> Void, onEnd: @escaping @HostActor () -> Void) {
        self.program = program
        self.onLine = onLine
        self.onEnd = onEnd
    }

    /// `then` gets nil where it exited with 0, else why it counts as failed; never before this returns.
    func start(
        arguments: [String], root: String, vsn: String, timeoutMilliseconds: Int,
        then: @escaping @HostActor (String?) -> Void
    ) {
        self.then = then
        var environment = WorkerEnvironment.inherited(forOtherUser: false)
        environment["RELEASE_ROOT"] = root
        environment["RELEASE_VSN"] = vsn
        let launch = WorkerProcess.Launch(
            executable: .unchecked(program), arguments: arguments, environment: environment, workingDirectory: root,
            withProtocol: false)
        do {
            process = try WorkerProcess.launch(launch) { [self] event in heard(event) }
        } catch {
            Reactor.shared.soon { [self] in
                settle("\(error)")
                onEnd()
            }
            return
        }
        timer = Reactor.shared.schedule(afterMilliseconds: timeoutMilliseconds) { [self] in
            settle("\(program) did not end within \(timeoutMilliseconds) ms")
            process?.killGroup()
        }
    }

    /// Ends it; how is not told.
    func cancel() {
        then = nil
        timer?.cancel()
        process?.killGroup()
    }

    private func heard(_ event: WorkerProcess.Event) {
        switch event {
        case .output(_, let line):
            lastLine = line
            onLine(line)
        case .exited(.exited(0)): ended(nil)
        case .exited(let status):
            ended("\(program) \(status)" + (lastLine.map { ": \($0.cut(toBytes: Self.reasonBytes))" } ?? ""))
        case .leftBehind: break  // Killed, and of no worker.
        case .message, .protocolError, .channelClosed, .transfer, .notification, .strangeNotification:
            break  // It has no channel.
        }
    }

    /// Of its last line, in the reason.
    private static let reasonBytes = 1_024

    private func ended(_ reason: String?) {
        timer?.cancel()
        process = nil
        settle(reason)
        onEnd()
    }

    private func settle(_ reason: String?) {
        let then = self.then
        self.then = nil
        then?(reason)
    }
}
