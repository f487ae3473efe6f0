public import Terms

extension LowLevelInstruction: CustomStringConvertible {
    /// The instruction as it stands in a relup.
    public var term: Term {
        switch self {
        case .loadObjectCode(let library, let vsn, let modules):
            .tagged("load_object_code", .tuple([.atom(library), .string(vsn), .atoms(modules)]))
        case .pointOfNoReturn:
            .atom(Atom("point_of_no_return"))
        case .load(let module, let prePurge, let postPurge):
            .tagged("load", .tuple([.atom(module), .atom(prePurge.atom), .atom(postPurge.atom)]))
        case .remove(let module, let prePurge, let postPurge):
            .tagged("remove", .tuple([.atom(module), .atom(prePurge.atom), .atom(postPurge.atom)]))
        case .purge(let modules):
            .tagged("purge", .atoms(modules))
        case .suspend(let targets):
            .tagged("suspend", .list(targets.map(\.term)))
        case .codeChange(nil, let targets):
            .tagged("code_change", .list(targets.map(\.term)))
        case .codeChange(let mode?, let targets):
            .tagged("code_change", .atom(mode.atom), .list(targets.map(\.term)))
        case .resume(let modules):
            .tagged("resume", .atoms(modules))
        case .stop(let modules):
            .tagged("stop", .atoms(modules))
        case .start(let modules):
            .tagged("start", .atoms(modules))
        case .syncNodes(let id, .nodes(let nodes)):
            .tagged("sync_nodes", id, .atoms(nodes))
        case .syncNodes(let id, .apply(let mfa)):
            .tagged("sync_nodes", id, mfa.term)
        case .apply(let mfa):
            .tagged("apply", mfa.term)
        case .restartNewEmulator:
            .atom(Atom("restart_new_emulator"))
        case .restartEmulator:
            .atom(Atom("restart_emulator"))
        }
    }

    public var description: String { term.description }
}

extension PurgeMethod {
    public var atom: Atom {
        switch self {
        case .softPurge: "soft_purge"
        case .brutalPurge: "brutal_purge"
        }
    }
}

extension CodeChangeMode {
    public var atom: Atom {
        switch self {
        case .up: "up"
        case .down: "down"
        }
    }
}

extension MFA: CustomStringConvertible {
    public var term: Term { .tuple([.atom(module), .atom(function), .list(arguments)]) }
    public var description: String { term.description }
}

extension SuspendTarget {
    var term: Term {
        guard let timeout else { return .atom(module) }
        return .tuple([.atom(module), timeout.term])
    }
}

extension CodeChangeTarget {
    var term: Term { .tuple([.atom(module), extra]) }
}

extension Term {
    /// A tuple whose first element names it.
    static func tagged(_ name: Atom, _ elements: Term...) -> Term { .tuple([.atom(name)] + elements) }

    static func atoms(_ atoms: [Atom]) -> Term { .list(atoms.map { .atom($0) }) }
}
