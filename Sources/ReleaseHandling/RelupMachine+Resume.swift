import OrderedCollections
import Instructions
import Terms
import Wire

/// `resume`: what was suspended goes on, in the new code where there is some.
///
/// A worker that was suspended for several modules goes on when the last of them is resumed.
extension RelupMachine {
    mutating func beginResume(_ modules: [Atom]) -> Next {
        for module in modules where !suspended.all.contains(where: { $0.modules.contains(module) }) {
            note("no worker is suspended for \(module.name)")
        }
        var ready: [ChildAddress] = []
        for worker in suspended.all where !worker.modules.isDisjoint(with: modules) {
            let remaining = worker.modules.subtracting(modules)
            suspended.update(worker.info.id) { $0.modules = remaining }
            if remaining.isEmpty {
                ready.append(worker.info.id)
            } else {
                let others = remaining.map(\.name).sorted().joined(separator: ", ")
                note("\(worker.info.id) stays suspended for \(others)")
            }
        }
        let handoffs = softHandoffs(ready)
        guard !handoffs.isEmpty else { return resume(ready, modules) }
        return .ask(
            .handingOffUnconverted(ready, modules: modules),
            .handOff(handoffs, timeoutMilliseconds: options.codeChangeTimeoutMilliseconds))
    }

    /// Those whose resident module was loaded but that no code_change named: a soft update.
    private func softHandoffs(_ ready: [ChildAddress]) -> [Handoff] {
        ready.compactMap { id in
            guard let worker = suspended[id], case .suspended = worker.state,
                let version = successor(of: worker.info), change(of: version.module)?.current != nil,
                !alreadyRunsNewCode(worker.info)
            else { return nil }
            return Handoff(
                worker: worker.info.id, module: version.module, fromVsn: worker.info.codeVsn, change: .none)
        }
    }

    private func resume(_ ready: [ChildAddress], _ modules: [Atom]) -> Next {
        let standing = ready.filter { suspended.state(of: $0) != .gone }
        guard !standing.isEmpty else { return startAgain(ready, modules) }
        let isLast = suspended.all.allSatisfy(\.modules.isEmpty)
        return .ask(.resuming(ready, modules: modules), .resume(standing, isLast: isLast))
    }

    func startAgain(_ ready: [ChildAddress], _ modules: [Atom]) -> Next {
        let gone = ready.filter { suspended.state(of: $0) == .gone }
        guard !gone.isEmpty else { return releaseStarts(modules) }
        return .ask(.startingAgain(gone, modules: modules), .startAgain(gone))
    }

    private func releaseStarts(_ modules: [Atom]) -> Next {
        let held = modules.filter { heldModules.contains($0) }
        guard !held.isEmpty else { return .done }
        return .ask(.releasingStarts(held), .releaseStarts(held))
    }

    mutating func answerSoftHandoff(_ ready: [ChildAddress], _ modules: [Atom], _ event: Event) -> Next? {
        guard case .handedOff(let ok, let failed, let died) = event else { return nil }
        if let failure = failed.first { return .fail(.handOff(worker: failure.worker, reason: failure.reason)) }
        if let problem = wereHandedOff(softHandoffs(ready).map(\.worker), ok: ok, died: died) { return problem }
        touched = []
        return resume(ready, modules)
    }

    mutating func answerStartedAgain(_ gone: [ChildAddress], _ modules: [Atom], _ event: Event) -> Next? {
        guard case .startedAgain(_, let failed) = event else { return nil }
        touched += gone
        if let failure = failed.first { return .fail(.start(worker: failure.worker, reason: failure.reason)) }
        let again = Set(gone)
        suspended.remove { again.contains($0.info.id) }
        return releaseStarts(modules)
    }

    mutating func answerStartsReleased(_ modules: [Atom], _ event: Event) -> Next? {
        guard case .startsReleased = event else { return nil }
        heldModules.removeAll { modules.contains($0) }
        return .done
    }

    mutating func answerResumed(_ ready: [ChildAddress], _ modules: [Atom], _ event: Event) -> Next? {
        guard case .resumed(let ok, var failed) = event else { return nil }
        let answered = Set(ok + failed.map(\.worker))
        for worker in ready where suspended.state(of: worker) != .gone && !answered.contains(worker) {
            failed.append(WorkerFailure(worker: worker, reason: .text("nothing was answered for it")))
        }
        touched += ok
        let intoNewCode = ok.filter { suspended.state(of: $0) == .handedOff }
        if !intoNewCode.isEmpty { hasDoneIrreversible = true }
        // Nobody was resumed in new code: every old process still stands, and all of it can be undone.
        if !hasDoneIrreversible, let failure = failed.first(where: { suspended.state(of: $0.worker) == .handedOff }) {
            let resumed = Set(ok)
            suspended.remove { resumed.contains($0.info.id) }
            return .fail(.resume(worker: failure.worker, reason: failure.reason))
        }
        standbys.subtract(intoNewCode)
        let over = answered.union(failed.map(\.worker))
        suspended.remove { over.contains($0.info.id) }
        guard !failed.isEmpty else { return startAgain(ready, modules) }
        standbys.subtract(failed.map(\.worker))
        for failure in failed {
            warn(
                "\(failure.worker) did not resume (\(failure.reason.reasonText)): ended, its supervisor starts it again"
            )
        }
        ended.append(contentsOf: failed.map(\.worker))
        let reason = Term.tuple([.atom("resume_failed"), failed[0].reason])
        return .ask(
            .endingFailed(ready, modules: modules), .endWorkers(failed.map(\.worker), reason: reason))
    }
}
