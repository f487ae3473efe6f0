import Instructions
import Terms
import Wire
import OrderedCollections

/// `load`, `remove` and `purge`.
extension RelupMachine {
    mutating func beginTableChange(_ change: TableChange, _ code: CodeTable) -> Next {
        // Where nothing is old by the table and the census found nobody, nobody can have come to run old code.
        let mayHaveUsers = code.old[change.module] != nil || oldAtCensus.contains(change.module)
        guard mayHaveUsers else { return makeCurrent(change, code) }
        return .ask(.findingUsersOfOldCode(change), .findWorkers([change.module]))
    }

    mutating func makeCurrent(_ change: TableChange, _ code: CodeTable) -> Next {
        if let version = change.version {
            if version.kind == .resident, !census.contains(where: { $0.resident == change.module }) {
                note("no worker has \(change.module.name) as its resident module")
            }
        }
        // As OTP's do_soft_purge: the first purge method that was named for a module stays.
        if let index = changed.firstIndex(where: { $0.module == change.module }) {
            changed[index].current = change.version
        } else {
            let before = code.current[change.module]
            changed.append(
                ChangedModule(
                    module: change.module, method: change.postPurge, before: before, current: change.version))
        }
        return .ask(.changingCode, changeCode(change.version.map { .load($0) } ?? .remove(change.module), code))
    }

    mutating func changeCode(_ change: CodeTable.Change, _ code: CodeTable) -> Action {
        saved.note(change, in: code)
        return .changeCode(change)
    }

    mutating func beginPurge(_ modules: [Atom]) -> Next {
        .ask(.findingUsersToPurge(modules), .findWorkers(modules))
    }

    mutating func answerUsersOfOldCode(_ change: TableChange, _ event: Event, _ code: CodeTable) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        let users = code.usersOfOldCode(of: change.module, among: workers)
        guard !users.isEmpty else { return makeCurrent(change, code) }
        switch change.prePurge {
        case .softPurge: return .fail(.oldProcesses(change.module, users))
        case .brutalPurge: return end(users, of: [change.module], then: .endingUsersOfOldCode(change))
        }
    }

    mutating func answerUsersToPurge(_ modules: [Atom], _ event: Event, _ code: CodeTable) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        // Those that will be handed over run nothing meanwhile: suspended, they are not old code's users.
        let users = modules.flatMap { code.usersOfOldCode(of: $0, among: workers) }
            .filter { !willBeHandedOff($0) }
        return users.isEmpty ? purge(modules, code) : end(users, of: modules, then: .endingUsersToPurge(modules))
    }

    mutating func purge(_ modules: [Atom], _ code: CodeTable) -> Next {
        .ask(.changingCode, changeCode(.purge(modules), code))
    }

    /// A suspended worker that is ended is started again at resume, like one that died.
    private mutating func end(_ users: [ChildAddress], of modules: [Atom], then step: Step) -> Next {
        touched += users
        warn("\(names(users)) ran old code of \(modules.map(\.name).joined(separator: ", ")) and ended by the purge")
        for user in users { suspended.update(user) { $0.state = .gone } }
        ended.append(contentsOf: users)
        return .ask(step, .endWorkers(users, reason: .tuple([.atom("purged"), .list(modules.map { .atom($0) })])))
    }

    private func willBeHandedOff(_ id: ChildAddress) -> Bool {
        guard let worker = suspended[id] else { return false }
        switch worker.state {
        case .handedOff: return true
        case .suspended: return successor(of: worker.info) != nil
        case .gone: return false
        }
    }
}
