import DequeModule
import Instructions
import Terms
import Wire

/// The child that a start belongs to: its supervisor and its key there (its id, or a dynamic child's number).
struct Owner: Hashable, Sendable, Codable {
    let supervisor: StartID
    let key: Term
}

/// What supervisors send each other.
enum Signal: Sendable {
    /// To a supervisor from its parent: end in order.
    case shutdown(StartID)
    /// To a supervisor from its parent: end at once, with all that is below.
    case kill(StartID)
    /// To the supervisor of a child: how its start went.
    case startFinished(StartID, StartOutcome)
    /// To the supervisor of a child: it ended.
    case ended(StartID, reason: Term)
    /// To a supervisor from itself: look into the mailbox.
    case pump(StartID)
}

enum StartOutcome: Sendable {
    case started
    case ignored
    case failed(Term)
}

struct Child: Sendable, Codable, Equatable {
    var spec: ChildSpec
    /// Whatever becomes of a child ends its wait.
    var state: ChildState = .undefined {
        didSet { dueMilliseconds = nil }
    }
    var restarts = 0
    /// Why it is to be started again, where it is or was.
    var restartCause: SupervisorReport.RestartCause?
    /// Until when its restart waits, while it does. Monotonic milliseconds, as below.
    var dueMilliseconds: Int?
    /// How long its last restart waited, until it was quiet.
    var lastDelayMilliseconds: Int?
    /// Since when it runs, where that matters to its delay.
    var runsSinceMilliseconds: Int?
}

/// One supervisor: OTP's `#state{}` and what its process would be waiting for.
struct Supervisor: Sendable, Codable, Equatable {
    /// What the supervisor's process is doing.
    enum Phase: Sendable, Codable, Equatable {
        /// In `init/1`.
        case reading
        case idle
        /// In a child's start.
        case starting(StartID, key: Term, StartPurpose)
        /// In the starts of several children, with `start => parallel`.
        case startingTogether(StartingGroup)
        /// In a child's ordered end.
        case stopping(StartID, key: Term, StopPurpose)
        /// A `simple_one_for_one` ends: all its children at once.
        case stoppingDynamic(Set<StartID>, Ending)
        /// It was killed; its children are being killed too. Waiting for them is beyond OTP: a place must be free,
        /// sockets included, before it is taken again.
        case killed(Set<StartID>, Ending)
    }

    /// Why a child is being started, and what comes after. `rest` is in start order.
    enum StartPurpose: Sendable, Codable, Equatable {
        case initialize(rest: ArraySlice<Term>)
        case restart
        case restartGroup(rest: ArraySlice<Term>)
        case startChild(RequestID)
        case restartChild(RequestID)
        /// Asked for, of one whose restart waited: those that wait with it until `due` follow.
        case overtake(RequestID, due: Int)
    }

    /// Children that are started at once.
    struct StartingGroup: Sendable, Codable, Equatable {
        /// Whether it is the supervisor's own start; else its strategy starts them again.
        let isInitial: Bool
        /// The starts that are under way.
        var waiting: Set<StartID> = []
        /// The first start that failed.
        var failure: Failure?
        var failed: Set<Term> = []

        struct Failure: Sendable, Codable, Equatable {
            let key: Term
            let reason: Term
        }
    }

    /// Why a child is being ended, and what comes after. `rest` is in termination order.
    enum StopPurpose: Sendable, Codable, Equatable {
        case terminateChild(RequestID)
        /// `group`, in start order, is started again.
        case restartGroup(group: ArraySlice<Term>, rest: ArraySlice<Term>)
        /// `group`, in start order, waits for the restart of `trigger`.
        case delayGroup(trigger: Term, milliseconds: Int, group: ArraySlice<Term>, rest: ArraySlice<Term>)
        case end(Ending, rest: ArraySlice<Term>)
    }

    /// How the supervisor's own life ends, as its parent sees it.
    enum Ending: Sendable, Codable, Equatable {
        case startFailed(Term)
        case ignored
        case exited(Term)
    }

    let id: StartID
    let address: ChildAddress
    let module: Atom
    /// None for a top supervisor.
    let parent: StartID?
    var phase: Phase = .reading
    /// OTP's defaults until the `.sup` file was read.
    var flags = SupervisorFlags()
    /// Whether its start was acknowledged.
    var isInitialized = false
    /// It handles requests only.
    var isSuspended = false
    /// Its parent wants it to end: comes before everything in the mailbox.
    var isShutdownRequested = false
    /// The spec of all dynamic children; only under `simple_one_for_one`.
    var template: ChildSpec?
    var children = Children()
    /// Dynamic children ever started: the last one's number.
    var lastDynamicNumber = 0
    /// When children were restarted, in milliseconds, the latest first; those within the period.
    var restartTimes: [Int] = []
    /// Children whose restart is held; tried again at `startsReleased`.
    var held: [Term] = []
    var mailbox = Mailbox()

    init(id: StartID, address: ChildAddress, module: Atom, parent: StartID?) {
        self.id = id
        self.address = address
        self.module = module
        self.parent = parent
    }

    var isIdle: Bool {
        if case .idle = phase { true } else { false }
    }

    /// Counts a restart; false where it is one too many.
    ///
    /// Bounded: what is older than the period is dropped, and one more than `intensity` ends the supervisor.
    mutating func addRestart(now: Int) -> Bool {
        let (period, overflow) = flags.periodSeconds.multipliedReportingOverflow(by: 1000)
        let threshold = overflow ? Int.min : now.subtractingReportingOverflow(period).partialValue
        restartTimes = [now] + restartTimes.prefix { $0 >= threshold }
        return restartTimes.count <= flags.intensity
    }

    /// Whether that is the number of a dynamic child, running or not.
    func hadDynamicChild(_ key: Term) -> Bool {
        guard template != nil, case .integer(let number) = key else { return false }
        return number >= 1 && number <= lastDynamicNumber
    }

    /// A child is gone for good or for now: its entry goes where it is temporary or dynamic.
    mutating func removeOrReset(_ key: Term) {
        guard let child = children[key] else { return }
        if template != nil || child.spec.restart == .temporary {
            children.remove(key)
        } else {
            children[key]?.state = .undefined
        }
    }
}

/// A supervisor's children by key, in start order.
struct Children: Sendable, Equatable {
    private(set) var keys: [Term] = []
    private var byKey: [Term: Child] = [:]

    var count: Int { keys.count }

    subscript(key: Term) -> Child? {
        get { byKey[key] }
        _modify { yield &byKey[key] }
    }

    /// Adds a child behind the others; a key that is there already is left alone.
    mutating func append(_ key: Term, _ child: Child) {
        guard byKey[key] == nil else { return }
        keys.append(key)
        byKey[key] = child
    }

    mutating func remove(_ key: Term) {
        guard byKey.removeValue(forKey: key) != nil, let index = keys.firstIndex(of: key) else { return }
        keys.remove(at: index)
    }

    /// The children from that one on, in start order.
    func keys(from key: Term) -> ArraySlice<Term> {
        keys.firstIndex(of: key).map { keys[$0...] } ?? []
    }
}

/// A supervisor process's mailbox. Requests are bounded by the tree; the rest by the children.
struct Mailbox: Sendable, Codable, Equatable {
    enum Message: Sendable, Codable, Equatable {
        case exit(StartID, key: Term, reason: Term)
        /// A restart failed.
        case tryAgain(key: Term)
        /// A restart was held and may be made now; it was counted before.
        case released(key: Term)
        /// A restart has waited long enough.
        case due(key: Term)
        case request(RequestID, SupervisorRequest)
    }

    /// `nil` where an exit was taken out before its turn.
    private var messages: Deque<Message?> = []
    /// How many have left the queue: a message's number less this is its index.
    private var left = 0
    /// The numbers of the exits that wait.
    private var exits: [StartID: Int] = [:]
    private(set) var waitingRequests = 0

    mutating func append(_ message: Message) {
        switch message {
        case .exit(let id, _, _): exits[id] = left + messages.count
        case .request: waitingRequests += 1
        case .tryAgain, .released, .due: break
        }
        messages.append(message)
    }

    mutating func popFirst() -> Message? {
        while let first = messages.popFirst() {
            left += 1
            guard let message = first else { continue }
            switch message {
            case .exit(let id, _, _): exits[id] = nil
            case .request: waitingRequests -= 1
            case .tryAgain, .released, .due: break
            }
            return message
        }
        return nil
    }

    /// The first request, past whatever waits before it.
    mutating func popFirstRequest() -> Message? {
        guard waitingRequests > 0 else { return nil }
        for index in messages.indices {
            guard case .request? = messages[index] else { continue }
            defer { messages[index] = nil }
            waitingRequests -= 1
            return messages[index]
        }
        return nil
    }

    /// The reason of an exit that waits here, which is thereby taken out.
    mutating func takeExit(of id: StartID) -> Term? {
        guard let number = exits.removeValue(forKey: id), case .exit(_, _, let reason)? = messages[number - left] else {
            return nil
        }
        messages[number - left] = nil
        return reason
    }
}
