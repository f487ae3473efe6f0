import CWorkerKit
import Glibc
import Terms
import Wire

/// What a worker is at. Of no server's type: what is known of it when the program is built is not to be found out while it runs.
enum WorkerPhase {
    /// Nothing but `init` may come.
    case awaitingInit
    /// Acknowledged, without a state.
    case standby(Start)
    /// With the image of another's state, which it still changes.
    case preloaded(Start, WorkerContext)
    /// With a state that came over, not resumed yet.
    case imported(WorkerContext)
    case running(WorkerContext)
    case suspended(WorkerContext)

    /// What a standby was told; an object, since a phase is copied with every request.
    final class Start {
        let given: WorkerInit
        init(_ given: WorkerInit) { self.given = given }
    }
}

/// The loop of one worker: it takes messages from the channel and events from sockets, one at a time.
final class WorkerRuntime<Server: GenServer> {
    let core: WorkerCore
    let sockets: [Int32]
    var phase = WorkerPhase.awaitingInit
    /// There from `running` or `imported` on. Beside the phase, because it is changed in place.
    var server: Server?
    /// What the daemon and this worker go by; as init and the acknowledgement say.
    var protocolVersion = 1
    /// Nil where the server's type can't name what changes, or the daemon does not ask for it.
    var increments: Increments<Server>?
    /// Whether the daemon may ask for the state in parts.
    var handsOverInParts = false
    /// Whether anything has run since the last part that may have changed the state.
    var mayHaveChanged = true
    /// Of the last image that this process has written itself: the hint of its size may be anything.
    var imageBytes = 0
    var recording = Recording.none
    /// By which the daemon may hold the worker while it is at rest; there while the image of its state is of use.
    var latch: Latch?
    /// Modules that have become current while the server did not run.
    var untold: [(module: Atom, result: Result<Term, WorkerError>)] = []
    /// Children whose images nobody waits for any more, until they are gone.
    var endedWriters: [SnapshotWriter] = []

    init(channel: Int32, transfer: Int32, sockets: [Int32]) throws(SystemError) {
        self.core = try WorkerCore(channel: channel, transfer: transfer)
        self.sockets = sockets
    }

    /// Never returns: a worker's process ends where its end is decided.
    func run() -> Never {
        withUnsafeTemporaryAllocation(of: cwk_event.self, capacity: 64) { events in
            while true { turn(events) }
        }
    }

    func turn(_ events: UnsafeMutableBufferPointer<cwk_event>) {
        // Without sockets there is nothing in `all` but `control` inside it, which costs each message a detour.
        let poller = core.isRunning && core.sources.isInUse ? core.all : core.control
        let timeout = core.isRunning ? core.timers.timeout(now: core.now()) : -1
        let count: Int
        do {
            if isAtRest { latch?.rest() }
            count = try poller.wait(events, timeoutMilliseconds: timeout)
        } catch {
            core.end(abnormally: reason(of: error))
        }
        if latch?.wake() == false { suspendHeld() }
        // The channel goes first: a suspend is not to wait for the clients.
        for event in events[..<count] where event.token >= WorkerCore.firstControlToken { channelIsReady() }
        for event in events[..<count] where event.token < WorkerCore.firstControlToken {
            // The channel's message may have been a suspend: level-triggered, the event comes again.
            guard core.isRunning else { return }
            mayHaveChanged = true
            core.sources[event.token]?.handle(Readiness(rawValue: event.events))
            core.flushConnections()
            endIfStopped()
        }
        if core.isRunning { fireTimers() }
    }

    private func channelIsReady() {
        do {
            try core.channel.flush()
            switch core.channel.receive() {
            case .ended: _exit(0)
            case .bytes: break
            }
            while nextRequest() {
                if core.isRunning { core.flushConnections() }
                endIfStopped()
            }
            core.release()
            // The child's end wakes the same poller.
            concludeWriters()
        } catch {
            core.end(abnormally: .tuple([.atom("protocol_error"), text("\(error)")]))
        }
    }

    /// Whether there was one.
    private func nextRequest() -> Bool {
        do {
            guard let request = try core.channel.nextRequest() else { return false }
            handle(request)
        } catch {
            answer(error)
        }
        return true
    }

    private func fireTimers() {
        let now = core.now()
        while core.isRunning, let action = core.timers.next(now: now) {
            switch action {
            case .accept(let server): server.retryAccepting()
            case .message(let message):
                guard case .running(let context) = phase else { return }
                guarded(context) { (server: inout Server) in
                    try server.handleInfo(message, context: context)
                }
            }
            core.flushConnections()
            endIfStopped()
        }
    }

    /// Runs user code; what it throws ends the worker.
    func guarded(_ context: WorkerContext, _ body: (inout Server) throws -> CastResult) {
        let result: CastResult
        mayHaveChanged = true
        do {
            guard let returned = try withServer(body) else { return }
            result = returned
        } catch {
            stop(reason(of: error), context)
        }
        switch result {
        case .noReply: break
        case .stop(let reason): stop(reason, context)
        }
    }

    func withServer<T>(_ body: (inout Server) throws -> T) rethrows -> T? {
        guard server != nil else { return nil }
        return try body(&server!)
    }

    private func endIfStopped() {
        guard let reason = core.stopReason else { return }
        switch phase {
        case .running(let context), .suspended(let context), .imported(let context): stop(reason, context)
        case .awaitingInit, .standby, .preloaded: return
        }
    }

    /// An end that the worker's own code decided. `normal` and `shutdown` are no errors, as in OTP.
    func stop(_ reason: Term, _ context: WorkerContext) -> Never {
        endWriters()
        withServer { $0.terminate(reason: reason, context: context) }
        for server in core.servers { server.flushAll() }
        if isOrderly(reason) { core.endNormally() }
        core.end(abnormally: reason)
    }

    private func isOrderly(_ reason: Term) -> Bool {
        if reason == .normal || reason == .shutdown { return true }
        guard let fields = reason.asTuple, fields.count == 2 else { return false }
        return fields[0] == .shutdown
    }
}
