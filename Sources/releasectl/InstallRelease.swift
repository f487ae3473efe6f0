import ArgumentParser
import Wire

struct InstallRelease: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.releases.install,
        discussion: """
            Shows each instruction as it is evaluated and, at the end, whom it touched and how long it took. \
            Interrupting releasectl does not stop the install. With --json: one line for each instruction, then \
            the result.
            """)

    @Argument(help: "The release's vsn.") var vsn: String
    @OptionGroup var options: GlobalOptions
    var subject: String { "install-release \(vsn)" }

    func run(in session: Session) async throws {
        let progress = ProgressLine(terminal: .standardError, isShown: !session.json)
        var result: InstallResult?
        do {
            try await session.follow(Operations.releases.install, OfRelease(vsn), body: InstallRequest()) { step in
                switch step {
                case .progress(let step):
                    progress.show("[\(step.index + 1)/\(step.count)] \(step.text)")
                case .result(let last):
                    result = last
                case .error(let error):
                    throw Failure(error, subject: subject)
                }
                return true
            }
        } catch {
            progress.clear()
            throw error
        }
        progress.clear()
        guard let result else { throw session.client.lost("it gave no result") }
        if !session.json { show(result, on: session.output) }
        if let failure = failure(of: result) { throw failure }
    }

    private func show(_ result: InstallResult, on output: Terminal) {
        if !result.instructions.isEmpty {
            var table = Table(columns: [
                .init(title: "#", isRight: true), .init(title: "INSTRUCTION", yields: true),
                .init(title: "WORKERS", yields: true), .init(title: "MS", isRight: true),
            ])
            let hasNotes = result.instructions.contains { $0.note != nil }
            if hasNotes { table.columns.append(.init(title: "NOTE", yields: true)) }
            table.rows = result.instructions.map {
                let row: [Table.Cell] = [
                    "\($0.index + 1)", .init($0.text), .init($0.workers.joined(separator: " ")),
                    .init(decimal($0.milliseconds, digits: 3)),
                ]
                return hasNotes ? row + [.init($0.note ?? "")] : row
            }
            table.print(on: output)
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

    private func failure(of result: InstallResult) -> Failure? {
        let reason = result.reason ?? "no reason given"
        var place = ""
        if let failed = result.failedInstruction { place += " at instruction \(failed.index + 1), \(failed.text)" }
        if let worker = result.worker { place += " for \(worker)" }
        switch result.outcome {
        case .done:
            return nil
        case .refused:
            return Failure(
                .refused, "\(subject): refused\(place): \(reason)",
                advice: "Nothing was changed: \(result.from) runs on.")
        case .aborted:
            return Failure(
                .rolledBack, "\(subject): failed\(place): \(reason)",
                advice: "It was rolled back: \(result.from) runs on as before.")
        case .restarting:
            guard result.reason != nil else { return nil }
            return Failure(
                .failure, "\(subject): failed\(place): \(reason)",
                advice: "It is not rolled back: the permanent release boots next.")
        }
    }
}

/// One line on a terminal that each step overwrites; nothing where there is no terminal.
struct ProgressLine {
    let terminal: Terminal
    let isShown: Bool

    func show(_ text: String) {
        guard isShown, terminal.isTerminal else { return }
        terminal.write("\r\u{1B}[K\(shortened(printable(text), to: terminal.width.map { $0 - 1 }))")
    }

    func clear() {
        guard isShown, terminal.isTerminal else { return }
        terminal.write("\r\u{1B}[K")
    }
}
