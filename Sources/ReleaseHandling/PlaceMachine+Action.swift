public import Supervision
public import Terms
public import Wire

extension PlaceMachine {
    public enum Event: Hashable, Sendable {
        /// The time is that of the spec, for the acknowledgement or for READY=1.
        case start(StartID, Kind, timeoutMilliseconds: Int)
        case launched(Generation)
        case launchFailed(Generation, Term)
        case initAnswered(Generation, Answer)
        /// READY=1, from a program that was asked for it.
        case ready(Generation)
        /// Its start, or its stop, may take that much from now on. Source: sd_notify(3), `EXTEND_TIMEOUT_USEC=`.
        case extendLimit(Generation, byMilliseconds: Int)
        /// As its spec's `shutdown` says; the signal is for a program.
        case stop(Shutdown, KillSignal)
        /// End whatever process of the worker stands, as if it had crashed.
        case end(reason: Term)
        case ended(Generation, reason: Term)
        case timerFired
        /// Nobody will start the worker here again.
        case noneAwaited
        case prepareStandby(Step, CodeVersion)
        /// End a standby that has not become the worker, whatever it holds.
        case endStandby
        /// Copy the state into the standby in parts, while the worker goes on.
        case copyAhead(Step, CopyOrder)
        /// With the order of the handoff that will follow, where that is known: its export is asked for at once.
        case suspend(Step, withinMilliseconds: Int?, exporting: HandoffOrder?)
        case suspendAnswered(Generation, Answer)
        /// It was at rest, unchanged since its state was copied, and is held there: it runs nothing until it is told to.
        case held(Step, HandoffOrder)
        case handOff(Step, HandoffOrder)
        /// With the reference of the request.
        case exportAnswered(Generation, ref: Int, Answer)
        case packet(Generation, TransferPacket, StateTransfer.Memory)
        case importAnswered(Generation, ref: Int, Answer)
        /// As its standby where that holds the state, else as the process that was suspended.
        case resume(Step, withinMilliseconds: Int)
        /// One that is hung, or was held and has not been heard of, goes on when it comes to it; nobody waits for that.
        case leaveAlone(Step)
        case resumeAnswered(Generation, Answer)
    }

    /// How a state is to be handed over.
    public struct HandoffOrder: Hashable, Sendable {
        /// The references of the two requests, which its packets carry too.
        public let exportRef: Int
        public let importRef: Int
        public let change: RelupMachine.Handoff.Change
        /// What the old process reported.
        public let fromVsn: Term
        /// For all of it, from the first request to the last answer.
        public let milliseconds: Int

        public init(
            exportRef: Int, importRef: Int, change: RelupMachine.Handoff.Change, fromVsn: Term, milliseconds: Int
        ) {
            self.exportRef = exportRef
            self.importRef = importRef
            self.change = change
            self.fromVsn = fromVsn
            self.milliseconds = milliseconds
        }
    }

    /// What of a suspended worker's state goes over.
    public enum HandoffWay: Hashable, Sendable {
        case whole
        /// What has changed since the parts before; all of it is asked for, by this order, where that does not come or does not
        /// fit.
        case changes(otherwise: HandoffOrder)
        /// All of it, since the changes did not, for this reason.
        case wholeInstead(Term)

        /// How a handoff ended that came to its end this way.
        var done: StepResult {
            switch self {
            case .whole, .changes: .done
            case .wholeInstead(let reason): .doneWhole(insteadOfChanges: reason)
            }
        }
    }

    public enum Action: Hashable, Sendable {
        /// From the current version of its module.
        case launch(Generation)
        case launchStandby(Generation, CodeVersion)
        /// Both requests at once, where there are two.
        case suspend(Generation, withinMilliseconds: Int?, exporting: ExportRequest?)
        case export(Generation, ExportRequest)
        /// Nothing more is asked of the changes that it records.
        case endSnapshot(Generation)
        /// With the descriptors that came with the packet in hand.
        case relay(to: Generation, TransferPacket)
        case importState(Generation, ref: Int, StatePart, StateImport)
        case resume(Generation, withinMilliseconds: Int?)
        /// Ask a worker to end.
        case terminate(Generation)
        /// Ask a program and its process group to end.
        case signal(Generation, KillSignal)
        /// Let it go after its successor took over: it runs no more user code.
        case letGo(Generation)
        /// End it and all that it started; `reason` becomes that of its exit.
        case kill(Generation, reason: Term)
        /// In place of an earlier one. Monotonic milliseconds.
        case schedule(atMilliseconds: Int)
        case cancelTimer
        /// What waited while it was suspended, in order.
        case deliverMailbox(to: Generation)
        /// What was not answered, and what waits, has no answer any more.
        case failCalls(reason: Term)
        /// Told before the mailbox is delivered.
        case handedOver(from: Generation, to: Generation)
        case tell(Notice)
        case answer(Step, StepResult)
    }

    /// What the tree is told; each with the start it is about.
    public enum Notice: Hashable, Sendable {
        case started(StartID)
        case ignored(StartID)
        case startFailed(StartID, reason: Term)
        /// `asked`: its supervisor wanted it to end.
        case exited(StartID, reason: Term, asked: Bool)

        public var startID: StartID {
            switch self {
            case .started(let id), .ignored(let id), .startFailed(let id, _), .exited(let id, _, _): id
            }
        }
    }
}
