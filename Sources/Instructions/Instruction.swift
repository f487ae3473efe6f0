public import Terms

/// How a resident module's state is converted when the code is downgraded.
///
/// Source: appup(4), `ModType`.
public enum ModuleType: Hashable, Sendable, CaseIterable {
    /// The older code converts, after it is loaded.
    case `static`
    /// The newer code converts, before the older is loaded.
    case dynamic
}

/// Whether a worker's state is converted.
///
/// Source: appup(4), `Change`.
public enum Change: Hashable, Sendable {
    case soft
    case advanced(Term)
}

/// The parts of an `update`, with what OTP assumes where one is not given.
public struct Update: Hashable, Sendable {
    public var module: Atom
    public var type = ModuleType.dynamic
    public var timeout = Timeout.standard
    public var change = Change.soft
    public var prePurge = PurgeMethod.brutalPurge
    public var postPurge = PurgeMethod.brutalPurge
    /// The modules that this one depends on.
    public var dependencies: [Atom] = []

    public init(module: Atom) { self.module = module }

    /// `{update, Module, supervisor}`
    public static func supervisor(_ module: Atom) -> Update {
        var update = Update(module: module)
        update.type = .static
        update.change = .advanced(.nil)
        return update
    }
}

/// One instruction of an `.appup`, high-level or low-level: all there are.
///
/// Indirect, since a translation copies them more often than it looks into them.
///
/// Source: appup(4). `start_application` to `unload_application` are additions of ours.
public indirect enum Instruction: Hashable, Sendable {
    /// `{update, Module, ...}` in its forms of 2 to 8 elements
    case update(Update)
    /// `{load_module, Module}`, with dependencies, or with purges and dependencies
    case loadModule(Atom, prePurge: PurgeMethod, postPurge: PurgeMethod, dependencies: [Atom])
    /// `{add_module, Module}` or `{add_module, Module, DepMods}`
    case addModule(Atom, dependencies: [Atom])
    /// `{delete_module, Module}` or `{delete_module, Module, DepMods}`
    case deleteModule(Atom, dependencies: [Atom])
    /// `{add_application, App}` or `{add_application, App, Type}`
    case addApplication(Atom, type: ApplicationType)
    /// `{remove_application, App}`
    case removeApplication(Atom)
    /// `{restart_application, App}`
    case restartApplication(Atom)
    /// `{start_application, App}`, of the type that the release gives it
    case startApplication(Atom)
    /// `{stop_application, App}`
    case stopApplication(Atom)
    /// `{load_application, App}`
    case loadApplication(Atom)
    /// `{unload_application, App}`
    case unloadApplication(Atom)
    case lowLevel(LowLevelInstruction)
}

extension ModuleType {
    public var atom: Atom {
        switch self {
        case .static: "static"
        case .dynamic: "dynamic"
        }
    }
}

extension Instruction: CustomStringConvertible {
    /// The instruction as it stands in an `.appup`, in the shortest form that says all of it.
    public var term: Term {
        switch self {
        case .update(let update): update.term
        case .loadModule(let module, .brutalPurge, .brutalPurge, let dependencies):
            Self.naming("load_module", module, dependencies)
        case .loadModule(let module, let prePurge, let postPurge, let dependencies):
            .tagged(
                "load_module", .atom(module), .atom(prePurge.atom), .atom(postPurge.atom), .atoms(dependencies))
        case .addModule(let module, let dependencies): Self.naming("add_module", module, dependencies)
        case .deleteModule(let module, let dependencies): Self.naming("delete_module", module, dependencies)
        case .addApplication(let name, .permanent): .tagged("add_application", .atom(name))
        case .addApplication(let name, let type): .tagged("add_application", .atom(name), .atom(type.atom))
        case .removeApplication(let name): .tagged("remove_application", .atom(name))
        case .restartApplication(let name): .tagged("restart_application", .atom(name))
        case .startApplication(let name): .tagged("start_application", .atom(name))
        case .stopApplication(let name): .tagged("stop_application", .atom(name))
        case .loadApplication(let name): .tagged("load_application", .atom(name))
        case .unloadApplication(let name): .tagged("unload_application", .atom(name))
        case .lowLevel(let instruction): instruction.term
        }
    }

    public var description: String { term.description }

    private static func naming(_ name: Atom, _ module: Atom, _ dependencies: [Atom]) -> Term {
        dependencies.isEmpty
            ? .tagged(name, .atom(module)) : .tagged(name, .atom(module), .atoms(dependencies))
    }
}

extension Update {
    var term: Term {
        if self == .supervisor(module) { return .tagged("update", .atom(module), .atom("supervisor")) }
        var elements: [Term] = [.atom("update"), .atom(module)]
        let hasStandardPurges = prePurge == .brutalPurge && postPurge == .brutalPurge
        let isShort = type == .dynamic && timeout == .standard && hasStandardPurges
        if isShort {
            if change != .soft { elements.append(change.term) }
            if !dependencies.isEmpty { elements.append(.atoms(dependencies)) }
            return .tuple(elements)
        }
        if type == .static { elements.append(.atom(type.atom)) }
        if type == .static || timeout != .standard { elements.append(timeout.term) }
        elements += [change.term, .atom(prePurge.atom), .atom(postPurge.atom), .atoms(dependencies)]
        return .tuple(elements)
    }
}

extension Change {
    var term: Term {
        switch self {
        case .soft: .atom("soft")
        case .advanced(let extra): .tagged("advanced", extra)
        }
    }
}

extension Timeout {
    var term: Term {
        switch self {
        case .standard: .atom("default")
        case .milliseconds(let milliseconds): .integer(milliseconds)
        case .infinity: .infinity
        }
    }
}
