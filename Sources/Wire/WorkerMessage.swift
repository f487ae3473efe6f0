public import Terms

/// How a worker is told to begin: the mode of its first message.
public enum WorkerStartMode: Hashable, Sendable {
    /// Run the user's init, then acknowledge.
    case start
    /// Run no user code, acknowledge, and wait for a state.
    case standby
}

/// One entry of an application's environment.
public struct EnvironmentEntry: Hashable, Sendable, Codable {
    public var key: Atom
    public var value: Term

    public init(key: Atom, value: Term) {
        self.key = key
        self.value = value
    }
}

/// What a worker is told about itself, in its first message.
public struct WorkerInit: Hashable, Sendable {
    public var mode: WorkerStartMode
    public var module: Atom
    public var function: Atom
    public var arguments: [Term]
    /// Its place in the tree, `app/sup/child`.
    public var path: String
    public var application: Atom
    /// The vsn of the release that it is started from.
    public var release: String
    public var environment: [EnvironmentEntry]
    /// 1 for the first process at this place in the tree, one more with each handoff or restart.
    public var generation: Int
    /// Names of the listening sockets, in the order of `LISTEN_FDS`.
    public var sockets: [String]
    /// The highest version of the protocol that the daemon speaks. Of one that does not say so it is 1.
    public var protocolVersion: Int
    /// The functional modules that it begins with. Version 4; each one's library comes in a packet under the ref of `init`.
    public var modules: [ModuleIdentity]

    public init(
        mode: WorkerStartMode, module: Atom, function: Atom, arguments: [Term], path: String, application: Atom,
        release: String, environment: [EnvironmentEntry] = [], generation: Int = 1, sockets: [String] = [],
        protocolVersion: Int = WireLimits.protocolVersion, modules: [ModuleIdentity] = []
    ) {
        self.mode = mode
        self.module = module
        self.function = function
        self.arguments = arguments
        self.path = path
        self.application = application
        self.release = release
        self.environment = environment
        self.generation = generation
        self.sockets = sockets
        self.protocolVersion = protocolVersion
        self.modules = modules
    }
}

/// One version of a functional module's library: two of the same identity are the same bytes.
public struct ModuleIdentity: Hashable, Sendable {
    public var module: Atom
    /// SHA-256 of the library, 64 hexadecimal digits.
    public var identity: String

    public init(module: Atom, identity: String) {
        self.module = module
        self.identity = identity
    }
}

/// What is to become of a state on its way from one generation to the next.
public enum CodeChange: Hashable, Sendable {
    /// A soft update: the state goes over as it is.
    case none
    /// The importing, newer code converts; `from` is the older vsn (`undefined` where unknown). Import only.
    case up(from: Term, extra: Term)
    /// The newer code converts down to `to`: while it exports, or (a static module) the older while it imports.
    case down(to: Term, extra: Term)
}

/// What comes over the transfer socket, and what a standby is to do with it.
public struct StateImport: Hashable, Sendable {
    /// Bytes of the state.
    public var size: Int
    /// Count of descriptors beside the state.
    public var descriptors: Int
    /// The vsn that the exporting process reported (`undefined` where none).
    public var fromVsn: Term
    public var change: CodeChange

    public init(size: Int, descriptors: Int, fromVsn: Term, change: CodeChange) {
        self.size = size
        self.descriptors = descriptors
        self.fromVsn = fromVsn
        self.change = change
    }
}

/// What changed in the application's environment. Source: application, Module:config_change/3.
public struct ConfigChange: Hashable, Sendable {
    public var changed: [EnvironmentEntry]
    public var new: [EnvironmentEntry]
    public var removed: [Atom]

    public init(changed: [EnvironmentEntry], new: [EnvironmentEntry], removed: [Atom]) {
        self.changed = changed
        self.new = new
        self.removed = removed
    }
}

/// What the daemon sends to a worker. `docs/worker-protocol.md` has each with its answers.
///
/// A `ref` is chosen by the daemon, is not negative, and increases within one process.
public enum WorkerRequest: Hashable, Sendable {
    /// `{init, Ref, Map}`, the first frame.
    case initialize(ref: Int, WorkerInit)
    case call(ref: Int, request: Term)
    case cast(request: Term)
    case suspend(ref: Int)
    case resume(ref: Int)
    /// `change` is never `.up` here: up, it is the importing side that converts.
    case exportState(ref: Int, change: CodeChange)
    case importState(ref: Int, StateImport)
    /// The state as it is now, while the worker goes on; it records what changes from here on. The change as in `exportState`.
    /// Version 2, and only to a worker that acknowledged `incremental`; so are the four that follow.
    case exportSnapshot(ref: Int, change: CodeChange)
    /// What changed since the export before. From a suspended worker it is the last, with its descriptors and timers.
    case exportChanges(ref: Int, change: CodeChange)
    /// Nothing more is asked of what was recorded.
    case endSnapshot(ref: Int)
    case importSnapshot(ref: Int, StateImport)
    /// `isLast`: the state is complete with it.
    case importChanges(ref: Int, StateImport, isLast: Bool)
    case getState(ref: Int)
    case replaceState(ref: Int, state: Term)
    case getStatus(ref: Int)
    case getModules(ref: Int)
    case configChange(ref: Int, ConfigChange)
    /// The library, which comes in a packet under the same ref, becomes current. Version 4, as all that follow but `terminate`;
    /// only to a process whose acknowledgement names modules, or that wanted one.
    case loadModule(ref: Int, ModuleIdentity)
    /// What is current of the module becomes old.
    case deleteModule(ref: Int, module: Atom)
    /// What is old of the module goes where nobody is in it nor holds it; the answer says whether it went.
    case softPurge(ref: Int, module: Atom)
    /// What is old of the module goes, and where somebody is in it or holds it, the process with it.
    case purge(ref: Int, module: Atom)
    /// Which versions are mapped, and used by whom.
    case getVersions(ref: Int)
    /// What this functional module keeps in a suspended worker is converted. Source: `sys:change_code/4`.
    case changeModule(ref: Int, module: Atom, CodeChange)
    /// What the worker wanted is not to be had.
    case noModule(module: Atom, reason: Term)
    /// Answered by the exit. Reason `handoff` ends the process with no user code run.
    case terminate(ref: Int, reason: Term)

    public var ref: Int? {
        switch self {
        case .initialize(let ref, _), .call(let ref, _), .suspend(let ref), .resume(let ref),
            .exportState(let ref, _), .importState(let ref, _), .exportSnapshot(let ref, _),
            .exportChanges(let ref, _), .endSnapshot(let ref), .importSnapshot(let ref, _),
            .importChanges(let ref, _, _), .getState(let ref), .replaceState(let ref, _), .getStatus(let ref),
            .getModules(let ref), .configChange(let ref, _), .loadModule(let ref, _), .deleteModule(let ref, _),
            .softPurge(let ref, _), .purge(let ref, _), .getVersions(let ref), .changeModule(let ref, _, _),
            .terminate(let ref, _):
            return ref
        case .cast, .noModule:
            return nil
        }
    }
}

/// What a worker sends to the daemon: answers to requests, and what it tells unasked (`log`, `exit`).
public enum WorkerAnswer: Hashable, Sendable {
    /// Started (or standing by), with the vsn of the running code: `undefined` where it has none; and whether that code
    /// converts states, `nil` where it does not say. `incremental`: it can hand its state over in parts.
    /// `modules`: the functional modules that it has loaded, with the vsn of each.
    case ack(
        ref: Int, vsn: Term, codeChange: Bool? = nil, protocolVersion: Int = 1, incremental: Bool = false,
        modules: [Atom: Term] = [:])
    case ignore(ref: Int)
    case error(ref: Int, reason: Term)
    /// `{ok, Ref}`
    case ok(ref: Int)
    /// `{ok, Ref, Term}`
    case okValue(ref: Int, value: Term)
    case reply(ref: Int, answer: Term)
    /// All packets of this export are on the transfer socket.
    /// `left`: bytes of changes that are recorded still, where that is worth another part.
    case exported(ref: Int, size: Int, descriptors: Int, left: Int = 0)
    case log(level: LogLevel, text: String, metadata: [Term: Term])
    /// Last words before the worker ends abnormally.
    case exit(reason: Term)
    /// It asks for a functional module, unasked: `load_module` or `no_module` follows. Version 4.
    case wantModule(Atom)

    public var ref: Int? {
        switch self {
        case .ack(let ref, _, _, _, _, _), .ignore(let ref), .error(let ref, _), .ok(let ref), .okValue(let ref, _),
            .reply(let ref, _), .exported(let ref, _, _, _):
            return ref
        case .log, .exit, .wantModule:
            return nil
        }
    }
}

/// Severity of a log message, most severe first. Source: Erlang's logger, syslog(3).
public enum LogLevel: String, Hashable, Sendable, CaseIterable {
    case emergency, alert, critical, error, warning, notice, info, debug
}
