import Terms

/// The translation of the scripts of several `.appup` files into the one script that the release handler evaluates.
///
///     expand       short forms to long ones
///     merge        one script: what stands before the point of no return, and what after it
///     check        each instruction; what is loaded is read, what is suspended is resumed, what is stopped is started
///     applications add_application, remove_application, ... to modules and calls of `application`
///     modules      update, load_module, ... in groups that depend on each other, each group to suspend, load,
///                  code_change and resume, with the load_object_code that it needs
///     merge        one load_object_code for a version of an application
///     restarts     restart_new_emulator first on the way up, restart_emulator last
///
/// Source: appup(4); OTP's `systools_rc`. The answers are the same; only where the dependencies leave an order open, it
/// is that of the file here.
struct ScriptTranslation {
    let mode: CodeChangeMode
    /// The applications of the release that is reached.
    let applications: ApplicationIndex
    /// Those of the release that is left.
    let previous: ApplicationIndex

    func translate(_ scripts: [[ScriptItem]]) throws(SystoolsError) -> [LowLevelInstruction] {
        let merged = try merge(scripts.map { $0.expanded() })
        let checked = try check(merged)
        try checkPairs(checked)
        let after = try translateApplications(checked.after)
        let groups = try translateModules(after)
        let before = try mergeLoadObjectCode(checked.before + groups.loads)
        return sortRestarts(before: before, after: groups.after)
    }

    // MARK: Merge and check

    private struct Halves<Element> {
        var before: [Element] = []
        var after: [Element] = []
    }

    /// `load_object_code` goes before the point of no return wherever it stands; `apply` stays where it is.
    private func merge(_ scripts: [[ScriptItem]]) throws(SystoolsError) -> Halves<ScriptItem> {
        var merged = Halves<ScriptItem>()
        merged.after.reserveCapacity(scripts.reduce(0) { $0 + $1.count })
        for script in scripts {
            var after = script[...]
            if let point = script.firstIndex(where: { $0.term.asAtom == Self.pointOfNoReturn }) {
                after = script[(point + 1)...]
                if let second = after.first(where: { $0.term.asAtom == Self.pointOfNoReturn }) {
                    throw second.failure(.tooManyPointsOfNoReturn)
                }
                for item in script[..<point] {
                    guard item.isNamed("load_object_code") || item.isNamed("apply") else {
                        throw item.failure(.badOperationBeforePointOfNoReturn(item.term))
                    }
                    merged.before.append(item)
                }
            }
            for item in after {
                if item.isNamed("load_object_code") { merged.before.append(item) } else { merged.after.append(item) }
            }
        }
        return merged
    }

    private static let pointOfNoReturn: Atom = "point_of_no_return"

    private func check(_ halves: Halves<ScriptItem>) throws(SystoolsError) -> Halves<ScriptStep> {
        Halves(before: try check(halves.before), after: try check(halves.after))
    }

    private func check(_ items: [ScriptItem]) throws(SystoolsError) -> [ScriptStep] {
        var steps: [ScriptStep] = []
        steps.reserveCapacity(items.count)
        for item in items {
            do throws(ScriptTranslationError) {
                steps.append(ScriptStep(instruction: try Instruction(checking: item.term), place: item.place))
            } catch {
                throw item.failure(error)
            }
        }
        return steps
    }

    /// What a script does in low-level instructions must be whole; OTP's check that a code_change is of something
    /// suspended never finds anything, so that ours is a warning (`UpgradeAdvice`).
    private func checkPairs(_ script: Halves<ScriptStep>) throws(SystoolsError) {
        var read: Set<Atom> = []
        for step in script.before {
            guard case .lowLevel(.loadObjectCode(_, _, let modules)) = step.instruction else { continue }
            read.formUnion(modules)
        }
        var suspended: [NamedStep] = []
        var resumed: [NamedStep] = []
        var stopped: [NamedStep] = []
        var started: [NamedStep] = []
        for step in script.after {
            guard case .lowLevel(let instruction) = step.instruction else { continue }
            switch instruction {
            case .load(let module, _, _) where !read.contains(module): throw step.failure(.noObjectCode(module))
            case .suspend(let targets): suspended += targets.map { ($0.module, step) }
            case .resume(let modules): resumed += modules.map { ($0, step) }
            case .stop(let modules): stopped += modules.map { ($0, step) }
            case .start(let modules): started += modules.map { ($0, step) }
            case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .codeChange, .syncNodes, .apply,
                .restartNewEmulator, .restartEmulator:
                break
            }
        }
        try check(suspended, in: resumed) { .suspendedNotResumed($0) }
        try check(resumed, in: suspended) { .resumedNotSuspended($0) }
        try check(started, in: stopped) { .startNotStop($0) }
        try check(stopped, in: started) { .stopNotStart($0) }
    }

    /// A module with the step that names it.
    private typealias NamedStep = (module: Atom, step: ScriptStep)

    /// That each module, as often as it stands there, is among the others; the place is that of the first that is not.
    private func check(
        _ named: [NamedStep], in others: [NamedStep], _ error: ([Atom]) -> ScriptTranslationError
    ) throws(SystoolsError) {
        let others = Set(others.map(\.module))
        let unmatched = named.filter { !others.contains($0.module) }
        if let first = unmatched.first { throw first.step.failure(error(unmatched.map(\.module))) }
    }

    // MARK: Merge and sort

    /// One instruction for each application, where its first stood, then what else stands before the point. Of a module
    /// that several name, the last keeps its place.
    private func mergeLoadObjectCode(_ before: [ScriptStep]) throws(SystoolsError) -> [LowLevelInstruction] {
        var libraries: [Atom] = []
        var reads: [Atom: [Int]] = [:]
        var others: [LowLevelInstruction] = []
        for (index, step) in before.enumerated() {
            guard case .lowLevel(let instruction) = step.instruction else { continue }
            guard case .loadObjectCode(let library, _, _) = instruction else {
                others.append(instruction)
                continue
            }
            if reads[library, default: []].isEmpty { libraries.append(library) }
            reads[library, default: []].append(index)
        }
        var merged: [LowLevelInstruction] = []
        for library in libraries {
            let all = (reads[library] ?? []).compactMap { before[$0].objectCode }
            guard let first = all.first else { continue }
            if let other = all.last(where: { $0.vsn != first.vsn }) {
                throw SystoolsError(
                    .rc(.conflictingVersions(library: library, first.vsn, other.vsn)), at: other.place)
            }
            var named: Set<Atom> = []
            var kept: [[Atom]] = []
            for read in all.reversed() {
                kept.append(read.modules.filter { !named.contains($0) })
                named.formUnion(read.modules)
            }
            merged.append(
                .loadObjectCode(library: library, vsn: first.vsn, modules: kept.reversed().flatMap { $0 }))
        }
        return merged + others
    }

    private func sortRestarts(
        before: [LowLevelInstruction], after: [LowLevelInstruction]
    ) -> [LowLevelInstruction] {
        var startsNew = false
        var restarts = false
        var others: [LowLevelInstruction] = []
        others.reserveCapacity(after.count)
        for instruction in after {
            switch instruction {
            case .restartNewEmulator: startsNew = true
            case .restartEmulator: restarts = true
            case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .suspend, .codeChange, .resume, .stop,
                .start, .syncNodes, .apply:
                others.append(instruction)
            }
        }
        restarts = restarts || startsNew && mode == .down
        var script: [LowLevelInstruction] = startsNew && mode == .up ? [.restartNewEmulator] : []
        script.reserveCapacity(before.count + others.count + 3)
        script += before
        script.append(.pointOfNoReturn)
        script += others
        if restarts { script.append(.restartEmulator) }
        return script
    }
}

extension ScriptStep {
    /// What a `load_object_code` reads.
    fileprivate var objectCode: (vsn: String, modules: [Atom], place: SourcePlace?)? {
        guard case .lowLevel(.loadObjectCode(_, let vsn, let modules)) = instruction else { return nil }
        return (vsn, modules, place)
    }
}

extension ScriptItem {
    /// Whether it is `{Name, _}`.
    fileprivate func isNamed(_ name: Atom) -> Bool {
        guard let elements = term.asTuple else { return false }
        return elements.count == 2 && elements[0].asAtom == name
    }
}
