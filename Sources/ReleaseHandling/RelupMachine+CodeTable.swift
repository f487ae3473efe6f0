import Instructions
import OrderedCollections
import Terms
import Wire

/// `load`, `remove` and `purge`.
extension RelupMachine {
    mutating func beginTableChange(_ change: TableChange, _ code: CodeTable) -> Next {
        // What has no current version makes nothing old by its load: OTP's code server then purges nothing either.
        guard change.version == nil || code.current[change.module] != nil else { return makeCurrent(change, code) }
        // Where nothing is old by the table and the census found nobody, nobody can have come to run old code.
        let mayHaveUsers = code.old[change.module] != nil || oldAtCensus.contains(change.module)
        guard mayHaveUsers else { return makeCurrent(change, code) }
        return .ask(.findingUsersOfOldCode(change), .findWorkers([change.module]))
    }

    mutating func makeCurrent(_ change: TableChange, _ code: CodeTable, _ purged: Purged? = nil) -> Next {
        if let version = change.version {
            if version.kind == .resident, !census.contains(where: { $0.resident == change.module }) {
                note("no worker has \(change.module.name) as its resident module")
            }
        }
        // As OTP's do_soft_purge: the first purge method that was named for a module stays.
        if let index = changed.firstIndex(where: { $0.module == change.module }) {
            changed[index].current = change.version
            changed[index].isCommitted = false
        } else {
            let before = code.current[change.module]
            changed.append(
                ChangedModule(
                    module: change.module, method: change.postPurge, before: before, current: change.version))
        }
        return .ask(
            .changingCode(then: purged), changeCode(change.version.map { .load($0) } ?? .remove(change.module), code))
    }

    /// Of whom somebody ran code that is not current.
    func modulesInOldCode(_ workers: [WorkerInfo], _ code: CodeTable) -> Set<Atom> {
        var modules = Set(workers.filter(code.runsOldCode).compactMap(\.resident))
        for worker in workers {
            modules.formUnion(worker.functional.keys.filter { code.usesOldVersion(worker, of: $0) })
        }
        return modules
    }

    mutating func changeCode(_ change: CodeTable.Change, _ code: CodeTable) -> Action {
        saved.note(change, in: code)
        return .changeCode(change)
    }

    mutating func answerCodeChanged(_ event: Event, _ purged: Purged?) -> Next? {
        guard event.isCodeChanged else { return nil }
        guard let module = functionalChange else { return codeIsCurrent(purged) }
        return .ask(.updatingModules([module], then: purged), .updateModules([module]))
    }

    /// The functional module that the instruction at hand loads or removes.
    private var functionalChange: Atom? {
        switch script[current] {
        case .load(let module, _, _), .remove(let module, _, _):
            change(of: module).map(\.isFunctional) == true ? module : nil
        default: nil
        }
    }

    mutating func answerModulesUpdated(_ modules: [Atom], _ event: Event, _ purged: Purged?) -> Next? {
        guard case .modulesUpdated(let ok, let failed, let unanswered) = event else { return nil }
        touched += ok
        if let failure = (failed + unanswered).first {
            return .fail(.load(module: modules[0], worker: failure.worker, reason: failure.reason))
        }
        if ok.isEmpty { note("no worker has loaded \(modules[0].name)") }
        return codeIsCurrent(purged)
    }

    private mutating func codeIsCurrent(_ purged: Purged?) -> Next {
        guard let purged, let held = purged.held else { return .done }
        return .ask(.releasingPurged(purged.users), .releaseStarts([held]))
    }

    func answerPurgedReleased(_ users: [ChildAddress], _ event: Event) -> Next? {
        guard case .startsReleased = event else { return nil }
        return .ask(.awaitingPurged, .awaitRestarts(users))
    }

    mutating func answerPurgedAwaited(_ event: Event) -> Next? {
        guard case .restartsAwaited(let failed) = event else { return nil }
        noteRestarts(failed)
        return .done
    }

    // MARK: Users of old code

    /// Who runs code of a module that is not current, as OTP finds it: a suspended worker runs none, it goes on in what is
    /// current at its resume; one whose resume is only carried out later counts as what it will be.
    private func usersOfOldCode(
        of module: Atom, among workers: [WorkerInfo], _ code: CodeTable, before next: String? = nil
    ) -> [ChildAddress] {
        workers.filter { worker in
            // What is handed off leaves its threads behind.
            if suspended.state(of: worker.id) != .handedOff, code.usesOldVersion(worker, of: module, before: next) {
                return true
            }
            guard worker.resident == module else { return false }
            guard let suspended = suspended[worker.id] else { return code.runsOldCode(worker) }
            guard suspended.isDue else { return false }
            return switch suspended.state {
            case .gone, .hung: false
            case .suspended: code.runsOldCode(worker)
            case .handedOff: suspended.successor?.sha256 != code.current[module]?.sha256
            }
        }.map(\.id)
    }

    mutating func answerUsersOfOldCode(_ change: TableChange, _ event: Event, _ code: CodeTable) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        let users = usersOfOldCode(of: change.module, among: workers, code, before: change.version?.sha256)
        guard !users.isEmpty else { return makeCurrent(change, code) }
        switch change.prePurge {
        case .softPurge: return .fail(.oldProcesses(change.module, users))
        case .brutalPurge:
            // They start again in what this load makes current, not in what it makes old.
            guard change.version != nil, !heldModules.contains(change.module) else {
                return end(
                    users, of: [change.module], then: .endingUsersOfOldCode(change, Purged(users: users, held: nil)))
            }
            return .ask(.holdingForPurge(change, users), .holdStarts([change.module]))
        }
    }

    mutating func answerHeldForPurge(_ change: TableChange, _ users: [ChildAddress], _ event: Event) -> Next? {
        guard case .startsHeld = event else { return nil }
        let purged = Purged(users: users, held: change.module)
        return end(users, of: [change.module], then: .endingUsersOfOldCode(change, purged))
    }

    func answerUsersEnded(_ change: TableChange, _ purged: Purged, _ event: Event) -> Next? {
        guard event.isWorkersEnded else { return nil }
        return .ask(.awaitingEndsOfUsers(change, purged), .awaitRestarts(purged.users))
    }

    mutating func answerEndsOfUsers(
        _ change: TableChange, _ purged: Purged, _ event: Event, _ code: CodeTable
    ) -> Next? {
        guard case .restartsAwaited(let failed) = event else { return nil }
        noteRestarts(failed)
        return makeCurrent(change, code, purged)
    }

    // MARK: purge

    mutating func beginPurge(_ modules: [Atom]) -> Next {
        .ask(.findingUsersToPurge(modules), .findWorkers(modules))
    }

    mutating func answerUsersToPurge(_ modules: [Atom], _ event: Event, _ code: CodeTable) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        // One worker may be in old code of its own module and of others that it calls.
        let users = OrderedSet(modules.flatMap { usersOfOldCode(of: $0, among: workers, code) }).elements
        return users.isEmpty ? purge(modules, code) : end(users, of: modules, then: .endingUsersToPurge(modules, users))
    }

    func answerUsersToPurgeEnded(_ modules: [Atom], _ users: [ChildAddress], _ event: Event) -> Next? {
        guard event.isWorkersEnded else { return nil }
        return .ask(.awaitingEndsToPurge(modules), .awaitRestarts(users))
    }

    /// It is done when its ends are: what comes after it in the script meets nobody who is only about to end.
    mutating func answerEndsToPurge(_ modules: [Atom], _ event: Event, _ code: CodeTable) -> Next? {
        guard case .restartsAwaited(let failed) = event else { return nil }
        noteRestarts(failed)
        return purge(modules, code)
    }

    mutating func purge(_ modules: [Atom], _ code: CodeTable) -> Next {
        .ask(.changingCode(then: nil), changeCode(.purge(modules), code))
    }

    /// A suspended worker that is ended is started again at resume, like one that died.
    private mutating func end(_ users: [ChildAddress], of modules: [Atom], then step: Step) -> Next {
        touched += users
        warn("\(names(users)) ran old code of \(modules.map(\.name).joined(separator: ", ")) and ended by the purge")
        for user in users { suspended.update(user) { $0.state = .gone } }
        return .ask(step, .endWorkers(users, reason: .tuple([.atom("purged"), .list(modules.map { .atom($0) })])))
    }
}
