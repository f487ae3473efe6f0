public import Instructions
public import Terms
public import Wire

extension RelupMachine {
    /// Every module that the script names, in its order.
    public var involvedModules: [Atom] {
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
        var course = Course()
        for (index, instruction) in script.enumerated() {
            if instruction.needsRunningWorkers { course.commit() }
            defer { if case .resume = instruction, !canFail(after: index) { course.commit() } }
            guard let message = problem(of: instruction, &course) else { continue }
            return Failure(index: index, instruction: instruction, error: .badScript(instruction, message: message))
        }
        return nil
    }

    /// What the instructions so far have come to, as far as the script alone says.
    private struct Course {
        var loaded: Set<Atom> = []
        /// Suspended and not resumed.
        var suspended: Set<Atom> = []
        /// Resumed, and not gone on yet.
        var due: Set<Atom> = []
        /// Those whose workers' states were converted and that have not gone on since.
        var converted: Set<Atom> = []

        mutating func commit() {
            converted.subtract(due)
            due = []
        }
    }

    private func problem(of instruction: LowLevelInstruction, _ course: inout Course) -> String? {
        switch instruction {
        case .load(let module, _, _):
            course.loaded.insert(module)
        case .suspend(let targets):
            course.suspended.formUnion(targets.map(\.module))
            course.due.subtract(targets.map(\.module))
        case .resume(let modules):
            course.due.formUnion(course.suspended.intersection(modules))
            course.suspended.subtract(modules)
        case .stop(let modules):
            course.suspended.subtract(modules)
            course.converted.subtract(modules)
        case .codeChange(let mode, let targets):
            return problem(of: targets.map(\.module), mode, &course)
        case .syncNodes(_, .nodes(let nodes)):
            return nodes.first { NodeName($0.name) == nil }.map {
                "\(Term.atom($0)) is no node's name, which is \(NodeName.form)"
            }
        case .syncNodes(_, .apply(let function)) where BuiltInFunction.modules.contains(function.module):
            return
                "\(function.module.name):\(function.function.name) answers no list of nodes; call a program of the release"
        case .loadObjectCode, .pointOfNoReturn, .remove, .purge, .start, .syncNodes, .apply, .restartNewEmulator,
            .restartEmulator:
            break
        }
        return nil
    }

    private func problem(of modules: [Atom], _ mode: CodeChangeMode?, _ course: inout Course) -> String? {
        for module in modules {
            let isLoaded = mode != .down ? course.loaded.contains(module) : loadedModules.contains(module)
            guard isLoaded else {
                return mode != .down
                    ? "\(module.name) is not loaded before its code_change up, so nothing would convert its state"
                    : "\(module.name) is not loaded by this script, so there is no version to change down to"
            }
            guard course.suspended.contains(module) else { continue }
            guard course.converted.insert(module).inserted else {
                return """
                    the script converts the state of \(module.name)'s workers a second time, which is in the other \
                    version's form since the first; leave one of the two out
                    """
            }
        }
        return nil
    }

    /// Workers that run the version before the current one, where the script purges softly: found before anything
    /// runs, as OTP's `check_old_processes` does.
    ///
    /// - Parameters:
    ///   - census: every worker of the modules that the script names.
    ///   - loaded: the SHA-256 of each functional module that the script loads: who holds that very version keeps it. Without them,
    ///     who uses a functional module is looked at by its load.
    public func checkOldProcesses(
        _ code: CodeTable, census: [WorkerInfo], loading loaded: [Atom: String]? = nil
    ) -> Failure? {
        for (index, instruction) in script.enumerated() {
            switch instruction {
            case .load(let module, .softPurge, _), .remove(let module, .softPurge, _):
                let users = census.filter { worker in
                    if let loaded, code.usesOldVersion(worker, of: module, before: loaded[module]) { return true }
                    return worker.resident == module && code.runsOldCode(worker)
                }.map(\.id)
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

    /// Whom a `purge`, or the brutal purge before a `load` or `remove`, will end, as far as the script and a census say: who
    /// runs the module in what is old by then and is not suspended.
    public func usersOfOldCode(at index: Int, _ code: CodeTable, census: [WorkerInfo]) -> [ChildAddress] {
        let purged: [Atom]
        switch script[index] {
        case .purge(let modules): purged = modules
        case .load(let module, .brutalPurge, _), .remove(let module, .brutalPurge, _): purged = [module]
        default: return []
        }
        // What is current at each step by no more than the script's own changes; a user of what was current becomes old.
        var replaced: Set<Atom> = []
        var gone: Set<Atom> = []
        var suspended: Set<Atom> = []
        for instruction in script[..<index] {
            switch instruction {
            case .load(let module, _, _):
                if gone.remove(module) == nil { replaced.insert(module) }
            case .remove(let module, _, _):
                replaced.insert(module)
                gone.insert(module)
            case .suspend(let targets): suspended.formUnion(targets.map(\.module))
            case .resume(let modules), .stop(let modules):
                suspended.subtract(modules)
                // Those that went on by it are in what was current.
                replaced.subtract(modules)
            default: continue
            }
        }
        if case .load(let module, _, _) = script[index], gone.contains(module) { return [] }
        return census.filter { worker in
            if purged.contains(where: { usesReplaced(worker, $0, replaced, code) }) { return true }
            guard let resident = worker.resident, purged.contains(resident) else { return false }
            guard suspended.isDisjoint(with: worker.modules) else { return false }
            return replaced.contains(resident) || code.runsOldCode(worker)
        }.map(\.id)
    }

    /// Of a functional module: who is in what is old by then, suspended or not.
    private func usesReplaced(_ worker: WorkerInfo, _ module: Atom, _ replaced: Set<Atom>, _ code: CodeTable) -> Bool {
        guard let functional = worker.functional[module] else { return false }
        return replaced.contains(module) ? !functional.used.isEmpty : code.usesOldVersion(worker, of: module)
    }

    /// The library of the new release that a `load_object_code` reads from.
    public func library(_ name: Atom, _ vsn: String) throws(RelupError) -> LibraryRecord {
        guard let record = libraries.first(where: { $0.name == name }) else { throw .noSuchLibrary(name) }
        guard record.vsn == vsn else { throw .badLibraryVsn(name, wanted: vsn, found: record.vsn) }
        return record
    }

    /// Modules that a `load_object_code` reads and whose workers, as the census has them, would not be handed over: to
    /// see whether they can start at all, one process of each is started and ended (`startStandbys` without a worker).
    public func probed(_ versions: [CodeVersion], census: [WorkerInfo]) -> [CodeVersion] {
        versions.filter { $0.kind == .resident && workersToHandOver(to: $0, census).isEmpty }
    }

    /// Those that will be handed into this version, once it is loaded.
    func workersToHandOver(to version: CodeVersion, _ census: [WorkerInfo]) -> [WorkerInfo] {
        census.filter { $0.resident == version.module && willBeSuspended($0, loading: version.module) }
    }

    private func willBeSuspended(_ worker: WorkerInfo, loading module: Atom) -> Bool {
        loadedModules.contains(module) && !suspendedModules.isDisjoint(with: worker.modules)
    }

    public func convertsModule(_ module: Atom) -> Bool {
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
