import Instructions
import Terms

extension ApplicationController {
    mutating func bootNext(_ names: ArraySlice<Atom>) {
        var rest = names
        while let name = rest.popFirst() {
            phase = .booting(current: name, rest: rest)
            guard let type = specs[name]?.type else { continue }
            start(name, type)
            if case .starting = state(of: name) { return }
            // It failed at once, and the boot with it, or it is a library.
            guard case .booting = phase else { return }
        }
        phase = .idle
        actions.append(.booted)
    }

    /// Source: OTP, `application:start/2` and `application_controller:check_start_cond/4`.
    mutating func start(_ name: Atom, _ type: ApplicationType) {
        guard let spec = specs[name] else { return refuse(name, Self.noSuchFile(name)) }
        let new = loadAll(name)
        if !new.isEmpty { actions.append(.loaded(new)) }
        switch type {
        case .permanent, .transient, .temporary: break
        case .load, .none:
            return refuse(name, .tuple([.atom("invalid_restart_type"), .atom(type.atom)]))
        }
        guard state(of: name) == .stopped else {
            return refuse(name, .tuple([.atom("already_started"), .atom(name)]))
        }
        let needs = spec.applications.filter { need in
            guard !isRunning(need), !spec.optionalApplications.contains(need) else { return false }
            return specs[need] != nil || !ApplicationOrder.emulatorApplications.contains(need)
        }
        if let missing = needs.first(where: { !ended.contains($0) }) {
            return refuse(name, .tuple([.atom("not_started"), .atom(missing)]))
        }
        guard let mod = spec.mod, let root = spec.root else {
            started.append(name)
            states[name] = .starting(type)
            return ready(name)
        }
        if let missing = needs.first {
            return startFailed(name, type, .tuple([.atom("not_running"), .atom(missing)]))
        }
        started.append(name)
        states[name] = .starting(type)
        roots[name] = root
        actions.append(.startRoot(address: root, module: mod.module, arguments: mod.arguments))
    }

    /// It may not start as things are; a boot goes on without it, as OTP's does, whatever its type.
    private mutating func refuse(_ name: Atom, _ reason: Term) {
        actions.append(.startFailed(name, reason: reason))
    }

    private func isRunning(_ name: Atom) -> Bool {
        if case .running = state(of: name) { true } else { false }
    }

    mutating func rootStarted(_ name: Atom) {
        guard case .starting = state(of: name) else { return }
        let steps = startPhaseSteps(of: name)
        if steps.isEmpty { startPhasesDone(name) } else { actions.append(.runStartPhases(name, steps)) }
    }

    mutating func startPhasesDone(_ name: Atom) {
        guard case .starting = state(of: name) else { return }
        ready(name)
        goOn(after: name)
    }

    private mutating func ready(_ name: Atom) {
        guard case .starting(let type) = state(of: name) else { return }
        states[name] = .running(type)
        ended.remove(name)
        started.removeAll { $0 == name }
        let index = started.firstIndex { if case .starting = state(of: $0) { true } else { false } }
        started.insert(name, at: index ?? started.endIndex)
        actions.append(.started(name))
    }

    mutating func startFailed(_ name: Atom, _ type: ApplicationType, _ reason: Term) {
        forget(name)
        actions.append(.startFailed(name, reason: reason))
        guard case .booting(name, _) = phase else { return }
        switch type {
        case .transient where isNormalExit(reason): break
        case .permanent, .transient:
            phase = .idle
            let failure: [Term] = [.atom("application_start_failure"), .atom(name), reason]
            actions.append(.terminateNode(reason: .tuple(failure)))
        case .temporary, .load, .none:
            break
        }
    }

    private func isNormalExit(_ reason: Term) -> Bool {
        guard case .tuple(let parts) = reason, parts.count == 2 else { return false }
        return parts[0] == .tuple([.atom("EXIT"), .normal])
    }

    mutating func rootFailed(_ name: Atom, _ reason: Term) {
        switch state(of: name) {
        case .starting(let type):
            startFailed(name, type, startReason(name, reason))
            goOn(after: name)
        case .stopping:
            stopped(name)
        case .running, .stopped:
            break
        }
    }

    /// With the function that OTP would have called, as OTP has it: `{Reason, {Module, start, [normal, Args]}}`.
    ///
    /// Source: OTP, `application_master:start_it_old/4`.
    private func startReason(_ name: Atom, _ reason: Term) -> Term {
        guard let mod = specs[name]?.mod else { return reason }
        let function = Term.tuple([.atom(mod.module), .atom("start"), .list([.normal, mod.arguments])])
        // What the tree says of a top supervisor that is not to be started.
        let ignored = Term.tuple([.atom("bad_return"), .tuple([.atom(mod.module), .atom("ignore")])])
        if reason == ignored {
            return .tuple([.atom("bad_return"), .tuple([function, .atom("ignore")])])
        }
        return .tuple([reason, function])
    }
}
