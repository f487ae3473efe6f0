import Instructions
import OrderedCollections
import Terms
import Wire

/// The commit of a transaction: whoever was resumed by the script goes on, in its order.
extension RelupMachine {
    /// A resume of the script that is not carried out yet.
    struct DueResume: Sendable {
        let index: Int
        /// In the script's order; one that is suspended again before the commit is not among them any more.
        var modules: [Atom]
        /// Who goes on, at which of the modules: the last that is named of those that it lists.
        var workers: [(module: Atom, id: ChildAddress)]
        var touched: [ChildAddress] = []
        var notes: [String]
    }

    /// What follows a commit.
    enum AfterCommit: Sendable {
        /// The script, from this instruction on.
        case goOn(Int)
        /// The suspend in hand, whose workers had not answered while others were held.
        case suspension(index: Int, Suspension, waiting: [SuspendOrder])
    }

    /// One commit under way.
    struct Commit: Sendable {
        var due: [DueResume]
        /// Who goes on together, one after the other: the position in `due` of each, and its workers.
        var batches: ArraySlice<(position: Int, workers: [ChildAddress])>
        let then: AfterCommit
        var hasResumedNewCode = false
    }

    enum CommitStep: Sendable {
        case resuming(position: Int, [ChildAddress])
        case endingFailed
        case startingAgain([ChildAddress])
        case releasingStarts([Atom])
    }

    /// Whether what comes after `index` and before the next commit can still fail: then nobody goes on yet.
    func canFail(after index: Int) -> Bool {
        for instruction in script[(index + 1)...] {
            if instruction.needsRunningWorkers { return false }
            if instruction.canFailInTransaction { return true }
        }
        return false
    }

    /// Whether the due resumes ask for anything: a script may name as many as it likes that concern nobody.
    var dueHasEffect: Bool {
        due.contains { !$0.workers.isEmpty || $0.modules.contains(where: heldModules.contains) }
    }

    mutating func takeDueReports() -> [Action] {
        defer { due = [] }
        return due.map(report)
    }

    private func report(_ resume: DueResume) -> Action {
        .report(
            InstructionReport(
                index: resume.index, instruction: script[resume.index], touched: resume.touched, notes: resume.notes))
    }

    mutating func commit(then: AfterCommit, _ code: CodeTable) -> [Action] {
        let resumes = due
        due = []
        var batches: [(position: Int, workers: [ChildAddress])] = []
        for (position, resume) in resumes.enumerated() {
            for module in resume.modules {
                let workers = resume.workers.filter { $0.module == module }.map(\.id)
                if !workers.isEmpty { batches.append((position, workers)) }
            }
        }
        return resumeNext(Commit(due: resumes, batches: batches[...], then: then), code)
    }

    private mutating func resumeNext(_ commit: Commit, _ code: CodeTable) -> [Action] {
        var commit = commit
        while let batch = commit.batches.popFirst() {
            let standing = batch.workers.filter { worker in suspended.state(of: worker).map { $0 != .gone } ?? false }
            guard !standing.isEmpty else { continue }
            let isLast = commit.batches.isEmpty && suspended.all.allSatisfy(\.isDue)
            phase = .committing(.resuming(position: batch.position, standing), commit)
            return [.resume(standing, isLast: isLast)]
        }
        return startGoneAgain(commit, code)
    }

    mutating func answerCommit(_ step: CommitStep, _ commit: Commit, _ event: Event, _ code: CodeTable) -> [Action] {
        switch (step, event) {
        case (.resuming(let position, let asked), .resumed(let ok, let failed, let died)):
            return resumed(commit, position, asked, Resumed(ok: ok, failed: failed, died: died), code)
        case (.endingFailed, .workersEnded): return resumeNext(commit, code)
        case (.startingAgain(let gone), .startedAgain(_, let failed)):
            return startedAgain(commit, gone, failed, code)
        case (.releasingStarts(let modules), .startsReleased):
            heldModules.removeAll { modules.contains($0) }
            return finish(commit, code)
        default: return unexpected(event.name)
        }
    }

    private struct Resumed {
        let ok: [ChildAddress]
        var failed: [WorkerFailure]
        let died: [WorkerFailure]
    }

    private mutating func resumed(
        _ commit: Commit, _ position: Int, _ asked: [ChildAddress], _ answer: Resumed, _ code: CodeTable
    ) -> [Action] {
        var commit = commit
        var answer = answer
        let answered = Set(answer.ok + answer.failed.map(\.worker) + answer.died.map(\.worker))
        for worker in asked where !answered.contains(worker) {
            answer.failed.append(WorkerFailure(worker: worker, reason: .text("nothing was answered for it")))
        }
        commit.due[position].touched += answer.ok
        let converted = Set(convertedModules.map(\.worker))
        let intoNewCode = answer.ok.filter { suspended.state(of: $0) == .handedOff || converted.contains($0) }
        let isUndoable = intoNewCode.isEmpty && !commit.hasResumedNewCode
        let first = (answer.failed + answer.died).first { suspended[$0.worker]?.successor != nil }
        for failure in answer.died { suspended.update(failure.worker) { $0.state = .gone } }
        let over = Set(answer.ok)
        if isUndoable, let first {
            // Nobody was resumed in new code: the others still stand, and all of it can be undone.
            suspended.remove { over.contains($0.info.id) }
            giveUpWaiting(commit)
            return fail(.resume(worker: first.worker, reason: first.reason), at: commit.due[position].index)
        }
        let isFirst = !intoNewCode.isEmpty && !commit.hasResumedNewCode
        if !intoNewCode.isEmpty { commit.hasResumedNewCode = true }
        if isFirst { markCommitted() }
        let committed = takeCommitted()
        let failed = answer.failed.map(\.worker)
        for worker in asked { standbys[worker] = nil }
        suspended.remove { over.contains($0.info.id) || failed.contains($0.info.id) }
        for failure in answer.failed + answer.died {
            let sentence =
                "\(failure.worker) did not resume (\(failure.reason.reasonText)): ended, its supervisor starts it again"
            commit.due[position].notes.append(sentence)
            warnings.append(sentence)
        }
        guard let reason = answer.failed.first?.reason else { return committed + resumeNext(commit, code) }
        ended.append(contentsOf: failed)
        phase = .committing(.endingFailed, commit)
        return committed + [.endWorkers(failed, reason: .tuple([.atom("resume_failed"), reason]))]
    }

    /// What was done so far stays. Only the way back by the opposite script, or the node's restart, leads back from here.
    mutating func markCommitted() {
        hasCommitted = true
        hasDoneIrreversible = false
        saved = CodeTable.Saved()
        for index in changed.indices { changed[index].isCommitted = true }
        changedSupervisors = []
        convertedModules = []
        usedFirst = []
        stoppedBeforeCommit.formUnion(stopped.map(\.child))
        isCommitUntold = true
    }

    mutating func takeCommitted() -> [Action] {
        defer { isCommitUntold = false }
        return isCommitUntold ? [.committed] : []
    }

    private mutating func startGoneAgain(_ commit: Commit, _ code: CodeTable) -> [Action] {
        let gone = commit.due.flatMap { $0.workers.map(\.id) }.filter { suspended.state(of: $0) == .gone }
        guard !gone.isEmpty else { return releaseStarts(commit, code) }
        phase = .committing(.startingAgain(gone), commit)
        return [.startAgain(gone)]
    }

    private mutating func startedAgain(
        _ commit: Commit, _ gone: [ChildAddress], _ failed: [WorkerFailure], _ code: CodeTable
    ) -> [Action] {
        var commit = commit
        let again = Set(gone)
        for position in commit.due.indices {
            commit.due[position].touched += commit.due[position].workers.map(\.id).filter(again.contains)
        }
        // An abort starts those in the old code that did not start in the new one; where that is committed, the old code
        // comes back with the opposite script only, and they are started behind it.
        let notStarted = Set(failed.map(\.worker).filter { !hasCommittedCode($0) })
        suspended.remove { again.contains($0.info.id) && !notStarted.contains($0.info.id) }
        if let failure = failed.first {
            giveUpWaiting(commit)
            let resume = commit.due.first { $0.workers.contains { $0.id == failure.worker } } ?? commit.due[0]
            return fail(.start(worker: failure.worker, reason: failure.reason), at: resume.index)
        }
        return releaseStarts(commit, code)
    }

    private func hasCommittedCode(_ worker: ChildAddress) -> Bool {
        suspended[worker]?.info.resident.flatMap(change(of:))?.isCommitted == true
    }

    /// Of the suspend that was to go on after this commit.
    private mutating func giveUpWaiting(_ commit: Commit) {
        guard case .suspension(_, let suspension, let waiting) = commit.then else { return }
        giveUp(suspension, waiting.map(\.worker))
    }

    private mutating func releaseStarts(_ commit: Commit, _ code: CodeTable) -> [Action] {
        let modules = OrderedSet(commit.due.flatMap(\.modules).filter(heldModules.contains)).elements
        guard !modules.isEmpty else { return finish(commit, code) }
        phase = .committing(.releasingStarts(modules), commit)
        return [.releaseStarts(modules)]
    }

    private mutating func finish(_ commit: Commit, _ code: CodeTable) -> [Action] {
        let reports = commit.due.map(report)
        switch commit.then {
        case .goOn(let index): return reports + advance(from: index, code)
        case .suspension(let index, let suspension, let waiting):
            current = index
            phase = .evaluating(index: index, .suspending(suspension))
            return reports + [.awaitSuspended(waiting)]
        }
    }
}
