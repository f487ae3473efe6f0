import Host
import ReleaseHandling
import Terms

/// One run of a barrier program, from the instruction that asks it to the upgrade's end. Source: docs/nodes.md.
///
/// Its answer has a time limit; after an `ok` it may go on until it is told of the end, and has a time for its last words then. What it
/// says on standard error is told as it comes.
@HostActor
final class BarrierProgram {
    enum Outcome {
        case passed
        case failed(Term)
    }

    private enum State {
        case waiting(then: (Outcome) -> Void)
        case passed(Watching)
        case ending(Watching, then: ([String]) -> Void)
        case over
    }

    /// What came after `ok`.
    fileprivate struct Watching {
        var down: [NodeName] = []
        var bytes = 0
        /// Sentences.
        var complaints: [String] = []
        /// Whether it has ended before it was told to.
        var isOver = false
    }

    private let request: BarrierRequest
    private let path: String
    private let speech: ProgramSpeech
    private var run: ProgramRun?
    private var input: StandardInput?
    private var state = State.over
    /// Once all are there it has little to say.
    private static let watchingBytes = 64 * 1024

    init(_ request: BarrierRequest, path: String, onLine: @escaping @HostActor (String) -> Void) {
        self.request = request
        self.path = path
        speech = ProgramSpeech(tell: onLine)
    }

    /// `then` is called once, unless it is cancelled before, and never before this returns.
    func start(
        arguments: [String], environment: [String: String], root: String, among processes: Processes,
        timeoutMilliseconds: Int, then: @escaping @HostActor (Outcome) -> Void
    ) {
        state = .waiting(then: then)
        let run = ProgramRun(among: processes) { [weak self] in
            switch $0 {
            case .stdout: self?.said($1)
            case .stderr: self?.speech.say($1)
            }
        }
        self.run = run
        let input: StandardInput
        do {
            input = try StandardInput(request.line)
        } catch {
            return Reactor.shared.soon { [self] in settle(.failed(.text("\(path): \(error)"))) }
        }
        self.input = input
        run.start(
            .init(
                executable: .unchecked(path), arguments: arguments, environment: environment, workingDirectory: root,
                withProtocol: false, standardInput: input.theirs), timeoutMilliseconds: timeoutMilliseconds
        ) { [self] in ended($0) }
    }

    // MARK: What it says

    private func said(_ line: String) {
        switch state {
        case .waiting: answered(line)
        case .passed(var watching):
            watching = heard(line, watching)
            state = .passed(watching)
        case .ending(var watching, let then):
            watching = heard(line, watching)
            state = .ending(watching, then: then)
        case .over: break
        }
    }

    private func answered(_ line: String) {
        do throws(BarrierAnswer.BadAnswer) {
            switch try BarrierAnswer(line: line) {
            case .passed: settle(.passed)
            case .failed(let reason): settle(.failed(reason))
            case .nodesDown: settle(.failed(Self.badAnswer("nodes are down before all were there: \(line)")))
            }
        } catch {
            settle(.failed(Self.badAnswer(error.description)))
        }
    }

    private static func badAnswer(_ sentence: String) -> Term { .tuple([.atom("bad_answer"), .text(sentence)]) }

    private func heard(_ line: String, _ before: Watching) -> Watching {
        var watching = before
        watching.bytes += line.utf8.count + 1
        guard watching.bytes <= Self.watchingBytes else {
            watching.complain("\(path) said more than \(Self.watchingBytes) bytes after its ok, and was ended")
            run?.kill()
            return watching
        }
        do throws(BarrierAnswer.BadAnswer) {
            guard case .nodesDown(let nodes) = try BarrierAnswer(line: line) else {
                watching.complain("\(path) answered a second time: \(line.prefix(60))")
                return watching
            }
            for node in nodes where request.others.contains(node) && !watching.down.contains(node) {
                watching.down.append(node)
            }
        } catch {
            watching.complain("\(path), after its ok: \(error)")
        }
        return watching
    }

    private func settle(_ outcome: Outcome) {
        guard case .waiting(let then) = state else { return }
        switch outcome {
        case .passed:
            state = .passed(Watching())
            run?.goesOn()
        case .failed: cancel()
        }
        then(outcome)
    }

    // MARK: Its end

    private func ended(_ ending: ProgramRun.Ending) {
        switch state {
        case .waiting: settle(.failed(reason(of: ending)))
        case .passed(var watching):
            watching.complain(of: ending, path)
            watching.isOver = true
            state = .passed(watching)
        case .ending(var watching, let then):
            watching.complain(of: ending, path)
            state = .over
            then(warnings(watching))
        case .over: break
        }
    }

    private func reason(of ending: ProgramRun.Ending) -> Term {
        switch ending {
        case .exited(.exited(0)): Self.badAnswer("\(path) ended without an answer\(speech.lastWords)")
        case .exited(let status): .tuple([status.reason, .text("\(path) \(status)\(speech.lastWords)")])
        case .timedOut(let milliseconds): .tuple([.atom("timeout"), .integer(milliseconds)])
        case .notStarted(let error): .text("\(error)")
        }
    }

    /// The upgrade is over. `then` gets what is to be told of it, at once or once the program has said its last.
    func end(withinMilliseconds milliseconds: Int, then: @escaping @HostActor ([String]) -> Void) {
        guard case .passed(let watching) = state else { return then([]) }
        guard !watching.isOver else {
            state = .over
            return then(warnings(watching))
        }
        state = .ending(watching, then: then)
        input = nil
        run?.hasAtMost(milliseconds: milliseconds)
    }

    private func warnings(_ watching: Watching) -> [String] {
        let names = watching.down.map(\.text).joined(separator: ", ")
        let down = "went down, or failed its upgrade, after all were at the barrier \(request.id)"
        return (watching.down.isEmpty ? [] : ["{nodedown, \(names)}: \(down)"]) + watching.complaints
    }

    /// Ends it; nothing is told any more.
    func cancel() {
        state = .over
        input = nil
        run?.cancel()
    }
}

extension BarrierProgram.Watching {
    /// The first is enough.
    fileprivate mutating func complain(_ sentence: String) {
        if complaints.isEmpty { complaints = [sentence] }
    }

    fileprivate mutating func complain(of ending: ProgramRun.Ending, _ path: String) {
        switch ending {
        case .exited(.exited(0)): break
        case .exited(let status): complain("\(path) \(status): nobody watched the nodes any more")
        case .timedOut(let milliseconds):
            complain("\(path) did not end within \(milliseconds) ms of the upgrade's end, and was killed")
        case .notStarted(let error): complain("\(error)")
        }
    }
}
