import Instructions
import Terms
import Wire

extension SupervisionTree {
    /// Serves a request; the supervisor is idle.
    mutating func serve(_ id: StartID, _ request: RequestID, _ call: SupervisorRequest) {
        switch call {
        case .startChild(_, let spec):
            startChild(id, request, spec)
        case .startDynamicChild(_, let arguments):
            startDynamicChild(id, request, arguments)
        case .terminateChild(_, let key):
            terminateChild(id, request, key)
        case .restartChild(_, let key):
            restartChild(id, request, key)
        case .deleteChild(_, let key):
            actions.append(.reply(request, deleteChild(id, key)))
        case .getChildspec(_, let key):
            actions.append(.reply(request, childspec(id, key)))
        case .whichChildren:
            actions.append(.reply(request, .children(listedChildren(id))))
        case .countChildren:
            actions.append(.reply(request, .counts(counts(id))))
        case .codeChange(_, let initial):
            actions.append(.reply(request, codeChange(id, initial)))
        case .restore(_, let snapshot):
            actions.append(.reply(request, restore(id, snapshot)))
        case .suspend:
            supervisors[id]?.isSuspended = true
            actions.append(.reply(request, .ok))
        case .resume:
            supervisors[id]?.isSuspended = false
            actions.append(.reply(request, .ok))
        }
    }

    private mutating func refuse(_ request: RequestID, _ error: SupervisorError) {
        actions.append(.reply(request, .error(error)))
    }

    private mutating func startChild(_ id: StartID, _ request: RequestID, _ spec: ChildSpec) {
        guard let supervisor = supervisors[id] else { return }
        if supervisor.template != nil { return refuse(request, .simpleOneForOne) }
        if let reason = spec.check(autoShutdown: supervisor.flags.autoShutdown) {
            return refuse(request, .invalidChildSpec(reason))
        }
        if let present = supervisor.children[spec.id] {
            switch present.state {
            case .running(let attempt), .starting(let attempt):
                return refuse(request, .alreadyStarted(supervisor.address.child(spec.id), attempt))
            case .restarting, .undefined: return refuse(request, .alreadyPresent)
            }
        }
        supervisors[id]?.children.append(spec.id, Child(spec: spec))
        start(id, spec.id, .startChild(request))
    }

    private mutating func startDynamicChild(_ id: StartID, _ request: RequestID, _ arguments: [Term]) {
        guard var spec = supervisors[id]?.template else {
            return refuse(request, .invalidChildSpec(.tuple([.atom("invalid_child_spec"), .list(arguments)])))
        }
        spec.start = MFA(
            module: spec.start.module, function: spec.start.function, arguments: spec.start.arguments + arguments)
        supervisors[id]?.lastDynamicNumber += 1
        let key = Term.integer(supervisors[id]?.lastDynamicNumber ?? 0)
        supervisors[id]?.children.append(key, Child(spec: spec))
        start(id, key, .startChild(request))
    }

    private mutating func terminateChild(_ id: StartID, _ request: RequestID, _ key: Term) {
        guard let supervisor = supervisors[id] else { return }
        guard let child = supervisor.children[key] else {
            return actions.append(.reply(request, replyForMissing(supervisor, key)))
        }
        let owner = Owner(supervisor: id, key: key)
        guard let attempt = child.state.startID, !tookExit(owner, attempt) else {
            supervisors[id]?.removeOrReset(key)
            return actions.append(.reply(request, .ok))
        }
        stop(owner, attempt, .terminateChild(request))
    }

    /// A dynamic child that has ended counts as terminated, as a dead pid does in OTP.
    private func replyForMissing(_ supervisor: Supervisor, _ key: Term) -> SupervisorReply {
        guard supervisor.template != nil else { return .error(.notFound) }
        guard case .integer = key else { return .error(.simpleOneForOne) }
        return supervisor.hadDynamicChild(key) ? .ok : .error(.notFound)
    }

    private mutating func restartChild(_ id: StartID, _ request: RequestID, _ key: Term) {
        if let error = obstacle(id, key) { return refuse(request, error) }
        if let due = supervisors[id]?.children[key]?.dueMilliseconds {
            return start(id, key, .overtake(request, due: due))
        }
        start(id, key, .restartChild(request))
    }

    private mutating func deleteChild(_ id: StartID, _ key: Term) -> SupervisorReply {
        if let error = obstacle(id, key) { return .error(error) }
        supervisors[id]?.children.remove(key)
        return .ok
    }

    /// Why a child can be neither restarted nor deleted.
    private func obstacle(_ id: StartID, _ key: Term) -> SupervisorError? {
        guard let supervisor = supervisors[id] else { return .noproc }
        if supervisor.template != nil { return .simpleOneForOne }
        switch supervisor.children[key]?.state {
        case .undefined: return nil
        // One that only waits is nobody's business but the time's.
        case .restarting: return supervisor.children[key]?.dueMilliseconds == nil ? .restarting : nil
        case .running, .starting: return .running
        case nil: return .notFound
        }
    }

    private func childspec(_ id: StartID, _ key: Term) -> SupervisorReply {
        guard let supervisor = supervisors[id] else { return .error(.noproc) }
        if let template = supervisor.template, template.id == key || supervisor.hadDynamicChild(key) {
            return .childspec(template)
        }
        return supervisor.children[key].map { .childspec($0.spec) } ?? .error(.notFound)
    }

    private func listedChildren(_ id: StartID) -> [SupervisorReply.ListedChild] {
        guard let supervisor = supervisors[id] else { return [] }
        return supervisor.children.keys.reversed().compactMap { key in
            guard let child = supervisor.children[key] else { return nil }
            return SupervisorReply.ListedChild(
                id: supervisor.template == nil ? key : .undefined, address: supervisor.address.child(key),
                state: child.state, type: child.spec.type, modules: child.spec.modules)
        }
    }

    private func counts(_ id: StartID) -> SupervisorReply.ChildCounts {
        let supervisor = supervisors[id]
        let children = (supervisor?.children.keys ?? []).compactMap { supervisor?.children[$0] }
        let supervising = children.count { $0.spec.type == .supervisor }
        let isSimple = supervisor?.template != nil
        return SupervisorReply.ChildCounts(
            specs: isSimple ? 1 : children.count,
            // One whose exit waits in the mailbox is no longer alive, which OTP looks at for all but dynamic children.
            active: children.count { $0.state.startID.map { isSimple || owners[$0] != nil } ?? false },
            supervisors: supervising, workers: children.count - supervising)
    }

    /// New flags and specs over the old children: those named by both keep running; the ones added stand behind no
    /// start; those no longer named stay, behind the others.
    private mutating func codeChange(_ id: StartID, _ initial: SupervisorInit) -> SupervisorReply {
        guard let supervisor = supervisors[id] else { return .error(.noproc) }
        if let reason = initial.check() { return .error(.invalidChildSpec(reason)) }
        let isSimple = initial.flags.strategy == .simpleOneForOne
        guard isSimple == (supervisor.template != nil) else {
            let strategy = Term.atom(Atom(initial.flags.strategy.rawValue))
            return .error(.invalidChildSpec(.tuple([.atom("invalid_strategy"), strategy])))
        }
        var children = Children()
        if let template = initial.children.first, isSimple {
            supervisors[id]?.template = template
            for key in supervisor.children.keys {
                guard var child = supervisor.children[key] else { continue }
                let arguments = child.spec.start.arguments
                child.spec = template
                child.spec.start = MFA(
                    module: template.start.module, function: template.start.function, arguments: arguments)
                children.append(key, child)
            }
        } else {
            for spec in initial.children {
                var child = supervisor.children[spec.id] ?? Child(spec: spec)
                child.spec = spec
                children.append(spec.id, child)
            }
            for key in supervisor.children.keys {
                if let child = supervisor.children[key] { children.append(key, child) }
            }
        }
        supervisors[id]?.flags = initial.flags
        supervisors[id]?.children = children
        let changed = supervisors[id]?.keys(waitingOtherwiseThan: supervisor) ?? []
        for key in changed { supervisors[id]?.children[key]?.lastDelayMilliseconds = nil }
        hasten(id, changed)
        return .ok
    }
}
