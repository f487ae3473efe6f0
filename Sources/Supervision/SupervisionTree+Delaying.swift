import Terms
public import Wire

/// Restarts that wait (`restart_delay`). Such a child is `restarting`, its supervisor idle: it serves requests, and whatever ends or
/// starts the child meanwhile overtakes the wait.
///
/// What waited does not count against the intensity: the delay is its bound. Where the strategy starts others with the child that ended,
/// they are terminated first, as ever, and all wait for that child.
extension SupervisionTree {
    /// When the first restart is due that waits, in monotonic milliseconds; nil where none waits.
    public var firstRestartDueMilliseconds: Int? { waiting.compactMap { due($0) }.min() }

    /// Those that wait for their restart.
    public var waitingChildren: [ChildAddress] {
        waiting.filter { due($0) != nil }.compactMap(place).sorted { "\($0)" < "\($1)" }
    }

    private func due(_ owner: Owner) -> Int? { supervisors[owner.supervisor]?.children[owner.key]?.dueMilliseconds }

    /// From now on these wait for the restart of one of them.
    mutating func beginWait(_ id: StartID, _ keys: some Sequence<Term>, for trigger: Term, milliseconds: Int) {
        for key in keys {
            supervisors[id]?.children[key]?.state = .restarting
            supervisors[id]?.children[key]?.dueMilliseconds = now + milliseconds
            waiting.insert(Owner(supervisor: id, key: key))
        }
        scheduleRestarts()
        guard let child = supervisors[id]?.children[trigger], let place = place(Owner(supervisor: id, key: trigger))
        else { return }
        let cause = child.restartCause ?? .ended(reason: .undefined)
        actions.append(.report(.restartDelayed(child: place, milliseconds: milliseconds, cause: cause)))
    }

    /// What was overtaken is forgotten.
    private mutating func scheduleRestarts() {
        waiting = waiting.filter { due($0) != nil }
        if let first = firstRestartDueMilliseconds { actions.append(.scheduleRestarts(atMilliseconds: first)) }
    }

    /// Through the mailboxes: a supervisor may be busy, or suspended.
    mutating func restartsDue() {
        let due = waiting.filter { owner in self.due(owner).map { $0 <= now } ?? false }
        for owner in due.sorted(by: { ($0.supervisor, $0.key) < ($1.supervisor, $1.key) }) {
            waiting.remove(owner)
            supervisors[owner.supervisor]?.mailbox.append(.due(key: owner.key))
            signals.append(.pump(owner.supervisor))
        }
        scheduleRestarts()
    }

    /// It waited long enough, and whatever waited with it.
    mutating func restartAfterWait(_ id: StartID, _ key: Term) {
        guard let supervisor = supervisors[id], supervisor.children[key]?.isDue(now) == true else { return }
        switch supervisor.flags.strategy {
        case .oneForOne, .simpleOneForOne: start(id, key, .restart)
        case .oneForAll, .restForOne:
            startWaiting(id, supervisor.children.keys.filter { supervisor.children[$0]?.isDue(now) == true })
        }
    }

    /// None of a group waits from now on for itself: where the start of one fails, those behind it are started with it, and not without.
    mutating func startWaiting(_ id: StartID, _ group: [Term]) {
        for key in group { supervisors[id]?.children[key]?.state = .undefined }
        startGroup(id, group[...])
    }

    /// These wait no longer: somebody needs them, or what they are has changed.
    mutating func hasten(_ id: StartID, _ keys: some Sequence<Term>) {
        for key in keys {
            guard let supervisor = supervisors[id], let due = supervisor.children[key]?.dueMilliseconds else {
                continue
            }
            for other in [key] + supervisor.group(waitingUntil: due) {
                supervisors[id]?.children[other]?.dueMilliseconds = now
                waiting.insert(Owner(supervisor: id, key: other))
            }
        }
        restartsDue()
    }

    mutating func hasten(_ children: [ChildAddress]) {
        for child in children {
            guard let id = child.parent.flatMap({ places[$0] }), let key = child.id else { continue }
            hasten(id, [key])
        }
    }
}

extension Child {
    func isDue(_ now: Int) -> Bool { dueMilliseconds.map { $0 <= now } ?? false }
}

extension Supervisor {
    /// Nil where the child is restarted as in OTP.
    private func restartDelay(of child: Child) -> RestartDelay? {
        guard child.spec.restart != .temporary, let delay = child.spec.restartDelay ?? flags.restartDelay, !delay.isNone
        else { return nil }
        return delay
    }

    /// How long the restart of a child waits that is to be made now.
    mutating func takeDelay(of key: Term, now: Int) -> Int? {
        guard let child = children[key], let delay = restartDelay(of: child) else { return nil }
        let (period, overflow) = flags.periodSeconds.multipliedReportingOverflow(by: 1000)
        let quiet = max(delay.maximumMilliseconds, overflow ? Int.max : period)
        let wasQuiet = child.runsSinceMilliseconds.map { now - $0 >= quiet } ?? false
        let milliseconds = delay.next(after: wasQuiet ? nil : child.lastDelayMilliseconds)
        children[key]?.lastDelayMilliseconds = milliseconds
        // A start that fails is no quiet.
        children[key]?.runsSinceMilliseconds = nil
        return milliseconds
    }

    /// It runs from now on; only for one that has a delay it matters since when.
    mutating func noteRunning(_ key: Term, now: Int) {
        guard let child = children[key] else { return }
        let matters = restartDelay(of: child) != nil
        children[key]?.runsSinceMilliseconds = matters ? now : nil
    }

    /// Those that the strategy has wait together, in start order; none where each waits for itself.
    func group(waitingUntil due: Int) -> [Term] {
        switch flags.strategy {
        case .oneForOne, .simpleOneForOne: []
        case .oneForAll, .restForOne: children.keys.filter { children[$0]?.dueMilliseconds == due }
        }
    }

    /// Those whose restart waits by what no longer counts begin anew.
    func keys(waitingOtherwiseThan before: Supervisor) -> [Term] {
        children.keys.filter { key in
            guard let child = children[key], child.dueMilliseconds != nil, let old = before.children[key] else {
                return false
            }
            return child.spec != old.spec || restartDelay(of: child) != before.restartDelay(of: old)
        }
    }
}
