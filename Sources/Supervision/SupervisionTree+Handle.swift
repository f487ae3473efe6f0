import Instructions
import Terms
import Wire

extension SupervisionTree {
    /// What is to be done about an event, in that order.
    ///
    /// - Parameter now: monotonic milliseconds; restart intensity and delays look at it.
    public mutating func handle(_ event: Event, now: Int) -> [Action] {
        self.now = now
        receive(event)
        var next = 0
        while next < signals.count {
            let signal = signals[next]
            next += 1
            deliver(signal)
        }
        signals.removeAll()
        defer { actions = [] }
        return actions
    }

    private mutating func receive(_ event: Event) {
        switch event {
        case .startRoot(let address, let module, let arguments):
            guard places[address] == nil else { return }
            let id = nextStartID()
            roots.append(id)
            startSupervisor(id, at: address, module: module, arguments: [arguments], parent: nil)
        case .stopRoot(let address):
            guard let id = places[address], supervisors[id]?.parent == nil else { return }
            signals.append(.shutdown(id))
        case .supervisorRead(let id, let initial):
            supervisorRead(id, initial)
        case .supervisorUnreadable(let id, let reason):
            guard case .reading? = supervisors[id]?.phase else { return }
            finish(id, .startFailed(reason))
        case .supervisorIgnored(let id):
            guard let supervisor = supervisors[id], case .reading = supervisor.phase else { return }
            finish(id, supervisor.isShutdownRequested ? .startFailed(.shutdown) : .ignored)
        case .workerStarted(let id):
            workerAnswered(.startFinished(id, .started), id)
        case .workerIgnored(let id):
            workerAnswered(.startFinished(id, .ignored), id)
        case .workerStartFailed(let id, let reason):
            workerAnswered(.startFinished(id, .failed(reason)), id)
        case .workerStartHeld(let id):
            startHeld(id)
        case .startsReleased:
            releaseStarts()
        case .workerExited(let id, let reason):
            workerAnswered(.ended(id, reason: reason), id)
        case .restartsDue:
            restartsDue()
        case .hasten(let children):
            hasten(children)
        case .timerFired(let id):
            guard supervisors[id]?.isShutdownRequested == true else { return }
            signals.append(.kill(id))
        case .request(let request, let call):
            receive(request, call)
        }
    }

    /// Takes the driver's word for a worker only: supervisors start and end in here.
    private mutating func workerAnswered(_ signal: Signal, _ id: StartID) {
        guard supervisors[id] == nil else { return }
        signals.append(signal)
    }

    private mutating func receive(_ request: RequestID, _ call: SupervisorRequest) {
        guard let id = places[call.supervisor], let waiting = supervisors[id]?.mailbox.waitingRequests else {
            return actions.append(.reply(request, .error(.noproc)))
        }
        guard waiting < Self.maximumWaitingRequests else {
            return actions.append(.reply(request, .error(.overload)))
        }
        supervisors[id]?.mailbox.append(.request(request, call))
        signals.append(.pump(id))
    }

    private mutating func deliver(_ signal: Signal) {
        switch signal {
        case .shutdown(let id): shutdown(id)
        case .kill(let id): kill(id)
        case .startFinished(let id, let outcome): startFinished(id, outcome)
        case .ended(let id, let reason): childEnded(id, reason)
        case .pump(let id): pump(id)
        }
    }

    /// Lets an idle supervisor handle one message.
    private mutating func pump(_ id: StartID) {
        guard let supervisor = supervisors[id], supervisor.isIdle else { return }
        let next =
            supervisor.isSuspended
            ? supervisors[id]?.mailbox.popFirstRequest() : supervisors[id]?.mailbox.popFirst()
        guard let message = next else { return }
        signals.append(.pump(id))
        switch message {
        case .exit(let attempt, let key, let reason):
            guard supervisors[id]?.children[key]?.state == .running(attempt) else { return }
            restartAfterExit(id, key, attempt, reason)
        case .tryAgain(let key):
            guard let child = supervisors[id]?.children[key], child.state == .restarting, child.dueMilliseconds == nil
            else { return }
            restart(id, key)
        case .released(let key):
            guard supervisors[id]?.children[key]?.state == .restarting else { return }
            resumeHeldRestart(id, key)
        case .due(let key):
            restartAfterWait(id, key)
        case .request(let request, let call):
            serve(id, request, call)
        }
    }

    mutating func nextStartID() -> StartID {
        lastNumber += 1
        return StartID(number: lastNumber)
    }

    /// The supervisor is done with what it did: a waiting shutdown first, else the mailbox.
    mutating func becomeIdle(_ id: StartID) {
        guard let supervisor = supervisors[id] else { return }
        if supervisor.isShutdownRequested {
            end(id, supervisor.isInitialized ? .exited(.shutdown) : .startFailed(.shutdown))
        } else {
            supervisors[id]?.phase = .idle
            signals.append(.pump(id))
        }
    }

    func place(_ owner: Owner) -> ChildAddress? {
        supervisors[owner.supervisor]?.address.child(owner.key)
    }
}
