import Terms

extension ScriptTranslation {
    /// Instructions that depend on each other are carried out together, where the first of them stands; the others
    /// stay in their order.
    ///
    /// - Returns: what must be read before the point of no return, and what stands after it.
    func translateModules(
        _ steps: [ScriptStep]
    ) throws(SystoolsError) -> (loads: [ScriptStep], after: [LowLevelInstruction]) {
        let dependent = steps.indices.filter { steps[$0].instruction.dependency != nil }
        let groups = try DependencyGraph(edges: edges(of: dependent.map { steps[$0] })).orderedGroups()
        var groupAt: [Int: [Int]] = [:]
        for group in groups {
            guard let first = group.min() else { continue }
            groupAt[dependent[first]] = group
        }
        var loads: [ScriptStep] = []
        var after: [LowLevelInstruction] = []
        loads.reserveCapacity(steps.count)
        after.reserveCapacity(steps.count)
        for (index, step) in steps.enumerated() {
            if let group = groupAt[index] {
                let translated = try translate(group: group.map { steps[dependent[$0]] })
                loads += translated.loads
                after += translated.after
            } else if case .lowLevel(let instruction) = step.instruction {
                after.append(instruction)
            }
        }
        return (loads, after)
    }

    /// For each instruction, those that it depends on, by number.
    private func edges(of steps: [ScriptStep]) throws(SystoolsError) -> [[Int]] {
        var numbers: [Atom: Int] = [:]
        for (number, step) in steps.enumerated() {
            guard let module = step.instruction.dependency?.module else { continue }
            guard numbers.updateValue(number, forKey: module) == nil else {
                throw step.failure(.multiplyDefinedModule(module))
            }
        }
        var edges: [[Int]] = []
        edges.reserveCapacity(steps.count)
        for step in steps {
            var targets: [Int] = []
            for module in step.instruction.dependency?.on ?? [] {
                guard let number = numbers[module] else { throw step.failure(.undefinedModule(module)) }
                targets.append(number)
            }
            edges.append(targets)
        }
        return edges
    }

    /// Suspended in the order of dependency, loaded in the reverse order on the way up and in that order on the way
    /// down, resumed in the reverse order.
    private func translate(
        group: [ScriptStep]
    ) throws(SystoolsError) -> (loads: [ScriptStep], after: [LowLevelInstruction]) {
        var suspends: [SuspendTarget] = []
        var changes = (dynamic: [CodeChangeTarget](), static: [CodeChangeTarget](), all: [CodeChangeTarget]())
        var code: [[LowLevelInstruction]] = []
        var loads: [ScriptStep] = []
        for step in group {
            switch step.instruction {
            case .update(let update):
                suspends.append(
                    SuspendTarget(
                        module: update.module, timeout: update.timeout == .standard ? nil : update.timeout))
                if case .advanced(let extra) = update.change {
                    let target = CodeChangeTarget(module: update.module, extra: extra)
                    changes.all.append(target)
                    switch update.type {
                    case .dynamic: changes.dynamic.append(target)
                    case .static: changes.static.append(target)
                    }
                }
                loads.append(try reading(update.module, for: step))
                code.append([
                    .load(module: update.module, prePurge: update.prePurge, postPurge: update.postPurge)
                ])
            case .loadModule(let module, let prePurge, let postPurge, _):
                loads.append(try reading(module, for: step))
                code.append([.load(module: module, prePurge: prePurge, postPurge: postPurge)])
            case .deleteModule(let module, _):
                code.append([
                    .remove(module: module, prePurge: .brutalPurge, postPurge: .brutalPurge), .purge([module]),
                ])
            case .addModule, .addApplication, .removeApplication, .restartApplication, .startApplication,
                .stopApplication, .loadApplication, .unloadApplication, .lowLevel:
                break
            }
        }
        let resumes = suspends.isEmpty ? [] : [LowLevelInstruction.resume(suspends.reversed().map(\.module))]
        let suspending = suspends.isEmpty ? [] : [LowLevelInstruction.suspend(suspends)]
        switch mode {
        case .up:
            let changing = Self.changing(.up, changes.all)
            return (loads, suspending + code.reversed().flatMap { $0 } + changing + resumes)
        case .down:
            let first = Self.changing(.down, changes.dynamic)
            let last = Self.changing(.down, changes.static)
            return (loads, suspending + first + code.flatMap { $0 } + last + resumes)
        }
    }

    private static func changing(_ mode: CodeChangeMode, _ targets: [CodeChangeTarget]) -> [LowLevelInstruction] {
        targets.isEmpty ? [] : [.codeChange(mode, targets)]
    }

    private func reading(_ module: Atom, for step: ScriptStep) throws(SystoolsError) -> ScriptStep {
        guard let owner = applications.owner(of: module) else { throw step.failure(.noSuchModule(module)) }
        return ScriptStep(
            instruction: .lowLevel(.loadObjectCode(library: owner.name, vsn: owner.vsn, modules: [module])),
            place: step.place)
    }
}

extension Instruction {
    /// Which module the instruction is for, and which others it depends on; `nil` for one that has no place in the
    /// order of dependencies.
    fileprivate var dependency: (module: Atom, on: [Atom])? {
        switch self {
        case .update(let update): (update.module, update.dependencies)
        case .loadModule(let module, _, _, let dependencies), .addModule(let module, let dependencies),
            .deleteModule(let module, let dependencies):
            (module, dependencies)
        case .addApplication, .removeApplication, .restartApplication, .startApplication, .stopApplication,
            .loadApplication, .unloadApplication, .lowLevel:
            nil
        }
    }
}
