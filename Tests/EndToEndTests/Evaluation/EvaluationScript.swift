import Instructions
import Terms

/// What can be said of a golden case's script alone.
extension EvaluationCase {
    /// Numbered from 1 on, as the record has them.
    var numbered: [(number: Int, instruction: LowLevelInstruction)] {
        script.enumerated().map { ($0.offset + 1, $0.element) }
    }

    /// Whether instruction `number` or a later one loads the module.
    func isLoaded(_ module: String, from number: Int) -> Bool {
        numbered.contains { $0.number >= number && $0.instruction.loads(module) }
    }

    func isLoaded(_ module: String, until number: Int) -> Bool {
        numbered.contains { $0.number <= number && $0.instruction.loads(module) }
    }

    /// The vsn that is current at the end.
    func current(_ module: String) -> String {
        if isLoaded(module, from: 1) { return new }
        return vsns[history.contains { $0.loads(module) } ? 1 : 0]
    }

    /// What we refuse before anything runs and OTP carries out.
    var refusal: String? { uselessConversion ?? secondConversion }

    /// Decided (golden f11): a code_change up of a module that was not loaded before, or one down of a module that the
    /// script loads nowhere. In OTP the old code converts the state, for itself: `code_change` is called in the code that
    /// is current. Whoever wrote it has the order wrong: the new code would find the state unconverted.
    private var uselessConversion: String? {
        for (number, instruction) in numbered {
            guard case .codeChange(let mode, let targets) = instruction else { continue }
            for module in targets.map(\.module.name) {
                let isLoaded = mode == .down ? isLoaded(module, from: 1) : isLoaded(module, until: number)
                if !isLoaded { return "\(module) is converted at \(number) and not loaded" }
            }
        }
        return nil
    }

    /// Decided (golden f12): two code_changes of one module within one suspension. The state goes from process to process
    /// once; in OTP the new code's code_change is called again with what it has made itself, and the same old vsn.
    private var secondConversion: String? {
        var suspended: Set<String> = []
        var converted: Set<String> = []
        for (number, instruction) in numbered {
            switch instruction {
            case .suspend(let targets): suspended.formUnion(targets.map(\.module.name))
            case .resume(let modules):
                suspended.subtract(modules.map(\.name))
                converted.subtract(modules.map(\.name))
            case .codeChange(_, let targets):
                for module in targets.map(\.module.name) where suspended.contains(module) {
                    if !converted.insert(module).inserted { return "\(module) is converted again at \(number)" }
                }
            case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .stop, .start, .syncNodes, .apply,
                .restartNewEmulator, .restartEmulator:
                continue
            }
        }
        return nil
    }

    /// Whether what is to be resumed is resumed before this instruction.
    ///
    /// Decided (design.md 6, "a script is one transaction"): groups with nothing between them but these are committed
    /// together. What needs workers that run has the commit before it: `stop`, `start`, `sync_nodes`, an `apply`. So has a
    /// suspend that somebody does not answer, while those of earlier groups are held: it may be one of these whom he waits
    /// for.
    func commits(before number: Int) -> Bool {
        switch script[number - 1] {
        case .stop, .start, .syncNodes, .apply, .restartNewEmulator, .restartEmulator: true
        case .suspend: isUnanswered(number)
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .codeChange, .resume: false
        }
    }

    func isUnanswered(_ number: Int) -> Bool {
        workers.contains { $0.recorded.contains { $0.instruction == number && $0.event == .noAnswer } }
    }

    /// Whether a child that lists one of these modules is not started at this instruction.
    ///
    /// Decided (design.md 6): from suspend to resume nothing is started that lists the module, restarts wait. With the resume,
    /// that waits for the end of the transaction.
    func holdsStarts(of modules: [String], at number: Int) -> Bool {
        var held: Set<String> = []
        var released: Set<String> = []
        for (each, instruction) in numbered where each <= number {
            if commits(before: each) {
                held.subtract(released)
                released = []
            }
            switch instruction {
            case .suspend(let targets):
                held.formUnion(targets.map(\.module.name))
                released.subtract(targets.map(\.module.name))
            case .resume(let modules): released.formUnion(modules.map(\.name))
            case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .codeChange, .stop, .start, .syncNodes,
                .apply, .restartNewEmulator, .restartEmulator:
                continue
            }
        }
        return !held.isDisjoint(with: modules)
    }
}

extension LowLevelInstruction {
    func loads(_ module: String) -> Bool {
        guard case .load(let loaded, _, _) = self else { return false }
        return loaded.name == module
    }
}
