import Instructions
import Terms

extension RelupMachine {
    /// The first actions. To be called once. `code`: the code table as it is now.
    public mutating func start(code: CodeTable) -> [Action] {
        guard case .ready = phase else { return unexpected("start") }
        if script.first == .restartNewEmulator {
            phase = .finished
            return [.finished(.restartNewEmulator)]
        }
        if let failure = checkScript() { return conclude(.refused(failure)) }
        guard !involvedModules.isEmpty else { return advance(from: 0, code) }
        phase = .takingCensus
        return [.findWorkers(involvedModules)]
    }

    /// What follows the answer to the last action. One that does not belong to it counts as that action's failure.
    /// `code`: the code table as it is now; it has one owner, who makes the changes that are asked for.
    public mutating func handle(_ event: Event, code: CodeTable) -> [Action] {
        switch phase {
        case .ready, .finished:
            return unexpected(event.name)
        case .takingCensus:
            guard case .workersFound(let workers) = event else { return unexpected(event.name) }
            census = workers
            oldAtCensus = modulesInOldCode(workers, code)
            if let failure = checkOldProcesses(code, census: census) { return conclude(.refused(failure)) }
            return advance(from: 0, code)
        case .evaluating(let index, let step):
            guard let next = answer(step, event, code) else { return unexpected(event.name) }
            return perform(next, at: index, code)
        case .committing(let step, let commit):
            return answerCommit(step, commit, event, code)
        case .awaitingRestarts:
            guard case .restartsAwaited(let failed) = event else { return unexpected(event.name) }
            noteRestarts(failed)
            return takeLastCensus()
        case .takingLastCensus:
            guard case .workersFound(let workers) = event else { return unexpected(event.name) }
            return purgeUnused(workers, code)
        case .purging(let unpurged):
            guard case .codeChanged = event else { return unexpected(event.name) }
            return conclude(.done(unpurged: unpurged, warnings: warnings))
        case .endingStandbys(let outcome):
            guard case .standbysEnded = event else { return unexpected(event.name) }
            mayHaveStandbys = false
            return conclude(outcome)
        case .aborting(let step, let failure):
            return answerAbort(step, failure, event)
        }
    }

    /// Evaluates from `index` on until something has to be answered.
    mutating func advance(from index: Int, _ code: CodeTable) -> [Action] {
        var actions: [Action] = []
        var index = index
        while index < script.count {
            if !due.isEmpty, script[index].needsRunningWorkers { return actions + commit(then: .goOn(index), code) }
            current = index
            touched = []
            notes = []
            switch begin(script[index], code) {
            case .done:
                actions.append(report(at: index))
                actions += takeCommitted()
                index += 1
            case .postponed:
                index += 1
            case .commit(.goOn(let next)) where !dueHasEffect:
                actions += takeDueReports()
                index = next
            case .commit(let then):
                return actions + commit(then: then, code)
            case .ask(let step, let action):
                phase = .evaluating(index: index, step)
                return actions + [action]
            case .fail(let error):
                return actions + fail(error, at: index)
            case .end(let outcome):
                return actions + [report(at: index)] + conclude(outcome)
            }
        }
        guard due.isEmpty else { return actions + commit(then: .goOn(index), code) }
        return actions + endScript(code)
    }

    private mutating func perform(_ next: Next, at index: Int, _ code: CodeTable) -> [Action] {
        switch next {
        case .ask(let step, let action):
            phase = .evaluating(index: index, step)
            return [action]
        case .done:
            return [report(at: index)] + takeCommitted() + advance(from: index + 1, code)
        case .postponed:
            return advance(from: index + 1, code)
        case .commit(let then):
            return commit(then: then, code)
        case .fail(let error):
            return fail(error, at: index)
        case .end(let outcome):
            return [report(at: index)] + conclude(outcome)
        }
    }

    private func report(at index: Int) -> Action {
        .report(InstructionReport(index: index, instruction: script[index], touched: touched, notes: notes))
    }

    private mutating func begin(_ instruction: LowLevelInstruction, _ code: CodeTable) -> Next {
        switch instruction {
        case .loadObjectCode(let library, let vsn, let modules):
            return beginLoadObjectCode(library, vsn, modules)
        case .pointOfNoReturn:
            return beginPointOfNoReturn(code)
        case .load(let module, let prePurge, let postPurge):
            guard let version = objectCode[module] else {
                return .fail(.badScript(instruction, message: "\(module.name) was not read by load_object_code"))
            }
            return beginTableChange(
                TableChange(module: module, version: version, prePurge: prePurge, postPurge: postPurge), code)
        case .remove(let module, let prePurge, let postPurge):
            return beginTableChange(
                TableChange(module: module, version: nil, prePurge: prePurge, postPurge: postPurge), code)
        case .purge(let modules):
            return beginPurge(modules)
        case .suspend(let targets):
            return beginSuspend(targets, code)
        case .codeChange(let mode, let targets):
            return beginCodeChange(mode ?? .up, targets, code)
        case .resume(let modules):
            return beginResume(modules, code)
        case .stop(let modules):
            return .ask(.stoppingChildren, .stopChildren(modules))
        case .start(let modules):
            return beginStart(modules)
        case .syncNodes(let id, let nodes):
            return .ask(.syncingNodes, .syncNodes(id: id, nodes))
        case .apply(let function):
            return .ask(.applying(function), .apply(function))
        case .restartNewEmulator:
            return .fail(.badScript(instruction, message: "restart_new_emulator is only possible first"))
        case .restartEmulator:
            return .end(.restartEmulator(warnings: warnings))
        }
    }

    /// What an answer leads to; `nil` where it is no answer to this step.
    private mutating func answer(_ step: Step, _ event: Event, _ code: CodeTable) -> Next? {
        switch step {
        case .readingObjectCode(let library, let modules): answerObjectCode(library, modules, event, code)
        case .startingStandbys: answerStandbys(event)
        case .switchingPath: answerSwitchedPath(event)
        case .findingUsersOfOldCode(let change): answerUsersOfOldCode(change, event, code)
        case .holdingForPurge(let change, let users): answerHeldForPurge(change, users, event)
        case .endingUsersOfOldCode(let change, let purged): answerUsersEnded(change, purged, event)
        case .awaitingEndsOfUsers(let change, let purged): answerEndsOfUsers(change, purged, event, code)
        case .changingCode(let purged): answerCodeChanged(event, purged)
        case .updatingModules(let modules, let purged): answerModulesUpdated(modules, event, purged)
        case .releasingPurged(let users): answerPurgedReleased(users, event)
        case .awaitingPurged: answerPurgedAwaited(event)
        case .findingUsersToPurge(let modules): answerUsersToPurge(modules, event, code)
        case .endingUsersToPurge(let modules, let users): answerUsersToPurgeEnded(modules, users, event)
        case .awaitingEndsToPurge(let modules): answerEndsToPurge(modules, event, code)
        case .holdingStarts(let targets): answerStartsHeld(targets, event)
        case .findingWorkersToSuspend(let targets): answerWorkersToSuspend(targets, event, code)
        case .copyingAhead(let targets): answerCopiedAhead(targets, event)
        case .startingMissingStandbys(let targets, let workers): answerMissingStandbys(targets, workers, event, code)
        case .suspending(let suspension): answerSuspended(suspension, event)
        case .terminatingHung(let error): answerHungTerminated(event, error)
        case .changingSupervisors(let orders, let modules, let handoffs):
            answerSupervisorsChanged(orders, modules, handoffs, event)
        case .changingModules(let changes, let handoffs): answerModulesChanged(changes, handoffs, event)
        case .convertingCode(let handoffs): answerConversion(handoffs, event)
        case .startingStandbysToResume(let ready, let modules): answerStandbysToResume(ready, modules, event, code)
        case .handingOffUnconverted(let ready, let modules): answerSoftHandoff(ready, modules, event, code)
        case .stoppingChildren: answerStopped(event)
        case .startingChildren: answerStarted(event)
        case .findingStarted(let started): answerFoundStarted(started, event)
        case .syncingNodes: answerNodes(event)
        case .applying(let function): answerApplied(function, event)
        }
    }

    mutating func note(_ sentence: String) { notes.append(sentence) }

    mutating func warn(_ sentence: String) {
        notes.append(sentence)
        warnings.append(sentence)
    }
}
