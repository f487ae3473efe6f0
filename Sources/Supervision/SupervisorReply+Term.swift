import Instructions
public import Terms
import Wire

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
    /// As `get_childspec` returns it: OTP's keys, all of them, and of this daemon's those that are not as by default.
    public var term: Term {
        let time: Term
        switch shutdown {
        case .brutalKill: time = .atom("brutal_kill")
        case .milliseconds(let milliseconds): time = .integer(milliseconds)
        case .infinity: time = .infinity
        }
        let function: [Term] = [.atom(start.module), .atom(start.function), .list(start.arguments)]
        let standard: [Term: Term] = [
            .atom("id"): id, .atom("start"): .tuple(function), .atom("restart"): .atom(restart.rawValue),
            .atom("significant"): .bool(significant), .shutdown: time, .atom("type"): .atom(type.rawValue),
            .atom("modules"): modules.term,
        ]
        return .map(standard.merging(ownKeys) { $1 })
    }

    private var ownKeys: [Term: Term] {
        var keys: [Term: Term] = [:]
        if !sockets.isEmpty {
            keys[.atom("sockets")] = .list(sockets.map(\.term))
        }
        keys[.atom("user")] = user.map { .string($0) }
        if !env.isEmpty {
            keys[.atom("env")] = .list(env.map { .tuple([.string($0.name), .string($0.value)]) })
        }
        keys[.atom("cwd")] = cwd.map { .string($0) }
        if !startPhases.isEmpty { keys[.atom("start_phases")] = .list(startPhases.map { .atom($0) }) }
        if !rlimits.isEmpty {
            let limits = rlimits.map { limit -> (Term, Term) in
                let values = [limit.soft, limit.hard].map { $0.map { Term.integer($0) } ?? .infinity }
                return (.atom(Atom(limit.resource.rawValue)), .tuple(values))
            }
            keys[.atom("rlimits")] = .map(Dictionary(limits) { $1 })
        }
        if let cgroup {
            let bounds = cgroup.map { (Term.atom(Atom($0.resource.rawValue)), $0.value.term) }
            keys[.atom("cgroup")] = .map(Dictionary(bounds) { $1 })
        }
        if startTimeoutMilliseconds != Self.standardStartTimeoutMilliseconds {
            keys[.atom("start_timeout")] = .integer(startTimeoutMilliseconds)
        }
        if killSignal != .sigterm { keys[.atom("kill_signal")] = .atom(Atom(killSignal.rawValue)) }
        keys[.atom("restart_delay")] = restartDelay?.term
        keys[.atom("watchdog")] = watchdogMilliseconds.map { .integer($0) }
        if notify { keys[.atom("notify")] = .true }
        return keys.merging(confinement?.terms ?? [:]) { $1 }
    }
}

extension RestartDelay {
    fileprivate var term: Term {
        if initialMilliseconds == maximumMilliseconds { return .integer(maximumMilliseconds) }
        let number = Int(exactly: factor).map(Term.integer) ?? .float(factor)
        return .tuple([.integer(initialMilliseconds), .integer(maximumMilliseconds), number])
    }
}

extension CgroupBound.Value {
    fileprivate var term: Term {
        switch self {
        case .max: .atom("max")
        case .number(let number): .integer(number)
        case .time(let time, let period): .tuple([.integer(time), .integer(period)])
        }
    }
}

extension SocketSpec {
    fileprivate var term: Term {
        var map: [Term: Term] = [.atom("name"): .string(name), .atom("listen"): .string(listen)]
        if mode != Self.standardMode { map[.atom("mode")] = .integer(mode) }
        map[.atom("user")] = user.map { .string($0) }
        map[.atom("group")] = group.map { .string($0) }
        return .map(map)
    }
}
