import Terms

extension ScriptTranslation {
    /// Instructions for whole applications become instructions for their modules and calls of `application`; what is
    /// added is then loaded like any other module.
    func translateApplications(_ steps: [ScriptStep]) throws(SystoolsError) -> [ScriptStep] {
        var result: [ScriptStep] = []
        result.reserveCapacity(steps.count)
        for step in steps {
            let translated: [Instruction]
            do throws(ScriptTranslationError) {
                translated = try translate(step.instruction)
            } catch {
                throw step.failure(error)
            }
            result += translated.map { ScriptStep(instruction: $0, place: step.place) }
        }
        return result
    }

    private func translate(_ instruction: Instruction) throws(ScriptTranslationError) -> [Instruction] {
        switch instruction {
        case .addApplication(let name, let type):
            let application = try known(name, in: applications)
            return application.modules.map(Self.loading) + Self.starting(name, type)
        case .removeApplication(let name):
            if applications[name] != nil { throw .removedApplicationPresent(name) }
            let removed = try known(name, in: previous)
            return [Self.call("stop", name)] + Self.removing(removed.modules) + [Self.call("unload", name)]
        case .restartApplication(let name):
            let removed = try known(name, in: previous)
            let added = try known(name, in: applications)
            return [Self.call("stop", name)] + Self.removing(removed.modules) + added.modules.map(Self.loading)
                + Self.starting(name, added.type)
        case .startApplication(let name): return Self.starting(name, try known(name, in: applications).type)
        case .stopApplication(let name): return [Self.call("stop", try known(name, in: previous).name)]
        case .loadApplication(let name): return [Self.call("load", try known(name, in: applications).name)]
        case .unloadApplication(let name): return [Self.call("unload", try known(name, in: previous).name)]
        case .addModule(let module, let dependencies):
            // How old code is purged does not matter: there is none.
            return [
                .loadModule(module, prePurge: .brutalPurge, postPurge: .brutalPurge, dependencies: dependencies)
            ]
        case .update, .loadModule, .deleteModule, .lowLevel: return [instruction]
        }
    }

    private func known(
        _ name: Atom, in index: ApplicationIndex
    ) throws(ScriptTranslationError) -> CollectedApplication {
        guard let application = index[name] else { throw .noSuchApplication(name) }
        return application
    }

    private static func loading(_ module: Atom) -> Instruction {
        .loadModule(module, prePurge: .brutalPurge, postPurge: .brutalPurge, dependencies: [])
    }

    private static func removing(_ modules: [Atom]) -> [Instruction] {
        modules.map { .lowLevel(.remove(module: $0, prePurge: .brutalPurge, postPurge: .brutalPurge)) }
            + [.lowLevel(.purge(modules))]
    }

    private static func starting(_ name: Atom, _ type: ApplicationType) -> [Instruction] {
        switch type {
        case .none: []
        case .load: [call("load", name)]
        case .permanent, .transient, .temporary: [call("start", name, .atom(type.atom))]
        }
    }

    private static func call(_ function: Atom, _ name: Atom, _ arguments: Term...) -> Instruction {
        .lowLevel(.apply(MFA(module: "application", function: function, arguments: [.atom(name)] + arguments)))
    }
}
