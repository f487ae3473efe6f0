import OrderedCollections
import Instructions
import Terms
import Wire

/// What comes after the last instruction, or after a failure.
extension RelupMachine {
    mutating func endScript(_ code: CodeTable) -> [Action] {
        // A script may not leave workers suspended or starts held for ever.
        if !suspended.isEmpty || !heldModules.isEmpty {
            var modules = heldModules
            for worker in suspended.all { modules.append(contentsOf: worker.modules.sorted { $0.name < $1.name }) }
            let forgotten = LowLevelInstruction.resume(modules.elements)
            warnings.append(
                "the script does not resume \(modules.map(\.name).joined(separator: ", ")): done at its end")
            script.append(forgotten)
            return advance(from: script.count - 1, code)
        }
        // One that was stopped since is not waited for.
        let stopped = Set(stopped.map(\.child))
        ended.removeAll(where: stopped.contains)
        guard ended.isEmpty else {
            phase = .awaitingRestarts
            return [.awaitRestarts(ended.elements)]
        }
        return takeLastCensus()
    }

    mutating func noteRestarts(_ failed: [WorkerFailure]) {
        for failure in failed {
            warnings.append("\(failure.worker) was ended by the script and does not run: \(sentence(failure.reason))")
        }
        ended = []
    }

    mutating func takeLastCensus() -> [Action] {
        guard !changed.isEmpty else { return conclude(.done(unpurged: [], warnings: warnings)) }
        phase = .takingLastCensus
        return [.findWorkers(changed.map(\.module))]
    }

    /// Old code that nobody runs any more goes at once.
    mutating func purgeUnused(_ workers: [WorkerInfo], _ code: CodeTable) -> [Action] {
        var unused: [Atom] = []
        var unpurged: [UnpurgedModule] = []
        for change in changed {
            let users = code.usersOfOldCode(of: change.module, among: workers)
            if users.isEmpty {
                unused.append(change.module)
            } else {
                unpurged.append(UnpurgedModule(module: change.module, method: change.method, users: users))
            }
        }
        phase = .purging(unpurged: unpurged)
        return [.changeCode(.purge(unused))]
    }

    /// Ends with this, once no standby is left.
    mutating func conclude(_ outcome: Outcome) -> [Action] {
        guard mayHaveStandbys else {
            phase = .finished
            return [.finished(outcome)]
        }
        phase = .endingStandbys(outcome)
        return [.endStandbys]
    }

    mutating func fail(_ error: RelupError, at index: Int) -> [Action] {
        let failure = Failure(index: index, instruction: script[index], error: error)
        guard isPastPointOfNoReturn else { return conclude(.refused(failure)) }
        guard !hasDoneIrreversible else { return restartNode(failure) }
        due = []
        let uncommitted = changed.filter { !$0.isCommitted }
        guard !uncommitted.isEmpty else { return abort(from: .endingStandbys, failure) }
        phase = .aborting(.findingNewCode, failure)
        return [.findWorkers(uncommitted.map(\.module))]
    }

    /// Standbys end with the node.
    private mutating func restartNode(_ failure: Failure) -> [Action] {
        phase = .finished
        return [.finished(.restartNode(failure))]
    }

    /// The next thing that has to be undone, from `step` on.
    private mutating func abort(from step: AbortStep, _ failure: Failure) -> [Action] {
        switch step {
        case .findingNewCode, .endingStandbys:
            guard mayHaveStandbys else { return abort(from: .restoringCode, failure) }
            return ask(.endingStandbys, .endStandbys, failure)
        case .restoringCode:
            return ask(.restoringCode, .changeCode(.restore(saved)), failure)
        case .updatingModules(let modules):
            guard !modules.isEmpty else { return abort(from: .restoringModules, failure) }
            return ask(step, .updateModules(modules), failure)
        case .endingUnrestored, .restoringModules:
            guard !convertedModules.isEmpty else { return abort(from: .restoringSupervisors, failure) }
            return ask(.restoringModules, .restoreModules(convertedModules.elements), failure)
        case .restoringSupervisors:
            guard !changedSupervisors.isEmpty else { return abort(from: .resumingOld, failure) }
            return ask(.restoringSupervisors, .restoreSupervisors(changedSupervisors.elements), failure)
        case .resumingOld:
            let standing = workers { $0 != .gone }
            guard !standing.isEmpty else { return abort(from: .startingAgain, failure) }
            return ask(
                .resumingOld, .resumeOld(standing, leavingHung: options.hungWorkers == .abort), failure)
        case .endingFailed, .startingAgain:
            let gone = workers { $0 == .gone }
            guard !gone.isEmpty else { return abort(from: .startingStopped, failure) }
            return ask(.startingAgain, .startAgain(gone), failure)
        case .startingStopped:
            let children = stopped.filter { !stoppedBeforeCommit.contains($0.child) }
            guard !children.isEmpty else { return abort(from: .releasingStarts, failure) }
            return ask(.startingStopped, .restoreChildren(children), failure)
        case .releasingStarts:
            guard !heldModules.isEmpty else { return abort(from: .awaitingRestarts, failure) }
            return ask(.releasingStarts, .releaseStarts(heldModules.elements), failure)
        case .awaitingRestarts:
            guard !ended.isEmpty else { return aborted(failure) }
            return ask(.awaitingRestarts, .awaitRestarts(ended.elements), failure)
        }
    }

    /// Who can't have its functional modules as they were starts again, in the old code.
    private mutating func endUnrestored(_ failed: [WorkerFailure], _ failure: Failure) -> [Action]? {
        guard let first = failed.first else { return nil }
        for failed in failed {
            warnings.append(
                "\(failed.worker) could not go back to its modules (\(failed.reason.reasonText)): it starts again")
            if suspended[failed.worker] == nil {
                ended.append(failed.worker)
            } else {
                suspended.update(failed.worker) { $0.state = .gone }
            }
        }
        let reason = Term.tuple([.atom("load_failed"), first.reason])
        return ask(.endingUnrestored, .endWorkers(failed.map(\.worker), reason: reason), failure)
    }

    private mutating func ask(_ step: AbortStep, _ action: Action, _ failure: Failure) -> [Action] {
        phase = .aborting(step, failure)
        return [action]
    }

    private func workers(_ isWanted: (SuspendedWorker.State) -> Bool) -> [ChildAddress] {
        suspended.all.filter { isWanted($0.state) }.map(\.info.id)
    }

    private mutating func aborted(_ failure: Failure) -> [Action] {
        phase = .finished
        if hasCommitted {
            let committed = Committed(
                modules: changed.map(\.module), script: script, count: failure.index ?? script.count)
            return [.finished(.takeBack(failure, committed, warnings: warnings))]
        }
        return [.finished(.aborted(failure, warnings: warnings))]
    }

    mutating func answerAbort(_ step: AbortStep, _ failure: Failure, _ event: Event) -> [Action] {
        // An answer to something else: what stands is unknown, while the restart is known to work.
        undone(step, failure, event) ?? restartNode(failure)
    }

    private mutating func undone(_ step: AbortStep, _ failure: Failure, _ event: Event) -> [Action]? {
        switch step {
        case .findingNewCode:
            guard case .workersFound(let found) = event else { return nil }
            let runsUncommitted = found.contains { worker in
                worker.resident.flatMap(change(of:))?.isCommitted == false && alreadyRunsNewCode(worker)
            }
            return runsUncommitted ? nil : abort(from: .endingStandbys, failure)
        case .endingStandbys:
            guard case .standbysEnded = event else { return nil }
            mayHaveStandbys = false
            standbys = [:]
            return abort(from: .restoringCode, failure)
        case .restoringCode:
            guard event.isCodeChanged else { return nil }
            let functional = changed.filter { !$0.isCommitted && $0.isFunctional }.map(\.module)
            changed.removeAll { !$0.isCommitted }
            let all = OrderedSet(functional).union(usedFirst).elements
            return abort(from: .updatingModules(all), failure)
        case .updatingModules:
            guard case .modulesUpdated(_, let failed, let unanswered) = event else { return nil }
            for failure in unanswered {
                warnings.append(
                    "\(failure.worker) goes back to its modules when it comes to it (\(failure.reason.reasonText))")
            }
            return endUnrestored(failed, failure) ?? abort(from: .restoringModules, failure)
        case .endingUnrestored:
            return event.isWorkersEnded ? abort(from: .restoringModules, failure) : nil
        case .restoringModules:
            guard case .modulesRestored(let failed) = event else { return nil }
            convertedModules = []
            return endUnrestored(failed, failure) ?? abort(from: .restoringSupervisors, failure)
        case .restoringSupervisors:
            guard case .supervisorsRestored(let failed) = event, failed.isEmpty else { return nil }
            changedSupervisors = []
            return abort(from: .resumingOld, failure)
        case .resumingOld:
            guard case .resumed(_, let failed, let died) = event else { return nil }
            for failure in died {
                suspended.update(failure.worker) { $0.state = .gone }
                warnings.append(
                    "\(failure.worker) ended while it was to go on (\(failure.reason.reasonText)): started again")
            }
            suspended.remove { $0.state != .gone }
            guard let first = failed.first else { return abort(from: .startingAgain, failure) }
            for failed in failed {
                warnings.append(
                    "\(failed.worker) did not go on (\(failed.reason.reasonText)): its supervisor starts it again")
            }
            ended.append(contentsOf: failed.map(\.worker))
            let reason = Term.tuple([.atom("resume_failed"), first.reason])
            return ask(.endingFailed, .endWorkers(failed.map(\.worker), reason: reason), failure)
        case .endingFailed:
            return event.isWorkersEnded ? abort(from: .startingAgain, failure) : nil
        case .startingAgain:
            // One that is not started again: the release does not run on as it did, and only a restart brings it.
            guard case .startedAgain(_, let failed) = event, failed.isEmpty else { return nil }
            suspended = SuspendedWorkers()
            return abort(from: .startingStopped, failure)
        case .startingStopped:
            guard case .childrenStarted(_, let failed) = event, failed.isEmpty else { return nil }
            stopped.removeAll { !stoppedBeforeCommit.contains($0.child) }
            return abort(from: .releasingStarts, failure)
        case .releasingStarts:
            guard case .startsReleased = event else { return nil }
            heldModules = []
            return abort(from: .awaitingRestarts, failure)
        case .awaitingRestarts:
            guard case .restartsAwaited(let failed) = event else { return nil }
            noteRestarts(failed)
            return aborted(failure)
        }
    }

    /// An answer that does not belong to the action that went out. What was done of it is unknown, so that nothing
    /// can be undone after the point of no return: only the restart is known to work.
    mutating func unexpected(_ name: String) -> [Action] {
        let error = RelupError.unexpectedEvent("the event \(name) answers no action that was asked for")
        let failure = Failure(index: nil, instruction: nil, error: error)
        switch phase {
        case .finished: return []
        case .ready, .takingCensus: return conclude(.refused(failure))
        case .evaluating(let index, let step):
            if case .switchingPath = step { isPastPointOfNoReturn = true }
            let failure = Failure(index: index, instruction: script[index], error: error)
            return isPastPointOfNoReturn ? restartNode(failure) : conclude(.refused(failure))
        case .committing(_, let commit):
            let index = commit.due.first?.index
            return restartNode(Failure(index: index, instruction: index.map { script[$0] }, error: error))
        case .awaitingRestarts, .takingLastCensus, .purging, .endingStandbys: return restartNode(failure)
        case .aborting(_, let first): return restartNode(first)
        }
    }
}

extension RelupMachine.Event {
    var isCodeChanged: Bool {
        if case .codeChanged = self { true } else { false }
    }

    var isWorkersEnded: Bool {
        if case .workersEnded = self { true } else { false }
    }

    /// For messages; without what it carries.
    var name: String {
        switch self {
        case .workersFound: "workersFound"
        case .objectCodeRead: "objectCodeRead"
        case .objectCodeFailed: "objectCodeFailed"
        case .standbysReady: "standbysReady"
        case .standbyFailed: "standbyFailed"
        case .codeChanged: "codeChanged"
        case .modulesUpdated: "modulesUpdated"
        case .modulesChanged: "modulesChanged"
        case .modulesRestored: "modulesRestored"
        case .copiedAhead: "copiedAhead"
        case .startsHeld: "startsHeld"
        case .suspended: "suspended"
        case .hungTerminated: "hungTerminated"
        case .handedOff: "handedOff"
        case .supervisorsChanged: "supervisorsChanged"
        case .supervisorsRestored: "supervisorsRestored"
        case .resumed: "resumed"
        case .startedAgain: "startedAgain"
        case .startsReleased: "startsReleased"
        case .workersEnded: "workersEnded"
        case .restartsAwaited: "restartsAwaited"
        case .childrenStopped: "childrenStopped"
        case .childrenStarted: "childrenStarted"
        case .nodesSynced: "nodesSynced"
        case .nodesSyncFailed: "nodesSyncFailed"
        case .applied: "applied"
        case .applyFailed: "applyFailed"
        case .standbysEnded: "standbysEnded"
        }
    }
}
