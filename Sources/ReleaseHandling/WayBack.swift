public import Instructions
import Terms

/// What takes back what a script has committed: the same groups of the opposite script, in its order.
///
/// The relup has a script for each way. Of the opposite one those instructions count that concern modules which were
/// committed. What starts, stops or calls (`start`, `stop`, `apply`) is not bound to a module: where all such instructions of the failed script
/// were evaluated, those of the opposite one take them back; where none was, there is nothing to take back; where some
/// were, nobody can tell which belong together, and there is no way back but the node's restart.
public enum WayBack {
    /// - Parameter opposite: the relup's script for the other direction.
    /// - Returns: nil where it does not lead back.
    public static func script(
        of opposite: [LowLevelInstruction], after committed: RelupMachine.Committed
    ) -> [LowLevelInstruction]? {
        let modules = Set(committed.modules)
        let effects = committed.script.indices.filter { hasEffect(committed.script[$0]) }
        let evaluated = effects.count { $0 < committed.count }
        guard evaluated == 0 || evaluated == effects.count else { return nil }
        let script = opposite.compactMap { instruction in
            hasEffect(instruction) ? (evaluated > 0 ? instruction : nil) : restricted(instruction, to: modules)
        }
        var covered: Set<Atom> = []
        for instruction in script {
            switch instruction {
            case .load(let module, _, _), .remove(let module, _, _): covered.insert(module)
            case .loadObjectCode, .pointOfNoReturn, .purge, .suspend, .codeChange, .resume, .stop, .start, .syncNodes,
                .apply, .restartNewEmulator, .restartEmulator:
                continue
            }
        }
        return modules.isSubset(of: covered) ? script : nil
    }

    private static func hasEffect(_ instruction: LowLevelInstruction) -> Bool {
        switch instruction {
        case .stop, .start, .restartNewEmulator, .restartEmulator: true
        case .apply(let function): !RelupMachine.onlyLooks(function)
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .suspend, .codeChange, .resume, .syncNodes:
            false
        }
    }

    private static func restricted(_ instruction: LowLevelInstruction, to modules: Set<Atom>) -> LowLevelInstruction? {
        switch instruction {
        case .loadObjectCode(let library, let vsn, let names):
            return names.filter(modules.contains).ifAny {
                LowLevelInstruction.loadObjectCode(library: library, vsn: vsn, modules: $0)
            }
        case .purge(let names): return names.filter(modules.contains).ifAny { LowLevelInstruction.purge($0) }
        case .resume(let names): return names.filter(modules.contains).ifAny { LowLevelInstruction.resume($0) }
        case .suspend(let targets):
            return targets.filter { modules.contains($0.module) }.ifAny { LowLevelInstruction.suspend($0) }
        case .codeChange(let mode, let targets):
            return targets.filter { modules.contains($0.module) }.ifAny { LowLevelInstruction.codeChange(mode, $0) }
        case .load(let module, _, _), .remove(let module, _, _): return modules.contains(module) ? instruction : nil
        // The other nodes were synchronised with on the way there, and go back by themselves.
        case .syncNodes: return nil
        case .pointOfNoReturn, .stop, .start, .apply, .restartNewEmulator, .restartEmulator: return instruction
        }
    }
}

extension Array {
    fileprivate func ifAny(_ body: (Self) -> LowLevelInstruction) -> LowLevelInstruction? {
        isEmpty ? nil : body(self)
    }
}
