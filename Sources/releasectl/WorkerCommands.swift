import ArgumentParser
import Terms
import Wire

struct Call: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.workers.call,
        discussion: """
            Request and reply are Erlang terms:
              releasectl call kv/kv_sup/store '{get, <<"key">>}'
            """)

    @Argument(help: workerHelp)
    var worker: String
    @Argument(help: ArgumentHelp("The request.", valueName: "term"))
    var request: String
    @Option(name: .customLong("timeout-ms"), help: "How long to wait for the reply.")
    var timeoutMilliseconds = CallRequest.standardTimeoutMilliseconds
    @OptionGroup var options: GlobalOptions
    var subject: String { "call \(worker)" }

    func run(in session: Session) async throws {
        let limit = CallRequest.maximumTimeoutMilliseconds
        guard (1...limit).contains(timeoutMilliseconds) else {
            throw Failure(.usage, "call: --timeout-ms is \(timeoutMilliseconds)", advice: "Give 1 to \(limit).")
        }
        do throws(TermTextError) {
            _ = try TermText.parseTerm(request, limits: .default)
        } catch {
            throw Failure(
                .usage, "call: the request is no term: \(error)",
                advice: "Write it as in Erlang: atom, 42, \"string\", {get, <<\"key\">>}; quote it for the shell.")
        }
        let call = CallRequest(worker: worker, request: request, timeoutMilliseconds: timeoutMilliseconds)
        try await session.ask(Operations.workers.call, body: call) { answer in
            session.output.line(printable(answer.reply))
        }
    }
}

struct Events: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.node.events,
        discussion: "One line for each event, or one JSON object a line with --json.")

    @Flag(help: "Go on until interrupted.") var follow = false
    @Option(help: "End after so many events.") var count: Int?
    @OptionGroup var options: GlobalOptions
    var subject: String { "events" }

    func validate() throws {
        guard follow || count != nil else {
            throw ValidationError("Say how long to listen: --follow (until interrupted) or --count <count>.")
        }
        if let count, count < 1 { throw ValidationError("--count is \(count): give 1 or more.") }
    }

    func run(in session: Session) async throws {
        var seen = 0
        try await session.follow(Operations.node.events, NoParameters(), body: NoBody()) { event in
            if !session.json { session.output.line(Self.line(event, on: session.output)) }
            seen += 1
            return count.map { seen < $0 } ?? true
        }
        if let count, seen >= count { return }
        throw Failure(
            .failure, "events: the daemon at \(session.client.socketPath) ended the stream",
            advice: "It is stopping; see `releasectl status` once it is back.")
    }

    private static func line(_ event: NodeEvent, on output: Terminal) -> String {
        var parts = [output.paint(printable(event.time), .dim), output.paint(printable(event.kind), .bold)]
        if let worker = event.worker { parts.append(printable(worker)) }
        parts.append(printable(event.message))
        if let release = event.release { parts.append("release=\(printable(release))") }
        if let instruction = event.instruction { parts.append("instruction=\(printable(instruction))") }
        for (key, value) in event.fields.sorted(by: { $0.key < $1.key }) {
            parts.append("\(printable(key))=\(printable(value))")
        }
        return parts.joined(separator: " ")
    }
}
