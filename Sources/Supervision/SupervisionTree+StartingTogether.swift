import Terms

/// `start => parallel`: several children start at once.
///
/// At the supervisor's own start the first failure ends it, as it does one after the other: what is still starting is
/// cancelled, what runs is stopped in reverse order. When the strategy starts a group again, all starts are waited for;
/// where some fail, the restart is tried again from the first of them on.
extension SupervisionTree {
    mutating func startTogether(_ id: StartID, _ keys: ArraySlice<Term>, isInitial: Bool) {
        var group = Supervisor.StartingGroup(isInitial: isInitial)
        for key in keys {
            if let attempt = launch(id, key) { group.waiting.insert(attempt) }
        }
        startingTogether(id, group)
    }

    /// Notes how far the group is, and goes on where it is done.
    mutating func startingTogether(_ id: StartID, _ group: Supervisor.StartingGroup) {
        supervisors[id]?.phase = .startingTogether(group)
        guard group.waiting.isEmpty, let supervisor = supervisors[id] else { return }
        if supervisor.isShutdownRequested { return becomeIdle(id) }
        guard let failure = group.failure else { return group.isInitial ? initialized(id) : becomeIdle(id) }
        if group.isInitial {
            let reason: Term = .tuple([.atom("failed_to_start_child"), failure.key, failure.reason])
            return end(id, .startFailed(.tuple([.shutdown, reason])))
        }
        if let first = supervisor.children.keys.first(where: group.failed.contains) {
            supervisors[id]?.children[first]?.state = .restarting
            // Through the mailbox, so that what waits there comes first.
            supervisors[id]?.mailbox.append(.tryAgain(key: first))
        }
        becomeIdle(id)
    }

    mutating func startFinished(
        _ owner: Owner, _ attempt: StartID, _ outcome: StartOutcome, in group: Supervisor.StartingGroup
    ) {
        let (id, key) = (owner.supervisor, owner.key)
        var group = group
        group.waiting.remove(attempt)
        switch outcome {
        case .started: break
        case .ignored: removeIgnored(id, key)
        case .failed(let reason):
            group.failed.insert(key)
            // What fails after the first one of a start was cancelled.
            let isCancelled = supervisors[id]?.isShutdownRequested == true || group.isInitial && group.failure != nil
            if isCancelled { break }
            reportStartError(id, key, reason)
            supervisors[id]?.children[key]?.restartCause = .startFailed(reason: reason)
            if group.failure == nil {
                group.failure = .init(key: key, reason: reason)
                if group.isInitial { cancelStarts(group) }
            }
        }
        startingTogether(id, group)
    }
}
