import Glibc
import Host
import Supervision
import Terms
import Wire

/// A worker's place in the tree: what stays while the OS processes behind it come and go.
///
/// The place owns the mailbox and the calls that await a reply, which is why a call survives a handoff: the old
/// generation took it, the new one may answer it.
@HostActor
final class Place {
    /// What the place tells the supervision tree's driver; each with the start it is about.
    enum Notice {
        case started(StartID)
        case ignored(StartID)
        case startFailed(StartID, reason: Term)
        /// `asked`: its supervisor wanted it to end.
        case exited(StartID, reason: Term, asked: Bool)

        var startID: StartID {
            switch self {
            case .started(let id), .ignored(let id), .startFailed(let id, _), .exited(let id, _, _): id
            }
        }
    }

    enum State {
        /// Nothing runs here.
        case empty
        case starting(StartID, Generation)
        /// The start has failed or was ignored; the process is on its way out, then `outcome` is told.
        case discarding(StartID, Generation, outcome: Discard)
        case running(StartID, Generation)
        /// Asked to suspend, has not answered yet: perhaps hung.
        case suspending(StartID, Generation)
        case suspended(StartID, Generation, Standby)
        /// The standby was told to go on; its answer makes it the worker.
        case resuming(StartID, old: Generation, new: Generation)
        case stopping(StartID, Generation)
    }

    enum Discard {
        case ignored
        case failed(Term)
        case cancelled
    }

    enum Standby {
        case none
        case waiting(Generation)
        /// Holds the state and the descriptors; nothing is read from them yet.
        case imported(Generation)
        /// It held the state, or was told to go on with it, and ended.
        case lost(Term)

        var generation: Generation? {
            switch self {
            case .none, .lost: nil
            case .waiting(let generation), .imported(let generation): generation
            }
        }
    }

    let address: ChildAddress
    private(set) var spec: ChildSpec
    var state: State = .empty
    /// Processes that were started here, standbys included: each has a number of its own.
    private var generations = 0
    var mailbox = Mailbox()
    var outputBudget = OutputBudget()
    var statistics = PlaceStatistics()
    /// The process that ended last, for what is told of its end.
    private(set) var lastEnded: (pid: Int32, generation: Int, ageMilliseconds: Int)?
    /// A standby started ahead of its need, before the worker was suspended.
    var spare: Generation?
    var calls: [Int: PendingCall] = [:]
    /// The state on its way into the standby.
    var transfer: Transfer?
    /// The suspended process has ended, but its state is in the standby: the worker lives on in that.
    var oldEnded: Term?
    /// Of a program's start, or of a stop.
    var timeLimit: TimeLimit?
    /// Old generations that were told to end after a handoff and have not yet.
    var leaving: [ObjectIdentifier: Generation] = [:]
    unowned let node: Node

    struct PendingCall {
        var timer: ScheduledTimer
        var reply: (Result<Term, CallFailure>) -> Void
    }

    init(address: ChildAddress, spec: ChildSpec, node: Node) {
        self.address = address
        self.spec = spec
        self.node = node
    }

    /// The process that serves the place now.
    var current: Generation? {
        switch state {
        case .empty: nil
        case .starting(_, let generation), .discarding(_, let generation, _), .running(_, let generation),
            .suspending(_, let generation), .suspended(_, let generation, _), .resuming(_, let generation, _),
            .stopping(_, let generation):
            generation
        }
    }

    var startID: StartID? {
        switch state {
        case .empty: nil
        case .starting(let id, _), .discarding(let id, _, _), .running(let id, _), .suspending(let id, _),
            .suspended(let id, _, _), .resuming(let id, _, _), .stopping(let id, _):
            id
        }
    }

    func nextGeneration() -> Int {
        generations += 1
        return generations
    }

    // MARK: Start

    /// Starts the worker; the outcome is told as a notice once it is known.
    func start(_ id: StartID, spec: ChildSpec) {
        self.spec = spec
        statistics = PlaceStatistics(startedAtMilliseconds: WallClock.milliseconds())
        do {
            let generation = try node.launcher.launch(self, mode: .start)
            state = .starting(id, generation)
            awaitAcknowledgement(id, generation)
        } catch {
            state = .empty
            node.placeNotice(self, .startFailed(id, reason: error.term))
        }
    }

    private func awaitAcknowledgement(_ id: StartID, _ generation: Generation) {
        guard node.launcher.speaksProtocol(spec) else {
            return spec.notify ? awaitReadiness(id, generation) : programStarted(id, generation)
        }
        let message = node.launcher.initMessage(self, generation, mode: .start)
        generation.toldEnvironment = message.environment
        generation.ownEnvironment = message.environment
        generation.ask(within: spec.startTimeoutMilliseconds, { .initialize(ref: $0, message) }) { [weak self] answer in
            guard let self, case .starting(id, generation) = self.state else { return }
            switch answer {
            case .acknowledged:
                self.state = .running(id, generation)
                self.node.placeNotice(self, .started(id))
            case .ignored:
                self.discard(id, generation, .ignored)
            case .failed(let reason):
                self.discard(id, generation, .failed(reason))
            case .timedOut(let milliseconds):
                self.discard(id, generation, .failed(.tuple([.atom("start_timeout"), .integer(milliseconds)])))
            case .died:
                break  // Told by the end of the process, which comes next.
            case .ok, .value, .exported:
                self.discard(id, generation, .failed(.tuple([.atom("protocol_error"), .text("init got no ack")])))
            }
        }
    }

    func discard(_ id: StartID, _ generation: Generation, _ outcome: Discard) {
        state = .discarding(id, generation, outcome: outcome)
        generation.kill(reason: .atom("killed"))
    }

    /// Another spec for what runs, from its supervisor's code_change: counts for what is started from now on. What kind
    /// of program it is stays with the process.
    func adopt(_ spec: ChildSpec) {
        guard spec.isUnmodifiedProgram == self.spec.isUnmodifiedProgram else { return }
        self.spec = spec
    }

    // MARK: Stop

    /// Ends the worker as its spec's shutdown says; the end is told as a notice.
    func stop(_ id: StartID, _ shutdown: Shutdown) {
        switch state {
        case .empty, .stopping:
            break
        case .starting(_, let generation):
            discard(id, generation, .cancelled)
        case .discarding(_, let generation, _):
            state = .discarding(id, generation, outcome: .cancelled)
        case .running(_, let generation), .suspending(_, let generation):
            stop(id, generation, shutdown)
        case .suspended(_, let generation, let standby):
            standby.generation?.kill(reason: .atom("killed"))
            if oldEnded != nil { return exited(id, .atom("shutdown"), asked: true) }
            stop(id, generation, shutdown)
        case .resuming(_, let old, let new):
            leave(old)
            stop(id, new, shutdown)
        }
    }

    /// Ends whatever process of the worker stands, as if it had crashed.
    func end(reason: Term) {
        guard case .suspended(let id, let old, let standby) = state else { current?.kill(reason: reason); return }
        standby.generation?.kill(reason: .atom("killed"))
        if oldEnded != nil { return exited(id, reason) }
        old.kill(reason: reason)
    }

    private func stop(_ id: StartID, _ generation: Generation, _ shutdown: Shutdown) {
        switch shutdown {
        case .brutalKill:
            generation.kill(reason: .atom("killed"))
        case .milliseconds(let milliseconds):
            ask(generation)
            limit(to: milliseconds) { generation.kill(reason: .atom("killed")) }
        case .infinity:
            ask(generation)
        }
        state = .stopping(id, generation)
    }

    private func ask(_ generation: Generation) {
        if node.launcher.speaksProtocol(spec) {
            generation.terminate(.atom("shutdown"))
        } else {
            generation.terminate(signal: spec.killSignal.number)
        }
    }

    // MARK: What the process tells

    func heard(_ generation: Generation, _ notice: Generation.Notice) {
        switch notice {
        case .reply(let ref, let result):
            statistics.messagesOut += 1
            settle(ref, result)
        case .log(let level, let text, let metadata): node.workerLog(self, generation, level, text, metadata)
        case .output(let stream, let line): node.workerOutput(self, generation, stream, line)
        case .packet(let packet, let descriptors): transfer?.relay(packet, descriptors, from: generation)
        case .notification(let notification): notified(generation, notification)
        case .strangeNotification(let pid): node.strangeNotification(self, generation, pid)
        case .leftBehind(let processes, let exit): node.leftBehind(self, generation, processes, exit)
        case .ended(let reason): ended(generation, reason)
        }
    }

    private func ended(_ generation: Generation, _ reason: Term) {
        leaving[ObjectIdentifier(generation)] = nil
        let age = Reactor.nowMilliseconds() - generation.startedAtMilliseconds
        lastEnded = (generation.pid, generation.number, age)
        if spare === generation { spare = nil }
        switch state {
        case .empty:
            break
        case .starting(let id, generation):
            become(.empty, failing: reason)
            let isProgram = !node.launcher.speaksProtocol(spec)
            let why = isProgram ? .tuple([.atom("exited_before_ready"), reason]) : reason
            node.placeNotice(self, .startFailed(id, reason: why))
        case .discarding(let id, generation, let outcome):
            become(.empty, failing: reason)
            switch outcome {
            case .ignored: node.placeNotice(self, .ignored(id))
            case .failed(let why): node.placeNotice(self, .startFailed(id, reason: why))
            case .cancelled: node.placeNotice(self, .exited(id, reason: .atom("killed"), asked: true))
            }
        case .running(let id, generation), .suspending(let id, generation):
            exited(id, reason)
        case .suspended(let id, generation, let standby):
            suspendedEnded(id, standby, reason)
        case .suspended(let id, let old, let standby) where standby.generation === generation:
            standbyEnded(id, old, standby, reason)
        case .resuming(_, generation, _):
            oldEnded = reason  // Its successor goes on; the answer to its resume says whether.
        case .stopping(let id, generation):
            exited(id, isOrderly(reason) ? .atom("shutdown") : reason, asked: true)
        case .starting, .discarding, .running, .suspending, .suspended, .resuming, .stopping:
            break  // One that had left already.
        }
    }

    /// The suspended process ended. Once its state is with the standby nothing is lost by that.
    private func suspendedEnded(_ id: StartID, _ standby: Standby, _ reason: Term) {
        switch standby {
        case .imported:
            oldEnded = reason
        case .waiting(let generation):
            if let transfer, transfer.isImporting {
                oldEnded = reason
                return
            }
            let transfer = self.transfer
            generation.kill(reason: .atom("killed"))
            exited(id, reason)
            transfer?.oldEnded(reason)
        case .none, .lost:
            exited(id, reason)
        }
    }

    private func standbyEnded(_ id: StartID, _ old: Generation, _ standby: Standby, _ reason: Term) {
        switch standby {
        case .imported: state = .suspended(id, old, .lost(reason))
        case .waiting, .none, .lost: state = .suspended(id, old, .none)
        }
        if let oldEnded { exited(id, oldEnded) }
    }

    func exited(_ id: StartID, _ reason: Term, asked: Bool = false) {
        become(.empty, failing: reason)
        node.placeNotice(self, .exited(id, reason: reason, asked: asked))
    }

    private func become(_ state: State, failing reason: Term) {
        self.state = state
        endTimeLimit()
        transfer = nil
        oldEnded = nil
        failCalls(reason)
    }

    /// Lets an old process go after its successor took over; it runs no more user code.
    func leave(_ generation: Generation) {
        leaving[ObjectIdentifier(generation)] = generation
        generation.terminate(.atom("handoff"))
        _ = Reactor.shared.schedule(afterMilliseconds: Self.leaveMilliseconds) { [weak generation] in
            generation?.kill(reason: .atom("killed"))
        }
    }

    /// How long an old process may take to end after its handoff.
    static let leaveMilliseconds = 2_000
}
