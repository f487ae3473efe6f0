import OrderedCollections
public import Instructions
import Terms
import Wire

/// Evaluates a relup script: one action at a time goes out, its answer comes in, the next one follows.
///
/// ```
///              ┌────────── the next transaction ───────────┐
///              v                                           │
/// census ─> instruction ─> instruction ─> ... ─> commit ───┴─> restarts awaited ─> last census ─> purged ─> done
///    │            │                                │
///    │            │ fails, before the              │ fails, or an instruction does after
///    v            v point of no return             v the point of no return
/// refused <───────┘                     undone, back to the last commit
///                                          │           │            │
///                                          v           v            v
///                                       aborted     takeBack    restartNode
///                                  (none before)  (after one)  (where it can't be undone)
/// ```
///
/// Whatever standbys are left end before each of these ends but `restartNode`.
///
/// A script is a sequence of *transactions*. `resume` only says who goes on, and in which code; all of them go on together,
/// in the script's order, at the *commit*: behind the last conversion, before an instruction that needs running workers,
/// and before a worker is waited for that does not answer its suspend at once (it may be waiting for one that is held).
///
/// What commits: a worker was resumed in new code; while nobody is suspended, an `apply` did something, or a `start`
/// brought a child into what the script loaded. An abort leads back to there, and the opposite script from there
/// (`WayBack`). What can't be undone: an `apply` did something while somebody was suspended; a worker is found (by what it
/// verifiably executes) to run new code that was not committed, whether `start`, `startAgain` or its supervisor started
/// it; a step of the abort itself failed. Ending processes (a hung worker, `stop`, brutal purge) is none of these: on abort
/// they are started again in the old code.
///
/// A worker that does not acknowledge `resume`: when no other was resumed in new code by the same commit yet, what came
/// since the last one is undone. When others were, it is ended as if it had crashed right after its resume, so that its
/// supervisor starts it in the new code. That is a warning and not the node's restart: the same crash a moment later
/// would be its supervisor's and the probation's to judge, and OTP ignores it altogether.
///
/// A supervisor's code_change is not irreversible either: it starts and ends nobody, and its old flags and specs come
/// back. One that can't be suspended in time is busy with a start or an end; that fails the script.
///
/// Source: `release_handler_1`; appup(4), "Release Upgrade File".
public struct RelupMachine: Sendable {
    /// The instructions; a resume that the script forgot is added at the end.
    public internal(set) var script: [LowLevelInstruction]
    /// The modules that the script loads and those that it suspends.
    let loadedModules: Set<Atom>
    let suspendedModules: Set<Atom>
    public let fromRelease: String
    public let toRelease: String
    public let options: Options
    /// What the new release consists of.
    let libraries: [LibraryRecord]
    var phase: Phase = .ready
    /// Whether what fails now has to be undone. A script without a point of no return has it before its start.
    public internal(set) var isPastPointOfNoReturn: Bool
    /// Whether something was done since the last commit that an abort can't undo, as far as the machine saw it itself.
    var hasDoneIrreversible = false
    /// Whether something of the script has been committed.
    var hasCommitted = false
    var isCommitUntold = false

    /// What was found before the first instruction.
    var census: [WorkerInfo] = []
    /// Read and checked, by module; with the vsn that a standby of it reported.
    var objectCode: [Atom: CodeVersion] = [:]
    /// Modules whose current version this script has changed.
    var changed: [ChangedModule] = []
    /// What the changes of the code table since the last commit have replaced.
    var saved = CodeTable.Saved()
    /// Modules of which somebody ran old code at the census.
    var oldAtCensus: Set<Atom> = []
    /// Workers for which a standby was started that has not become the worker, with what it executes.
    var standbys: [ChildAddress: CodeVersion] = [:]
    /// Workers whose standby said that it takes a state in parts.
    var incrementalStandbys: Set<ChildAddress> = []
    var orderedStandbys: [ChildAddress: CodeVersion] = [:]
    var mayHaveStandbys = false
    /// Suspended and not resumed, in the order in which they were found.
    var suspended = SuspendedWorkers()
    /// Resumes that the next commit carries out, in the script's order.
    var due: [DueResume] = []
    var hasSuspended = false
    var heldModules: OrderedSet<Atom> = []
    var stopped: [StoppedChild] = []
    /// Of those, who was stopped before the last commit: an abort does not start them.
    var stoppedBeforeCommit: Set<ChildAddress> = []
    /// Workers that the script ended as if they had crashed; awaited at its end.
    var ended: OrderedSet<ChildAddress> = []
    /// Supervisors whose code_change was asked for since the last commit; undone on abort.
    var changedSupervisors: OrderedSet<ChildAddress> = []
    /// What workers keep for functional modules and was converted since the last commit; undone on abort.
    var convertedModules: OrderedSet<ModuleOfWorker> = []
    /// Functional modules of the new release that were loaded because they were used.
    var usedFirst: OrderedSet<Atom> = []

    /// Of the instruction being evaluated.
    var current = 0
    var touched: [ChildAddress] = []
    var notes: [String] = []
    var warnings: [String] = []

    public init(
        script: [LowLevelInstruction], fromRelease: String, toRelease: String, libraries: [LibraryRecord],
        options: Options = Options()
    ) {
        self.script = script
        loadedModules = Set(script.compactMap { if case .load(let module, _, _) = $0 { module } else { nil } })
        suspendedModules = Set(
            script.flatMap { if case .suspend(let targets) = $0 { targets.map(\.module) } else { [Atom]() } })
        self.fromRelease = fromRelease
        self.toRelease = toRelease
        self.libraries = libraries
        self.options = options
        isPastPointOfNoReturn = !script.contains(.pointOfNoReturn)
    }

    /// A module was loaded because it was used, and none was current before. Behind the point of no return that is code of the new release, which an abort
    /// takes back, too.
    public mutating func noteFirstUse(of version: CodeVersion) {
        guard isPastPointOfNoReturn, !isFinished else { return }
        saved.noteNothing(of: version.module)
        if version.kind == .functional, change(of: version.module) == nil { usedFirst.append(version.module) }
    }

    /// Whether `finished` was returned.
    public var isFinished: Bool {
        switch phase {
        case .finished: true
        case .ready, .takingCensus, .evaluating, .committing, .awaitingRestarts, .takingLastCensus, .purging,
            .endingStandbys,
            .aborting:
            false
        }
    }

    enum Phase: Sendable {
        case ready
        case takingCensus
        case evaluating(index: Int, Step)
        case committing(CommitStep, Commit)
        case awaitingRestarts
        case takingLastCensus
        case purging(unpurged: [UnpurgedModule])
        case endingStandbys(Outcome)
        case aborting(AbortStep, Failure)
        case finished
    }

    /// What the instruction at hand waits for.
    enum Step: Sendable {
        case readingObjectCode(library: LibraryRecord, modules: [Atom])
        case startingStandbys
        case switchingPath
        case findingUsersOfOldCode(TableChange)
        case holdingForPurge(TableChange, [ChildAddress])
        case endingUsersOfOldCode(TableChange, Purged)
        case awaitingEndsOfUsers(TableChange, Purged)
        case changingCode(then: Purged?)
        case updatingModules([Atom], then: Purged?)
        case releasingPurged([ChildAddress])
        case awaitingPurged
        case findingUsersToPurge([Atom])
        case endingUsersToPurge([Atom], [ChildAddress])
        case awaitingEndsToPurge([Atom])
        case copyingAhead([SuspendTarget])
        case holdingStarts([SuspendTarget])
        case findingWorkersToSuspend([SuspendTarget])
        case startingMissingStandbys([SuspendTarget], [WorkerInfo])
        case suspending(Suspension)
        /// The instruction fails once the hung workers are on their way out.
        case terminatingHung(then: RelupError?)
        case changingSupervisors([(module: Atom, id: ChildAddress)], [ModuleChange], then: [Handoff])
        case changingModules([ModuleChange], then: [Handoff])
        case convertingCode([Handoff])
        case startingStandbysToResume([ChildAddress], modules: [Atom])
        case handingOffUnconverted([ChildAddress], modules: [Atom])
        case stoppingChildren
        case startingChildren
        case findingStarted([ChildAddress])
        case syncingNodes
        case applying(MFA)
    }

    /// A module of which this script made another version, or none, current.
    struct ChangedModule: Sendable {
        let module: Atom
        /// How what is old now is purged.
        let method: PurgeMethod
        let before: CodeVersion?
        var current: CodeVersion?
        /// Whether an abort leaves it as it is.
        var isCommitted = false

        /// Whether workers have it as a library.
        var isFunctional: Bool { before?.kind == .functional || current?.kind == .functional }
    }

    /// Who was ended by the purge before a load, and the module whose starts are held until that is done.
    struct Purged: Sendable {
        let users: [ChildAddress]
        let held: Atom?
    }

    /// `load` (with what becomes current) or `remove`.
    struct TableChange: Sendable {
        let module: Atom
        let version: CodeVersion?
        let prePurge: PurgeMethod
        let postPurge: PurgeMethod
    }

    enum AbortStep: Sendable {
        case findingNewCode
        case endingStandbys
        case restoringCode
        case updatingModules([Atom])
        case endingUnrestored
        case restoringModules
        case restoringSupervisors
        case resumingOld
        case endingFailed
        case startingAgain
        case startingStopped
        case releasingStarts
        case awaitingRestarts
    }

    /// What comes of an instruction, or of an answer within it.
    enum Next {
        case ask(Step, Action)
        case done
        /// It is told with the commit that carries it out.
        case postponed
        /// What was resumed so far goes on first.
        case commit(then: AfterCommit)
        case fail(RelupError)
        case end(Outcome)
    }
}
