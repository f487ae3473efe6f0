public import Instructions
public import Terms
public import Wire

extension RelupMachine {
    /// What the driver has to do. Each action but `report` and `finished` is answered by exactly one event, and the
    /// next action comes only after that answer. Whatever touches workers touches all of them at once.
    ///
    /// The driver's obligations:
    /// 1. `findWorkers` tells what each worker's generation verifiably executes. Standbys are not workers.
    /// 2. From `startsHeld` to `startsReleased` no child is started (nor restarted by its supervisor) whose spec
    ///    lists a held module; such starts wait, except where `startAgain` names them.
    /// 3. From `suspended` on the driver keeps the mailbox. The old process of a suspended worker is ended only
    ///    when the new generation has acknowledged `resume`; until then it stands, suspended and whole.
    /// 4. A standby runs exactly the bytes that `readObjectCode` checked, and so does every start after `changeCode`.
    /// 5. Every answer comes in bounded time: where no limit is given, the driver has its own.
    /// 6. A worker that ends while it is suspended is no error: it appears in the next answer as died or failed.
    /// 7. A supervisor that is found by its module is suspended by its own kind: it handles no child's end until it is
    ///    resumed, and it is never `hung` without being asked to go on once it is free.
    /// 8. `standbyFailed` leaves the other standbys of the batch standing; `endStandbys` follows.
    public enum Action: Hashable, Sendable {
        /// Every worker whose child spec lists one of these modules or whose resident module is one.
        /// → `workersFound`
        case findWorkers([Atom])
        /// Read, check and keep `DIRECTORY/ebin/MODULE` of each. → `objectCodeRead` | `objectCodeFailed`
        case readObjectCode(library: LibraryRecord, modules: [Atom])
        /// Start all of these at once and wait until they acknowledged. A probe (no worker) is ended by the driver
        /// as soon as it has acknowledged, and not started where nothing says how. → `standbysReady` | `standbyFailed` (the others stand until
        /// `endStandbys`)
        case startStandbys([StandbyOrder])
        /// What starts use from now on, code path included. → `codeChanged`
        case changeCode(CodeTable.Change)
        /// Every process that has one of these functional modules, or whose spec lists one, standbys too, gets what is current of it, all at
        /// once. One that can't is left as it was. → `modulesUpdated`
        case updateModules([Atom])
        /// code_change of functional modules in suspended workers, where their state is now: in the standby of one that was handed off,
        /// else in the old process. → `modulesChanged`
        case changeModules([ModuleChange], timeoutMilliseconds: Int)
        /// Only on abort: what `changeModules` has converted is in each old process as it was. → `modulesRestored`
        case restoreModules([ModuleOfWorker])
        /// Copy the states of these into their standbys while they go on, as far as both can do it: what is left then is what
        /// changed since. Whatever fails of it leaves the worker as it was. → `copiedAhead`
        case copyAhead([CopyAheadOrder], timeoutMilliseconds: Int)
        /// → `startsHeld`
        case holdStarts([Atom])
        /// Suspend all at once, each with its limit. `isFirst`: no worker was suspended before in this script. The
        /// time in which workers were not served lasts from here to the answer of the last `resume(isLast: true)`.
        /// → `suspended`
        /// With a grace, it is answered when that is over at the latest: who has not answered then is `waiting`, without a
        /// limit until `awaitSuspended`.
        case suspend([SuspendOrder], isFirst: Bool, graceMilliseconds: Int?)
        /// Wait for those that were `waiting`, each with its limit from now on. → `suspended`
        case awaitSuspended([SuspendOrder])
        /// terminate_child through their supervisors; no answer of theirs is awaited. → `hungTerminated`
        case terminateHung([ChildAddress])
        /// Export from the old process, import into the standby, all at once. Nothing is resumed. → `handedOff`
        case handOff([Handoff], timeoutMilliseconds: Int)
        /// code_change of these suspended supervisors: each reads its module's current `.sup` and takes flags and specs
        /// from it, all or nothing. → `supervisorsChanged`
        case changeSupervisors([ChildAddress])
        /// Only on abort, with the old code current again: flags and specs as before the first `changeSupervisors`.
        /// → `supervisorsRestored`
        case restoreSupervisors([ChildAddress])
        /// Those handed off: the standby becomes the worker, gets the mailbox, the old process ends. The others go
        /// on where they are. `isLast`: nothing stays suspended after it, until a later suspend. → `resumed`
        case resume([ChildAddress], isLast: Bool)
        /// Only on abort: the old process goes on with its mailbox. `leavingHung`: one that does not answer is not ended, it
        /// goes on when it comes to it. → `resumed`
        case resumeOld([ChildAddress], leavingHung: Bool)
        /// Start in the code that is current now: for a terminated one restart_child, for one that died the
        /// restart that was held (nothing where its supervisor restarts it not). → `startedAgain`
        case startAgain([ChildAddress])
        /// → `startsReleased`
        case releaseStarts([Atom])
        /// End these, whatever process of theirs stands, as if they had crashed: their supervisors restart them,
        /// where starts are held once those are released.
        /// → `workersEnded`
        case endWorkers([ChildAddress], reason: Term)
        /// Wait until each of these, which `endWorkers` ended, has ended and runs again, will not, or waits for a resume, in
        /// bounded time. What the script itself
        /// ends is part of its answer, and no restart that is held against the release. → `restartsAwaited`
        case awaitRestarts([ChildAddress])
        /// terminate_child for every child (supervisors too) whose spec lists one of these. → `childrenStopped`
        case stopChildren([Atom])
        /// restart_child for these, in this order, also where starts of theirs are held. → `childrenStarted`
        case startChildren([ChildAddress])
        /// Only on abort: start these as they were before they were stopped, those too whose spec their supervisor has
        /// forgotten. → `childrenStarted`
        case restoreChildren([StoppedChild])
        /// What was changed so far stays; an abort leads back to here. No answer.
        case committed
        /// → `nodesSynced` | `nodesSyncFailed`
        case syncNodes(id: Term, SyncNodes)
        /// → `applied` | `applyFailed`
        case apply(MFA)
        /// End every standby that has not become a worker, whatever it has imported. → `standbysEnded`
        case endStandbys
        /// An instruction is done. No answer.
        case report(InstructionReport)
        /// The last action. No answer.
        case finished(Outcome)
    }

    /// What the driver tells: the one answer to the last action.
    public enum Event: Hashable, Sendable {
        case workersFound([WorkerInfo])
        case objectCodeRead([CodeVersion])
        case objectCodeFailed(module: Atom, reason: Term)
        /// `notes`: probes that were not started, and why.
        case standbysReady([StandbyInfo], notes: [String] = [])
        case standbyFailed(module: Atom, worker: ChildAddress?, reason: Term)
        case codeChanged
        /// `failed`: it could not load it, or has ended of it. `unanswered`: it has not answered in time, and does it when it comes to it.
        case modulesUpdated(ok: [ChildAddress], failed: [WorkerFailure], unanswered: [WorkerFailure] = [])
        /// `without`: they keep nothing for functional modules. `died`: their process had ended before.
        case modulesChanged(
            ok: [ModuleOfWorker], failed: [ModuleFailure], without: [ModuleOfWorker] = [], died: [ChildAddress] = [])
        case modulesRestored(failed: [WorkerFailure])
        /// `failed`: whose state will be handed over whole. `withoutStandby`: whose standby has ended with that.
        case copiedAhead(failed: [WorkerFailure], withoutStandby: [ChildAddress])
        case startsHeld
        /// `refused`: hung as far as anybody can tell; they said why.
        case suspended(
            ok: [ChildAddress], hung: [ChildAddress], died: [ChildAddress], waiting: [ChildAddress] = [],
            refused: [WorkerFailure] = [])
        case hungTerminated
        /// `died`: the old process ended before its export was complete. `failed`: anything else, a limit included.
        /// `whole`: those of `ok` whose last changes were not taken, and why: the whole was handed over.
        case handedOff(
            ok: [ChildAddress], failed: [WorkerFailure], died: [ChildAddress], whole: [WorkerFailure] = [])
        /// `died`: it has ended meanwhile, and reads the current code when it starts again. `notes`: what became of each.
        case supervisorsChanged(failed: [WorkerFailure], died: [ChildAddress], notes: [String])
        case supervisorsRestored(failed: [WorkerFailure])
        /// `failed`: not acknowledged. Its new generation is ended by the driver, its old process still stands. `died`:
        /// nothing of it stands any more.
        case resumed(ok: [ChildAddress], failed: [WorkerFailure], died: [WorkerFailure] = [])
        case startedAgain(ok: [ChildAddress], failed: [WorkerFailure])
        case startsReleased
        case workersEnded
        case restartsAwaited(notRunning: [WorkerFailure])
        case childrenStopped([StoppedChild], failed: [WorkerFailure])
        case childrenStarted(ok: [ChildAddress], failed: [WorkerFailure])
        case nodesSynced
        case nodesSyncFailed(Term)
        case applied(Term)
        /// It crashed or went over its time.
        case applyFailed(Term)
        case standbysEnded
    }

    /// One standby to start: for a worker, or (`nil`) one that only proves that this code can start here.
    public struct StandbyOrder: Hashable, Sendable {
        public let worker: ChildAddress?
        public let version: CodeVersion

        public init(worker: ChildAddress?, version: CodeVersion) {
            self.worker = worker
            self.version = version
        }
    }

    /// A standby that acknowledged; `vsn` is what it reported, `nil` for `undefined`.
    public struct StandbyInfo: Hashable, Sendable {
        public let worker: ChildAddress?
        public let module: Atom
        public let vsn: Term?
        /// Whether it said that it can take a state in parts.
        public let isIncremental: Bool

        public init(worker: ChildAddress?, module: Atom, vsn: Term?, isIncremental: Bool) {
            self.worker = worker
            self.module = module
            self.vsn = vsn
            self.isIncremental = isIncremental
        }
    }

    /// A worker to suspend; without a limit it is waited for until it answers or ends.
    public struct SuspendOrder: Hashable, Sendable {
        public let worker: ChildAddress
        public let timeoutMilliseconds: Int?
        /// How it will be handed over, as far as the script says that beforehand: its export may be asked for at once.
        public let exporting: Handoff.Change?

        public init(worker: ChildAddress, timeoutMilliseconds: Int?, exporting: Handoff.Change? = nil) {
            self.worker = worker
            self.timeoutMilliseconds = timeoutMilliseconds
            self.exporting = exporting
        }
    }

    /// A worker whose state is to be copied while it runs, and how it will be handed over.
    public struct CopyAheadOrder: Hashable, Sendable {
        public let worker: ChildAddress
        public let change: Handoff.Change

        public init(worker: ChildAddress, change: Handoff.Change) {
            self.worker = worker
            self.change = change
        }
    }

    /// A state's way from the old process into the standby, and who converts it.
    public struct Handoff: Hashable, Sendable {
        public enum Change: Hashable, Sendable {
            case none
            /// The standby converts: `{code_change, FromVsn, Extra}` in `import_state`.
            case up(from: Term, extra: Term)
            /// `{code_change, {down, ToVsn}, Extra}`: in `export_state` where the old (newer) process converts, in
            /// `import_state` where the standby does.
            case down(to: Term, extra: Term, convertsIn: Side)
        }

        public enum Side: Hashable, Sendable { case oldProcess, standby }

        public let worker: ChildAddress
        public let module: Atom
        /// What the old process calls itself, for `import_state`'s `from_vsn`.
        public let fromVsn: Term
        public let change: Change

        public init(worker: ChildAddress, module: Atom, fromVsn: Term, change: Change) {
            self.worker = worker
            self.module = module
            self.fromVsn = fromVsn
            self.change = change
        }
    }

    /// A functional module in one worker.
    public struct ModuleOfWorker: Hashable, Sendable {
        public let worker: ChildAddress
        public let module: Atom

        public init(worker: ChildAddress, module: Atom) {
            self.worker = worker
            self.module = module
        }
    }

    /// What a worker keeps for a functional module is to be converted; `change` is never `.none`.
    public struct ModuleChange: Hashable, Sendable {
        public let target: ModuleOfWorker
        public let change: Handoff.Change
        /// Whether the standby has the worker's state already.
        public let inStandby: Bool

        public init(target: ModuleOfWorker, change: Handoff.Change, inStandby: Bool) {
            self.target = target
            self.change = change
            self.inStandby = inStandby
        }
    }

    public struct ModuleFailure: Hashable, Sendable {
        public let target: ModuleOfWorker
        public let reason: Term

        public init(target: ModuleOfWorker, reason: Term) {
            self.target = target
            self.reason = reason
        }
    }

    public struct WorkerFailure: Hashable, Sendable {
        public let worker: ChildAddress
        public let reason: Term

        public init(worker: ChildAddress, reason: Term) {
            self.worker = worker
            self.reason = reason
        }
    }

    /// A child that `stop` terminated, and the module for which it was.
    public struct StoppedChild: Hashable, Sendable {
        public let module: Atom
        public let child: ChildAddress
        /// Whether its supervisor has forgotten its spec with that: a temporary child, or one of `simple_one_for_one`.
        public let isForgotten: Bool

        public init(module: Atom, child: ChildAddress, isForgotten: Bool = false) {
            self.module = module
            self.child = child
            self.isForgotten = isForgotten
        }
    }
}
