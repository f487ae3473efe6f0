import Instructions
import Terms
import Wire

/// `load`, `remove` and `purge`.
extension RelupMachine {
    mutating func beginTableChange(_ change: TableChange) -> Next {
        // Where nothing is old by the table and the census found nobody, nobody can have come to run old code.
        let mayHaveUsers =
            codeTable.old[change.module] != nil
            || !originalTable.usersOfOldCode(of: change.module, among: census).isEmpty
        guard mayHaveUsers else { return makeCurrent(change) }
        return .ask(.findingUsersOfOldCode(change), .findWorkers([change.module]))
    }

    mutating func makeCurrent(_ change: TableChange) -> Next {
        if let version = change.version {
            codeTable.load(version)
            if version.kind == .resident, !census.contains(where: { $0.resident == change.module }) {
                note("no worker has \(change.module.name) as its resident module")
            }
        } else {
            codeTable.remove(change.module)
        }
        // As OTP's do_soft_purge: the first purge method that was named for a module stays.
        if !hasChanged(change.module) { changed.append((change.module, change.postPurge)) }
        return .ask(.usingCode, .useCode(codeTable))
    }

    mutating func beginPurge(_ modules: [Atom]) -> Next {
        .ask(.findingUsersToPurge(modules), .findWorkers(modules))
    }

    mutating func answerUsersOfOldCode(_ change: TableChange, _ event: Event) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        let users = codeTable.usersOfOldCode(of: change.module, among: workers)
        guard !users.isEmpty else { return makeCurrent(change) }
        switch change.prePurge {
        case .softPurge: return .fail(.oldProcesses(change.module, users))
        case .brutalPurge: return end(users, of: [change.module], then: .endingUsersOfOldCode(change))
        }
    }

    mutating func answerUsersToPurge(_ modules: [Atom], _ event: Event) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        // Those that will be handed over run nothing meanwhile: suspended, they are not old code's users.
        let users = modules.flatMap { codeTable.usersOfOldCode(of: $0, among: workers) }
            .filter { !willBeHandedOff($0) }
        return users.isEmpty ? purge(modules) : end(users, of: modules, then: .endingUsersToPurge(modules))
    }

    mutating func purge(_ modules: [Atom]) -> Next {
        for module in modules { codeTable.purge(module) }
        return .ask(.usingCode, .useCode(codeTable))
    }

    /// A suspended worker that is ended is started again at resume, like one that died.
    private mutating func end(_ users: [ChildAddress], of modules: [Atom], then step: Step) -> Next {
        touched += users
        warn("\(names(users)) ran old code of \(modules.map(\.name).joined(separator: ", ")) and ended by the purge")
        for user in users { suspended.update(user) { $0.state = .gone } }
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
