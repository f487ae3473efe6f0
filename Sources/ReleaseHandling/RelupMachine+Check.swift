import Instructions
import Terms

extension RelupMachine {
    /// Every module that the script names, in its order.
    var involvedModules: [Atom] {
        var seen: Set<Atom> = []
        return script.flatMap(Self.modules(of:)).filter { seen.insert($0).inserted }
    }

    private static func modules(of instruction: LowLevelInstruction) -> [Atom] {
        switch instruction {
        case .loadObjectCode(_, _, let modules), .purge(let modules), .resume(let modules), .stop(let modules),
            .start(let modules):
            modules
        case .load(let module, _, _), .remove(let module, _, _): [module]
        case .suspend(let targets): targets.map(\.module)
        case .codeChange(_, let targets): targets.map(\.module)
        case .pointOfNoReturn, .syncNodes, .apply, .restartNewEmulator, .restartEmulator: []
        }
    }

    /// What can be known to fail from the script alone.
    public func checkScript() -> Failure? {
        do throws(ScriptError) {
            try script.checkOrder()
        } catch {
            let instruction = script.indices.contains(error.index) ? script[error.index] : nil
            return Failure(index: error.index, instruction: instruction, error: .scriptOrder(error))
        }
        var loaded: Set<Atom> = []
        for (index, instruction) in script.enumerated() {
            switch instruction {
            case .load(let module, _, _):
                loaded.insert(module)
            case .codeChange(let mode, let targets):
                let unloaded = targets.map(\.module).first {
                    mode != .down ? !loaded.contains($0) : !loadedModules.contains($0)
                }
                guard let unloaded else { continue }
                let message =
                    mode != .down
                    ? "\(unloaded.name) is not loaded before its code_change up, so nothing would convert its state"
                    : "\(unloaded.name) is not loaded by this script, so there is no version to change down to"
                return Failure(
                    index: index, instruction: instruction, error: .badScript(instruction, message: message))
            case .syncNodes where !options.canSyncNodes:
                let message = "sync_nodes is not possible: this node knows no others; take it out of the relup"
                return Failure(
                    index: index, instruction: instruction, error: .badScript(instruction, message: message))
            case .loadObjectCode, .pointOfNoReturn, .remove, .purge, .suspend, .resume, .stop, .start, .syncNodes,
                .apply, .restartNewEmulator, .restartEmulator:
                continue
            }
        }
        return nil
    }

    /// Workers that run the version before the current one, where the script purges softly: found before anything
    /// runs, as OTP's `check_old_processes` does.
    func checkOldProcesses(_ code: CodeTable) -> Failure? {
        for (index, instruction) in script.enumerated() {
            switch instruction {
            case .load(let module, .softPurge, _), .remove(let module, .softPurge, _):
                let users = code.usersOfOldCode(of: module, among: census)
                guard users.isEmpty else {
                    return Failure(index: index, instruction: instruction, error: .oldProcesses(module, users))
                }
            case .load, .remove, .loadObjectCode, .pointOfNoReturn, .purge, .suspend, .codeChange, .resume, .stop,
                .start, .syncNodes, .apply, .restartNewEmulator, .restartEmulator:
                continue
            }
        }
        return nil
    }

    func convertsModule(_ module: Atom) -> Bool {
        script.contains {
            guard case .codeChange(_, let targets) = $0 else { return false }
            return targets.contains { $0.module == module }
        }
    }

    /// The code into which this worker will be handed, if it will: read, to be loaded or loaded by this script, and the
    /// worker is suspended on the way. One that is suspended and runs old code of a module that the script does not load
    /// goes on in what is current, as in OTP.
    func successor(of worker: WorkerInfo, _ code: CodeTable) -> CodeVersion? {
        guard let resident = worker.resident, !suspendedModules.isDisjoint(with: worker.modules) else { return nil }
        let isLoaded = loadedModules.contains(resident)
        guard let version = isLoaded ? objectCode[resident] : code.current[resident], version.kind == .resident
        else { return nil }
        return isLoaded || code.runsOldCode(worker) ? version : nil
    }

    /// Whether it was started after the load, in the new code: it has nothing to hand over or to convert. Where both
    /// versions are the same bytes nobody can tell, and a handoff does no harm.
    func alreadyRunsNewCode(_ worker: WorkerInfo) -> Bool {
        guard let change = worker.resident.flatMap(change(of:)), let current = change.current else { return false }
        return worker.sha256 == current.sha256 && worker.sha256 != change.before?.sha256
    }

    func change(of module: Atom) -> ChangedModule? { changed.first { $0.module == module } }

    func hasChanged(_ module: Atom) -> Bool { change(of: module) != nil }
}
