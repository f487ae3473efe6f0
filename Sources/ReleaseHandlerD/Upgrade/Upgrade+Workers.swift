import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Suspend, handoff and resume for all workers of an action at once.
extension Upgrade {
    /// How long a hung worker may take to end whose spec sets no limit.
    static let hungShutdownMilliseconds = 5_000
    /// How long a start or a stop through a supervisor may take, its queue included.
    static let startMilliseconds = 120_000
    static let stopMilliseconds = 60_000

    /// A hung worker can't be waited for: its supervisor terminates it as its spec says, the upgrade goes on.
    func terminateHung(_ workers: [ChildAddress]) {
        for worker in workers {
            guard let place = place(worker), let supervisor = place.address.parent, let id = place.address.id else {
                continue
            }
            events.post(.worker(.hung(worker, isUnmodifiedProgram: place.spec.isUnmodifiedProgram)))
            terminated.insert(place.address)
            record(worker)
            let isProgram = place.spec.isUnmodifiedProgram
            ledger.note(
                .script(
                    isProgram
                        ? "an unmodified program can't be suspended: terminated" : "did not suspend in time: terminated"
                ),
                of: worker, start: place.startID)
            tree.request(.terminateChild(supervisor: supervisor, id: id)) { _ in }
            if case .infinity = place.spec.shutdown { killLater(place) }
        }
        answer(.hungTerminated)
    }

    /// Its spec would wait for ever for a process that answers nothing: an upgrade does not.
    private func killLater(_ place: Place) {
        let generation = place.current
        Reactor.shared.schedule(afterMilliseconds: Self.hungShutdownMilliseconds) {
            generation?.kill(reason: .atom("killed"))
        }
    }

    func copyAhead(_ orders: [RelupMachine.CopyAheadOrder], _ milliseconds: Int) {
        eachInTurns(orders) { [self] (order, done: @escaping @HostActor (StepResult) -> Void) in
            guard let place = place(order.worker) else { return done(.died(.atom("noproc"))) }
            place.copyAhead(order.change, within: milliseconds, then: done)
        } then: { results in
            let failed = results.compactMap { order, result -> RelupMachine.WorkerFailure? in
                switch result {
                case .done, .doneWhole: nil
                case .hung: .init(worker: order.worker, reason: .atom("timeout"))
                case .failed(let reason), .died(let reason): .init(worker: order.worker, reason: reason)
                }
            }
            let without = failed.map(\.worker).filter { self.place($0)?.standbyProcess == nil }
            self.answer(.copiedAhead(failed: failed, withoutStandby: without))
        }
    }

    func handOff(_ handoffs: [RelupMachine.Handoff], _ milliseconds: Int) {
        eachInTurns(handoffs) { [self] (handoff, done: @escaping @HostActor (StepResult) -> Void) in
            guard let place = place(handoff.worker) else { return done(.died(.atom("noproc"))) }
            place.handOff(handoff.change, within: milliseconds, then: done)
        } then: { results in
            var ok: [ChildAddress] = []
            var failed: [RelupMachine.WorkerFailure] = []
            var died: [ChildAddress] = []
            var whole: [RelupMachine.WorkerFailure] = []
            for (handoff, result) in results {
                switch result {
                case .done: ok.append(handoff.worker)
                case .doneWhole(let reason):
                    ok.append(handoff.worker)
                    whole.append(.init(worker: handoff.worker, reason: reason))
                case .hung:
                    let reason = Term.tuple([.atom("timeout"), .integer(milliseconds)])
                    failed.append(.init(worker: handoff.worker, reason: reason))
                case .failed(let reason): failed.append(.init(worker: handoff.worker, reason: reason))
                case .died: died.append(handoff.worker)
                }
            }
            self.answer(.handedOff(ok: ok, failed: failed, died: died, whole: whole))
        }
    }

    func resume(_ workers: [ChildAddress], isLast: Bool) {
        gatherResumed(workers, { $0.resume(within: self.patience.resumeMilliseconds, then: $1) }) { [weak self] event in
            self?.noteResumed(isLast: isLast)
            self?.answer(event)
        }
    }

    func resumeOld(_ workers: [ChildAddress], leavingHung: Bool) {
        let ask: @HostActor (Place, @escaping @HostActor (StepResult) -> Void) -> Void = { [self] place, then in
            // One that has not answered its suspend, and had no time for it, goes on when it comes to it.
            let isUnanswered = self.giveUpUnanswered(place.address)
            place.resumeOld(within: patience.resumeMilliseconds, leavingHung: leavingHung || isUnanswered, then: then)
        }
        gatherResumed(workers, ask) { [weak self] event in
            self?.answer(event)
        }
    }

    private func gatherResumed(
        _ workers: [ChildAddress],
        _ ask: @escaping @HostActor (Place, @escaping @HostActor (StepResult) -> Void) -> Void,
        then: @escaping @HostActor (RelupMachine.Event) -> Void
    ) {
        eachInTurns(workers) { [self] (worker, done: @escaping @HostActor (StepResult) -> Void) in
            // One that has ended meanwhile is as much resumed as it can be: its parent starts it again.
            if let supervisor = supervisor(worker) {
                if giveUpUnanswered(worker) { return done(.done) }
                return tree.request(.resume(supervisor: supervisor)) { _ in done(.done) }
            }
            guard let place = place(worker) else { return done(.died(.atom("noproc"))) }
            ask(place, done)
        } then: { results in
            var ok: [ChildAddress] = []
            var failed: [RelupMachine.WorkerFailure] = []
            var died: [RelupMachine.WorkerFailure] = []
            for (worker, result) in results {
                switch result {
                case .done, .doneWhole: ok.append(worker)
                case .hung: failed.append(.init(worker: worker, reason: .atom("timeout")))
                case .failed(let reason): failed.append(.init(worker: worker, reason: reason))
                case .died(let reason):
                    // Of one whose standby alone has ended the old process stands.
                    if self.place(worker).map({ $0.startID == nil || $0.phase == .stopping }) ?? true {
                        died.append(.init(worker: worker, reason: reason))
                    } else {
                        failed.append(.init(worker: worker, reason: reason))
                    }
                }
            }
            then(.resumed(ok: ok, failed: failed, died: died))
        }
    }

    /// Starts what was terminated as hung, and awaits the restart of what died; each must then run the current code.
    func startAgain(_ workers: [ChildAddress]) {
        tree.permit(workers)
        each(workers) { (address, done: @escaping @HostActor (Term?) -> Void) in
            guard terminated.remove(address) != nil else { return awaitStart(address, then: done) }
            startTerminated(address, then: done)
        } then: { results in
            let failed = results.compactMap { worker, reason in
                reason.map { RelupMachine.WorkerFailure(worker: worker, reason: $0) }
            }
            self.tree.endPermission(of: workers)
            self.restoreOrder(of: Set(workers).intersection(self.startedAnew))
            self.answer(.startedAgain(ok: results.filter { $0.1 == nil }.map(\.0), failed: failed))
        }
    }

    private func startTerminated(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        within(Self.startMilliseconds, then) { done in
            let then: @HostActor (Term?) -> Void = { [weak self] reason in
                // Nobody else starts it: an abort does, in the old code.
                if reason != nil { self?.terminated.insert(address) }
                done(reason ?? self?.oldCode(address))
            }
            tree.restartChild(address) { [weak self] reason in
                // A temporary child is forgotten with its end.
                guard reason == .atom("not_found"), let self else { return then(reason) }
                startAnew(address, then: then)
            }
        }
    }

    /// Those that were terminated as hung and did not start in code that was committed, once that was taken back.
    /// `then` is told who did not start.
    func startTerminated(then: @escaping @HostActor ([RelupMachine.WorkerFailure]) -> Void) {
        let workers = Array(terminated)
        terminated = []
        each(workers) {
            startTerminated($0, then: $1)
        } then: { results in
            then(results.compactMap { worker, reason in reason.map { .init(worker: worker, reason: $0) } })
        }
    }

    /// Nil once the worker runs the current code, and where its supervisor does not restart it.
    private func awaitStart(_ address: ChildAddress, then: @escaping @HostActor (Term?) -> Void) {
        within(Self.startMilliseconds, then) { look(forStartOf: address, mayHasten: true, then: $0) }
    }

    private func look(
        forStartOf address: ChildAddress, mayHasten: Bool, then: @escaping @HostActor (Term?) -> Void
    ) {
        if let id = tree.startUnderWay(at: address) {
            return tree.whenEnded(id) { [weak self] in
                guard let self else { return }
                if let place = tree.places[address], place.isRunning { return then(oldCode(address)) }
                guard isUndoing else { return then(.atom("start_failed")) }
                // That was the new code's failure: its supervisor's next attempt is in the old code.
                tree.whenSomethingHappened(to: address) { [weak self] in
                    self?.look(forStartOf: address, mayHasten: mayHasten, then: then)
                }
            }
        }
        switch tree.child(at: address)?.state {
        case .running where tree.places[address]?.isRunning == true: then(oldCode(address))
        case .undefined where !tree.isInRestartUnderWay(address): then(nil)
        case .running, .starting, .restarting, .undefined:
            // Its supervisor ends and starts one child after the other: this one's turn is yet to come.
            let hastens = mayHasten && tree.isRestartDelayed(address)
            tree.whenSomethingHappened(to: address) { [weak self] in
                self?.look(forStartOf: address, mayHasten: mayHasten && !hastens, then: then)
            }
            if hastens { tree.hasten(address) }
        case nil: then(nil)
        }
    }

    /// The reason where a worker runs other code than what is current.
    private func oldCode(_ address: ChildAddress) -> Term? {
        guard let version = tree.places[address]?.current?.code,
            let current = code.table.current[version.module], current.sha256 != version.sha256
        else { return nil }
        return .tuple([.atom("old_code"), .atom(version.module)])
    }

    func endWorkers(_ workers: [ChildAddress], _ reason: Term) {
        for worker in workers {
            guard let place = place(worker) else { continue }
            ended[worker] = place.current
            ledger.note(.script("ended by the script (\(reason.reasonText))"), of: worker, start: place.startID)
            place.end(reason: reason)
        }
        answer(.workersEnded)
    }

    /// Who was ended by the script is started again by its supervisor: whether, is part of the answer.
    func awaitRestarts(_ workers: [ChildAddress]) {
        each(workers) { (worker, done: @escaping @HostActor (TreeDriver.Rest) -> Void) in
            tree.whenAtRest(worker, after: ended[worker], within: Self.startMilliseconds, then: done)
        } then: { results in
            let failed = results.compactMap { worker, rest -> RelupMachine.WorkerFailure? in
                let reason: String
                switch rest {
                case .running, .held: return nil
                case .gone: reason = "it is not in the tree any more"
                case .stopped: reason = "its supervisor does not start it"
                case .restless: reason = "it was not started within \(Self.startMilliseconds) ms"
                }
                return .init(worker: worker, reason: .text(reason))
            }
            self.answer(.restartsAwaited(notRunning: failed))
        }
    }

    /// Bounds a question to the tree: a supervisor that is busy for ever must not hold an upgrade up for ever.
    func within(
        _ milliseconds: Int, _ then: @escaping @HostActor (Term?) -> Void,
        _ ask: (@escaping @HostActor (Term?) -> Void) -> Void
    ) {
        let first = Gather<Term>(count: 1) { answers in then(answers[0] == .ok ? nil : answers[0]) }
        let timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) {
            first.set(0, .tuple([.atom("timeout"), .integer(milliseconds)]))
        }
        ask { reason in
            timer.cancel()
            first.set(0, reason ?? .ok)
        }
    }
}
