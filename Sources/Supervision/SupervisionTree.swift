public import Terms
public import Wire

/// All supervisors of the node, as one machine: events in, actions out, no clock of its own.
///
/// Each supervisor works as OTP's does: one thing at a time, synchronously. While it waits for a child's start or end,
/// what comes for it queues in its mailbox, and the other supervisors go on. One difference: a shutdown
/// does not wait behind a start or a mailbox but overtakes both (`.cancelStart`).
///
/// The driver's obligations:
/// 1. perform the actions of one `handle` in their order, and feed back each answer as an event;
/// 2. answer each `startWorker` once: `workerStarted`, `workerIgnored`, `workerStartFailed`, `workerStartHeld`, or
///    `workerExited` where it ended while it started;
/// 3. report each started worker's end once, by `workerExited`, whether it was asked to end or not;
/// 4. answer each `readSupervisor` once.
/// A late or unknown answer is ignored.
///
/// Source: OTP, supervisor(3).
public struct SupervisionTree: Sendable, Codable, Equatable {
    public enum Event: Hashable, Sendable, Codable {
        /// Start an application's top supervisor. `address` is `ChildAddress.root(application:module:)`.
        case startRoot(address: ChildAddress, module: Atom, arguments: Term)
        /// Shut a top supervisor down, its children in reverse order.
        case stopRoot(ChildAddress)

        case supervisorRead(StartID, SupervisorInit)
        case supervisorUnreadable(StartID, reason: Term)
        /// Its init answers `ignore`: it does not run, which is an error of a top supervisor only.
        case supervisorIgnored(StartID)

        case workerStarted(StartID)
        case workerIgnored(StartID)
        case workerStartFailed(StartID, reason: Term)
        /// The start must not be made now, since the child's module is suspended; the driver forgets it. A restart
        /// waits as `restarting` and its supervisor goes on with its mailbox; any other start keeps its supervisor
        /// waiting, as a slow start does. After `startsReleased`, `startWorker` comes again for each.
        case workerStartHeld(StartID)
        /// All held starts may be tried now; each may be held again. None counts as a restart more.
        case startsReleased
        /// A worker ended, by itself or as asked. Asked by `stopWorker`: `shutdown` where it ended in time
        /// and well, `killed` where it had to be killed, else what it ended with.
        case workerExited(StartID, reason: Term)

        /// The time of `scheduleRestarts` is over. Too early or too late does no harm.
        case restartsDue
        /// Those of these whose restart waits are started now, with those that wait with them.
        case hasten([ChildAddress])
        /// The time of a `scheduleTimer` is over. Too late does no harm.
        case timerFired(StartID)
        case request(RequestID, SupervisorRequest)
    }

    public enum Action: Hashable, Sendable {
        /// Start a worker; its arguments are complete.
        case startWorker(StartID, ChildAddress, ChildSpec)
        /// End a worker as `Shutdown` says. The answer is `workerExited`. May come again with `brutalKill`.
        case stopWorker(StartID, ChildAddress, Shutdown)
        /// The start isn't wanted any more: drop it or kill the process. The answer is `workerExited` or
        /// `workerStartFailed`; a `workerStarted` that crossed it is fine too: `stopWorker` follows.
        case cancelStart(StartID, ChildAddress)
        /// Read MODULE.sup. The answer is `supervisorRead`, `supervisorUnreadable` or `supervisorIgnored`.
        case readSupervisor(StartID, ChildAddress, module: Atom, arguments: [Term])
        /// Answer with `timerFired` after that time: a supervisor has no longer to end.
        case scheduleTimer(StartID, afterMilliseconds: Int)
        /// Answer with `restartsDue` then, in monotonic milliseconds; in place of an earlier one.
        case scheduleRestarts(atMilliseconds: Int)

        case reply(RequestID, SupervisorReply)
        case rootStarted(ChildAddress)
        case rootFailed(ChildAddress, reason: Term)
        /// The top supervisor ended: asked to, or giving up (`shutdown`).
        case rootStopped(ChildAddress, reason: Term)
        case report(SupervisorReport)
    }

    /// Requests that wait for one supervisor, at most.
    static let maximumWaitingRequests = 10_000
    /// Supervisors below each other, at most: a `.sup` file that names itself must end.
    static let maximumDepth = 64

    /// Every supervisor there is, by its own start.
    var supervisors: [StartID: Supervisor] = [:]
    /// The supervisors' places.
    var places: [ChildAddress: StartID] = [:]
    /// Whose child each start is that runs or is under way; top supervisors have no entry.
    var owners: [StartID: Owner] = [:]
    /// The top supervisors, in the order in which they were started.
    var roots: [StartID] = []
    /// Starts that keep their supervisor waiting until `startsReleased`.
    var heldStarts: Set<StartID> = []
    /// Children whose restart waits, and some that were overtaken.
    var waiting: Set<Owner> = []
    var lastNumber = 0
    /// The time of the event in hand, in monotonic milliseconds.
    var now = 0
    /// What the supervisors sent each other and did not handle yet; a queue, so that no tree's shape makes us recurse.
    var signals: [Signal] = []
    /// What this `handle` answers, until it is done.
    var actions: [Action] = []

    public init() {}

    /// Between two events there is neither a signal nor an action, and each event brings its own time.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case supervisors, places, owners, roots, heldStarts, waiting, lastNumber
    }

    /// Of what is written.
    public static func == (one: Self, other: Self) -> Bool {
        one.lastNumber == other.lastNumber && one.roots == other.roots && one.heldStarts == other.heldStarts
            && one.waiting == other.waiting
            && one.places == other.places && one.owners == other.owners && one.supervisors == other.supervisors
    }
}
