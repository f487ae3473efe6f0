import ArgumentParser
import Terms
import Wire

let workerHelp = ArgumentHelp(
    "The worker's place in the tree, as ps lists it, or its last parts where they name one only.", valueName: "worker")

struct GetStatus: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.workers.getStatus)

    @Argument(help: workerHelp) var worker: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "get-status \(worker)" }

    func run(in session: Session) async throws {
        let place = OfWorker(worker)
        try await session.ask(Operations.workers.getStatus, place) { answer in
            // A map has one key a line, which is how one looks for something in it.
            guard case .map(let pairs)? = try? TermText.parseTerm(answer.status, limits: .default) else {
                return session.output.line(printable(answer.status))
            }
            for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
                session.output.line(printable("\(key): \(value)"))
            }
        }
    }
}

struct GetState: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.workers.getState,
        discussion: "For root and the group: a worker's state is its users' own.")

    @Argument(help: workerHelp) var worker: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "get-state \(worker)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.workers.getState, OfWorker(worker)) { answer in
            session.output.line(printable(answer.state))
        }
    }
}

struct ReplaceState: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.workers.replaceState,
        discussion: "The state is an Erlang term, as get-state prints it. The worker decides what it accepts.")

    @Argument(help: workerHelp) var worker: String
    @Argument(help: ArgumentHelp("The state.", valueName: "term")) var state: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "replace-state \(worker)" }

    func run(in session: Session) async throws {
        do throws(TermTextError) {
            _ = try TermText.parseTerm(state, limits: .default)
        } catch {
            throw Failure(
                .usage, "replace-state: the state is no term: \(error)",
                advice: "Write it as get-state prints it; quote it for the shell.")
        }
        try await session.ask(
            Operations.workers.replaceState, OfWorker(worker),
            body: ReplaceStateRequest(state: state)
        ) { _ in session.output.line("replaced") }
    }
}

struct Statistics: ControlCommand {
    static let configuration = CommandConfiguration(asking: Operations.workers.statistics)

    @Argument(help: workerHelp) var worker: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "statistics \(worker)" }

    func run(in session: Session) async throws {
        try await session.ask(Operations.workers.statistics, OfWorker(worker)) { answer in
            var lines = [
                ("start time", answer.startTime), ("current time", answer.currentTime),
                ("messages in", "\(answer.messagesIn)"), ("messages out", "\(answer.messagesOut)"),
                ("open calls", "\(answer.openCalls)"), ("mailbox", "\(answer.mailbox)"),
                ("logged", "\(answer.logged)"), ("dropped", "\(answer.dropped)"),
            ]
            if let time = answer.cpuMilliseconds { lines.append(("cpu", "\(decimal(Double(time), digits: 0)) ms")) }
            if let size = answer.rssAnonKiB { lines.append(("memory", memory(kiB: size))) }
            for (name, value) in lines {
                session.output.line("\(name):\(String(repeating: " ", count: 13 - name.count)) \(printable(value))")
            }
        }
    }
}
