import Foundation
import Testing

@testable import TestSupport

/// One boot of a container with systemd as PID 1, in which all checks of a file run; every test reads its own outcome from it.
struct ServiceManagerRun: Sendable {
    struct Outcome: Decodable, Sendable {
        /// A function of a file in Tests/Fixtures/systemd/checks.
        let `case`: String
        let seconds: Double
        let failure: String?
    }

    let outcomes: [String: Outcome]
    /// What the checks printed, step by step.
    let transcript: String
    /// What systemd-nspawn and the container's console printed.
    let console: String
    let exitStatus: Int32

    /// Why no container can run here; nil where one can.
    static let obstacle: String? = {
        do {
            let probe = try execute(["probe"])
            return probe.exit == 0 ? nil : probe.output.trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            return "\(ContainerMachine.container) can't be run: \(error)"
        }
    }()

    /// The one boot, for whoever asks first.
    static let shared = Task {
        let root = try ServiceManagerRoot()
        defer { root.remove() }
        return try await boot(root.directory)
    }

    static func boot(_ directory: String) async throws -> ServiceManagerRun {
        let run = try await offPool { try execute(["run", directory]) }
        let results = (try? String(contentsOfFile: "\(directory)/out/results", encoding: .utf8)) ?? ""
        let outcomes = try results.split(separator: "\n").map {
            try JSONDecoder().decode(Outcome.self, from: Data($0.utf8))
        }
        return ServiceManagerRun(
            outcomes: Dictionary(uniqueKeysWithValues: outcomes.map { ($0.case, $0) }),
            transcript: (try? String(contentsOfFile: "\(directory)/out/log", encoding: .utf8)) ?? "",
            console: run.output, exitStatus: run.exit)
    }

    private static func execute(_ arguments: [String]) throws -> Releasectl {
        try Releasectl.runNow(
            ["-c", "exec \"$0\" \"$@\" 2>&1", ContainerMachine.container] + arguments, executable: "/bin/sh")
    }
}
