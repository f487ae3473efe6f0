import Instructions
import Terms
import Wire

/// What is known of a handoff before its instruction comes: so that its export can be asked for with the suspend, and a state
/// copied in parts before anybody is suspended.
extension RelupMachine {
    /// How the script will hand this worker over that its suspend at `index` stops; nil where it does not, or where something
    /// comes between that needs running workers. What turns out otherwise costs one more export, and no more.
    func prospect(of worker: WorkerInfo, from index: Int, _ code: CodeTable) -> Handoff.Change? {
        guard let resident = worker.resident, let version = successor(of: worker, code),
            !alreadyRunsNewCode(worker)
        else { return nil }
        // What it keeps for them is converted in its own process first: a state that was exported before would be without.
        guard !convertsFunctional(of: worker) else { return nil }
        var isLoaded = hasChanged(resident)
        for instruction in script[(index + 1)...] {
            if instruction.needsRunningWorkers { return nil }
            switch instruction {
            case .load(resident, _, _): isLoaded = true
            case .remove(resident, _, _): return nil
            case .codeChange(let mode, let targets):
                guard let target = targets.first(where: { $0.module == resident }) else { continue }
                let before = isLoaded ? change(of: resident)?.before ?? code.current[resident] : nil
                return change(mode ?? .up, target, worker, to: version, from: before, isLoaded: isLoaded)
            case .resume(let modules):
                guard worker.modules.contains(where: modules.contains) else { continue }
                return isLoaded || code.runsOldCode(worker) ? Handoff.Change.none : nil
            case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .suspend, .stop, .start, .syncNodes, .apply,
                .restartNewEmulator, .restartEmulator:
                continue
            }
        }
        return nil
    }

    private func convertsFunctional(of worker: WorkerInfo) -> Bool {
        worker.functional.keys.contains { $0 != worker.resident && convertsModule($0) }
    }

    /// - Parameter before: what was current before the load, where that has come.
    func change(
        _ mode: CodeChangeMode, _ target: CodeChangeTarget, _ worker: WorkerInfo, to version: CodeVersion,
        from before: CodeVersion?, isLoaded: Bool
    ) -> Handoff.Change {
        switch mode {
        case .up:
            // OTP's OldVsn: that of the code that the load has replaced, whatever older code the worker may still be in. What
            // it really ran is import_state's `from_vsn`.
            let isOther = before.map { $0.sha256 != worker.sha256 } ?? false
            return .up(from: isOther ? before?.codeVsn ?? worker.codeVsn : worker.codeVsn, extra: target.extra)
        case .down:
            // Loaded already (static): the version to go down to is current, so it converts. Otherwise the newer one that
            // still runs does, as in OTP, where code_change is called in the code that is current then.
            return .down(to: version.codeVsn, extra: target.extra, convertsIn: isLoaded ? .standby : .oldProcess)
        }
    }

    // MARK: Copying in parts

    /// Before the first suspend of a transaction, so that nobody of it waits for another's copying: all of its workers that can
    /// be copied while they run.
    mutating func copyAhead(_ targets: [SuspendTarget], _ code: CodeTable) -> Next? {
        guard suspended.isEmpty, due.isEmpty else { return nil }
        var orders: [CopyAheadOrder] = []
        var seen: Set<ChildAddress> = []
        for (index, instruction) in script.enumerated().dropFirst(current) {
            if instruction.needsRunningWorkers { break }
            guard case .suspend(let targets) = instruction else { continue }
            let modules = Set(targets.map(\.module))
            for worker in census
            where worker.isIncremental && standbys[worker.id] != nil && incrementalStandbys.contains(worker.id) {
                guard !modules.isDisjoint(with: worker.modules), seen.insert(worker.id).inserted,
                    let change = prospect(of: worker, from: index, code)
                else { continue }
                orders.append(CopyAheadOrder(worker: worker.id, change: change))
            }
        }
        guard !orders.isEmpty else { return nil }
        return .ask(
            .copyingAhead(targets), .copyAhead(orders, timeoutMilliseconds: options.snapshotTimeoutMilliseconds))
    }

    mutating func answerCopiedAhead(_ targets: [SuspendTarget], _ event: Event) -> Next? {
        guard case .copiedAhead(let failed, let withoutStandby) = event else { return nil }
        for failure in failed {
            note(
                "the state of \(failure.worker) is not copied while it runs (\(sentence(failure.reason))): handed over whole"
            )
        }
        // They are started anew, with those of workers that came since.
        for worker in withoutStandby { standbys[worker] = nil }
        return holdStarts(targets)
    }
}
