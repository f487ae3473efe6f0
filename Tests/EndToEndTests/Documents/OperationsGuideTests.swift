import Foundation
import Testing

@testable import TestSupport

/// docs/operations.md does what it says, from the package's installation to its removal.
@Suite(
    .enabled(if: PackageMachine.obstacle == nil, Comment(rawValue: PackageMachine.obstacle ?? "")),
    .timeLimit(.minutes(15)))
struct OperationsGuideTests {
    @Test("every command of the operations guide does what the guide says, word by word")
    func theGuideIsTrue() async throws {
        let guide = try await OperationsGuide.follow()
        for step in guide.steps {
            if let failure = step.failure {
                Issue.record("docs/operations.md:\(step.line): \(step.command)\n\(failure)")
            }
        }
        if ProcessInfo.processInfo.environment["REWRITE_GOLDEN"] == "1", !guide.written.isEmpty {
            try guide.written.write(to: OperationsGuide.document, atomically: true, encoding: .utf8)
        }
        let text = try String(contentsOf: OperationsGuide.document, encoding: .utf8)
        let commands = text.split(separator: "\n").filter { $0.hasPrefix("$ ") || $0.hasPrefix("<!-- run: ") }.count
        #expect(guide.steps.count == commands, "the container ended before the guide: \(guide.transcript)")
    }

    @Test("all its blocks are commands that are run")
    func noCommandIsLeftOut() throws {
        let text = try String(contentsOf: OperationsGuide.document, encoding: .utf8)
        let fences = text.split(separator: "\n").filter { $0.hasPrefix("```") && $0 != "```" }
        #expect(!fences.isEmpty)
        #expect(fences.filter { $0 != "```console" } == [])
    }
}
