import Foundation
import Testing

@testable import TestSupport
import Wire

/// What the golden cases of evaluation are made into where something is decided otherwise than in OTP: worked out by hand
/// from a case's script.
@Suite struct ExpectedEvaluationTests {
    @Test(arguments: [
        // Resumed by a first group, suspended by a second one: one suspension.
        ("eval/0138", "done", ["w1": "suspended resumed(1) | 1", "w2": "suspended resumed(1) | 1"]),
        ("eval/0166", "done", ["w5": "suspended code_change(\"1\",new,2) resumed(2) | 2"]),
        ("eval-small/f03standby", "done", ["w1": "suspended code_change(\"1\",[],2) resumed(2) | 2"]),
        // What it becomes is decided by its resume, also where a later group loads its module again.
        ("eval/0019", "done", ["w1": "suspended killed | nothing"]),
        // Not resumed between two groups.
        ("eval/0070", "done", ["w2": "suspended resumed(2) | 2"]),
        ("eval/0073", "done", ["w3": "suspended code_change(\"1\",\"text\",2) resumed(2) | 2"]),
        ("eval/0154", "done", ["w1": "suspended resumed(1) | 1", "w3": "suspended killed started(2) | 2"]),
        // The last of its modules resumes it.
        ("eval-small/f10multib", "done", ["w1": "suspended resumed(2) | 2"]),
        ("eval-small/f10multi", "done", ["w1": "suspended ... | 1 or 2"]),
        ("eval/0007", "done", ["w2": "suspended code_change(\"1\",new,2) resumed(2) | 2"]),
        ("eval/0095", "done", ["w3": "suspended resumed(1) | 1"]),
        ("eval/0101", "done", ["w2": "suspended code_change({down,\"1\"},{limit,10},2) ... | 1 or 2"]),
        // Refused.
        ("eval-small/f11before", "refused", [:]), ("eval-small/f12twice", "refused", [:]),
        ("eval/0055", "refused", [:]), ("eval/0141", "refused", [:]), ("eval-small/f17loadunread", "refused", [:]),
        // The first group was only to be resumed with the second, which fails; and where a hung worker committed it.
        ("eval/0060", "aborted", [:]), ("eval/0164", "aborted", [:]), ("eval/0113", "restarting", [:]),
    ])
    func isAsDecided(_ name: String, _ outcome: String, _ workers: [String: String]) throws {
        let file = Project.root.appending(path: "Tests/EndToEndTests/golden/\(name).case")
        let expected = ExpectedEvaluation(try EvaluationCase(file: file))
        #expect(expected.outcome.rawValue == outcome)
        for (worker, walk) in expected.walks {
            guard let wanted = workers[worker.child.id] else { continue }
            let events = walk.mayBeResumedBetween ? walk.events.quiet.withoutResumesBetween : walk.events.quiet
            let end = walk.end.map { $0 ?? "nothing" }.sorted().joined(separator: " or ")
            let words = events.map(\.description).joined(separator: " ")
            #expect("\(words)\(walk.isWhole ? "" : " ...") | \(end)" == wanted, "\(worker.child.id)")
        }
        #expect(Set(workers.keys).isSubset(of: expected.walks.map(\.worker.child.id)))
    }
}
