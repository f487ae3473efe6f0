import OrderedCollections
import Instructions
import Terms
import Wire

/// `stop`, `start`, `sync_nodes` and `apply`.
extension RelupMachine {
    mutating func beginStart(_ modules: [Atom]) -> Next {
        for module in modules where !stopped.contains(where: { $0.module == module }) {
            note("no child was stopped for \(module.name)")
        }
        let mine = stopped.filter { modules.contains($0.module) }
        for child in mine where child.isForgotten {
            warn("\(child.child) is not started: its supervisor forgot its spec when it was stopped")
        }
        stopped.removeAll { $0.isForgotten && modules.contains($0.module) }
        // Each once, in the order in which they were stopped.
        let children = OrderedSet(mine.filter { !$0.isForgotten }.map(\.child)).elements
        guard !children.isEmpty else { return .done }
        return .ask(.startingChildren, .startChildren(children))
    }

    mutating func answerStopped(_ event: Event) -> Next? {
        guard case .childrenStopped(let children, let failed) = event else { return nil }
        stopped += children
        touched += children.map(\.child)
        let ended = Set(children.map(\.child))
        suspended.remove { ended.contains($0.info.id) }
        for worker in ended { standbys[worker] = nil }
        for failure in failed { warn("\(failure.worker) could not be stopped: \(failure.reason.reasonText)") }
        if children.isEmpty, failed.isEmpty { note("no child's spec lists these modules") }
        return .done
    }

    mutating func answerStarted(_ event: Event) -> Next? {
        guard case .childrenStarted(let ok, let failed) = event else { return nil }
        touched += ok
        stopped.removeAll { ok.contains($0.child) }
        if let failure = failed.first { return .fail(.start(worker: failure.worker, reason: failure.reason)) }
        let uncommitted = changed.filter { !$0.isCommitted }.map(\.module)
        guard suspended.isEmpty, !uncommitted.isEmpty, !ok.isEmpty else { return .done }
        return .ask(.findingStarted(ok), .findWorkers(uncommitted))
    }

    /// Who was started in what was loaded runs it: only the opposite script takes that back.
    mutating func answerFoundStarted(_ started: [ChildAddress], _ event: Event) -> Next? {
        guard case .workersFound(let workers) = event else { return nil }
        if workers.contains(where: { started.contains($0.id) && alreadyRunsNewCode($0) }) { markCommitted() }
        return .done
    }

    mutating func answerNodes(_ event: Event) -> Next? {
        if case .nodesSyncFailed(let reason) = event { return .fail(.syncNodes(reason)) }
        guard case .nodesSynced = event else { return nil }
        return .done
    }

    mutating func answerApplied(_ function: MFA, _ event: Event) -> Next? {
        if case .applyFailed(let reason) = event {
            // A program that broke off may have come any way; a restart would not take that back either.
            if isPastPointOfNoReturn, !Self.isBuiltIn(function) {
                warn("what \(function.module.name) may have done before it failed is not taken back")
            }
            return .fail(.applied(function, reason: reason))
        }
        guard case .applied(let result) = event else { return nil }
        return wasApplied(function, result)
    }

    private mutating func wasApplied(_ function: MFA, _ result: Term) -> Next {
        let isError = result.asTuple?.first == .error
        guard isPastPointOfNoReturn else {
            return isError ? .fail(.applied(function, reason: result)) : .done
        }
        if !isError || !Self.isBuiltIn(function), !Self.onlyLooks(function) { didSomething() }
        guard isError else { return .done }
        if Self.startsApplication(function), !Self.isAlreadyStarted(result) {
            return .fail(.applied(function, reason: result))
        }
        warn("\(function.module.name):\(function.function.name) answered \(result.reasonText)")
        return .done
    }

    /// Where nobody is suspended it commits what came before it; in the middle of a group nothing leads back any more.
    private mutating func didSomething() {
        if suspended.isEmpty { markCommitted() } else { hasDoneIrreversible = true }
    }

    /// Evaluated by the daemon: where it answers an error, it has done nothing.
    private static func isBuiltIn(_ function: MFA) -> Bool {
        BuiltInFunction.modules.contains(function.module)
    }

    /// Functions whose effect need not be undone by an abort.
    static func onlyLooks(_ function: MFA) -> Bool {
        switch function.module.name {
        case "timer", "io": true
        case "application":
            // That a specification is known changes nothing for what runs, and an abort gives back what was loaded; what is
            // set for the new release goes with it.
            [
                "load", "unload", "which_applications", "loaded_applications", "get_env", "get_all_env", "get_key",
                "get_all_key", "set_env", "unset_env",
            ].contains(function.function.name)
        case "supervisor": ["which_children", "count_children", "get_childspec"].contains(function.function.name)
        case "code": ["which", "is_loaded", "get_path", "lib_dir", "root_dir"].contains(function.function.name)
        default: false
        }
    }

    private static func startsApplication(_ function: MFA) -> Bool {
        function.module == "application"
            && ["start", "ensure_started", "ensure_all_started", "start_boot"].contains(function.function.name)
    }

    private static func isAlreadyStarted(_ result: Term) -> Bool {
        guard let reason = result.asTuple?.last?.asTuple else { return false }
        return reason.first == .atom("already_started")
    }
}
