public import Terms

/// Something in an upgrade that OTP lets pass and that does not do what its author wants; with a stable code.
public struct UpgradeAdvice: Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// A `code_change` of a module whose workers are not suspended at that point: it converts nothing.
        case codeChangeNotSuspended = "code_change_not_suspended"
        /// An object file differs between the versions and no instruction names its module; or `priv` does, and none names
        /// a worker's.
        case uncoveredChange = "uncovered_change"
        /// An instruction names a module whose object file is the same in both versions, and no worker's of another `priv`.
        case unchangedModule = "unchanged_module"
        /// On the way down, a module goes back while one that depends on it still runs its newer code.
        case revertedDependency = "reverted_dependency"
        /// Something in the list of an `.appup` is no entry, or is for no version.
        case uselessEntry = "useless_entry"
    }

    public let code: Code
    public let mode: CodeChangeMode
    /// The release that is left on the way up, or gone back to.
    public let baseVsn: String
    public let application: Atom
    /// `nil` where it is about none.
    public let module: Atom?
    public let place: SourcePlace?
    /// What is wrong and what to do about it.
    public let message: String

    /// `uncovered_change: up from 1.0.0: kv: ...`
    public var description: String {
        let way = mode == .up ? "up from \(baseVsn)" : "down to \(baseVsn)"
        return "\(code.rawValue): \(way): \(application.name): \(message)"
    }
}

extension RelupTranslation.Outcome {
    /// What else is to be said of the relup: for each of its ways, what its scripts leave out or do in vain.
    ///
    /// Compares the object files of both versions of each application whose version differs; where neither is there,
    /// nothing is said of them.
    public func advice(files: SourceFiles) -> [UpgradeAdvice] {
        ways.flatMap { way in UpgradeReview(way: way, files: files).advice() }
    }
}

/// The review of one way between two releases.
private struct UpgradeReview {
    private let way: RelupTranslation.Way
    private let files: SourceFiles
    /// What the script loads, removes or calls.
    private let touched: Set<Atom>

    /// A restart of the emulator at the end brings everything.
    private let restartsEmulator: Bool
    private let changes: [Reviewed]
    /// The change whose script names a module.
    private let owners: [Atom: Reviewed]

    /// A change with what its scripts name, found once.
    private struct Reviewed {
        let change: RelupTranslation.Change
        /// Releases are also made of what is not built yet: then there is nothing to compare.
        let hasObjectCode: Bool
        let priv: PrivChange?
        let left: Set<Atom>
        let reached: Set<Atom>
        let named: [RelupTranslation.NamedModule]
        let places: [Atom: SourcePlace]

        /// By the scripts of both directions; only for a way down.
        let dependencies: [(module: Atom, on: Atom)]

        init(_ change: RelupTranslation.Change, _ mode: CodeChangeMode, _ files: SourceFiles) {
            let script = change.script(mode, files)
            self.change = change
            hasObjectCode = [change.left, change.reached].contains { application in
                files.names(application.directory).contains { !$0.hasSuffix(".app") && !$0.hasSuffix(".appup") }
            }
            priv = hasObjectCode ? change.priv(files) : nil
            left = Set(change.left.modules)
            reached = Set(change.reached.modules)
            named = script.namedModules
            dependencies =
                mode == .down ? script.dependencies + change.script(.up, files).dependencies : []
            places = Dictionary(
                named.compactMap { named in named.place.map { (named.module, $0) } },
                uniquingKeysWith: { first, _ in first })
        }
    }

    init(way: RelupTranslation.Way, files: SourceFiles) {
        self.way = way
        self.files = files
        let changes = way.changes.map { Reviewed($0, way.mode, files) }
        self.changes = changes
        owners = Dictionary(
            changes.flatMap { change in change.named.map { ($0.module, change) } },
            uniquingKeysWith: { first, _ in first })
        restartsEmulator = way.script.contains(.restartEmulator)
        touched = Set(way.script.compactMap(\.coveredModule))
    }

    func advice() -> [UpgradeAdvice] {
        codeChangesNotSuspended()
            + changes.flatMap { uselessEntries($0.change) + unchanged($0) + uncovered($0) } + reverted()
    }

    private func advice(
        _ code: UpgradeAdvice.Code, _ application: Atom, _ module: Atom?, at place: SourcePlace?, _ message: String
    ) -> UpgradeAdvice {
        UpgradeAdvice(
            code: code, mode: way.mode, baseVsn: way.baseVsn, application: application, module: module, place: place,
            message: message)
    }

    // MARK: code_change

    private func codeChangesNotSuspended() -> [UpgradeAdvice] {
        var suspended: Set<Atom> = []
        var result: [UpgradeAdvice] = []
        for instruction in way.script {
            switch instruction {
            case .suspend(let targets): suspended.formUnion(targets.map(\.module))
            case .resume(let modules): suspended.subtract(modules)
            case .codeChange(_, let targets):
                for target in targets where !suspended.contains(target.module) {
                    let owner = owners[target.module]
                    result.append(
                        advice(
                            .codeChangeNotSuspended, owner?.change.name ?? target.module, target.module,
                            at: owner?.places[target.module],
                            "\(Term.atom(target.module)) is not suspended where its code_change stands, so that no "
                                + "worker converts its state: suspend it before, resume it after"))
                }
            case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .stop, .start, .syncNodes, .apply,
                .restartNewEmulator, .restartEmulator:
                break
            }
        }
        return result
    }

    // MARK: Entries

    private func uselessEntries(_ change: RelupTranslation.Change) -> [UpgradeAdvice] {
        change.appup.uselessEntries(way.mode).map { entry in
            let found = TermReader.shortened(entry.term.description)
            return advice(
                .uselessEntry, change.name, nil, at: SourcePlace(file: change.appup.file, position: entry.position),
                "\(found) in the .appup is passed over: make it {Vsn, Script}, where Vsn is a string, or a binary with a "
                    + "regular expression")
        }
    }

    // MARK: Object files

    private enum Comparison { case same, changed, added, gone, unknown }

    private func compare(_ module: Atom, _ reviewed: Reviewed) -> Comparison {
        let change = reviewed.change
        guard reviewed.hasObjectCode else { return .unknown }
        let old = reviewed.left.contains(module) ? digests(module, change.left) : [:]
        let new = reviewed.reached.contains(module) ? digests(module, change.reached) : [:]
        switch (old.isEmpty, new.isEmpty) {
        case (true, true): return .unknown
        case (true, false): return .added
        case (false, true): return .gone
        case (false, false): return old == new ? .same : .changed
        }
    }

    private func digests(_ module: Atom, _ application: CollectedApplication) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for suffix in ["", ".so", ".sup"] {
            result[suffix] = files.digest(Paths.join(application.directory, module.name + suffix))
        }
        return result
    }

    /// A module that is loaded with a whole application is named by nobody.
    private func unchanged(_ reviewed: Reviewed) -> [UpgradeAdvice] {
        let change = reviewed.change
        return reviewed.named.compactMap { named in
            guard named.isLoaded, compare(named.module, reviewed) == .same else { return nil }
            if reviewed.priv != nil, isExecutable(named.module, change) { return nil }
            return advice(
                .unchangedModule, change.name, named.module, at: named.place,
                "\(Term.atom(named.module)) is the same in \(change.left.vsn) and \(change.reached.vsn): "
                    + "leave its instruction out, or build it anew")
        }
    }

    private func uncovered(_ reviewed: Reviewed) -> [UpgradeAdvice] {
        if restartsEmulator { return [] }
        let change = reviewed.change
        let modules = (change.left.modules + change.reached.modules).uniqued()
        return uncoveredPriv(reviewed, modules)
            + modules.compactMap { module in
                guard !touched.contains(module) else { return nil }
                let name = Term.atom(module)
                let (old, new) = (change.left.vsn, change.reached.vsn)
                let message: String
                switch compare(module, reviewed) {
                case .same, .unknown: return nil
                case .changed:
                    message = "\(name) differs between \(old) and \(new), but no instruction loads it: update it"
                case .added: message = "\(name) is new in \(new), but no instruction loads it: add_module"
                case .gone: message = "\(name) is gone in \(new), but no instruction removes it: delete_module"
                }
                return advice(
                    .uncoveredChange, change.name, module, at: SourcePlace(file: change.appup.file, position: nil),
                    message)
            }
    }

    /// Which workers read what differs in `priv` their author knows: that one of them is brought along is enough.
    private func uncoveredPriv(_ reviewed: Reviewed, _ modules: [Atom]) -> [UpgradeAdvice] {
        let change = reviewed.change
        guard let priv = reviewed.priv else { return [] }
        let executables = modules.filter { isExecutable($0, change) }
        guard !executables.isEmpty, !executables.contains(where: touched.contains) else { return [] }
        let names = executables.map { Term.atom($0).description }.joined(separator: ", ")
        return [
            advice(
                .uncoveredChange, change.name, nil, at: SourcePlace(file: change.appup.file, position: nil),
                "\(priv.words(old: change.left.vsn, new: change.reached.vsn)), but no instruction loads a program that may "
                    + "read it: update those of \(names) that do")
        ]
    }

    /// In both versions: a program that a worker may be, and that may read `priv`.
    private func isExecutable(_ module: Atom, _ change: RelupTranslation.Change) -> Bool {
        [change.left, change.reached].allSatisfy {
            files.digest(Paths.join($0.directory, module.name)) != nil
        }
    }

    // MARK: Dependencies

    private func reverted() -> [UpgradeAdvice] {
        guard way.mode == .down else { return [] }
        var dependents: [Atom: [(module: Atom, change: RelupTranslation.Change)]] = [:]
        var known: [Atom: Set<Atom>] = [:]
        var still: Set<Atom> = []
        for reviewed in changes {
            let change = reviewed.change
            for (module, dependency) in reviewed.dependencies
            where known[dependency, default: []].insert(module).inserted {
                dependents[dependency, default: []].append((module, change))
                still.insert(module)
            }
        }
        var suspended: Set<Atom> = []
        var result: [UpgradeAdvice] = []
        for instruction in way.script {
            switch instruction {
            case .suspend(let targets): suspended.formUnion(targets.map(\.module))
            case .resume(let modules): suspended.subtract(modules)
            case .stop(let modules): still.subtract(modules)
            case .load(let module, _, _), .remove(let module, _, _):
                still.remove(module)
                for (dependent, change) in dependents[module] ?? []
                where still.contains(dependent) && !suspended.contains(dependent) {
                    let owner = owners[module]
                    let (name, user) = (Term.atom(module), Term.atom(dependent))
                    result.append(
                        advice(
                            .revertedDependency, change.name, module, at: owner?.places[module],
                            "\(name) goes back to \((owner?.change ?? change).reached.vsn) while \(user), which depends "
                                + "on it, still runs the code of \(change.left.vsn): name \(name) among the "
                                + "dependencies of \(user)"))
                }
            case .loadObjectCode, .pointOfNoReturn, .purge, .codeChange, .start, .syncNodes, .apply,
                .restartNewEmulator, .restartEmulator:
                break
            }
        }
        return result
    }
}

extension LowLevelInstruction {
    /// The module that is brought or taken away by it: where its file differs, nobody runs on in what was there.
    public var coveredModule: Atom? {
        switch self {
        case .load(let module, _, _), .remove(let module, _, _): module
        // A program that is called is read for the call.
        case .apply(let function): function.module
        case .loadObjectCode, .pointOfNoReturn, .purge, .suspend, .codeChange, .resume, .stop, .start, .syncNodes,
            .restartNewEmulator, .restartEmulator:
            nil
        }
    }
}

extension RelupTranslation.Change {
    /// What differs between the two versions' `priv`.
    fileprivate func priv(_ files: SourceFiles) -> PrivChange? {
        guard let old = Paths.priv(beside: left.directory), let new = Paths.priv(beside: reached.directory) else {
            return nil
        }
        return PrivChange(old: files.tree(old), new: files.tree(new))
    }
}
