import Terms
import Wire

extension EvaluationRun {
    /// The differences, as sentences.
    func compare(
        _ expected: ExpectedEvaluation, _ result: InstallResult, _ found: [String: [EvaluationEvent]],
        _ running: [String: String]
    ) async throws -> [String] {
        guard result.outcome == expected.outcome else {
            let wanted = expected.golden.refusal.map { "refused, since \($0)" } ?? "\(expected.outcome.rawValue)"
            return [
                "outcome \(result.outcome.rawValue) (\(result.reason ?? "")), expected \(wanted); OTP \(golden.outcomeTerm)"
            ]
        }
        var differences: [String] = []
        let failed = result.failedInstruction.map { $0.index + 1 }
        if let number = expected.failedInstruction, failed != number {
            differences.append("failed at instruction \(failed ?? 0), OTP \(number)")
        }
        if let reason = expected.reason, result.reason?.contains(reason) != true {
            differences.append("refused for \(result.reason ?? "nothing"), OTP \(reason)")
        }
        for (worker, walk) in expected.walks {
            let events = found[worker.child.id] ?? []
            differences += compare(expected, worker, walk, events, running[worker.child.place])
            guard differences.isEmpty, expected.outcome != .restarting, running[worker.child.place] != nil else {
                continue
            }
            differences += try await compareState(expected, worker, walk, events)
        }
        return differences
    }

    private func compare(
        _ expected: ExpectedEvaluation, _ worker: EvaluationCase.Worker, _ walk: EvaluationWalk,
        _ found: [EvaluationEvent], _ runs: String?
    ) -> [String] {
        var differences: [String] = []
        let end: Set<String?>
        let id = worker.child.id
        switch expected.outcome {
        case .restarting: end = [golden.vsns[0]]
        case .done:
            end = walk.end
            var (wanted, seen) = (walk.events.quiet, found.quiet)
            if walk.mayBeResumedBetween {
                (wanted, seen) = (wanted.withoutResumesBetween, seen.withoutResumesBetween)
            }
            if wanted != (walk.isWhole ? seen : Array(seen.prefix(wanted.count))) {
                differences.append("\(id): \(words(found)), expected \(words(wanted))\(walk.isWhole ? "" : " ...")")
            }
        case .aborted, .refused:
            end = [worker.before]
            // What crashes in its own code_change, on the way down, is an OS process that is gone; OTP's sys catches it.
            let hasCrashed =
                found.contains { if case .codeChangeFails = $0 { true } else { false } } && found.last.isStart
            let wasEnded = worker.recorded.contains { [.killed, .stopped, .noAnswer].contains($0.event) }
            let hasEnded = found.contains { [.killed, .stopped].contains($0) || Optional($0).isStart }
            if hasEnded, !hasCrashed, !(wasEnded && expected.outcome == .aborted) {
                differences.append("\(id): not as before: \(words(found))")
            }
        }
        if !end.contains(runs) {
            let wanted = end.map { $0 ?? "nothing" }.sorted().joined(separator: " or ")
            differences.append("\(id) runs \(runs ?? "nothing"), expected \(wanted)")
        }
        return differences
    }

    /// Its state is the list of the conversions that it went through.
    private func compareState(
        _ expected: ExpectedEvaluation, _ worker: EvaluationCase.Worker, _ walk: EvaluationWalk,
        _ found: [EvaluationEvent]
    ) async throws -> [String] {
        guard walk.isWhole || expected.outcome != .done else { return [] }
        let events = expected.outcome == .done ? walk.events : []
        let isNew = (expected.outcome == .done ? events : found).contains { Optional($0).isStart }
        let since = events.lastIndex { Optional($0).isStart }.map { events[($0 + 1)...] } ?? events[...]
        let converted = since.count { if case .codeChange = $0 { true } else { false } }
        let wanted = (isNew ? 0 : convertedBefore[worker.child.id] ?? 0) + converted
        let state = try await conversions(worker)
        guard state != wanted else { return [] }
        return ["\(worker.child.id): its state went through \(state) conversions, expected \(wanted)"]
    }

    private func words(_ events: [EvaluationEvent]) -> String {
        events.isEmpty ? "nothing" : events.map(\.description).joined(separator: " ")
    }
}

extension EvaluationEvent? {
    fileprivate var isStart: Bool { if case .started = self { true } else { false } }
}
