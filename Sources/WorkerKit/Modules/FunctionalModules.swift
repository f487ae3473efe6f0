import CModules
public import Terms

/// The functional modules of this process: libraries that the daemon loads into it, and replaces while it runs.
///
/// Which those are its child spec says (`modules`), or the worker itself (`WorkerContext.want`). Each may be called from any thread.
/// Source: docs/module-abi.md; Erlang's code server.
public final class FunctionalModules: Sendable {
    private let server: ModuleServer

    init(_ server: ModuleServer) { self.server = server }

    /// A module, whether anything of it is loaded or not.
    public subscript(name: Atom) -> FunctionalModule { FunctionalModule(name: name, server: server) }

    /// Every version that is mapped.
    public var versions: [ModuleVersion] { server.versions() }
}

/// One version of a functional module that this process has mapped.
public struct ModuleVersion: Hashable, Sendable {
    public enum State: String, Hashable, Sendable {
        /// Whom a call finds.
        case current
        /// Who is in it, or holds it, goes on in it.
        case old
        /// Purged, never to be entered again, and mapped still since it can't be unmapped (a library in Swift).
        case resident
    }

    public let module: Atom
    /// What the library says of itself, a text of its author's.
    public let vsn: String
    /// SHA-256 of the library, 64 hexadecimal digits.
    public let identity: String
    public let state: State
    /// Threads that are in it.
    public let calls: Int
    /// How often it is held.
    public let holds: Int
}

/// A functional module by its name.
public struct FunctionalModule: Sendable {
    public let name: Atom
    let server: ModuleServer

    /// Calls F of the current version (Erlang's external call). It is one version's for the whole of the call.
    ///
    /// - Throws: `WorkerError`: the reason with which the function failed; `{undef, {M, F}}` where nothing is current or
    ///   it has no such function; `{bad_answer, Text}`, `{answer_too_large, Text}`.
    public func call(_ function: String, _ arguments: [Term] = []) throws -> Term {
        try self.function(function).call(arguments)
    }

    /// A function for calls that come often: its name is looked up once. It is good over loads, whether there is such a function or not.
    public func function(_ name: String) throws -> ModuleFunction {
        guard let slot = server.slot(of: self.name), let number = server.number(of: name, in: slot) else {
            throw WorkerError("system_limit", "\(self.name.name) has too many functions, or a name is too long")
        }
        return ModuleFunction(module: self, name: name, slot: slot, number: number)
    }

    /// The current version, held: it is callable after later loads, until the last reference to it goes (Erlang's local call).
    /// While somebody holds it, it counts as used.
    public func hold() throws -> HeldModule {
        guard let slot = server.slot(of: name), let version = rhl_hold(slot.pointer) else {
            throw WorkerError(.tuple([.atom("undef"), .atom(name)]))
        }
        return HeldModule(module: self, slot: slot, version: version)
    }
}

/// A function of a functional module.
public struct ModuleFunction: Sendable {
    public let module: FunctionalModule
    public let name: String
    let slot: ModuleSlot
    let number: Int32

    /// As `FunctionalModule.call`.
    public func call(_ arguments: [Term] = []) throws -> Term {
        var entry = rhl_entry()
        let result = rhl_enter(slot.pointer, number, &entry)
        guard result == RHL_OK.rawValue else { throw undefined }
        defer { rhl_leave(&entry) }
        return try server(entry, arguments)
    }

    var undefined: WorkerError {
        WorkerError(.tuple([.atom("undef"), .tuple([.atom(module.name), .atom(Atom(name))])]))
    }

    func server(_ entry: rhl_entry, _ arguments: [Term]) throws -> Term {
        try module.server.invoke(entry, arguments, "\(module.name.name):\(name)")
    }
}

/// A version of a functional module that stays callable while this is there.
public final class HeldModule: Sendable {
    public let module: FunctionalModule
    private let slot: ModuleSlot
    private let version: HeldVersion

    init(module: FunctionalModule, slot: ModuleSlot, version: OpaquePointer) {
        self.module = module
        self.slot = slot
        self.version = HeldVersion(pointer: version)
    }

    deinit { rhl_release(version.pointer) }

    /// Calls F of the version that is held. Throws as `FunctionalModule.call`.
    public func call(_ function: String, _ arguments: [Term] = []) throws -> Term {
        let function = try module.function(function)
        var entry = rhl_entry()
        guard rhl_enter_held(version.pointer, function.number, &entry) == RHL_OK.rawValue else {
            throw function.undefined
        }
        defer { rhl_leave(&entry) }
        return try function.server(entry, arguments)
    }
}
