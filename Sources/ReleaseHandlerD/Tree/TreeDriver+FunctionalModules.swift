import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Functional modules in the processes of all places.
extension TreeDriver {
    /// Brings every process that has one of these modules, or whose spec lists one, to what is current of it; standbys too.
    /// `then` is told of each worker with such a process, and why where one could not.
    func updateModules(_ modules: [Atom], then: @escaping @HostActor ([(worker: ChildAddress, reason: Term?)]) -> Void)
    {
        var tasks: [(worker: ChildAddress, process: Generation, module: Atom)] = []
        for child in allChildren() {
            guard let place = places[child.address] else { continue }
            for process in place.standing {
                for module in modules where process.concerns(module) { tasks.append((child.address, process, module)) }
            }
        }
        let gather = Gather<Result<ChildAddress, ModuleUpdateFailure>>(count: tasks.count) { results in
            var outcome: [ChildAddress: Term?] = [:]
            var order: [ChildAddress] = []
            for result in results {
                switch result {
                case .success(let worker):
                    if outcome[worker] == nil { order.append(worker) }
                    outcome[worker] = outcome[worker] ?? .some(nil)
                case .failure(let failure):
                    if outcome[failure.worker] == nil { order.append(failure.worker) }
                    outcome[failure.worker] = .some(failure.reason)
                }
            }
            then(order.map { ($0, outcome[$0] ?? nil) })
        }
        for (index, task) in tasks.enumerated() {
            update(task.process, task.module) { reason in
                gather.set(
                    index, reason.map { .failure(.init(worker: task.worker, reason: $0)) } ?? .success(task.worker))
            }
        }
    }

    private struct ModuleUpdateFailure: Error {
        let worker: ChildAddress
        let reason: Term
    }

    private func update(_ process: Generation, _ module: Atom, then: @escaping @HostActor (Term?) -> Void) {
        guard let version = code.table.current[module], version.kind == .functional else {
            return process.loaded[module] == nil ? then(nil) : process.delete(module, then: then)
        }
        guard process.loaded[module] != version.sha256 else { return then(nil) }
        guard let code = code.loaded(version) else { return then(.atom("not_read")) }
        process.load(code, then: then)
    }

    /// What was purged goes from the processes, too.
    func purgeModules(_ modules: [Atom]) {
        for place in places.values {
            for process in place.standing where process.hasModules {
                let had = modules.filter { process.hadLoaded.contains($0) }
                if !had.isEmpty { process.purge(had) }
            }
        }
    }

    /// What these processes have of these modules, as they say. One that does not say is taken to use what is old.
    func askVersions(
        of processes: [Generation], among modules: Set<Atom>,
        then: @escaping @HostActor ([ObjectIdentifier: [Atom: FunctionalCode]]) -> Void
    ) {
        let asked = processes.filter { !$0.hadLoaded.isDisjoint(with: modules) }
        let gather = Gather<[Atom: FunctionalCode]>(count: asked.count) { answers in
            then(Dictionary(uniqueKeysWithValues: zip(asked, answers).map { (ObjectIdentifier($0), $1) }))
        }
        for (index, process) in asked.enumerated() {
            process.versions { [code] versions in
                let had = process.hadLoaded.intersection(modules)
                gather.set(
                    index,
                    Dictionary(
                        uniqueKeysWithValues: had.map { module in
                            (module, FunctionalCode(module, of: process, saying: versions, code.table))
                        }))
            }
        }
    }

    /// A worker wants a functional module that its spec does not list. Its standby is to have it, too.
    func wanted(_ module: Atom, by process: Generation, at place: Place) {
        Task { @HostActor [code] in
            if code.mustRead(module) { await code.prefetch(module) }
            guard process.isAlive else { return }
            let found: LoadedCode
            do throws(CodeError) {
                found = try code.current(module)
            } catch {
                return process.send(.noModule(module: module, reason: error.term))
            }
            guard found.version.kind == .functional else {
                let sentence = Term.text("\(module.name) is no functional module: \(found.file.path)")
                return process.send(.noModule(module: module, reason: .tuple([.atom("badfile"), sentence])))
            }
            process.load(found) { reason in
                guard let reason, process.isAlive else { return }
                process.send(.noModule(module: module, reason: reason))
            }
            for other in place.standing where other != process && other.hasModules { other.load(found) { _ in } }
        }
    }
}

extension Generation {
    /// Whether it has the module, or is to have it.
    fileprivate func concerns(_ module: Atom) -> Bool {
        guard hasModules, isAlive else { return false }
        return loaded[module] != nil || spec.start.module != module && spec.listedModules.contains(module)
    }
}

extension FunctionalCode {
    @HostActor
    fileprivate init(_ module: Atom, of process: Generation, saying versions: [MappedVersion]?, _ table: CodeTable) {
        guard let versions else {
            self.init(current: process.loaded[module], used: Set([table.old[module]?.sha256].compactMap(\.self)))
            return
        }
        let own = versions.filter { $0.module == module && !$0.isResident }
        let current = own.first(where: \.isCurrent)?.sha256
        self.init(current: current, used: Set(own.filter { !$0.isCurrent && $0.users > 0 }.map(\.sha256)))
    }
}
