import Terms

extension Instruction {
    /// Reads one instruction whose left-out parts were filled in by `expanded(_:)`; the error is that of the first
    /// part that is wrong, in OTP's order.
    ///
    /// Source: OTP's `systools_rc`, its syntax check. `restart` and `reboot`, which it lets through and the release
    /// handler then fails on, are bad instructions here.
    init(checking term: Term) throws(ScriptTranslationError) {
        if let atom = term.asAtom {
            self = try Self.named(atom)
            return
        }
        guard let elements = term.asTuple, let name = elements.first?.asAtom else { throw .bad(.instruction, term) }
        switch (name.name, elements.count) {
        case ("update", 6...8): self = .update(try Update(checking: elements))
        case ("load_module", 5):
            self = .loadModule(
                try Check.module(elements[1]), prePurge: try Check.purge(elements[2]),
                postPurge: try Check.purge(elements[3]), dependencies: try Check.modules(elements[4]))
        case ("add_module", 2), ("add_module", 3):
            self = .addModule(
                try Check.module(elements[1]), dependencies: elements.count == 3 ? try Check.modules(elements[2]) : [])
        case ("delete_module", 2), ("delete_module", 3):
            self = .deleteModule(
                try Check.module(elements[1]), dependencies: elements.count == 3 ? try Check.modules(elements[2]) : [])
        case ("add_application", 3):
            self = .addApplication(try Check.application(elements[1]), type: try Check.startType(elements[2]))
        case ("remove_application", 2): self = .removeApplication(try Check.application(elements[1]))
        case ("restart_application", 2): self = .restartApplication(try Check.application(elements[1]))
        case ("start_application", 2): self = .startApplication(try Check.application(elements[1]))
        case ("stop_application", 2): self = .stopApplication(try Check.application(elements[1]))
        case ("load_application", 2): self = .loadApplication(try Check.application(elements[1]))
        case ("unload_application", 2): self = .unloadApplication(try Check.application(elements[1]))
        case (_, _): self = .lowLevel(try LowLevelInstruction(checking: term, name: name.name, elements))
        }
    }

    private static func named(_ atom: Atom) throws(ScriptTranslationError) -> Instruction {
        switch atom.name {
        case "point_of_no_return": .lowLevel(.pointOfNoReturn)
        case "restart_new_emulator": .lowLevel(.restartNewEmulator)
        case "restart_emulator": .lowLevel(.restartEmulator)
        case "mnesia_backup": throw .notYetImplemented(atom)
        case _: throw .bad(.instruction, .atom(atom))
        }
    }
}

extension Update {
    /// `elements`: `{update, Mod, [[ModType,] Timeout,] Change, PrePurge, PostPurge, Mods}`.
    fileprivate init(checking elements: [Term]) throws(ScriptTranslationError) {
        let last = elements.count - 1
        self.init(module: try Check.module(elements[1]))
        if elements.count == 8 { type = try Check.moduleType(elements[2]) }
        if elements.count >= 7 { timeout = try Check.timeout(elements[last - 4]) }
        change = try Check.change(elements[last - 3])
        prePurge = try Check.purge(elements[last - 2])
        postPurge = try Check.purge(elements[last - 1])
        dependencies = try Check.modules(elements[last])
    }
}

extension LowLevelInstruction {
    fileprivate init(checking term: Term, name: String, _ elements: [Term]) throws(ScriptTranslationError) {
        let parts = elements.count == 2 ? elements[1].asTuple ?? [] : []
        switch (name, elements.count, parts.count) {
        case ("load_object_code", 2, 3):
            let library = try Check.atom(parts[0], .library)
            guard let vsn = parts[1].asString else { throw .bad(.libraryVsn, parts[1]) }
            self = .loadObjectCode(library: library, vsn: vsn, modules: try Check.modules(parts[2]))
        case ("load", 2, 3):
            self = .load(
                module: try Check.module(parts[0]), prePurge: try Check.purge(parts[1]),
                postPurge: try Check.purge(parts[2]))
        case ("remove", 2, 3):
            self = .remove(
                module: try Check.module(parts[0]), prePurge: try Check.purge(parts[1]),
                postPurge: try Check.purge(parts[2]))
        case ("purge", 2, _): self = .purge(try Check.modules(elements[1]))
        case ("suspend", 2, _): self = .suspend(try Check.list(elements[1], each: Check.suspendTarget))
        case ("resume", 2, _): self = .resume(try Check.modules(elements[1]))
        case ("code_change", 2, _):
            self = .codeChange(nil, try Check.list(elements[1], each: Check.codeChangeTarget))
        case ("code_change", 3, _):
            guard elements[2].asList != nil else { throw .bad(.list, elements[2]) }
            let mode = try Check.mode(elements[1])
            self = .codeChange(mode, try Check.list(elements[2], each: Check.codeChangeTarget))
        case ("stop", 2, _): self = .stop(try Check.modules(elements[1]))
        case ("start", 2, _): self = .start(try Check.modules(elements[1]))
        case ("sync_nodes", 3, _): self = .syncNodes(id: elements[1], try Check.nodes(elements[2]))
        case ("apply", 2, 3): self = .apply(try Check.mfa(parts))
        case (_, _, _): throw .bad(.instruction, term)
        }
    }
}

/// The checks of an instruction's parts.
private enum Check {
    static func atom(_ term: Term, _ part: ScriptTranslationError.Part) throws(ScriptTranslationError) -> Atom {
        guard let atom = term.asAtom else { throw .bad(part, term) }
        return atom
    }

    /// A module names files, so that it must be able to.
    static func module(_ term: Term) throws(ScriptTranslationError) -> Atom {
        let atom = try atom(term, .module)
        guard NameRule.name.allows(atom.name) else { throw .bad(.module, term) }
        return atom
    }

    static func application(_ term: Term) throws(ScriptTranslationError) -> Atom { try atom(term, .application) }

    static func list<Element>(
        _ term: Term, each: (Term) throws(ScriptTranslationError) -> Element
    ) throws(ScriptTranslationError) -> [Element] {
        guard let elements = term.asList else { throw .bad(.list, term) }
        var result: [Element] = []
        for element in elements { result.append(try each(element)) }
        return result
    }

    static func modules(_ term: Term) throws(ScriptTranslationError) -> [Atom] { try list(term, each: module) }

    static func purge(_ term: Term) throws(ScriptTranslationError) -> PurgeMethod {
        guard let method = PurgeMethod.allCases.first(where: { $0.atom == term.asAtom }) else {
            throw .bad(.purgeMethod, term)
        }
        return method
    }

    static func moduleType(_ term: Term) throws(ScriptTranslationError) -> ModuleType {
        guard let type = ModuleType.allCases.first(where: { $0.atom == term.asAtom }) else {
            throw .bad(.moduleType, term)
        }
        return type
    }

    static func startType(_ term: Term) throws(ScriptTranslationError) -> ApplicationType {
        guard let type = ApplicationType.allCases.first(where: { $0.atom == term.asAtom }) else {
            throw .bad(.startType, term)
        }
        return type
    }

    static func change(_ term: Term) throws(ScriptTranslationError) -> Change {
        if term.asAtom == "soft" { return .soft }
        guard let parts = term.asTuple, parts.count == 2, parts[0].asAtom == "advanced" else {
            throw .bad(.change, term)
        }
        return .advanced(parts[1])
    }

    static func timeout(_ term: Term) throws(ScriptTranslationError) -> Timeout {
        switch term.asAtom {
        case "default": return .standard
        case "infinity": return .infinity
        case _: break
        }
        guard let milliseconds = term.asInt, milliseconds > 0 else { throw .bad(.timeout, term) }
        return .milliseconds(milliseconds)
    }

    static func mode(_ term: Term) throws(ScriptTranslationError) -> CodeChangeMode {
        switch term.asAtom {
        case "up": return .up
        case "down": return .down
        case _: throw .bad(.mode, term)
        }
    }

    static func suspendTarget(_ term: Term) throws(ScriptTranslationError) -> SuspendTarget {
        guard let parts = term.asTuple, parts.count == 2 else { return SuspendTarget(module: try module(term)) }
        return SuspendTarget(module: try module(parts[0]), timeout: try timeout(parts[1]))
    }

    static func codeChangeTarget(_ term: Term) throws(ScriptTranslationError) -> CodeChangeTarget {
        guard let parts = term.asTuple, parts.count == 2 else { throw .bad(.codeChange, term) }
        return CodeChangeTarget(module: try module(parts[0]), extra: parts[1])
    }

    static func nodes(_ term: Term) throws(ScriptTranslationError) -> SyncNodes {
        if let parts = term.asTuple, parts.count == 3 { return .apply(try mfa(parts)) }
        return .nodes(try list(term) { (node) throws(ScriptTranslationError) in try atom(node, .node) })
    }

    static func mfa(_ parts: [Term]) throws(ScriptTranslationError) -> MFA {
        let module = try module(parts[0])
        let function = try atom(parts[1], .function)
        guard let arguments = parts[2].asList else { throw .bad(.argumentList, parts[2]) }
        return MFA(module: module, function: function, arguments: arguments)
    }
}
