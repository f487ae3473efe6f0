import Instructions
public import Terms

/// Replies as OTP's functions return them. A child, where OTP has a pid, is its address as a binary.
extension SupervisorReply {
    public var term: Term {
        switch self {
        case .ok:
            return .ok
        case .child(let address, let id):
            return .tuple([.ok, id == nil ? .undefined : .text(address.description)])
        case .childspec(let spec):
            return .tuple([.ok, spec.term])
        case .children(let children):
            return .list(children.map(\.term))
        case .counts(let counts):
            return .list([
                .tuple([.atom("specs"), .integer(counts.specs)]), .tuple([.atom("active"), .integer(counts.active)]),
                .tuple([.atom("supervisors"), .integer(counts.supervisors)]),
                .tuple([.atom("workers"), .integer(counts.workers)]),
            ])
        case .error(let error):
            return .tuple([.error, error.reason])
        }
    }
}

extension SupervisorReply.ListedChild {
    /// `{Id, Child | restarting | undefined, Type, Modules}`
    public var term: Term {
        let child: Term
        switch state {
        case .starting, .running: child = .text(address.description)
        case .restarting: child = .atom("restarting")
        case .undefined: child = .undefined
        }
        return .tuple([id, child, .atom(type.rawValue), modules.term])
    }
}

extension SupervisorError {
    /// OTP's reason.
    public var reason: Term {
        switch self {
        case .notFound: .atom("not_found")
        case .running: .atom("running")
        case .restarting: .atom("restarting")
        case .simpleOneForOne: .atom("simple_one_for_one")
        case .alreadyStarted(let address, _): .tuple([.atom("already_started"), .text(address.description)])
        case .alreadyPresent: .atom("already_present")
        case .startFailed(let reason): reason
        case .childStartFailed(let reason, let spec): .tuple([reason, spec.term])
        case .invalidChildSpec(let reason): reason
        case .noproc: .atom("noproc")
        case .shutdown: .shutdown
        case .overload: .atom("overload")
        }
    }
}

extension ChildModules {
    public var term: Term {
        switch self {
        case .list(let modules): .list(modules.map(Term.atom))
        case .dynamic: .atom("dynamic")
        }
    }
}

extension ChildSpec {
    /// As `get_childspec` returns it: OTP's keys.
    public var term: Term {
        let time: Term
        switch shutdown {
        case .brutalKill: time = .atom("brutal_kill")
        case .milliseconds(let milliseconds): time = .integer(milliseconds)
        case .infinity: time = .infinity
        }
        let function: [Term] = [.atom(start.module), .atom(start.function), .list(start.arguments)]
        return .map([
            .atom("id"): id, .atom("start"): .tuple(function), .atom("restart"): .atom(restart.rawValue),
            .atom("significant"): .bool(significant), .shutdown: time, .atom("type"): .atom(type.rawValue),
            .atom("modules"): modules.term,
        ])
    }
}
