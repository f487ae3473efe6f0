import Host

/// Why a program has not answered what it was asked: a sentence.
struct UnansweredQuestion: Error, CustomStringConvertible {
    let description: String
}

extension ProgramRun {
    private static let answerLines = 8

    /// The first lines that a program says which is asked one thing, as `PROGRAM --version`, and ends with success.
    ///
    /// - Parameter further: arguments behind the question.
    static func ask(
        _ program: String, _ question: String, further: [String] = [], standardInput: OwnedDescriptor? = nil,
        among processes: Processes,
        timeoutMilliseconds: Int
    ) async throws(UnansweredQuestion) -> [String] {
        var said: [String] = []
        let run = ProgramRun(among: processes) { _, line in
            if said.count < answerLines { said.append(line) }
        }
        let launch = WorkerProcess.Launch(
            executable: .unchecked(program), arguments: [question] + further,
            environment: WorkerEnvironment.inherited(forOtherUser: false), withProtocol: false,
            standardInput: standardInput)
        let ending: Ending = await withCheckedContinuation { continuation in
            run.start(launch, timeoutMilliseconds: timeoutMilliseconds) { continuation.resume(returning: $0) }
        }
        let words = said.isEmpty ? "" : ": " + said.joined(separator: " ")
        switch ending {
        case .exited(.exited(0)): return said
        case .exited(let status): throw UnansweredQuestion(description: "\(program) \(question) \(status)\(words)")
        case .timedOut(let milliseconds):
            throw UnansweredQuestion(
                description: "\(program) \(question) did not end within \(milliseconds) ms\(words)")
        case .notStarted(let error): throw UnansweredQuestion(description: "\(error)")
        }
    }
}
