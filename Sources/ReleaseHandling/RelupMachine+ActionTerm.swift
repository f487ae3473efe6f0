import Instructions
import Terms
import Wire

/// Actions as terms, for traces: to be read and compared. Nothing reads them back.
extension RelupMachine.Action {
    var term: Term {
        switch self {
        case .findWorkers(let modules): action("find_workers", atoms(modules))
        case .readObjectCode(let library, let modules): action("read_object_code", library.term, atoms(modules))
        case .startStandbys(let orders): action("start_standbys", .list(orders.map(\.term)))
        case .changeCode(let change): action("change_code", change.term)
        case .updateModules(let modules): action("update_modules", atoms(modules))
        case .changeModules(let changes, let milliseconds):
            action("change_modules", .list(changes.map(\.term)), .integer(milliseconds))
        case .restoreModules(let targets): action("restore_modules", .list(targets.map(\.term)))
        case .copyAhead(let orders, let milliseconds):
            action(
                "copy_ahead", .list(orders.map { .tuple([$0.worker.term, $0.change.term]) }), .integer(milliseconds))
        case .holdStarts(let modules): action("hold_starts", atoms(modules))
        case .suspend(let orders, let isFirst, let grace):
            action(
                "suspend", .list(orders.map(\.term)), .bool(isFirst), grace.map { .integer($0) } ?? .atom("none"))
        case .awaitSuspended(let orders): action("await_suspended", .list(orders.map(\.term)))
        case .terminateHung(let workers): action("terminate_hung", places(workers))
        case .handOff(let handoffs, let milliseconds):
            action("hand_off", .list(handoffs.map(\.term)), .integer(milliseconds))
        case .changeSupervisors(let supervisors): action("change_supervisors", places(supervisors))
        case .restoreSupervisors(let supervisors): action("restore_supervisors", places(supervisors))
        case .resume(let workers, let isLast): action("resume", places(workers), .bool(isLast))
        case .resumeOld(let workers, let leavingHung): action("resume_old", places(workers), .bool(leavingHung))
        case .startAgain(let workers): action("start_again", places(workers))
        case .releaseStarts(let modules): action("release_starts", atoms(modules))
        case .endWorkers(let workers, let reason): action("end_workers", places(workers), reason)
        case .awaitRestarts(let workers): action("await_restarts", places(workers))
        case .stopChildren(let modules): action("stop_children", atoms(modules))
        case .startChildren(let workers): action("start_children", places(workers))
        case .restoreChildren(let children): action("restore_children", places(children.map(\.child)))
        case .committed: .atom("committed")
        case .syncNodes(let id, let nodes): LowLevelInstruction.syncNodes(id: id, nodes).term
        case .apply(let function): action("apply", function.term)
        case .endStandbys: .atom("end_standbys")
        case .report(let report):
            action(
                "report", .integer(report.index), report.instruction.term, places(report.touched), texts(report.notes))
        case .finished(let outcome): action("finished", outcome.term)
        }
    }
}

extension RelupMachine.StandbyOrder {
    fileprivate var term: Term { .tuple([worker?.term ?? .atom("none"), version.term]) }
}

extension RelupMachine.ModuleChange {
    fileprivate var term: Term { .tuple([target.term, change.term, .bool(inStandby)]) }
}

extension RelupMachine.SuspendOrder {
    fileprivate var term: Term {
        let limit = timeoutMilliseconds.map { .integer($0) } ?? Term.infinity
        return .tuple([worker.term, limit] + (exporting.map { [$0.term] } ?? []))
    }
}

extension RelupMachine.Handoff {
    fileprivate var term: Term { .tuple([worker.term, .atom(module), fromVsn, change.term]) }
}

extension RelupMachine.Handoff.Change {
    fileprivate var term: Term {
        switch self {
        case .none: .atom("none")
        case .up(let from, let extra): action("up", from, extra)
        case .down(let to, let extra, .oldProcess): action("down", to, extra, .atom("old_process"))
        case .down(let to, let extra, .standby): action("down", to, extra, .atom("standby"))
        }
    }
}

extension CodeTable.Change {
    fileprivate var term: Term {
        switch self {
        case .replacePath(let libraries): action("replace_path", .list(libraries.map(\.term)))
        case .load(let version): action("load", version.term)
        case .remove(let module): action("remove", .atom(module))
        case .purge(let modules): action("purge", atoms(modules))
        case .restore(let saved):
            action("restore", atoms(saved.modules.keys.sorted(by: <)), atoms(saved.libraries.keys.sorted(by: <)))
        }
    }
}

extension RelupMachine.Outcome {
    fileprivate var term: Term {
        switch self {
        case .done(let unpurged, let warnings): action("done", atoms(unpurged.map(\.module)), texts(warnings))
        case .refused(let failure): action("refused", failure.term)
        case .aborted(let failure, let warnings): action("aborted", failure.term, texts(warnings))
        case .takeBack(let failure, let committed, let warnings):
            action("take_back", failure.term, atoms(committed.modules), .integer(committed.count), texts(warnings))
        case .restartNode(let failure): action("restart_node", failure.term)
        case .restartNewEmulator: .atom("restart_new_emulator")
        case .restartEmulator(let warnings): action("restart_emulator", texts(warnings))
        }
    }
}

extension RelupMachine.Failure {
    /// Where, why, and the sentence.
    fileprivate var term: Term {
        .tuple([index.map { .integer($0) } ?? .atom("none"), reason, .text(description)])
    }
}

private func action(_ name: Atom, _ fields: Term...) -> Term { .tuple([.atom(name)] + fields) }
private func atoms(_ atoms: [Atom]) -> Term { .list(atoms.map { .atom($0) }) }
private func places(_ workers: [ChildAddress]) -> Term { .list(workers.map(\.term)) }
private func texts(_ texts: [String]) -> Term { .list(texts.map { .text($0) }) }
private func < (left: Atom, right: Atom) -> Bool { left.name < right.name }
