import Terms

extension RelupTranslation {
    /// One way between the top release and a base, as it was translated.
    struct Way {
        let mode: CodeChangeMode
        let baseVsn: String
        let script: [LowLevelInstruction]
        /// The applications whose versions differ.
        let changes: [Change]
    }

    /// An application that changes from one version to another by its `.appup`.
    struct Change {
        let left: CollectedApplication
        let reached: CollectedApplication
        let appup: Appup
        /// The version in the base.
        let baseVsn: String

        var name: Atom { reached.name }

        /// The script in one direction between the two versions; empty where there is none.
        func script(_ mode: CodeChangeMode, _ files: SourceFiles) -> [ScriptItem] {
            (try? appup.script(mode, for: baseVsn, files: files)) ?? []
        }
    }

    /// A module that an instruction of an `.appup` names.
    struct NamedModule {
        let module: Atom
        let place: SourcePlace?
        /// Whether the instruction brings the module's new code.
        let isLoaded: Bool
    }
}

extension [ScriptItem] {
    /// The instructions that can be read; what can't is told by the translation.
    private var instructions: [(instruction: Instruction, place: SourcePlace?)] {
        expanded().compactMap { item in
            guard let instruction = try? Instruction(checking: item.term) else { return nil }
            return (instruction, item.place)
        }
    }

    var namedModules: [RelupTranslation.NamedModule] {
        instructions.flatMap { instruction, place in
            switch instruction {
            case .update(let update):
                return [RelupTranslation.NamedModule(module: update.module, place: place, isLoaded: true)]
            case .loadModule(let module, _, _, _), .lowLevel(.load(let module, _, _)):
                return [RelupTranslation.NamedModule(module: module, place: place, isLoaded: true)]
            case .addModule(let module, _), .deleteModule(let module, _):
                return [RelupTranslation.NamedModule(module: module, place: place, isLoaded: false)]
            case .lowLevel(.codeChange(_, let targets)):
                return targets.map {
                    RelupTranslation.NamedModule(module: $0.module, place: place, isLoaded: false)
                }
            case .addApplication, .removeApplication, .restartApplication, .startApplication, .stopApplication,
                .loadApplication, .unloadApplication, .lowLevel:
                return []
            }
        }
    }

    var dependencies: [(module: Atom, on: Atom)] {
        instructions.flatMap { instruction, _ -> [(module: Atom, on: Atom)] in
            switch instruction {
            case .update(let update): update.dependencies.map { (update.module, $0) }
            case .loadModule(let module, _, _, let others), .addModule(let module, let others),
                .deleteModule(let module, let others):
                others.map { (module, $0) }
            case .addApplication, .removeApplication, .restartApplication, .startApplication, .stopApplication,
                .loadApplication, .unloadApplication, .lowLevel:
                []
            }
        }
    }
}
