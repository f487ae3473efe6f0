import Instructions
import Terms
import Wire

/// Events as terms, for traces. What one side writes the other reads: a new case has its line in both.
extension RelupMachine.Event {
    var term: Term {
        switch self {
        case .workersFound(let workers): event("workers_found", .list(workers.map(\.term)))
        case .objectCodeRead(let versions): event("object_code_read", .list(versions.map(\.term)))
        case .objectCodeFailed(let module, let reason): event("object_code_failed", .atom(module), reason)
        case .standbysReady(let standbys, let notes):
            event("standbys_ready", .list(standbys.map(\.term)), .list(notes.map { .text($0) }))
        case .standbyFailed(let module, let worker, let reason):
            event("standby_failed", .atom(module), .list(worker.map { [$0.term] } ?? []), reason)
        case .codeChanged: .atom("code_changed")
        case .modulesUpdated(let ok, let failed, let unanswered):
            event("modules_updated", places(ok), failures(failed), failures(unanswered))
        case .modulesChanged(let ok, let failed, let without, let died):
            event(
                "modules_changed", .list(ok.map(\.term)),
                .list(failed.map { .tuple([$0.target.term, $0.reason]) }), .list(without.map(\.term)), places(died))
        case .modulesRestored(let failed): event("modules_restored", failures(failed))
        case .copiedAhead(let failed, let without): event("copied_ahead", failures(failed), places(without))
        case .startsHeld: .atom("starts_held")
        case .suspended(let ok, let hung, let died, let waiting, let refused):
            event("suspended", places(ok), places(hung), places(died), places(waiting), failures(refused))
        case .hungTerminated: .atom("hung_terminated")
        case .handedOff(let ok, let failed, let died, let whole):
            event("handed_off", places(ok), failures(failed), places(died), failures(whole))
        case .supervisorsChanged(let failed, let died, let notes):
            event("supervisors_changed", failures(failed), places(died), .list(notes.map { .text($0) }))
        case .supervisorsRestored(let failed): event("supervisors_restored", failures(failed))
        case .resumed(let ok, let failed, let died): event("resumed", places(ok), failures(failed), failures(died))
        case .startedAgain(let ok, let failed): event("started_again", places(ok), failures(failed))
        case .startsReleased: .atom("starts_released")
        case .workersEnded: .atom("workers_ended")
        case .restartsAwaited(let failed): event("restarts_awaited", failures(failed))
        case .childrenStopped(let children, let failed):
            event("children_stopped", .list(children.map(\.term)), failures(failed))
        case .childrenStarted(let ok, let failed): event("children_started", places(ok), failures(failed))
        case .nodesSynced: .atom("nodes_synced")
        case .nodesSyncFailed(let reason): event("nodes_sync_failed", reason)
        case .applied(let answer): event("applied", answer)
        case .applyFailed(let reason): event("apply_failed", reason)
        case .standbysEnded: .atom("standbys_ended")
        }
    }
}

extension TraceReader {
    func event(_ term: Term) throws(FileError) -> RelupMachine.Event {
        if let name = term.asAtom { return try plainEvent(name) }
        guard let parts = term.asTuple, let name = parts.first?.asAtom else { throw unexpected(term, "an event") }
        switch (name.name, parts.count) {
        case ("workers_found", 2): return .workersFound(try list(parts[1], each: worker))
        case ("object_code_read", 2): return .objectCodeRead(try list(parts[1], each: version))
        case ("object_code_failed", 3): return .objectCodeFailed(module: try atom(parts[1]), reason: parts[2])
        case ("standbys_ready", 3):
            return .standbysReady(try list(parts[1], each: standby), notes: try list(parts[2], each: text))
        case ("standby_failed", 4):
            return .standbyFailed(
                module: try atom(parts[1]), worker: try places(parts[2]).first, reason: parts[3])
        case ("suspended", 6):
            return .suspended(
                ok: try places(parts[1]), hung: try places(parts[2]), died: try places(parts[3]),
                waiting: try places(parts[4]), refused: try failures(parts[5]))
        case ("modules_updated", 4):
            return .modulesUpdated(
                ok: try places(parts[1]), failed: try failures(parts[2]), unanswered: try failures(parts[3]))
        case ("modules_changed", 5):
            return .modulesChanged(
                ok: try list(parts[1], each: moduleOfWorker), failed: try list(parts[2], each: moduleFailure),
                without: try list(parts[3], each: moduleOfWorker), died: try places(parts[4]))
        case ("modules_restored", 2): return .modulesRestored(failed: try failures(parts[1]))
        case ("copied_ahead", 3):
            return .copiedAhead(failed: try failures(parts[1]), withoutStandby: try places(parts[2]))
        case ("handed_off", 5):
            return .handedOff(
                ok: try places(parts[1]), failed: try failures(parts[2]), died: try places(parts[3]),
                whole: try failures(parts[4]))
        case ("supervisors_changed", 4):
            return .supervisorsChanged(
                failed: try failures(parts[1]), died: try places(parts[2]), notes: try list(parts[3], each: text))
        case ("supervisors_restored", 2): return .supervisorsRestored(failed: try failures(parts[1]))
        case ("resumed", 4):
            return .resumed(ok: try places(parts[1]), failed: try failures(parts[2]), died: try failures(parts[3]))
        case ("started_again", 3): return .startedAgain(ok: try places(parts[1]), failed: try failures(parts[2]))
        case ("restarts_awaited", 2): return .restartsAwaited(notRunning: try failures(parts[1]))
        case ("children_stopped", 3):
            return .childrenStopped(try list(parts[1], each: stopped), failed: try failures(parts[2]))
        case ("children_started", 3):
            return .childrenStarted(ok: try places(parts[1]), failed: try failures(parts[2]))
        case ("nodes_sync_failed", 2): return .nodesSyncFailed(parts[1])
        case ("applied", 2): return .applied(parts[1])
        case ("apply_failed", 2): return .applyFailed(parts[1])
        case (_, _): throw unexpected(term, "an event")
        }
    }

    private func plainEvent(_ name: Atom) throws(FileError) -> RelupMachine.Event {
        switch name.name {
        case "code_changed": return .codeChanged
        case "starts_held": return .startsHeld
        case "hung_terminated": return .hungTerminated
        case "starts_released": return .startsReleased
        case "workers_ended": return .workersEnded
        case "nodes_synced": return .nodesSynced
        case "standbys_ended": return .standbysEnded
        default: throw unexpected(.atom(name), "an event")
        }
    }
}

private func event(_ name: Atom, _ fields: Term...) -> Term { .tuple([.atom(name)] + fields) }
private func places(_ workers: [ChildAddress]) -> Term { .list(workers.map(\.term)) }
private func failures(_ failures: [RelupMachine.WorkerFailure]) -> Term { .list(failures.map(\.term)) }
