import Foundation
import Testing

/// A command that a message advises, taken out of it and run as it stands there.
///
/// The pattern is what the sources have, with ◊ where the message puts something in. `AdviceTests` finds each in the sources, and fails for
/// one that no test follows.
struct Advice {
    static let hole: Character = "◊"

    /// As it stands in the message.
    let told: String
    /// The same, with what a reader puts in.
    let command: String

    /// - Parameters:
    ///   - placeholders: what a reader puts in the place of words such as PACKAGE.
    init(_ pattern: String, in message: String, placeholders: [String: String] = [:]) throws {
        let parts = pattern.split(separator: Self.hole, omittingEmptySubsequences: false).map {
            NSRegularExpression.escapedPattern(for: String($0))
        }
        let expression = try NSRegularExpression(pattern: parts.joined(separator: "('[^']*'|[^\\s`,;]+)"))
        let range = NSRange(message.startIndex..., in: message)
        let match = try #require(
            expression.firstMatch(in: message, range: range), "this message does not advise \(pattern): \(message)")
        var text = String(message[try #require(Range(match.range, in: message))])
        // A sentence's end, or what stands in parentheses.
        while let last = text.last, ".:)".contains(last), pattern.last == Self.hole { text.removeLast() }
        told = text
        for (name, value) in placeholders { text = text.replacing(name, with: value) }
        command = text
    }

    /// Runs it as a person would, with the build's programs in the PATH.
    @discardableResult
    func follow(
        in directory: String = "/", environment: [String: String] = [:], expecting exit: Int32? = 0
    ) async throws -> Releasectl {
        let run = try await Program.run(
            "/bin/sh", ["-c", "cd '\(directory)' && \(command)"],
            environment: Self.environment.merging(environment) { $1 })
        if let exit { #expect(run.exit == exit, "\(command): \(run)") }
        return run
    }

    static var environment: [String: String] {
        let programs = URL(filePath: Releasectl.path).deletingLastPathComponent().path
        return ["PATH": "\(programs):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"]
    }
}
