import Instructions
import Terms

extension ApplicationController {
    mutating func stop(_ name: Atom) {
        switch state(of: name) {
        case .starting, .running:
            if let root = roots[name] {
                states[name] = .stopping
                actions.append(.stopRoot(root))
            } else {
                stopped(name)
            }
        case .stopped where ended.contains(name):
            stopped(name)
        case .stopped, .stopping:
            actions.append(.stopFailed(name, reason: .tuple([.atom("not_started"), .atom(name)])))
        }
    }

    mutating func stopped(_ name: Atom) {
        if let failure = failedPhases.removeValue(forKey: name) {
            startFailed(name, failure.type, failure.reason)
            return goOn(after: name)
        }
        forget(name)
        ended.remove(name)
        actions.append(.stopped(name))
        goOn(after: name)
    }

    mutating func stopNext(_ names: ArraySlice<Atom>) {
        var rest = names
        while let name = rest.popFirst() {
            switch state(of: name) {
            case .stopped:
                continue
            case .stopping:
                phase = .stopping(current: name, rest: rest)
                return
            case .starting, .running:
                guard let root = roots[name] else {
                    forget(name)
                    actions.append(.stopped(name))
                    continue
                }
                phase = .stopping(current: name, rest: rest)
                states[name] = .stopping
                actions.append(.stopRoot(root))
                return
            }
        }
        phase = .idle
        actions.append(.allStopped)
    }

    mutating func rootStopped(_ name: Atom, _ reason: Term) {
        switch state(of: name) {
        case .running(let type):
            forget(name)
            ended.insert(name)
            actions.append(.exited(name, type, reason: reason))
            switch type {
            case .permanent: terminate(name, reason)
            case .transient: if reason != .normal { terminate(name, reason) }
            case .temporary, .load, .none: break
            }
        case .stopping:
            stopped(name)
        case .starting(let type):
            startFailed(name, type, reason)
            goOn(after: name)
        case .stopped:
            break
        }
    }

    private mutating func terminate(_ name: Atom, _ reason: Term) {
        switch phase {
        case .stopping:
            return
        case .idle, .booting:
            phase = .idle
            let exit: [Term] = [.atom("application_terminated"), .atom(name), reason]
            actions.append(.terminateNode(reason: .tuple(exit)))
        }
    }

    mutating func forget(_ name: Atom) {
        states[name] = nil
        started.removeAll { $0 == name }
        roots[name] = nil
    }

    /// The application that boot or stopAll waited for has come to its rest.
    mutating func goOn(after name: Atom) {
        switch phase {
        case .booting(name, let rest): bootNext(rest)
        case .stopping(name, let rest): stopNext(rest)
        case .idle, .booting, .stopping: break
        }
    }
}
