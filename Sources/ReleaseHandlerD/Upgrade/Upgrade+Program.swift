import Host
import Instructions
import ReleaseHandling
import Terms

/// `apply` of what is no function of the daemon: a program of the release, in a process of its own.
///
/// `ebin/M` is called with F as its argument, `{F, Args}.` and a newline on its standard input. What it prints on standard
/// output is its answer, one term; nothing is `ok`. What it says on standard error goes to the events. It runs as the
/// daemon's user, in the release root, with `RELEASE_ROOT` and `RELEASE_VSN` (of the release that is gone to).
extension Upgrade {
    /// Of one line of the answer, and of all of it. Longer lines come in pieces of 8 KiB, or less where a character would be cut.
    static let answerLineBytes = 8 * 1024 - 4
    static let answerBytes = 64 * 1024

    func applyProgram(_ function: MFA) {
        callProgram(function) { [weak self] in self?.answer($0) }
    }

    /// `then` gets `applied` or `applyFailed`.
    func callProgram(_ function: MFA, then: @escaping @HostActor (RelupMachine.Event) -> Void) {
        guard let code = findings.program(function.module, isOfNewRelease: isPastPointOfNoReturn) else {
            return then(.applyFailed(.tuple([.atom("undef"), .atom(function.module)])))
        }
        guard code.file.library == nil else { return call(function, inLibrary: code, then: then) }
        guard code.file.executable?.isUnchanged != true else { return call(function, code.file, then: then) }
        // The same bytes put back, as by `cp`, are the same program.
        Task { @HostActor [weak self, reader = site.code.reader] in
            let again = await DiskWork.run { reader.readAgain(code.file) }
            guard let self, !isOver else { return }
            guard let again else {
                let sentence = "\(code.file.path) is not what it was when the install was checked"
                return then(.applyFailed(.tuple([.atom("changed"), .text(sentence)])))
            }
            call(function, again, then: then)
        }
    }

    private func call(
        _ function: MFA, _ file: ObjectCode, then: @escaping @HostActor (RelupMachine.Event) -> Void
    ) {
        guard let executable = file.executable else {
            return then(.applyFailed(.tuple([.atom("undef"), .atom(function.module)])))
        }
        let call = Term.tuple([.atom(function.function), .list(function.arguments)])
        let input: OwnedDescriptor
        do {
            input = try StateDescriptor.input(Array("\(call).\n".utf8))
        } catch {
            return then(.applyFailed(.text("\(error)")))
        }
        run(
            .init(
                executable: executable, arguments: [function.function.name],
                environment: WorkerEnvironment.ofRelease(to.vsn, root: site.root.path),
                workingDirectory: site.root.path, withProtocol: false, standardInput: input),
            of: function.module, then: then)
    }

    /// It answers with a term in the external format; all that it prints is told.
    private func call(
        _ function: MFA, inLibrary code: LoadedCode, then: @escaping @HostActor (RelupMachine.Event) -> Void
    ) {
        let speech = ProgramSpeech { [events] in events.post(.upgrade(.said("\(function.module.name): \($0)"))) }
        var host = site.moduleHost
        host.environment = WorkerEnvironment.ofRelease(to.vsn, root: site.root.path)
        program = host.call(function, of: code, milliseconds: options.applyTimeoutMilliseconds) {
            speech.say($1)
        } then: { [weak self] event in
            self?.program = nil
            then(event)
        }
    }

    private func run(
        _ launch: WorkerProcess.Launch, of module: Atom, then: @escaping @HostActor (RelupMachine.Event) -> Void
    ) {
        let speech = ProgramSpeech { [events] in events.post(.upgrade(.said("\(module.name): \($0)"))) }
        let printed = PrintedAnswer()
        let run = ProgramRun(among: site.processes) {
            switch $0 {
            case .stdout: printed.add($1)
            case .stderr: speech.say($1)
            }
        }
        program = run
        run.start(launch, timeoutMilliseconds: options.applyTimeoutMilliseconds) { [weak self] ending in
            if !run.leftBehind.isEmpty {
                speech.say("processes that it left behind are killed: \(run.leftBehind.count)")
            }
            self?.program = nil
            then(Self.event(of: ending, printed, speech.lastWords, launch.executable.path))
        }
    }

    private static func event(
        of ending: ProgramRun.Ending, _ printed: PrintedAnswer, _ lastWords: String, _ path: String
    ) -> RelupMachine.Event {
        switch ending {
        case .exited(.exited(0)):
            switch printed.term {
            case .success(let term): .applied(term)
            case .failure(let error): .applyFailed(.tuple([.atom("bad_answer"), .text(error.description)]))
            }
        case .exited(let status): .applyFailed(.tuple([status.reason, .text("\(path) \(status)\(lastWords)")]))
        case .timedOut(let milliseconds): .applyFailed(.tuple([.atom("timeout"), .integer(milliseconds)]))
        case .notStarted(let error): .applyFailed(.text("\(error)"))
        }
    }
}

/// The one term that a called program prints on its standard output.
@HostActor
private final class PrintedAnswer {
    struct BadAnswer: Error, CustomStringConvertible { let description: String }

    private var lines: [String] = []
    private var bytes = 0
    private var problem: String?

    nonisolated init() {}

    func add(_ line: String) {
        bytes += line.utf8.count + 1
        if line.utf8.count > Upgrade.answerLineBytes {
            problem = "a line of its answer is over the limit of \(Upgrade.answerLineBytes) bytes"
        } else if bytes > Upgrade.answerBytes {
            problem = "its answer is over the limit of \(Upgrade.answerBytes) bytes"
        }
        if problem == nil { lines.append(line) } else { lines = [] }
    }

    /// With a full stop at its end or without; nothing is `ok`.
    var term: Result<Term, BadAnswer> {
        if let problem { return .failure(BadAnswer(description: problem)) }
        var text = lines.joined(separator: "\n")[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        if text.isEmpty { return .success(.atom("ok")) }
        if text.last == "." { text.removeLast() }
        do {
            return .success(try TermText.parseTerm(String(text)))
        } catch {
            return .failure(BadAnswer(description: "its answer is no term: \(error)"))
        }
    }
}
