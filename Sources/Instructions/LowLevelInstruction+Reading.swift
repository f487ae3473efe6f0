public import Terms

extension LowLevelInstruction {
    /// Reads one instruction of a relup's script.
    ///
    /// The error names the offending part of the instruction. An instruction that only an `.appup` may hold is
    /// called that, because a relup holds what such instructions were translated to.
    public init(_ located: LocatedTerm, file: String) throws(FileError) {
        let reader = TermReader(file: file)
        if let atom = located.term.asAtom {
            self = try Self.named(atom, located, reader)
            return
        }
        guard let elements = located.term.asTuple, let name = elements.first?.asAtom else {
            throw reader.unexpected(located, expected: "an instruction")
        }
        guard let shape = Self.shapes[name.name] else { throw Self.unknown(located, name, reader) }
        let parts = try reader.tuple(located, elements.count, shape)
        switch (name.name, parts.count) {
        case ("load_object_code", 2): self = try Self.readLoadObjectCode(parts[1], reader)
        case ("load", 2):
            let (module, prePurge, postPurge) = try Self.readPurging(parts[1], reader)
            self = .load(module: module, prePurge: prePurge, postPurge: postPurge)
        case ("remove", 2):
            let (module, prePurge, postPurge) = try Self.readPurging(parts[1], reader)
            self = .remove(module: module, prePurge: prePurge, postPurge: postPurge)
        case ("purge", 2): self = .purge(try Self.readModules(parts[1], reader))
        case ("suspend", 2):
            self = .suspend(
                try reader.list(parts[1], "a list of Module or {Module, Timeout}", each: reader.suspendTarget))
        case ("code_change", 2): self = .codeChange(nil, try Self.readCodeChange(parts[1], reader))
        case ("code_change", 3):
            let mode = try reader.codeChangeMode(parts[1])
            self = .codeChange(mode, try Self.readCodeChange(parts[2], reader))
        case ("resume", 2): self = .resume(try Self.readModules(parts[1], reader))
        case ("stop", 2): self = .stop(try Self.readModules(parts[1], reader))
        case ("start", 2): self = .start(try Self.readModules(parts[1], reader))
        case ("sync_nodes", 3): self = .syncNodes(id: parts[1].term, try Self.readNodes(parts[2], reader))
        case ("apply", 2): self = .apply(try reader.mfa(parts[1]))
        case (_, _): throw reader.unexpected(located, expected: shape)
        }
    }

    /// The instructions that are tuples, as they are to be written.
    private static let shapes: [String: String] = [
        "load_object_code": "{load_object_code, {Lib, LibVsn, [Module]}}",
        "load": "{load, {Module, PrePurge, PostPurge}}",
        "remove": "{remove, {Module, PrePurge, PostPurge}}",
        "purge": "{purge, [Module]}",
        "suspend": "{suspend, [Module | {Module, Timeout}]}",
        "code_change": "{code_change, [{Module, Extra}]} or {code_change, up | down, [{Module, Extra}]}",
        "resume": "{resume, [Module]}",
        "stop": "{stop, [Module]}",
        "start": "{start, [Module]}",
        "sync_nodes": "{sync_nodes, Id, [Node] | {M, F, A}}",
        "apply": "{apply, {M, F, A}}",
    ]

    /// The instructions of `.appup` files that are no low-level ones as well.
    private static let highLevel: Set<String> = [
        "update", "load_module", "add_module", "delete_module", "add_application", "remove_application",
        "restart_application", "stop_application", "start_application", "load_application", "unload_application",
    ]

    private static func named(
        _ atom: Atom, _ located: LocatedTerm, _ reader: TermReader
    ) throws(FileError) -> LowLevelInstruction {
        switch atom.name {
        case "point_of_no_return": return .pointOfNoReturn
        case "restart_new_emulator": return .restartNewEmulator
        case "restart_emulator": return .restartEmulator
        case let name:
            guard let shape = shapes[name] else { throw unknown(located, atom, reader) }
            throw reader.unexpected(located, expected: shape)
        }
    }

    private static func unknown(_ located: LocatedTerm, _ name: Atom, _ reader: TermReader) -> FileError {
        let found = TermReader.shortened(located.term.description)
        if highLevel.contains(name.name) {
            return reader.refusal(
                located,
                "expected a low-level instruction, found \(found), which is for an .appup: "
                    + "translate that into a relup")
        }
        return reader.refusal(located, "expected a known instruction, found \(found)")
    }

    private static func readLoadObjectCode(
        _ located: LocatedTerm, _ reader: TermReader
    ) throws(FileError) -> LowLevelInstruction {
        let parts = try reader.tuple(located, 3, "{Lib, LibVsn, [Module]}")
        let library = try reader.application(parts[0])
        let vsn = try reader.vsn(parts[1])
        return .loadObjectCode(library: library, vsn: vsn, modules: try readModules(parts[2], reader))
    }

    private static func readPurging(
        _ located: LocatedTerm, _ reader: TermReader
    ) throws(FileError) -> (Atom, PurgeMethod, PurgeMethod) {
        let parts = try reader.tuple(located, 3, "{Module, PrePurge, PostPurge}")
        return (try reader.module(parts[0]), try reader.purgeMethod(parts[1]), try reader.purgeMethod(parts[2]))
    }

    private static func readModules(_ located: LocatedTerm, _ reader: TermReader) throws(FileError) -> [Atom] {
        try reader.list(located, "a list of modules", each: reader.module)
    }

    private static func readCodeChange(
        _ located: LocatedTerm, _ reader: TermReader
    ) throws(FileError) -> [CodeChangeTarget] {
        try reader.list(located, "a list of {Module, Extra}", each: reader.codeChangeTarget)
    }

    private static func readNodes(_ located: LocatedTerm, _ reader: TermReader) throws(FileError) -> SyncNodes {
        if located.term.asTuple != nil { return .apply(try reader.mfa(located)) }
        return .nodes(
            try reader.list(located, "a list of nodes or {Module, Function, Arguments}") { (node) throws(FileError) in
                try reader.atom(node, "a node's name (an atom)")
            })
    }
}

extension TermReader {
    fileprivate func purgeMethod(_ located: LocatedTerm) throws(FileError) -> PurgeMethod {
        guard let method = PurgeMethod.allCases.first(where: { $0.atom == located.term.asAtom }) else {
            throw unexpected(located, expected: "soft_purge or brutal_purge")
        }
        return method
    }

    fileprivate func codeChangeMode(_ located: LocatedTerm) throws(FileError) -> CodeChangeMode {
        switch located.term.asAtom {
        case "up": return .up
        case "down": return .down
        case _: throw unexpected(located, expected: "up or down")
        }
    }

    fileprivate func suspendTarget(_ located: LocatedTerm) throws(FileError) -> SuspendTarget {
        if located.term.asAtom != nil { return SuspendTarget(module: try module(located)) }
        let parts = try tuple(located, 2, "Module or {Module, Timeout}")
        return SuspendTarget(module: try module(parts[0]), timeout: try timeout(parts[1]))
    }

    private func timeout(_ located: LocatedTerm) throws(FileError) -> Timeout {
        switch located.term.asAtom {
        case "default": return .standard
        case "infinity": return .infinity
        case _: break
        }
        guard let milliseconds = located.term.asInt, milliseconds > 0 else {
            throw unexpected(located, expected: "a timeout (milliseconds above 0, infinity or default)")
        }
        return .milliseconds(milliseconds)
    }

    fileprivate func codeChangeTarget(_ located: LocatedTerm) throws(FileError) -> CodeChangeTarget {
        let parts = try tuple(located, 2, "{Module, Extra}")
        return CodeChangeTarget(module: try module(parts[0]), extra: parts[1].term)
    }
}
