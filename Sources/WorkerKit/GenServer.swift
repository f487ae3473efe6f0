public import Terms

/// A worker's code: what it does with calls and casts, and how its state passes to another version.
///
/// One method runs at a time, on one thread. What a method throws ends the process with that reason as its last
/// words, except where said otherwise. Source: gen_server, sys.
///
/// `TermServer` asks for less, where the state is small enough to be a `Term`.
public protocol GenServer {
    /// The vsn of this code, `undefined` where it has none (then the daemon takes the file's digest).
    static var vsn: Term { get }
    /// Whether states of other versions are converted by this code: `releasectl make-appup` then proposes an `update`
    /// with a `code_change`, else a soft one. True unless said otherwise: a conversion that changes nothing does no harm,
    /// one that is left out does.
    static var hasCodeChange: Bool { get }

    /// Starts anew, with the arguments of the child spec. `StartIgnored` is `ignore`; anything else that is thrown
    /// makes the start fail. A process that takes over from another runs `codeChange` instead.
    init(arguments: [Term], context: WorkerContext) throws

    mutating func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult
    mutating func handleCast(_ request: Term, context: WorkerContext) throws -> CastResult
    /// A timer's message.
    mutating func handleInfo(_ message: Term, context: WorkerContext) throws -> CastResult

    /// Whether a handoff may take the state over while this server still serves, and ask only whether it has changed once it is
    /// suspended: the server of a thousand that has nothing to do is then not held up by the state of another. A state that
    /// has changed meanwhile goes over once more, as a whole, and is converted once more.
    ///
    /// True only where nothing but this server's methods changes its state (no thread of its own), and where it does no harm that
    /// `codeChange` runs twice, or that nothing comes of it. False unless said otherwise; true of a `TermServer`.
    static var copiesStateAhead: Bool { get }

    /// How many bytes `exportState` is likely to write: what is reserved for it. Up to 64 KiB the server itself writes an image of
    /// its state, beyond that a child process does.
    var stateSizeHint: Int { get }
    /// Writes the state as one term (without the version byte), for the same version. Throwing keeps this process
    /// as it is and fails the handoff.
    func exportState(into writer: inout ExternalTermWriter) throws
    /// Writes the state as one term of the older version `vsn`. This server's own state stays as it is: the change
    /// may yet be aborted.
    func codeChange(downTo vsn: Term, extra: Term, into writer: inout ExternalTermWriter) throws
    /// Reads the one term of another process' state, and converts it. Throwing fails the handoff.
    ///
    /// The reader's memory is gone once this returns: copy what `binary()` returns.
    static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> Self

    /// The application's environment has changed; `context.environment` has the new one already.
    mutating func configChange(
        changed: [Atom: Term], new: [Atom: Term], removed: [Atom], context: WorkerContext) throws
    /// A functional module has become current in this process, with its vsn as text, or what `WorkerContext.want` asked for is not to
    /// be had. Not called for those that the process begins with; where this server is suspended, once it goes on.
    mutating func codeLoaded(_ module: Atom, _ result: Result<Term, WorkerError>, context: WorkerContext) throws
    /// Converts what this server keeps for a functional module, as an event manager the states of its handlers. It is
    /// suspended; up, the module's newer version is current already, down the newer one is still. `vsn`: that of the version
    /// that is left, or gone to. What it throws calls the upgrade off, so that what was there must not be lost before the server
    /// is resumed. Source: sys, `change_code/4`.
    mutating func codeChange(of module: Atom, from vsn: FromVsn, extra: Term, context: WorkerContext) throws
    /// It goes on after a suspend, in this process.
    mutating func resumed(context: WorkerContext) throws
    /// The last thing that runs, unless the process is handed off, killed, or loses its daemon.
    mutating func terminate(reason: Term, context: WorkerContext)

    /// For people who look: sys:get_state/1. What it throws is the answer.
    func getState() throws -> Term
    /// For people who repair: sys:replace_state/2. What it throws is the answer.
    mutating func replaceState(_ state: Term, context: WorkerContext) throws
    /// What `get_status` shows beside what every worker shows.
    func status() -> [Atom: Term]
    /// The modules that this worker runs, for child specs with `dynamic`: its own and the functional ones that it has, unless said
    /// otherwise.
    func modules(context: WorkerContext) -> [Atom]
}

extension GenServer {
    public static var vsn: Term { .atom("undefined") }
    public static var hasCodeChange: Bool { true }
    public static var copiesStateAhead: Bool { false }
    public var stateSizeHint: Int { 4096 }

    public mutating func handleCast(_ request: Term, context: WorkerContext) throws -> CastResult {
        context.log(.warning, "unhandled cast \(request)")
        return .noReply
    }

    public mutating func handleInfo(_ message: Term, context: WorkerContext) throws -> CastResult {
        context.log(.warning, "unhandled message \(message)")
        return .noReply
    }

    public func codeChange(downTo vsn: Term, extra: Term, into writer: inout ExternalTermWriter) throws {
        try exportState(into: &writer)
    }

    public mutating func configChange(
        changed: [Atom: Term], new: [Atom: Term], removed: [Atom], context: WorkerContext
    ) throws {}
    public mutating func codeLoaded(
        _ module: Atom, _ result: Result<Term, WorkerError>, context: WorkerContext
    ) throws {}
    public mutating func codeChange(
        of module: Atom, from vsn: FromVsn, extra: Term, context: WorkerContext
    ) throws {
        throw WorkerError("not_supported", "this worker keeps nothing for functional modules")
    }
    public mutating func resumed(context: WorkerContext) throws {}
    public mutating func terminate(reason: Term, context: WorkerContext) {}

    public func getState() throws -> Term {
        throw WorkerError("not_supported", "this worker shows no state")
    }

    public mutating func replaceState(_ state: Term, context: WorkerContext) throws {
        throw WorkerError("not_supported", "this worker's state can't be replaced")
    }

    public func status() -> [Atom: Term] { [:] }
    public func modules(context: WorkerContext) -> [Atom] {
        [context.module] + context.loadedModules
    }
}

/// Which version wrote the state that a process takes over, and who converts.
public enum FromVsn: Hashable, Sendable {
    /// The same as this code's, or converted down to it already.
    case same
    /// The older version named: this code converts. `undefined` where it reported none.
    case up(Term)
    /// A newer version wrote it and did not convert: this code, of version `to`, does (a static module).
    case down(to: Term)
}

/// Who is to have the answer to a call. It stays good over a handoff: as `term` it can travel in the state.
public struct CallReference: Hashable, Sendable {
    let ref: Int

    init(ref: Int) { self.ref = ref }

    public var term: Term { .integer(ref) }

    public init?(_ term: Term) {
        guard case .integer(let ref) = term, ref >= 0 else { return nil }
        self.ref = ref
    }
}

public enum CallResult: Sendable {
    case reply(Term)
    /// The answer comes later, by `context.reply(to:with:)`.
    case noReply
    /// Ends this worker, with the answer where there is one.
    case stop(reason: Term, reply: Term?)
}

public enum CastResult: Sendable {
    case noReply
    case stop(reason: Term)
}
