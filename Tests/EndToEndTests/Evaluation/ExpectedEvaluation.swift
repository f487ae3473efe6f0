import Instructions
import Terms
import Wire

/// OTP's record of a case as it is to be here.
struct ExpectedEvaluation {
    let golden: EvaluationCase
    let outcome: InstallResult.Outcome
    let walks: [(worker: EvaluationCase.Worker, walk: EvaluationWalk)]
    /// Where it fails; nil where it does not, or is refused.
    var failedInstruction: Int?
    /// What the reason has in it.
    var reason: String?

    init(_ golden: EvaluationCase) {
        self.golden = golden
        let walk = { (last: Int?) in golden.workers.map { ($0, EvaluationWalk(golden, $0, until: last)) } }
        if golden.refusal != nil {
            (outcome, walks) = (.refused, walk(nil))
            return
        }
        switch golden.outcome {
        case .ok: (outcome, walks) = (.done, walk(nil))
        case .error(let reason):
            (outcome, walks) = (.refused, walk(nil))
            self.reason = reason.asTuple?.last.map { $0.asString ?? "\($0)" }
        case .restart(_, .atom("badmatch")):
            // Decided (docs/instructions.md, "what must be read for them, load_object_code says"): a load of what was not
            // read is found in the script before anything runs. OTP fails at the load and restarts the node.
            (outcome, walks) = (.refused, walk(nil))
        case .restart(let number, let reason):
            walks = walk(number)
            if reason.asTuple?.last == .atom("not_suspended") {
                // Decided (golden f10): it is still suspended for the other module, and converts. In OTP it was resumed.
                outcome = .done
                return
            }
            failedInstruction = number
            // Decided (design.md 6, docs/releases.md): what fails after the point of no return is undone as long as no worker
            // was resumed, or started, in new code. OTP restarts the node.
            outcome = Self.runsNewCode(golden, walks, before: number) ? .restarting : .aborted
        }
    }

    private static func runsNewCode(
        _ golden: EvaluationCase, _ walks: [(worker: EvaluationCase.Worker, walk: EvaluationWalk)], before last: Int
    ) -> Bool {
        walks.contains { worker, walk in
            // What was only to be resumed at the end of the transaction that failed was not.
            let wasResumed = walk.resumptions.contains { $0.number <= last && $0.vsn != worker.before }
            let wasStarted = worker.recorded.contains { recorded in
                guard let number = recorded.instruction, number < last else { return false }
                let isHeld = golden.holdsStarts(of: worker.child.listed, at: number)
                let isReleased = (number + 1...last).contains(where: golden.commits)
                return recorded.event == .started(golden.new) && (!isHeld || isReleased)
            }
            return wasResumed || wasStarted
        }
    }
}

extension [EvaluationEvent] {
    /// Without pauses of a worker that has just been started, which change nothing.
    ///
    /// Decided (design.md 6): from suspend to resume nothing is started that lists the module, restarts wait. In OTP it is
    /// started at once, and suspended if a suspend comes after that.
    var quiet: [EvaluationEvent] {
        var kept: [EvaluationEvent] = []
        for event in self {
            if case .resumed(let vsn) = event, kept.count > 1, kept[kept.count - 1] == .suspended,
                kept[kept.count - 2] == .started(vsn)
            {
                kept.removeLast()
            } else {
                kept.append(event)
            }
        }
        return kept
    }

    /// Without resumes that another suspend, or the end, followed.
    var withoutResumesBetween: [EvaluationEvent] {
        var kept: [EvaluationEvent] = []
        for event in self {
            if case .resumed = kept.last, event == .suspended {
                kept.removeLast()
            } else if case .resumed = kept.last, event == .killed {
                kept.removeLast()
                kept.append(event)
            } else {
                kept.append(event)
            }
        }
        return kept
    }
}
