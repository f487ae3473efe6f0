public import Terms

extension SupervisionTree {
    /// The parent's shutdown: overtakes a start under way and everything in the mailbox.
    mutating func shutdown(_ id: StartID) {
        guard let supervisor = supervisors[id], !supervisor.isShutdownRequested else { return }
        supervisors[id]?.isShutdownRequested = true
        switch supervisor.phase {
        case .idle:
            becomeIdle(id)
        case .starting(let attempt, let key, _):
            cancelStart(attempt, Owner(supervisor: id, key: key))
        case .startingTogether(let group):
            cancelStarts(group)
        case .reading, .stopping, .stoppingDynamic, .killed:
            // Its answer is on its way, and the flag is looked at then.
            break
        }
    }

    /// In the order in which they were begun.
    mutating func cancelStarts(_ group: Supervisor.StartingGroup) {
        for attempt in group.waiting.sorted() {
            if let owner = owners[attempt] { cancelStart(attempt, owner) }
        }
    }

    private mutating func cancelStart(_ attempt: StartID, _ owner: Owner) {
        if supervisors[attempt] != nil {
            signals.append(.shutdown(attempt))
        } else if heldStarts.contains(attempt) {
            signals.append(.startFinished(attempt, .failed(.shutdown)))
        } else if let place = place(owner) {
            actions.append(.cancelStart(attempt, place))
        }
    }

    /// Ends the supervisor: first its children, in reverse start order (dynamic ones all at once).
    mutating func end(_ id: StartID, _ ending: Supervisor.Ending) {
        guard let supervisor = supervisors[id] else { return }
        guard supervisor.template != nil else {
            return stopRest(id, .end(ending, rest: supervisor.children.keys.reversed()[...]))
        }
        var remaining: Set<StartID> = []
        for key in supervisor.children.keys {
            guard case .running(let attempt)? = supervisor.children[key]?.state,
                !tookExit(Owner(supervisor: id, key: key), attempt)
            else { continue }
            remaining.insert(attempt)
            stop(attempt, Owner(supervisor: id, key: key))
        }
        supervisors[id]?.phase = .stoppingDynamic(remaining, ending)
        if remaining.isEmpty { finish(id, ending) }
    }

    /// Asks a child to end as its spec says.
    private mutating func stop(_ attempt: StartID, _ owner: Owner) {
        guard let place = place(owner), let child = supervisors[owner.supervisor]?.children[owner.key] else { return }
        guard supervisors[attempt] != nil else {
            return actions.append(.stopWorker(attempt, place, child.spec.shutdown))
        }
        switch child.spec.shutdown {
        case .brutalKill:
            signals.append(.kill(attempt))
        case .milliseconds(let time):
            actions.append(.scheduleTimer(attempt, afterMilliseconds: time))
            signals.append(.shutdown(attempt))
        case .infinity:
            signals.append(.shutdown(attempt))
        }
    }

    /// Ends the next of several children and waits for it, or is done with them.
    mutating func stopRest(_ id: StartID, _ purpose: Supervisor.StopPurpose) {
        var rest: ArraySlice<Term>
        switch purpose {
        case .terminateChild: rest = []
        case .restartGroup(_, let keys), .delayGroup(_, _, _, let keys): rest = keys
        case .end(_, let keys): rest = keys
        }
        while let key = rest.popFirst() {
            let owner = Owner(supervisor: id, key: key)
            guard let attempt = supervisors[id]?.children[key]?.state.startID, !tookExit(owner, attempt) else {
                supervisors[id]?.removeOrReset(key)
                continue
            }
            return stop(owner, attempt, purpose.with(rest: rest))
        }
        switch purpose {
        case .terminateChild:
            becomeIdle(id)
        case .restartGroup(let group, _):
            guard let supervisor = supervisors[id], !supervisor.isShutdownRequested else { return becomeIdle(id) }
            // The temporary ones among them are gone.
            startGroup(id, group.filter { supervisor.children[$0] != nil }[...])
        case .delayGroup(let trigger, let milliseconds, let group, _):
            if let supervisor = supervisors[id], !supervisor.isShutdownRequested {
                let waiting = group.filter { supervisor.children[$0] != nil }
                beginWait(id, waiting, for: trigger, milliseconds: milliseconds)
            }
            becomeIdle(id)
        case .end(let ending, _):
            finish(id, ending)
        }
    }

    /// Ends a child and waits for it.
    mutating func stop(_ owner: Owner, _ attempt: StartID, _ purpose: Supervisor.StopPurpose) {
        supervisors[owner.supervisor]?.phase = .stopping(attempt, key: owner.key, purpose)
        stop(attempt, owner)
    }

    /// Whether the child had ended before it was asked to: its exit is taken from the mailbox.
    mutating func tookExit(_ owner: Owner, _ attempt: StartID) -> Bool {
        guard let reason = supervisors[owner.supervisor]?.mailbox.takeExit(of: attempt) else { return false }
        reportShutdown(owner, reason)
        return true
    }

    mutating func childEnded(_ attempt: StartID, _ reason: Term) {
        guard let owner = owners[attempt], let phase = supervisors[owner.supervisor]?.phase else { return }
        switch phase {
        case .starting(attempt, _, _):
            return startFinished(attempt, .failed(reason))
        case .startingTogether(let group) where group.waiting.contains(attempt):
            return startFinished(attempt, .failed(reason))
        case .stopping(attempt, let key, let purpose):
            owners[attempt] = nil
            reportShutdown(owner, reason)
            supervisors[owner.supervisor]?.removeOrReset(key)
            if case .terminateChild(let request) = purpose { actions.append(.reply(request, .ok)) }
            stopRest(owner.supervisor, purpose)
        case .stoppingDynamic(var remaining, let ending) where remaining.contains(attempt):
            owners[attempt] = nil
            reportShutdown(owner, reason)
            remaining.remove(attempt)
            supervisors[owner.supervisor]?.phase = .stoppingDynamic(remaining, ending)
            if remaining.isEmpty { finish(owner.supervisor, ending) }
        case .killed(var remaining, let ending) where remaining.contains(attempt):
            owners[attempt] = nil
            remaining.remove(attempt)
            supervisors[owner.supervisor]?.phase = .killed(remaining, ending)
            if remaining.isEmpty { finish(owner.supervisor, ending) }
        case .reading, .idle, .starting, .startingTogether, .stopping, .stoppingDynamic, .killed:
            owners[attempt] = nil
            supervisors[owner.supervisor]?.mailbox.append(.exit(attempt, key: owner.key, reason: reason))
            signals.append(.pump(owner.supervisor))
        }
    }

    /// The supervisor is gone. What waited in its mailbox is answered, and its parent is told.
    mutating func finish(_ id: StartID, _ ending: Supervisor.Ending) {
        guard var supervisor = supervisors.removeValue(forKey: id) else { return }
        places[supervisor.address] = nil
        while let message = supervisor.mailbox.popFirst() {
            switch message {
            case .request(let request, _): actions.append(.reply(request, .error(.shutdown)))
            case .exit, .tryAgain, .released, .due: break
            }
        }
        guard supervisor.parent == nil else {
            switch ending {
            case .startFailed(let reason): signals.append(.startFinished(id, .failed(reason)))
            case .ignored: signals.append(.startFinished(id, .ignored))
            case .exited(let reason): signals.append(.ended(id, reason: reason))
            }
            return
        }
        roots.removeAll { $0 == id }
        switch ending {
        case .startFailed(let reason): actions.append(.rootFailed(supervisor.address, reason: reason))
        case .ignored:
            // Source: OTP, `application_master`: an application's start function must answer with a process.
            let reason = Term.tuple([.atom("bad_return"), .tuple([.atom(supervisor.module), .atom("ignore")])])
            actions.append(.rootFailed(supervisor.address, reason: reason))
        case .exited(let reason): actions.append(.rootStopped(supervisor.address, reason: reason))
        }
    }
}

extension SupervisionTree {
    /// Ends a supervisor at once, with everything below it.
    mutating func kill(_ id: StartID) {
        guard let supervisor = supervisors[id] else { return }
        if case .killed = supervisor.phase { return }
        var remaining: Set<StartID> = []
        for key in supervisor.children.keys {
            guard let attempt = supervisor.children[key]?.state.startID, owners[attempt] != nil else { continue }
            let owner = Owner(supervisor: id, key: key)
            if heldStarts.remove(attempt) != nil {
                owners[attempt] = nil
                continue
            }
            remaining.insert(attempt)
            if case .starting = supervisor.children[key]?.state, supervisors[attempt] == nil {
                cancelStart(attempt, owner)
            } else {
                stopNow(attempt, owner)
            }
        }
        let reason = Term.atom("killed")
        let ending: Supervisor.Ending = supervisor.isInitialized ? .exited(reason) : .startFailed(reason)
        replyToKilled(supervisor)
        supervisors[id]?.phase = .killed(remaining, ending)
        if remaining.isEmpty { finish(id, ending) }
    }

    mutating func stopNow(_ attempt: StartID, _ owner: Owner) {
        if supervisors[attempt] != nil {
            signals.append(.kill(attempt))
        } else if let place = place(owner) {
            actions.append(.stopWorker(attempt, place, .brutalKill))
        }
    }

    /// Answers the request that the killed supervisor was at.
    private mutating func replyToKilled(_ supervisor: Supervisor) {
        switch supervisor.phase {
        case .starting(_, _, .startChild(let request)), .starting(_, _, .restartChild(let request)),
            .starting(_, _, .overtake(let request, _)), .stopping(_, _, .terminateChild(let request)):
            actions.append(.reply(request, .error(.shutdown)))
        case .starting, .startingTogether, .stopping, .reading, .idle, .stoppingDynamic, .killed:
            break
        }
    }

    /// Reports an end that is not the one that was asked for.
    private mutating func reportShutdown(_ owner: Owner, _ reason: Term) {
        guard let child = supervisors[owner.supervisor]?.children[owner.key], let place = place(owner) else { return }
        let asked: Term = child.spec.shutdown == .brutalKill ? .atom("killed") : .shutdown
        if reason == asked || (child.spec.restart != .permanent && reason.isOrderlyExit) { return }
        actions.append(.report(.shutdownError(child: place, reason: reason)))
    }
}

extension Supervisor.StopPurpose {
    func with(rest: ArraySlice<Term>) -> Self {
        switch self {
        case .terminateChild: self
        case .restartGroup(let group, _): .restartGroup(group: group, rest: rest)
        case .delayGroup(let trigger, let milliseconds, let group, _):
            .delayGroup(trigger: trigger, milliseconds: milliseconds, group: group, rest: rest)
        case .end(let ending, _): .end(ending, rest: rest)
        }
    }
}

extension Term {
    /// `normal`, `shutdown` or `{shutdown, _}`: an end that no transient child is restarted for.
    public var isOrderlyExit: Bool {
        switch self {
        case .atom(let atom): atom == "normal" || atom == "shutdown"
        case .tuple(let elements): elements.count == 2 && elements[0] == .shutdown
        case .integer, .bigInteger, .float, .binary, .bitstring, .list, .improperList, .map, .opaque: false
        }
    }
}
