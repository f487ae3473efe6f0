public import Terms
public import Wire

/// One start attempt of one child, as a pid names one process: a restart gets another, a handoff keeps it.
public struct StartID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let number: Int

    public init(number: Int) { self.number = number }

    public static func < (a: StartID, b: StartID) -> Bool { a.number < b.number }
    public var description: String { "#\(number)" }
}

/// The driver's name for a request; it comes back with the reply.
public struct RequestID: Hashable, Sendable {
    public let number: Int

    public init(_ number: Int) { self.number = number }
}

/// A call to a supervisor. Source: OTP, supervisor(3), the functions of the same names.
public enum SupervisorRequest: Hashable, Sendable, Codable {
    /// Not for `simple_one_for_one`.
    case startChild(supervisor: ChildAddress, ChildSpec)
    /// For `simple_one_for_one` only: the arguments that are appended to those of the supervisor's spec.
    case startDynamicChild(supervisor: ChildAddress, arguments: [Term])
    case terminateChild(supervisor: ChildAddress, id: Term)
    case restartChild(supervisor: ChildAddress, id: Term)
    case deleteChild(supervisor: ChildAddress, id: Term)
    case getChildspec(supervisor: ChildAddress, id: Term)
    case whichChildren(supervisor: ChildAddress)
    case countChildren(supervisor: ChildAddress)
    /// The supervisor's own code_change: new flags and specs; running children stay, added ones are not started.
    case codeChange(supervisor: ChildAddress, SupervisorInit)
    /// Undoes code_changes: flags and specs of that time come back.
    case restore(supervisor: ChildAddress, SupervisorSnapshot)
    /// As `sys:suspend`: until `resume` it handles no child's end and tries no restart again. Requests are served all
    /// the same, which OTP's would not: what an upgrade asks of it meanwhile has to be done. Its parent's shutdown ends it.
    case suspend(supervisor: ChildAddress)
    case resume(supervisor: ChildAddress)

    public var supervisor: ChildAddress {
        switch self {
        case .startChild(let supervisor, _), .startDynamicChild(let supervisor, _), .terminateChild(let supervisor, _),
            .restartChild(let supervisor, _), .deleteChild(let supervisor, _), .getChildspec(let supervisor, _),
            .whichChildren(let supervisor), .countChildren(let supervisor), .codeChange(let supervisor, _),
            .restore(let supervisor, _), .suspend(let supervisor), .resume(let supervisor):
            supervisor
        }
    }
}

public enum SupervisorReply: Hashable, Sendable {
    case ok
    /// `{ok, Child}`: the child that was started, `{ok, undefined}` where its start answered `ignore`.
    case child(ChildAddress, StartID?)
    case childspec(ChildSpec)
    /// As `which_children` lists them: the last started first.
    case children([ListedChild])
    case counts(ChildCounts)
    case error(SupervisorError)

    public struct ListedChild: Hashable, Sendable {
        /// `undefined` under `simple_one_for_one`.
        public let id: Term
        public let address: ChildAddress
        public let state: ChildState
        public let type: ChildType
        public let modules: ChildModules
    }

    public struct ChildCounts: Hashable, Sendable {
        public let specs: Int
        public let active: Int
        public let supervisors: Int
        public let workers: Int
    }
}

public enum SupervisorError: Error, Hashable, Sendable {
    case notFound
    case running
    case restarting
    case simpleOneForOne
    case alreadyStarted(ChildAddress, StartID)
    case alreadyPresent
    /// The child's start answered an error.
    case startFailed(reason: Term)
    /// As above, for `start_child` with a spec, where OTP's reason is `{R, Child}`.
    case childStartFailed(reason: Term, ChildSpec)
    case invalidChildSpec(Term)
    /// No supervisor is at that place.
    case noproc
    /// The supervisor ended before it came to the request.
    case shutdown
    /// The supervisor's queue of requests is full.
    case overload
}

/// Where a child stands in its supervisor.
public enum ChildState: Hashable, Sendable, Codable {
    case starting(StartID)
    case running(StartID)
    /// A restart failed, is held or waits, and will be made or tried again.
    case restarting
    case undefined

    /// The attempt that runs or is under way.
    public var startID: StartID? {
        switch self {
        case .starting(let id), .running(let id): id
        case .restarting, .undefined: nil
        }
    }
}

public struct ChildStatus: Hashable, Sendable {
    public let address: ChildAddress
    public let spec: ChildSpec
    public let state: ChildState
    /// How often the supervisor started it again, for its own end or another's.
    public let restarts: Int
    /// Until when its restart waits, where it does. Monotonic milliseconds.
    public let restartDueMilliseconds: Int?
}

public struct SupervisorStatus: Hashable, Sendable {
    public enum Phase: String, Hashable, Sendable { case initializing, running, terminating }

    public let address: ChildAddress
    public let startID: StartID
    public let module: Atom
    /// None while the `.sup` file is being read.
    public let flags: SupervisorFlags?
    public let phase: Phase
    /// Whether it waits for a start or an end, so that requests queue.
    public let isBusy: Bool
    public let isSuspended: Bool
}

/// What a supervisor logs. Source: OTP, sasl_app(6), "Supervisor Report" and "Progress Report".
public enum SupervisorReport: Hashable, Sendable {
    case progress(child: ChildAddress, StartID)
    case childTerminated(child: ChildAddress, StartID, reason: Term)
    /// A restart was made; `count` is that child's restarts with this one.
    case restart(child: ChildAddress, count: Int, cause: RestartCause)
    /// A restart waits, with those that the strategy adds. OTP has no such thing.
    case restartDelayed(child: ChildAddress, milliseconds: Int, cause: RestartCause)
    case startError(child: ChildAddress, reason: Term)
    /// A start that a request asked for; OTP leaves it to who asked to tell it.
    case requestedStartError(child: ChildAddress, reason: Term)
    case shutdownError(child: ChildAddress, reason: Term)
    /// The supervisor gives up: `reached_max_restart_intensity` for this child.
    case shutdown(supervisor: ChildAddress, child: ChildAddress, reason: Term)
    /// A child ended orderly and is not started again. OTP reports nothing.
    case childEnded(child: ChildAddress, StartID, reason: Term, restart: RestartType)
    /// The supervisor ends since this significant child has. OTP reports nothing.
    case autoShutdown(supervisor: ChildAddress, child: ChildAddress, AutoShutdown)

    /// Why a child is started again.
    public enum RestartCause: Hashable, Sendable, Codable {
        case ended(reason: Term)
        /// The restart before this one.
        case startFailed(reason: Term)
        /// With this child, by the supervisor's strategy.
        case with(ChildAddress)
    }
}
