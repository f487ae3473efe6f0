import Instructions
import Terms
import Wire

extension SupervisionTree {
    mutating func startSupervisor(
        _ id: StartID, at address: ChildAddress, module: Atom, arguments: [Term], parent: StartID?
    ) {
        supervisors[id] = Supervisor(id: id, address: address, module: module, parent: parent)
        places[address] = id
        actions.append(.readSupervisor(id, address, module: module, arguments: arguments))
    }

    mutating func supervisorRead(_ id: StartID, _ initial: SupervisorInit) {
        guard let supervisor = supervisors[id], case .reading = supervisor.phase else { return }
        if supervisor.isShutdownRequested { return finish(id, .startFailed(.shutdown)) }
        if supervisor.address.path.count > Self.maximumDepth {
            return finish(id, .startFailed(.tuple([.atom("too_deep"), .atom(supervisor.module)])))
        }
        if let reason = initial.startError() { return finish(id, .startFailed(reason)) }
        supervisors[id]?.flags = initial.flags
        if initial.flags.strategy == .simpleOneForOne {
            supervisors[id]?.template = initial.children.first
        } else {
            for spec in initial.children { supervisors[id]?.children.append(spec.id, Child(spec: spec)) }
        }
        let keys = supervisors[id]?.children.keys[...] ?? []
        switch initial.flags.start {
        case .sequential: startRest(id, .initialize(rest: keys))
        case .parallel: startTogether(id, keys, isInitial: true)
        }
    }

    /// Starts one child; its supervisor waits for it from here on.
    mutating func start(_ id: StartID, _ key: Term, _ purpose: Supervisor.StartPurpose) {
        guard let attempt = launch(id, key) else { return becomeIdle(id) }
        supervisors[id]?.phase = .starting(attempt, key: key, purpose)
    }

    /// Begins one child's start; nothing where there is no such child.
    mutating func launch(_ id: StartID, _ key: Term) -> StartID? {
        guard let address = supervisors[id]?.address.child(key), let child = supervisors[id]?.children[key] else {
            return nil
        }
        let attempt = nextStartID()
        supervisors[id]?.children[key]?.state = .starting(attempt)
        owners[attempt] = Owner(supervisor: id, key: key)
        switch child.spec.type {
        case .worker:
            actions.append(.startWorker(attempt, address, child.spec))
        case .supervisor:
            let start = child.spec.start
            startSupervisor(attempt, at: address, module: start.module, arguments: start.arguments, parent: id)
        }
        return attempt
    }

    /// Starts the next of several children, or is done with them.
    private mutating func startRest(_ id: StartID, _ purpose: Supervisor.StartPurpose) {
        switch purpose {
        case .initialize(let rest):
            if let key = rest.first { return start(id, key, .initialize(rest: rest.dropFirst())) }
            initialized(id)
        case .restartGroup(let rest):
            if let key = rest.first { return start(id, key, .restartGroup(rest: rest.dropFirst())) }
            becomeIdle(id)
        case .overtake(_, let due):
            startWaiting(id, supervisors[id]?.group(waitingUntil: due) ?? [])
        case .restart, .startChild, .restartChild:
            becomeIdle(id)
        }
    }

    mutating func startGroup(_ id: StartID, _ keys: ArraySlice<Term>) {
        switch supervisors[id]?.flags.start {
        case .parallel: startTogether(id, keys, isInitial: false)
        case .sequential, nil: startRest(id, .restartGroup(rest: keys))
        }
    }

    mutating func initialized(_ id: StartID) {
        guard let supervisor = supervisors[id] else { return }
        if !supervisor.isShutdownRequested {
            supervisors[id]?.isInitialized = true
            if supervisor.parent == nil {
                actions.append(.rootStarted(supervisor.address))
            } else {
                signals.append(.startFinished(id, .started))
            }
        }
        becomeIdle(id)
    }

    mutating func startFinished(_ attempt: StartID, _ outcome: StartOutcome) {
        guard let owner = owners[attempt] else { return }
        switch supervisors[owner.supervisor]?.phase {
        case .starting(attempt, let key, let purpose):
            countRestart(owner, purpose)
            settle(owner, attempt, outcome)
            startFinished(owner.supervisor, key, attempt, outcome, purpose)
        case .startingTogether(let group) where group.waiting.contains(attempt):
            if !group.isInitial { countRestart(owner) }
            settle(owner, attempt, outcome)
            startFinished(owner, attempt, outcome, in: group)
        case .killed(let remaining, _) where remaining.contains(attempt):
            switch outcome {
            case .started: stopNow(attempt, owner)
            case .ignored, .failed: childEnded(attempt, .atom("killed"))
            }
        case .reading, .idle, .starting, .startingTogether, .stopping, .stoppingDynamic, .killed, nil:
            return
        }
    }

    private mutating func countRestart(_ owner: Owner, _ purpose: Supervisor.StartPurpose) {
        switch purpose {
        case .restart, .restartGroup, .overtake: countRestart(owner)
        case .initialize, .startChild, .restartChild: break
        }
    }

    /// Counted once it was made: one that is held and made later is one restart.
    private mutating func countRestart(_ owner: Owner) {
        guard let place = place(owner) else { return }
        let count = (supervisors[owner.supervisor]?.children[owner.key]?.restarts ?? 0) + 1
        supervisors[owner.supervisor]?.children[owner.key]?.restarts = count
        let cause = supervisors[owner.supervisor]?.children[owner.key]?.restartCause
        actions.append(.report(.restart(child: place, count: count, cause: cause ?? .ended(reason: .undefined))))
    }

    /// Notes in the child how its start went.
    private mutating func settle(_ owner: Owner, _ attempt: StartID, _ outcome: StartOutcome) {
        heldStarts.remove(attempt)
        switch outcome {
        case .started:
            supervisors[owner.supervisor]?.children[owner.key]?.state = .running(attempt)
            supervisors[owner.supervisor]?.noteRunning(owner.key, now: now)
            if let place = place(owner) { actions.append(.report(.progress(child: place, attempt))) }
        case .ignored, .failed:
            supervisors[owner.supervisor]?.children[owner.key]?.state = .undefined
            owners[attempt] = nil
        }
    }

    private mutating func startFinished(
        _ id: StartID, _ key: Term, _ attempt: StartID, _ outcome: StartOutcome, _ purpose: Supervisor.StartPurpose
    ) {
        switch purpose {
        case .initialize:
            startedInitially(id, key, outcome, purpose)
        case .restart, .restartGroup:
            restarted(id, key, outcome, purpose)
        case .startChild(let request):
            replyToStart(id, key, attempt, outcome, request)
            switch outcome {
            case .started: break
            case .ignored: removeIgnored(id, key)
            case .failed: supervisors[id]?.children.remove(key)
            }
            becomeIdle(id)
        case .restartChild(let request):
            replyToStart(id, key, attempt, outcome, request)
            becomeIdle(id)
        case .overtake(let request, _):
            replyToStart(id, key, attempt, outcome, request)
            // One that fails waits again: who asked for it wanted it sooner, not less.
            restarted(id, key, outcome, purpose)
        }
    }

    private mutating func startedInitially(
        _ id: StartID, _ key: Term, _ outcome: StartOutcome, _ purpose: Supervisor.StartPurpose
    ) {
        let isShutdownRequested = supervisors[id]?.isShutdownRequested == true
        switch outcome {
        case .started: break
        case .ignored: removeIgnored(id, key)
        case .failed(let reason):
            if isShutdownRequested { break }
            reportStartError(id, key, reason)
            let failure: Term = .tuple([.atom("failed_to_start_child"), key, reason])
            return end(id, .startFailed(.tuple([.shutdown, failure])))
        }
        if isShutdownRequested { becomeIdle(id) } else { startRest(id, purpose) }
    }

    private mutating func restarted(
        _ id: StartID, _ key: Term, _ outcome: StartOutcome, _ purpose: Supervisor.StartPurpose
    ) {
        switch outcome {
        case .started: break
        case .ignored:
            // One that became temporary while its restart failed keeps its place, as in OTP, unless it is of a group.
            if purpose.isOfOne, supervisors[id]?.template == nil { break }
            removeIgnored(id, key)
        case .failed(let reason):
            reportStartError(id, key, reason)
            supervisors[id]?.children[key]?.state = .restarting
            supervisors[id]?.children[key]?.restartCause = .startFailed(reason: reason)
            // Through the mailbox, so that what waits there comes first.
            supervisors[id]?.mailbox.append(.tryAgain(key: key))
            return becomeIdle(id)
        }
        if supervisors[id]?.isShutdownRequested == true { becomeIdle(id) } else { startRest(id, purpose) }
    }

    /// A child that answered `ignore` keeps its place unless it is temporary or dynamic.
    mutating func removeIgnored(_ id: StartID, _ key: Term) {
        supervisors[id]?.removeOrReset(key)
    }

    mutating func reportStartError(_ id: StartID, _ key: Term, _ reason: Term) {
        guard let place = place(Owner(supervisor: id, key: key)) else { return }
        actions.append(.report(.startError(child: place, reason: reason)))
    }

    private mutating func replyToStart(
        _ id: StartID, _ key: Term, _ attempt: StartID, _ outcome: StartOutcome, _ request: RequestID
    ) {
        guard let supervisor = supervisors[id], let child = supervisor.children[key] else { return }
        let reply: SupervisorReply
        switch outcome {
        case .started: reply = .child(supervisor.address.child(key), attempt)
        case .ignored: reply = .child(supervisor.address.child(key), nil)
        case .failed(let reason):
            if case .starting(_, _, .overtake) = supervisor.phase {
                // Reported as any restart's that fails.
                reply = .error(.startFailed(reason: reason))
                break
            }
            actions.append(.report(.requestedStartError(child: supervisor.address.child(key), reason: reason)))
            if case .starting(_, _, .startChild) = supervisor.phase, supervisor.template == nil {
                reply = .error(.childStartFailed(reason: reason, child.spec))
            } else {
                reply = .error(.startFailed(reason: reason))
            }
        }
        actions.append(.reply(request, reply))
    }
}

extension Supervisor.StartPurpose {
    /// Whether it is the restart of one child alone.
    fileprivate var isOfOne: Bool {
        switch self {
        case .restart, .overtake: true
        case .initialize, .restartGroup, .startChild, .restartChild: false
        }
    }
}
