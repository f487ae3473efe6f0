import ArgumentParser
import Wire

struct Kill: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.workers.kill,
        discussion: """
            To the process that stands at the place now, and to none that it has started. What becomes of it is as ever: a worker \
            that ends is started again as its spec says, and that counts as a restart; one that is stopped (STOP) does not answer, \
            until it gets CONT. `terminate-child` ends one in order.
            """)

    @Argument(help: workerHelp) var worker: String
    @Argument(
        help: ArgumentHelp("A signal as kill(1) has it: TERM, SIGUSR1, 15, RTMIN+3.", valueName: "signal"),
        completion: .list(WorkerSignal.names))
    var signal: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "kill \(worker) \(signal)" }

    func run(in session: Session) async throws {
        guard WorkerSignal(signal) != nil else {
            throw Failure(
                .usage, "kill: \(signal.debugDescription) is no signal",
                advice: "Give a name, as TERM, KILL, HUP or USR1, or a number from 1 to 64; `kill -l` lists them.")
        }
        try await session.ask(Operations.workers.kill, OfWorker(worker), body: KillRequest(signal: signal)) { sent in
            session.output.line("\(sent.signal) sent to \(printable(sent.worker)), pid \(sent.pid)")
        }
    }
}
