import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Functional modules in the processes of all places.
extension TreeDriver {
    /// Brings every process that has one of these modules, or whose spec lists one, to what is current of it; standbys too.
    ///
    /// - Parameter isUndoing: the release that ran runs on: a module that a process came to have by the upgrade is looked for in it.
    func updateModules(
        _ modules: [Atom], isUndoing: Bool = false,
        then: @escaping @HostActor ([(worker: ChildAddress, update: ModuleUpdate)]) -> Void
    ) {
        var tasks: [(worker: ChildAddress, process: Generation, module: Atom)] = []
        for child in allChildren() {
            guard let place = places[child.address], place.phase != .stopping else { continue }
            for process in place.standing {
                for module in modules where process.concerns(module) { tasks.append((child.address, process, module)) }
            }
        }
        if isUndoing {
            // What can't be read is not there.
            for module in Set(tasks.map(\.module)) where code.table.current[module] == nil {
                _ = try? code.functional(module)
            }
        }
        let gather = Gather<ModuleUpdate>(count: tasks.count) { updates in
            then(zip(tasks, updates).map { ($0.worker, $1) })
        }
        for (index, task) in tasks.enumerated() { update(task.process, task.module) { gather.set(index, $0) } }
    }

    private func update(_ process: Generation, _ module: Atom, then: @escaping @HostActor (ModuleUpdate) -> Void) {
        guard let target = current(module, of: process) else {
            let isThere = process.loaded[module] != nil || process.unsettledModules.contains(module)
            return isThere ? process.delete(module, then: then) : then(.done)
        }
        process.has(target.version) ? then(.done) : process.load(target, then: then)
    }

    /// What the process is to have: of a standby that is started for an upgrade what that will have loaded.
    private func current(_ module: Atom, of process: Generation) -> LoadedCode? {
        if let ahead = process.librariesAhead[module] { return ahead }
        guard let version = code.table.current[module], version.kind == .functional else { return nil }
        return code.loaded(version)
    }

    /// A process that came to have a version which is not current any more gets the one that is. One that can't take it ends, and its
    /// supervisor starts it with that.
    func bring(_ process: Generation, _ modules: [Atom]) {
        for module in modules where process.concerns(module) {
            update(process, module) { update in
                guard case .failed(let reason) = update, process.isAlive else { return }
                process.kill(reason: .tuple([.atom("load_failed"), .atom(module), reason]))
            }
        }
    }

    /// A standby that was being started meanwhile is to have what the process that serves has.
    func bringAlong(_ place: Place) {
        guard let serving = place.current else { return }
        for standby in place.standing where standby != serving && standby.hasModules && standby.isAlive {
            for module in serving.loaded.keys where standby.loaded[module] == nil {
                update(standby, module) { _ in }
            }
        }
    }

    /// What was purged goes from the processes, too.
    func purgeModules(_ modules: [Atom]) {
        for place in places.values {
            for process in place.standing where process.hasModules {
                let had = modules.filter(process.hadLoaded.contains)
                if !had.isEmpty { process.purge(had) }
            }
        }
    }

    /// What these processes have of these modules, as they say. One that does not say is taken to use what is old.
    func askVersions(
        of processes: [Generation], among modules: Set<Atom>,
        then: @escaping @HostActor ([ObjectIdentifier: [Atom: FunctionalCode]]) -> Void
    ) {
        askVersions(of: processes.filter { !$0.hadLoaded.isDisjoint(with: modules) }) { [code] answers in
            var functional: [ObjectIdentifier: [Atom: FunctionalCode]] = [:]
            for (process, versions) in answers {
                for module in process.hadLoaded.intersection(modules) {
                    functional[ObjectIdentifier(process), default: [:]][module] = FunctionalCode(
                        module, of: process, saying: versions, code.table)
                }
            }
            then(functional)
        }
    }

    /// What each of these processes has mapped, as it says; nil where it does not say.
    func askVersions(
        of asked: [Generation],
        then: @escaping @HostActor ([(process: Generation, versions: [MappedVersion]?)]) -> Void
    ) {
        let gather = Gather<[MappedVersion]?>(count: asked.count) { answers in
            then(zip(asked, answers).map { ($0, $1) })
        }
        for (index, process) in asked.enumerated() { process.versions { gather.set(index, $0) } }
    }

    // MARK: Asked for

    /// So many of a process's wants are seen to at once.
    private static let maximumWants = 64

    /// A worker wants a functional module that its spec does not list. Its standby is to have it, too.
    func wanted(_ module: Atom, by process: Generation, at place: Place) {
        guard process.wants < Self.maximumWants else {
            return process.send(.noModule(module: module, reason: .atom("system_limit")))
        }
        process.wants += 1
        Task { @HostActor [weak self, code] in
            // A name that a worker chose is looked for as a library's, and nothing else is read or kept for it.
            if code.table.current[module] == nil, code.library(withLibraryFileOf: module) != nil {
                await code.prefetch(module)
            }
            process.wants -= 1
            guard let self, process.isAlive else { return }
            do throws(CodeError) {
                guard let found = try code.functional(module) else {
                    return process.send(.noModule(module: module, reason: Self.refusal(module, code)))
                }
                give(found, to: process, at: place)
            } catch {
                process.send(.noModule(module: module, reason: error.term))
            }
        }
    }

    private static func refusal(_ module: Atom, _ code: CodeServer) -> Term {
        guard let known = code.table.current[module] else { return .tuple([.atom("undef"), .atom(module)]) }
        let sentence = Term.text("\(module.name) is no functional module: \(known.path)")
        return .tuple([.atom("badfile"), sentence])
    }

    private func give(_ found: LoadedCode, to process: Generation, at place: Place) {
        process.load(found) { update in
            guard process.isAlive else { return }
            switch update {
            // What is not answered yet is loaded, or refused by the worker itself, when it comes to it.
            case .done, .gone, .died, .unanswered: break
            case .failed(let reason):
                process.send(.noModule(module: found.version.module, reason: reason))
            }
        }
        for other in place.standing where other != process && other.hasModules { other.load(found) { _ in } }
    }
}

extension Generation {
    fileprivate func has(_ version: CodeVersion) -> Bool {
        loaded[version.module] == version.sha256 && !unsettledModules.contains(version.module)
    }

    /// Whether it has the module, or is to have it.
    fileprivate func concerns(_ module: Atom) -> Bool {
        guard hasModules, isAlive else { return false }
        if loaded[module] != nil || unsettledModules.contains(module) { return true }
        return spec.start.module != module && spec.listedModules.contains(module)
    }
}

extension FunctionalCode {
    @HostActor
    fileprivate init(_ module: Atom, of process: Generation, saying versions: [MappedVersion]?, _ table: CodeTable) {
        guard let versions else {
            let assumed = Set([table.old[module]?.sha256].compactMap(\.self))
            self.init(current: process.loaded[module], used: assumed, isAssumed: true)
            return
        }
        let own = versions.filter { $0.module == module && $0.state != .resident }
        self.init(
            current: own.first { $0.state == .current }?.sha256, used: Set(own.filter { $0.users > 0 }.map(\.sha256)))
    }
}
