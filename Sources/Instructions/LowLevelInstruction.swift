public import Terms

/// What happens to processes that run old code, before a module is loaded or after.
///
/// Source: appup(4), `PrePurge` and `PostPurge`.
public enum PurgeMethod: Hashable, Sendable, Codable, CaseIterable {
    case softPurge
    case brutalPurge
}

/// A function and its arguments.
public struct MFA: Hashable, Sendable, Codable {
    public var module: Atom
    public var function: Atom
    public var arguments: [Term]

    public init(module: Atom, function: Atom, arguments: [Term]) {
        self.module = module
        self.function = function
        self.arguments = arguments
    }
}

/// How long a suspend may take; `standard`, written `default`, is that of `sys`, 5 s.
public enum Timeout: Hashable, Sendable {
    case standard
    case milliseconds(Int)
    case infinity
}

/// A module whose workers are to be suspended: `Module | {Module, Timeout}`.
public struct SuspendTarget: Hashable, Sendable {
    public var module: Atom
    /// `nil` where none is given, which means `.standard`.
    public var timeout: Timeout?

    public init(module: Atom, timeout: Timeout? = nil) {
        self.module = module
        self.timeout = timeout
    }
}

/// The direction in which a state is converted.
public enum CodeChangeMode: Hashable, Sendable {
    case up
    case down
}

/// A module whose workers convert their state: `{Module, Extra}`.
public struct CodeChangeTarget: Hashable, Sendable {
    public var module: Atom
    public var extra: Term

    public init(module: Atom, extra: Term) {
        self.module = module
        self.extra = extra
    }
}

/// The nodes that a `sync_nodes` waits for: named, or what a function returns.
public enum SyncNodes: Hashable, Sendable {
    case nodes([Atom])
    case apply(MFA)
}

/// One instruction of a relup, of those that the release handler evaluates.
///
/// Source: appup(4), "Low-Level Instructions".
public enum LowLevelInstruction: Hashable, Sendable {
    /// `{load_object_code, {Lib, LibVsn, [Module]}}`
    case loadObjectCode(library: Atom, vsn: String, modules: [Atom])
    /// `point_of_no_return`
    case pointOfNoReturn
    /// `{load, {Module, PrePurge, PostPurge}}`
    case load(module: Atom, prePurge: PurgeMethod, postPurge: PurgeMethod)
    /// `{remove, {Module, PrePurge, PostPurge}}`
    case remove(module: Atom, prePurge: PurgeMethod, postPurge: PurgeMethod)
    /// `{purge, [Module]}`
    case purge([Atom])
    /// `{suspend, [Module | {Module, Timeout}]}`
    case suspend([SuspendTarget])
    /// `{code_change, up | down, [{Module, Extra}]}`, or `{code_change, [{Module, Extra}]}`, which is up
    case codeChange(CodeChangeMode?, [CodeChangeTarget])
    /// `{resume, [Module]}`
    case resume([Atom])
    /// `{stop, [Module]}`
    case stop([Atom])
    /// `{start, [Module]}`
    case start([Atom])
    /// `{sync_nodes, Id, [Node]}` or `{sync_nodes, Id, {M, F, A}}`
    case syncNodes(id: Term, SyncNodes)
    /// `{apply, {M, F, A}}`
    case apply(MFA)
    /// `restart_new_emulator`
    case restartNewEmulator
    /// `restart_emulator`
    case restartEmulator
}
