import Host
import Instructions
import Terms
import Wire

/// Asks a worker's program whether it converts states: starts it once, as a standby, reads its acknowledgement, and kills it
/// with its process group. docs/worker-protocol.md, section 9.
@HostActor
final class CodeChangeQuestion {
    /// What became of it; the second is why nothing is known, as half a sentence with "it" for the program.
    enum Answer: Sendable {
        case said(converts: Bool)
        case unknown(String)
    }

    private var process: WorkerProcess?
    private var timer: ScheduledTimer?
    private var answer: Answer?
    private var lastLine: String?
    private var then: CheckedContinuation<Answer, Never>?

    private init() {}

    /// - Parameters:
    ///   - code: an executable.
    ///   - directory: its working directory and home.
    static func ask(
        _ code: ExecutableFile, _ module: Atom, of application: Atom, in directory: String,
        environment: [String: String],
        timeoutMilliseconds: Int
    ) async -> Answer {
        let launch = WorkerProcess.Launch(
            executable: code, environment: environment, workingDirectory: directory,
            resourceLimits: [ResourceLimit(name: "core", soft: 0, hard: 0)].compactMap { $0 })
        let start = WorkerInit(
            mode: .standby, module: module, function: "start_link", arguments: [],
            path: "\(application.name)/make_appup/\(module.name)", application: application, release: "")
        let question = CodeChangeQuestion()
        return await withCheckedContinuation { question.begin(launch, start, timeoutMilliseconds, $0) }
    }

    private func begin(
        _ launch: WorkerProcess.Launch, _ start: WorkerInit, _ timeoutMilliseconds: Int,
        _ continuation: CheckedContinuation<Answer, Never>
    ) {
        then = continuation
        do {
            // Held by the process until that is reaped.
            process = try WorkerProcess.launch(launch) { [self] event in handle(event) }
        } catch {
            return finish(.unknown("it can't be asked: \(error)"))
        }
        timer = Reactor.shared.schedule(afterMilliseconds: timeoutMilliseconds) { [self] in
            settle(.unknown("it did not acknowledge within \(timeoutMilliseconds) ms"))
        }
        process?.send(.initialize(ref: 0, start))
    }

    private func handle(_ event: WorkerProcess.Event) {
        switch event {
        case .message(.ack(_, _, let codeChange?, _, _, _)): settle(.said(converts: codeChange))
        case .message(.ack(_, _, nil, _, _, _)):
            settle(.unknown("it does not say whether it converts states (code_change in its acknowledgement)"))
        case .message(.error(_, let reason)), .message(.exit(let reason)):
            settle(.unknown("it could not be a standby: \(reason)"))
        case .message(.log), .channelClosed, .transfer, .notification, .strangeNotification, .leftBehind,
            .outOfMemory:
            break
        case .message(.ignore), .message(.ok), .message(.okValue), .message(.reply), .message(.exported),
            .message(.wantModule):
            settle(.unknown("it answers init with something else than an acknowledgement"))
        case .protocolError(let text): settle(.unknown("it does not speak the worker protocol: \(text)"))
        case .output(.stderr, let line): lastLine = line
        case .output(.stdout, _): break
        case .exited(let status):
            let last = lastLine.map { ", saying: \($0)" } ?? ""
            settle(.unknown("it \(status) and did not acknowledge\(last)"))
            finish(answer ?? .unknown("it \(status)"))
        }
    }

    private static let maxReasonCharacters = 300

    /// What it says goes into a comment of one line and onto a terminal.
    private static func oneLine(_ text: String) -> String {
        let shown = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : String($0) }.joined()
        return shown.count > maxReasonCharacters ? shown.prefix(maxReasonCharacters) + "…" : shown
    }

    /// Its end is awaited: whoever asks may remove the directory.
    private func settle(_ answer: Answer) {
        if self.answer == nil {
            if case .unknown(let reason) = answer {
                self.answer = .unknown(Self.oneLine(reason))
            } else {
                self.answer = answer
            }
        }
        process?.killGroup()
    }

    private func finish(_ answer: Answer) {
        timer?.cancel()
        process = nil
        then?.resume(returning: answer)
        then = nil
    }
}
