import Terms

/// Starts that must not be made now, since a module is suspended.
extension SupervisionTree {
    /// The driver does not start a child now. A restart sets its supervisor free, so that it can serve what an upgrade
    /// asks of it meanwhile; any other start has somebody who waits for its result, and keeps its supervisor waiting.
    mutating func startHeld(_ attempt: StartID) {
        guard let owner = owners[attempt], supervisors[attempt] == nil, let supervisor = supervisors[owner.supervisor],
            let isRestart = supervisor.isRestarting(attempt)
        else {
            // Its supervisor was killed meanwhile: a start that is never made is at its end.
            return signals.append(.startFinished(attempt, .failed(.atom("killed"))))
        }
        if supervisor.isShutdownRequested {
            return signals.append(.startFinished(attempt, .failed(.shutdown)))
        }
        guard isRestart else {
            heldStarts.insert(attempt)
            return
        }
        owners[attempt] = nil
        supervisors[owner.supervisor]?.children[owner.key]?.state = .restarting
        if !supervisor.held.contains(owner.key) { supervisors[owner.supervisor]?.held.append(owner.key) }
        if case .startingTogether(var group) = supervisor.phase {
            group.waiting.remove(attempt)
            startingTogether(owner.supervisor, group)
        } else {
            becomeIdle(owner.supervisor)
        }
    }

    mutating func releaseStarts() {
        for attempt in heldStarts.sorted() {
            guard let owner = owners[attempt], let place = place(owner),
                let child = supervisors[owner.supervisor]?.children[owner.key]
            else { continue }
            actions.append(.startWorker(attempt, place, child.spec))
        }
        heldStarts.removeAll()
        for id in supervisors.keys.sorted() {
            guard let held = supervisors[id]?.held, !held.isEmpty else { continue }
            supervisors[id]?.held = []
            for key in held { supervisors[id]?.mailbox.append(.released(key: key)) }
            signals.append(.pump(id))
        }
    }

    /// A held restart goes on where it stood: this child, and those of its group behind it that do not run.
    mutating func resumeHeldRestart(_ id: StartID, _ key: Term) {
        guard let supervisor = supervisors[id] else { return }
        switch supervisor.flags.strategy {
        case .oneForOne, .simpleOneForOne:
            start(id, key, .restart)
        case .oneForAll, .restForOne:
            let group = supervisor.children.keys(from: key)
            startGroup(id, group.filter { supervisor.children[$0]?.state.startID == nil }[...])
        }
    }
}

extension Supervisor {
    /// Whether a start under way is a child's restart; `nil` where it is not under way.
    fileprivate func isRestarting(_ attempt: StartID) -> Bool? {
        switch phase {
        case .starting(attempt, _, .restart), .starting(attempt, _, .restartGroup): true
        case .starting(attempt, _, _): false
        case .startingTogether(let group) where group.waiting.contains(attempt): !group.isInitial
        case .reading, .idle, .starting, .startingTogether, .stopping, .stoppingDynamic, .killed: nil
        }
    }
}
