import Host
import ReleaseHandling

/// One run of a release's health command: how it ends decides.
///
/// It is a process group of its own, without standard input; what it prints goes to the events. It runs as the daemon's
/// user, in the release root, with `RELEASE_ROOT` and `RELEASE_VSN` in its environment.
@HostActor
final class HealthCommand {
    private let program: String
    private let run: ProgramRun
    private let speech: ProgramSpeech

    init(program: String, among processes: Processes, onLine: @escaping @HostActor (String) -> Void) {
        self.program = program
        let speech = ProgramSpeech(tell: onLine)
        self.speech = speech
        run = ProgramRun(among: processes) { _, line in speech.say(line) }
    }

    /// `then` gets nil where it exited with 0, else why it counts as failed; never before this returns.
    func start(
        arguments: [String], root: String, vsn: String, timeoutMilliseconds: Int,
        then: @escaping @HostActor (String?) -> Void
    ) {
        let launch = WorkerProcess.Launch(
            executable: .unchecked(program), arguments: arguments,
            environment: WorkerEnvironment.ofRelease(vsn, root: root), workingDirectory: root, withProtocol: false)
        run.start(launch, timeoutMilliseconds: timeoutMilliseconds) { [program, speech] ending in
            switch ending {
            case .exited(.exited(0)): then(nil)
            case .exited(let status): then("\(program) \(status)\(speech.lastWords)")
            case .timedOut(let milliseconds): then("\(program) did not end within \(milliseconds) ms")
            case .notStarted(let error): then("\(error)")
            }
        }
    }

    /// Ends it; how is not told.
    func cancel() { run.cancel() }
}
