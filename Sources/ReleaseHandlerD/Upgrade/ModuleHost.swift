import Host
import Instructions
import ReleaseHandling
import Terms

/// A library of a release in a process of its own, the program `module-host`: whatever it does there, nobody else is lost.
///
/// It has the library as descriptor 3 and answers on descriptor 4, a file in memory. Source: docs/module-abi.md.
@HostActor
struct ModuleHost {
    let processes: Processes
    var environment: [String: String]
    let directory: String

    /// The program: beside the daemon's, or where RELEASE_HANDLER_MODULE_HOST says.
    nonisolated static let path =
        WorkerEnvironment.variable("RELEASE_HANDLER_MODULE_HOST") ?? UpgradeSite.besideExecutable("module-host")

    enum Ending {
        /// With what it wrote as its answer.
        case exited(ExitStatus, answer: [UInt8])
        case timedOut(milliseconds: Int)
        case notStarted(String)
    }

    /// How it exits where it could not do what it was asked; the answer is a sentence. Source: sysexits(3), and behind it.
    private enum Status {
        static let badLibrary: Int32 = 65
        static let noFunction: Int32 = 66
        static let answerTooLarge: Int32 = 67
    }

    /// What it says before the vsn of what it has loaded.
    private static let loaded = "loaded "

    static let probeMilliseconds = 10_000
    private static let answerBytes = 16 << 20

    /// Loads the library, and says which vsn it has.
    func probe(_ code: LoadedCode) async -> Result<Term, ProbeFailure> {
        let module = code.version.module.name
        let ending = await withCheckedContinuation { continuation in
            start(["probe", module, code.version.sha256], code, milliseconds: Self.probeMilliseconds) { _, _ in
            } then: {
                continuation.resume(returning: $0)
            }
        }
        switch ending {
        case .exited(.exited(0), let answer):
            let text = String(decoding: answer, as: UTF8.self)
            guard text.hasPrefix(Self.loaded) else {
                return .failure(ProbeFailure(sentence: "it was loaded to try it, and ended the process"))
            }
            return .success(.string(String(text.dropFirst(Self.loaded.count))))
        case .exited(.exited(Status.badLibrary), let answer):
            return .failure(ProbeFailure(sentence: String(decoding: answer, as: UTF8.self)))
        case .exited(let status, _):
            return .failure(ProbeFailure(sentence: "it was loaded to try it, and the process \(status)"))
        case .timedOut(let milliseconds):
            return .failure(
                ProbeFailure(sentence: "it was loaded to try it, and was not done within \(milliseconds) ms"))
        case .notStarted(let reason): return .failure(ProbeFailure(sentence: "it could not be tried: \(reason)"))
        }
    }

    struct ProbeFailure: Error { let sentence: String }

    /// Calls F with arguments. What it prints is told line by line.
    ///
    /// - Returns: the run, which may be cancelled; nil where it could not begin, which `then` is told.
    @discardableResult
    func call(
        _ function: MFA, of code: LoadedCode, milliseconds: Int,
        onLine: @escaping @HostActor (OutputStream, String) -> Void,
        then: @escaping @HostActor (RelupMachine.Event) -> Void
    ) -> ProgramRun? {
        let arguments = ["call", function.module.name, function.function.name]
        let input = ExternalTermFormat.encode(.list(function.arguments))
        return start(arguments, code, input: input, milliseconds: milliseconds, onLine: onLine) { ending in
            then(Self.event(of: ending, code.file.path))
        }
    }

    private static func event(of ending: Ending, _ path: String) -> RelupMachine.Event {
        switch ending {
        case .exited(.exited(let status), let answer) where status <= 1:
            do {
                let term = try ExternalTermFormat.decode(answer)
                return status == 0 ? .applied(term) : .applyFailed(term)
            } catch {
                return .applyFailed(.tuple([.atom("bad_answer"), .text("its answer is no term: \(error)")]))
            }
        case .exited(.exited(Status.noFunction), _): return .applyFailed(.atom("undef"))
        case .exited(.exited(Status.answerTooLarge), _):
            return .applyFailed(.tuple([.atom("bad_answer"), .text("its answer is over \(answerBytes) bytes")]))
        case .exited(.exited(Status.badLibrary), let answer):
            return .applyFailed(.text(String(decoding: answer, as: UTF8.self)))
        case .exited(let status, _): return .applyFailed(.tuple([status.reason, .text("\(path) \(status)")]))
        case .timedOut(let milliseconds): return .applyFailed(.tuple([.atom("timeout"), .integer(milliseconds)]))
        case .notStarted(let reason): return .applyFailed(.text(reason))
        }
    }

    @discardableResult
    private func start(
        _ arguments: [String], _ code: LoadedCode, input: [UInt8] = [], milliseconds: Int,
        onLine: @escaping @HostActor (OutputStream, String) -> Void,
        then: @escaping @HostActor (Ending) -> Void
    ) -> ProgramRun? {
        let answer: OwnedDescriptor
        let standardInput: OwnedDescriptor
        do {
            answer = try StateDescriptor.empty()
            standardInput = try StateDescriptor.input(input)
        } catch {
            then(.notStarted("\(error)"))
            return nil
        }
        guard let library = code.file.library else {
            then(.notStarted("\(code.file.path) is no library"))
            return nil
        }
        let run = ProgramRun(among: processes, onLine: onLine)
        let launch = WorkerProcess.Launch(
            executable: .unchecked(Self.path), arguments: arguments, environment: environment,
            listenDescriptors: [("library", library.memory.raw), ("answer", answer.raw)],
            workingDirectory: directory, withProtocol: false, standardInput: standardInput)
        run.start(launch, timeoutMilliseconds: milliseconds) { ending in
            switch ending {
            case .exited(let status):
                let bytes = try? StateDescriptor.contents(of: answer, limit: Self.answerBytes)
                then(.exited(status, answer: bytes ?? []))
            case .timedOut(let milliseconds): then(.timedOut(milliseconds: milliseconds))
            case .notStarted(let error): then(.notStarted("\(Self.path): \(error)"))
            }
        }
        return run
    }
}
