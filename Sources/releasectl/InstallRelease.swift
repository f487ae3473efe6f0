public import ArgumentParser
public import Wire

struct InstallRelease: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.releases.install,
        discussion: """
            Shows each instruction as it is evaluated and, at the end, whom it touched and how long it took. \
            Whose state or connections did not come over is told last, and the exit code is then 4. \
            Interrupting releasectl does not stop the install. With --json: one line for each instruction, then \
            the result, and with --wait-permanent the events of the release's probation.
            """)

    @Argument(help: "The release's vsn.") var vsn: String
    @Option(
        help: ArgumentHelp(
            """
            A worker that does not suspend in time: terminate it and start it in the new code, or abort the install and \
            leave it alone.
            """, valueName: "terminate|abort"))
    var hung: InstallRequest.HungWorkers?
    @Option(
        name: .customLong("suspend-timeout-ms"),
        help: ArgumentHelp("How long a worker may take to suspend, where the script does not say.", valueName: "ms"))
    var suspendTimeoutMilliseconds: Int?
    @Option(
        name: .customLong("code-change-timeout-ms"),
        help: ArgumentHelp(
            "How long the handoff of each worker's state may take, from export to import.", valueName: "ms"))
    var codeChangeTimeoutMilliseconds: Int?
    @Option(
        name: .customLong("suspend-grace-ms"),
        help: ArgumentHelp(
            "How long a worker may take to suspend while those of earlier groups are held.", valueName: "ms"))
    var suspendGraceMilliseconds: Int?
    @Flag(help: "Install it though it has another name than the release that runs.")
    var rename = false
    @Flag(help: "Go on until the release is permanent, or was taken back within its probation.")
    var waitPermanent = false
    @Flag(
        help:
            "Leave it current once it has passed its probation, until make-permanent; a restart boots the permanent one."
    )
    var noPermanent = false
    @OptionGroup var options: GlobalOptions
    var subject: String { "install-release \(vsn)" }

    func validate() throws {
        guard !(noPermanent && waitPermanent) else {
            throw ValidationError(
                "--wait-permanent waits for what --no-permanent is not to happen: give one of the two.")
        }
    }

    func run(in session: Session) async throws {
        let request = try request()
        // Before the install is asked for: no event may be missed between its result and the wait.
        var follow = waitPermanent ? try await ProbationFollow(of: vsn, in: session) : nil
        let progress = ProgressLine(isWanted: !session.json)
        progress.show("\(subject): getting ready")
        let result = try await Self.follow(
            Operations.releases.install, OfRelease(vsn), body: request, subject: subject, in: session, progress)
        if !session.json {
            Self.show(result, on: session.output)
            if noPermanent, result.outcome == .done { try await showThatItStaysCurrent(in: session) }
        }
        if let failure = failure(of: result), result.outcome != .done { throw failure }
        let verdict = await follow?.verdict { seconds in
            progress.show("\(vsn) is on probation for \(decimal(seconds, digits: 0)) s")
        }
        progress.clear()
        if let verdict {
            if let failure = failure(of: verdict) { throw failure.losing(result.lost + (follow?.lost ?? [])) }
            if !session.json { show(verdict, on: session.output) }
        }
        if let failure = failure(of: result) { throw failure }
    }

    private func request() throws -> InstallRequest {
        for (option, value) in [
            ("--suspend-timeout-ms", suspendTimeoutMilliseconds),
            ("--code-change-timeout-ms", codeChangeTimeoutMilliseconds),
            ("--suspend-grace-ms", suspendGraceMilliseconds),
        ] {
            let range = InstallRequest.timeouts
            guard let value, !range.contains(value) else { continue }
            throw Failure(
                .usage, "install-release: \(option) is \(value)",
                advice: "Give \(range.lowerBound) to \(range.upperBound).")
        }
        return InstallRequest(
            suspendTimeoutMilliseconds: suspendTimeoutMilliseconds,
            codeChangeTimeoutMilliseconds: codeChangeTimeoutMilliseconds, hungWorkers: hung,
            suspendGraceMilliseconds: suspendGraceMilliseconds, rename: rename ? true : nil,
            makePermanent: noPermanent ? .manual : nil)
    }

    /// Of one that is permanent already nothing is to be said.
    private func showThatItStaysCurrent(in session: Session) async throws {
        let releases = try await session.answer(Operations.releases.which).releases
        guard let permanent = releases.first(where: { $0.status == .permanent }), permanent.vsn != vsn else { return }
        session.output.line(
            printable(
                "\(vsn) stays current: `releasectl make-permanent \(vsn)` keeps it; until then a restart boots \(permanent.vsn)"
            ))
    }

    /// An install, or a change of one application, to its result.
    static func follow<Parameters, Body>(
        _ operation: ControlOperation<Parameters, Body, InstallProgress>, _ parameters: Parameters, body: Body,
        subject: String, in session: Session, _ progress: ProgressLine
    ) async throws -> InstallResult {
        defer { progress.clear() }
        var result: InstallResult?
        try await session.follow(operation, parameters, body: body) { step in
            switch step {
            case .progress(let step):
                progress.show(
                    "\(step.index + 1)/\(step.count) \(step.text)",
                    fraction: step.count > 0 ? Double(step.index) / Double(step.count) : nil)
            case .result(let last):
                result = last
            case .error(let error):
                throw Failure(error, subject: subject)
            }
            return true
        }
        guard let result else { throw session.client.lost("it gave no result") }
        return result
    }

    static func show(_ result: InstallResult, on output: Terminal) {
        if !result.instructions.isEmpty {
            var table = Table(columns: [
                .init(title: "#", isRight: true), .init(title: "INSTRUCTION", yields: true),
                .init(title: "WORKERS", yields: true), .init(title: "MS", isRight: true),
            ])
            table.rows = result.instructions.map {
                [
                    "\($0.index + 1)", .init($0.text), .init($0.workers.joined(separator: " ")),
                    .init(decimal($0.milliseconds, digits: 3)),
                ]
            }
            table.print(on: output)
            for instruction in result.instructions {
                if let note = instruction.note { output.note(instruction.index, note) }
            }
        }
        for warning in result.warnings { output.line(output.paint("warning: \(printable(warning))", .yellow)) }
        if let microseconds = result.suspendToResumeMicroseconds {
            output.line("suspend to resume: \(decimal(Double(microseconds) / 1_000, digits: 3)) ms")
        }
        output.line("total: \(decimal(result.totalMilliseconds, digits: 3)) ms")
        if let trace = result.trace { output.line("what it did, step by step: \(printable(trace))") }
        switch result.outcome {
        case .done:
            output.line(output.paint("\(printable(result.from)) -> \(printable(result.to)): done", .green))
        case .restarting where result.reason == nil:
            output.line("\(printable(result.from)) -> \(printable(result.to)): the node restarts")
        case .restarting, .refused, .aborted:
            break
        }
    }

    private func show(_ verdict: ReleaseOutlook.Verdict, on output: Terminal) {
        switch verdict {
        case .permanent: output.line(output.paint("\(printable(vsn)) is permanent", .green))
        case .waitsForMakePermanent:
            let line = "\(vsn) passed its probation; it waits for `releasectl make-permanent \(vsn)`"
            output.line(output.paint(printable(line), .green))
        case .makePermanentFailed, .takenBack, .replaced, .unknown, .nodeEnded: break
        }
    }

    private func failure(of result: InstallResult) -> Failure? {
        Self.failure(
            of: result, subject: subject,
            restarting: waitPermanent ? failure(of: ReleaseOutlook.Verdict.nodeEnded(.init())) : nil)
    }

    /// What is lost is told whatever the outcome, and decides the exit code.
    ///
    /// - Parameter restarting: what it is that the node restarts as the script says, where nobody loses anything by it.
    static func failure(of result: InstallResult, subject: String, restarting: Failure? = nil) -> Failure? {
        let reason = result.reason ?? "no reason given"
        var place = ""
        if let failed = result.failedInstruction { place += " at instruction \(failed.index + 1), \(failed.text)" }
        if let worker = result.worker { place += " for \(worker)" }
        let isWhole = result.lost.isEmpty
        let (from, partly) = (result.from, "but not all came through: see what was lost.")
        let whole = result.wasTakenBack == true ? ", with all that it had: states were converted back." : " as before."
        let failure: Failure
        switch result.outcome {
        case .done:
            if isWhole { return nil }
            failure = Failure(.lost, "\(subject): \(result.to) runs, but not all came through")
        case .refused:
            failure = Failure(
                .refused, "\(subject): refused\(place): \(reason)",
                advice: isWhole ? "Nothing was changed: \(from) runs on." : "\(from) runs on, \(partly)")
        case .aborted:
            failure = Failure(
                .rolledBack, "\(subject): failed\(place): \(reason)",
                advice: "It was rolled back: \(from) runs on" + (isWhole ? whole : ", \(partly)"))
        case .restarting where result.reason == nil:
            if isWhole { return restarting }
            failure = Failure(.lost, "\(subject): the node restarts as the script says, but not all came through")
        case .restarting:
            failure = Failure(
                .failure, "\(subject): failed\(place): \(reason)",
                advice: "It is not rolled back: the permanent release boots next.")
        }
        return failure.losing(result.lost)
    }

    private func failure(of verdict: ReleaseOutlook.Verdict) -> Failure? {
        let see = "See `releasectl status` and `releasectl which-releases`."
        switch verdict {
        case .permanent, .waitsForMakePermanent: return nil
        case .takenBack(let other, let reason):
            return Failure(
                .rolledBack, "\(subject): \(vsn) was taken back within its probation: \(reason)",
                advice: other.map { "\($0) runs again." } ?? see)
        case .makePermanentFailed(let sentence):
            return Failure(
                .failure, "\(subject): \(sentence)",
                advice: "See `releasectl which-releases`; `releasectl make-permanent \(vsn)` tries again.")
        case .replaced(let other):
            return Failure(
                .failure, "\(subject): \(other) was installed over it before \(vsn) was permanent", advice: see)
        case .unknown:
            return Failure(
                .failure,
                "\(subject): \(vsn) is on probation no more and not permanent; the event that says why is missing",
                advice: see)
        case .nodeEnded(let end):
            let what =
                end.failure.map { "\(vsn) failed its probation (\($0)), and the node ended" }
                ?? "the node ended before \(vsn) was permanent"
            return Failure(
                .failure, "\(subject): \(what)" + (end.stopping.map { " (\($0))" } ?? ""),
                advice: "The permanent release boots next; see `releasectl status` once the node is back.")
        }
    }
}

extension InstallRequest.HungWorkers: ExpressibleByArgument {}
