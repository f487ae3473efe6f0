import ArgumentParser
import Glibc
import Wire

struct Logs: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: Operations.workers.logs.row.name,
        abstract: "Show what a worker said and what was logged of it, from the journal.",
        discussion: """
            Runs journalctl(1), which shows what you may read of the journal: root and the groups adm and systemd-journal all of it. \
            The worker's lines on standard output and error are there, its log messages, and what the daemon tells of it. Where the \
            daemon does not run, WORKER is taken for the whole place. With --json: journalctl's own JSON, an entry a line.
            """)

    @Argument(help: workerHelp) var worker: String
    @Flag(name: .shortAndLong, help: "Go on with what comes, until interrupted.") var follow = false
    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("How many of the last lines to show (default: all; with --follow 10).", valueName: "lines"))
    var lines: Int?
    @Option(
        help: ArgumentHelp("From when on, as journalctl has it: \"1 hour ago\", 2026-01-31 09:05.", valueName: "time"))
    var since: String?
    @OptionGroup var options: GlobalOptions
    var subject: String { "logs \(worker)" }

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines is \(lines): give 0 or more.") }
    }

    func run(in session: Session) async throws {
        throw Self.become("journalctl", arguments(try await matches(in: session)))
    }

    /// What the entries of the journal have.
    private func matches(in session: Session) async throws -> [String] {
        let log: WorkerLog
        do {
            log = try await session.answer(Operations.workers.logs, OfWorker(worker))
        } catch let failure as Failure where failure.exit == .unavailable {
            let sentence = "no daemon answers at \(session.client.socketPath): taking \(worker) for the whole place"
            Terminal.standardError.line("releasectl: \(printable("logs: \(sentence)"))")
            return ["WORKER=\(worker)"]
        }
        if let matches = log.journal {
            // They become words of a command line: options are none of theirs, whoever answers at the socket.
            guard !matches.isEmpty, matches.allSatisfy({ $0.wholeMatch(of: /_?[A-Z][A-Z0-9_]*=[^\u{0}]*/) != nil })
            else {
                throw Failure(.failure, "\(subject): the daemon's answer is no list of matches of the journal")
            }
            return matches
        }
        let file = log.file ?? "standard error"
        throw Failure(
            .failure, "\(subject): the daemon does not log to the journal: its log goes to \(file)",
            advice: file.hasPrefix("/")
                ? "Look there for lines with WORKER=\(log.worker)."
                : "Look where whoever started the daemon has led its standard error, for lines with WORKER=\(log.worker)."
        )
    }

    private func arguments(_ matches: [String]) -> [String] {
        var arguments = matches
        if follow { arguments.append("--follow") }
        if let lines { arguments.append("--lines=\(lines)") }
        if let since { arguments.append("--since=\(since)") }
        if options.json { arguments.append("--output=json") }
        return arguments
    }

    /// Executes it in the place of this process; returns only where it can't.
    private static func become(_ program: String, _ arguments: [String]) -> Failure {
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        execvp(program, words)
        let code = errno
        for word in words { free(word) }
        return Failure(
            .failure,
            code == ENOENT
                ? "logs: there is no \(program) on this machine"
                : "logs: \(program) could not be executed: \(String(cString: strerror(code)))",
            advice: "It comes with systemd. The entries to look for have \(arguments[0]).")
    }
}
