import Foundation
import Testing

/// What OTP's release_handler did to each process for scripts as people write them by hand, and what the daemon does: with
/// real processes, two at a time. `GOLDEN_EVAL_DIR` puts other cases to it.
@Suite struct GoldenEvaluationTests {
    @Test func thereAreCases() { #expect(!EvaluationCase.files.isEmpty) }

    @Suite(.serialized) struct FirstHalf {
        @Test(.timeLimit(.minutes(15)), arguments: GoldenEvaluationTests.half(0))
        func plays(_ file: EvaluationFile) async throws { try await file.play() }
    }

    @Suite(.serialized) struct SecondHalf {
        @Test(.timeLimit(.minutes(15)), arguments: GoldenEvaluationTests.half(1))
        func plays(_ file: EvaluationFile) async throws { try await file.play() }
    }

    static func half(_ number: Int) -> [EvaluationFile] {
        EvaluationCase.files.enumerated().filter { $0.offset % 2 == number }.map { EvaluationFile(url: $0.element) }
    }
}

struct EvaluationFile: CustomTestStringConvertible, Sendable {
    let url: URL
    var testDescription: String { url.lastPathComponent }

    func play() async throws {
        let golden = try EvaluationCase(file: url)
        let differences = try await EvaluationRun.play(golden)
        let text = try String(contentsOf: url, encoding: .utf8)
        #expect(
            differences.isEmpty,
            """
            \(golden.name): \(differences.joined(separator: "\n  "))
            \(text)
            """)
    }
}
