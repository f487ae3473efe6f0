public import Terms
import Wire

/// What a worker knows about itself, and what it can do to the world. Only for the worker's one thread.
public final class WorkerContext {
    public let module: Atom
    /// The function of the child spec's start, `start_link` by custom.
    public let function: Atom
    /// The place in the tree, `app/sup/child`.
    public let path: String
    public let application: Atom
    public let release: String
    /// 1 for the first process at this place, one more with each process since.
    public let generation: Int
    public internal(set) var environment: [Atom: Term]
    /// The listening sockets of the child spec, by name. The daemon keeps them; don't close them.
    public let listeningSockets: [String: Int32]

    let core: WorkerCore

    init(_ start: WorkerInit, listeningSockets: [String: Int32], core: WorkerCore) {
        self.module = start.module
        self.function = start.function
        self.path = start.path
        self.application = start.application
        self.release = start.release
        self.generation = start.generation
        self.environment = [:]
        self.listeningSockets = listeningSockets
        self.core = core
        for entry in start.environment { environment[entry.key] = entry.value }
    }

    /// The functional modules of this process. To be asked for on the worker's thread; what it returns may be used on any.
    public var modules: FunctionalModules { FunctionalModules(core.modules) }

    /// The drivers of this process. Their libraries are the release's: those of `modules` in the child spec that are drivers, and what
    /// `want` has brought. A load or reload takes what was brought last; `codeLoaded` tells when that is another. Any thread may use it.
    public var drivers: Drivers { core.drivers.drivers }

    /// Those of which a version is current, by name.
    var loadedModules: [Atom] {
        core.versions.filter { $0.state == .current }.map(\.module).sorted { $0.name < $1.name }
    }

    /// Asks the daemon for a functional module that the child spec does not list: `codeLoaded` is told what came of it. From
    /// then on it is replaced by upgrades as those are that the spec lists. For workers with `dynamic` modules.
    public func want(_ module: Atom) { core.send(.wantModule(module)) }

    /// Answers a call that was left with `.noReply`, in this process or in the one before.
    public func reply(to call: CallReference, with answer: Term) {
        core.send(.reply(ref: call.ref, answer: answer))
    }

    /// Severity of a log message. Source: Erlang's logger, syslog(3).
    public enum LogLevel: String, Hashable, Sendable {
        case emergency, alert, critical, error, warning, notice, info, debug
    }

    /// Sends a line to the daemon's log. While the daemon is far behind, messages are counted and dropped.
    public func log(_ level: LogLevel, _ text: String, _ metadata: [Atom: Term] = [:]) {
        core.log(level, text, metadata)
    }

    /// After the time, `handleInfo` gets `message`. Timers travel with a handoff; none fires while suspended.
    @discardableResult
    public func schedule(afterMilliseconds milliseconds: Int, message: Term) -> TimerReference {
        TimerReference(id: core.timers.add(deadline: core.now() + max(0, milliseconds), .message(message)))
    }

    public func cancel(_ timer: TimerReference) {
        core.timers.cancel(timer.id)
    }

    /// Ends this worker once the method in hand returns, as `.stop` does: for connection handlers.
    public func stop(reason: Term) {
        core.stopReason = reason
    }

    /// Accepts connections on the listening socket `socket` once the worker runs, and gives their bytes to `handler`.
    ///
    /// Call it from init and from `codeChange`, for the same names: connections that come over in a handoff go to the
    /// server of their socket's name.
    @discardableResult
    public func serve(
        socket: String, with handler: any ConnectionHandler, limits: ConnectionLimits = .default
    ) throws -> TCPServer {
        guard let descriptor = listeningSockets[socket] else {
            let names = listeningSockets.keys.sorted().joined(separator: ", ")
            throw WorkerError(
                "no_such_socket",
                "the child spec names no socket \(socket); it names \(names.isEmpty ? "none" : names)")
        }
        return try core.addServer(
            name: socket, listening: descriptor, handler: handler, limits: limits)
    }
}

/// A timer that may be cancelled. It stays good over a handoff: as `term` it can travel in the state.
public struct TimerReference: Hashable, Sendable {
    let id: Int

    init(id: Int) { self.id = id }

    public var term: Term { .integer(id) }

    public init?(_ term: Term) {
        guard case .integer(let id) = term, id >= 0 else { return nil }
        self.id = id
    }
}
