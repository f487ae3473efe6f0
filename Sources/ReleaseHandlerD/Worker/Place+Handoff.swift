import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// How a step of a handoff went for one worker.
enum StepResult: Sendable {
    case done
    case hung
    case died(Term)
    case failed(Term)
}

/// Suspend, handoff and resume: docs/design.md, "5. Changing code", one worker's part of it.
extension Place {
    // MARK: Standby

    /// Starts a standby of `code`; it has acknowledged when `then` is called with its generation.
    func prepareStandby(
        of code: LoadedCode, then: @escaping @HostActor (Result<Generation, StandbyFailure>) -> Void
    ) {
        let generation: Generation
        do {
            generation = try node.launcher.launch(self, mode: .standby, code: code)
        } catch {
            return then(.failure(StandbyFailure(reason: error.term)))
        }
        spare?.kill(reason: .atom("killed"))
        spare = generation
        let message = node.launcher.initMessage(self, generation, mode: .standby)
        generation.toldEnvironment = message.environment
        generation.ownEnvironment = message.environment
        generation.ask(within: spec.startTimeoutMilliseconds, { .initialize(ref: $0, message) }) { answer in
            switch answer {
            case .acknowledged: then(.success(generation))
            case .failed(let reason), .died(let reason): then(.failure(StandbyFailure(reason: reason)))
            case .timedOut(let milliseconds):
                generation.kill(reason: .atom("killed"))
                let reason = Term.tuple([.atom("start_timeout"), .integer(milliseconds)])
                then(.failure(StandbyFailure(reason: reason)))
            case .ok, .ignored, .value, .exported:
                generation.kill(reason: .atom("killed"))
                let reason = Term.tuple([.atom("protocol_error"), .text("a standby must answer init with ack")])
                then(.failure(StandbyFailure(reason: reason)))
            }
        }
    }

    /// Ends a standby that is not needed; the worker itself is not touched.
    func endStandby() {
        spare?.kill(reason: .atom("killed"))
        spare = nil
        if case .suspended(let id, let old, let standby) = state {
            standby.generation?.kill(reason: .atom("killed"))
            state = .suspended(id, old, .none)
            if let oldEnded { exited(id, oldEnded) }
        }
    }

    // MARK: Suspend

    /// An unmodified program can't be suspended, and one that is still starting does not answer: both are to be
    /// stopped and started, which is what `hung` asks for.
    func suspend(within milliseconds: Int?, then: @escaping @HostActor (StepResult) -> Void) {
        guard node.launcher.speaksProtocol(spec) else { return then(.hung) }
        if case .starting = state { return then(.hung) }
        guard case .running(let id, let generation) = state else { return then(.died(.atom("noproc"))) }
        state = .suspending(id, generation)
        generation.ask(within: milliseconds, { .suspend(ref: $0) }) { [weak self] answer in
            guard let self else { return }
            switch answer {
            case .ok:
                guard case .suspending(id, generation) = self.state else { return then(.died(.atom("noproc"))) }
                self.state = .suspended(id, generation, self.spare.map { .waiting($0) } ?? .none)
                self.spare = nil
                then(.done)
            case .died(let reason): then(.died(reason))
            case .timedOut: then(.hung)
            case .failed, .acknowledged, .ignored, .value, .exported: then(.hung)
            }
        }
    }

    // MARK: Handoff

    /// Moves the state and the descriptors from the suspended process into its standby. Nothing is resumed.
    func handOff(
        _ change: RelupMachine.Handoff.Change, within milliseconds: Int, then: @escaping @HostActor (StepResult) -> Void
    ) {
        guard case .suspended(let id, let old, let waiting) = state else { return then(.died(.atom("noproc"))) }
        guard case .waiting(let standby) = waiting else { return then(.failed(.atom("no_standby"))) }
        let transfer = Transfer(
            from: old, to: standby, references: node.references, exporting: change.exporting,
            importing: change.importing, milliseconds: milliseconds)
        self.transfer = transfer
        transfer.run { [weak self] result in
            guard let self else { return }
            self.transfer = nil
            guard case .suspended(id, old, .waiting(standby)) = self.state else { return then(result) }
            if case .done = result {
                self.state = .suspended(id, old, .imported(standby))
                return then(.done)
            }
            // Failed and nobody left to go on: that is a death, and its supervisor starts the worker anew.
            guard let reason = self.oldEnded else { return then(result) }
            standby.kill(reason: .atom("killed"))
            self.exited(id, reason)
            then(.died(reason))
        }
    }

    // MARK: Resume

    /// Lets the worker go on: as its standby where that holds the state, else as the process that was suspended.
    func resume(within milliseconds: Int, then: @escaping @HostActor (StepResult) -> Void) {
        switch state {
        case .suspended(let id, let old, .imported(let new)):
            state = .resuming(id, old: old, new: new)
            new.ask(within: milliseconds, { .resume(ref: $0) }) { [weak self] answer in
                self?.resumed(id, old, new, answer, then)
            }
        case .suspended(_, _, .lost(let reason)):
            // It was to go on in the new code; going on in the old would only look like success.
            then(.died(reason))
        case .suspended(let id, let old, let standby):
            standby.generation?.kill(reason: .atom("killed"))
            state = .suspended(id, old, .none)
            goOn(id, old, within: milliseconds, then)
        case .suspending(let id, let old):
            // It never said that it is suspended; the same stream brings it the resume after the suspend.
            goOn(id, old, within: milliseconds, then)
        case .empty, .starting, .discarding, .running, .resuming, .stopping:
            then(.died(.atom("noproc")))
        }
    }

    /// The suspended process goes on as if nothing had happened; a converted export is dropped by the worker.
    func resumeOld(within milliseconds: Int, then: @escaping @HostActor (StepResult) -> Void) {
        endStandby()
        resume(within: milliseconds, then: then)
    }

    private func resumed(
        _ id: StartID, _ old: Generation, _ new: Generation, _ answer: Answer, _ then: (StepResult) -> Void
    ) {
        guard case .ok = answer else {
            // The old process stands until the new one has acknowledged, so there is still a way back.
            if case .resuming(id, old, new) = state {
                state = .suspended(id, old, .lost(.atom("resume_failed")))
                new.kill(reason: .atom("killed"))
                if let oldEnded { exited(id, oldEnded) }
            }
            switch answer {
            case .died(let reason): return then(.died(reason))
            case .timedOut: return then(.hung)
            case .failed(let reason): return then(.failed(reason))
            case .ok, .acknowledged, .ignored, .value, .exported: return then(.failed(.atom("protocol_error")))
            }
        }
        guard case .resuming(id, _, let current) = state, current === new else { return then(.died(.atom("noproc"))) }
        state = .running(id, new)
        oldEnded = nil
        // What the carried state knows of the environment is what the old process was told.
        new.toldEnvironment = old.toldEnvironment
        deliverMailbox(to: new)
        leave(old)
        node.handedOff(self, from: old, to: new)
        then(.done)
    }

    private func goOn(
        _ id: StartID, _ old: Generation, within milliseconds: Int,
        _ then: @escaping @HostActor (StepResult) -> Void
    ) {
        old.ask(within: milliseconds, { .resume(ref: $0) }) { [weak self] answer in
            guard let self else { return }
            switch answer {
            case .ok:
                switch self.state {
                case .suspended(id, old, _), .suspending(id, old):
                    self.state = .running(id, old)
                    self.deliverMailbox(to: old)
                    then(.done)
                case .empty, .starting, .discarding, .running, .suspending, .suspended, .resuming, .stopping:
                    then(.died(.atom("noproc")))
                }
            case .died(let reason): then(.died(reason))
            case .failed(let reason):
                old.kill(reason: reason)
                then(.failed(reason))
            case .timedOut, .acknowledged, .ignored, .value, .exported:
                old.kill(reason: .atom("resume_timeout"))
                then(.hung)
            }
        }
    }
}

struct StandbyFailure: Error, Sendable { let reason: Term }
