public import Terms

/// The making of a `relup`: how the top release is reached from other releases, and left for others.
///
///                top                Of the applications of both, one whose versions differ is changed as the top
///              /  |  \              version's .appup says. One that only the release reached has is added, one that only
///           up/   |   \down         the release left has is removed; neither needs an .appup. Where the version of
///            /    |    \            the emulator differs, restart_new_emulator comes first.
///         base 1  ...  base n
///
/// Source: relup(4); OTP's `systools_relup`. A relup's entries and the warnings are in OTP's order: the last base first.
public struct RelupTranslation {
    /// A release to come from or to go back to.
    public struct Base {
        /// The path of its `.rel`.
        public let file: String
        public let description: Term

        public init(file: String, description: Term) {
            self.file = file
            self.description = description
        }
    }

    /// The relup, the warnings in OTP's order, and what was made of what, for further checks.
    public struct Outcome {
        public let relup: Relup
        public let warnings: [RelupWarning]
        let ways: [Way]
    }

    public let top: ReleaseCollection
    private let path: SearchPath
    private let restartsEmulator: Bool
    private var bases: [String: ReleaseCollection] = [:]
    private var warnings: [RelupWarning] = []
    private var appups: [Atom: Appup] = [:]
    private var ways: [Way] = []

    /// - Parameters:
    ///   - file: the path of the top release's `.rel`.
    ///   - restartsEmulator: put `restart_emulator` at each script's end.
    public init(file: String, path: SearchPath, restartsEmulator: Bool = false) throws(SystoolsError) {
        top = try ReleaseCollection(file: file, path: path)
        self.path = path
        self.restartsEmulator = restartsEmulator
        try Self.checkSasl(top)
    }

    public func translate(
        upFrom: [Base], downTo: [Base], warningsAsErrors: Bool = false
    ) throws(SystoolsError) -> Outcome {
        var translation = self
        let up = try translation.entries(.up, upFrom)
        let down = try translation.entries(.down, downTo)
        if warningsAsErrors, !translation.warnings.isEmpty {
            throw SystoolsError(.relup(.warningsTreatedAsErrors(translation.warnings)))
        }
        return Outcome(
            relup: Relup(vsn: top.vsn, up: up, down: down), warnings: translation.warnings, ways: translation.ways)
    }

    private static func checkSasl(_ release: ReleaseCollection) throws(SystoolsError) {
        guard release.isMissingSasl else { return }
        throw SystoolsError(.relup(.missingSasl(name: release.name, vsn: release.vsn)))
    }

    private mutating func entries(_ mode: CodeChangeMode, _ bases: [Base]) throws(SystoolsError) -> [RelupEntry] {
        var entries: [RelupEntry] = []
        for base in bases {
            let release = try collected(base.file)
            let (scripts, changes) = try scripts(mode, release)
            let translation = ScriptTranslation(
                mode: mode, applications: mode == .up ? top.index : release.index,
                previous: mode == .up ? release.index : top.index)
            var script = try translation.translate(scripts)
            if mode == .up { fixUpgradeFromBeforeR15(&script, release) }
            ways.append(Way(mode: mode, baseVsn: release.vsn, script: script, changes: changes))
            entries.append(RelupEntry(vsn: release.vsn, description: base.description, script: script))
        }
        return entries.reversed()
    }

    private mutating func collected(_ file: String) throws(SystoolsError) -> ReleaseCollection {
        if let release = bases[file] { return release }
        let release = try ReleaseCollection(file: file, path: path)
        try Self.checkSasl(release)
        bases[file] = release
        return release
    }

    /// A script for each thing that differs.
    private mutating func scripts(
        _ mode: CodeChangeMode, _ base: ReleaseCollection
    ) throws(SystoolsError) -> (scripts: [[ScriptItem]], changes: [Change]) {
        let (left, reached) = mode == .up ? (base, top) : (top, base)
        let leftNames = Set(left.members.map(\.name))
        let reachedNames = Set(reached.members.map(\.name))
        var scripts: [[ScriptItem]] = []
        if top.ertsVsn != base.ertsVsn {
            scripts.append([ScriptItem(.atom("restart_new_emulator"))])
        }
        scripts += reached.members.filter { !leftNames.contains($0.name) }.map {
            [ScriptItem(.tagged("add_application", .atom($0.name), .atom($0.type.atom)))]
        }
        var changes: [Change] = []
        for application in top.applications {
            guard let older = base.index[application.name], older.vsn != application.vsn else { continue }
            let (script, change) = try script(mode, of: application, base: older)
            scripts.append(script)
            changes.append(change)
        }
        scripts += left.members.filter { !reachedNames.contains($0.name) }.map {
            [ScriptItem(.tagged("remove_application", .atom($0.name)))]
        }
        if restartsEmulator { scripts.append([ScriptItem(.atom("restart_emulator"))]) }
        if top.ertsVsn != base.ertsVsn {
            warnings.insert(
                .ertsVsnChanged(
                    name: top.name, ertsVsn: top.ertsVsn, otherName: base.name, otherErtsVsn: base.ertsVsn),
                at: 0)
        }
        return (scripts, changes)
    }

    private mutating func script(
        _ mode: CodeChangeMode, of application: CollectedApplication, base: CollectedApplication
    ) throws(SystoolsError) -> ([ScriptItem], Change) {
        let file = Paths.join(application.directory, "\(application.name.name).appup")
        let appup = try appup(of: application, file: file)
        if appup.vsn != .string(application.vsn) {
            let place = SourcePlace(file: file, position: appup.vsnPosition)
            warnings.insert(.badVsn(appup: appup.vsn, application: application.vsn, at: place), at: 0)
        }
        guard let script = try appup.script(mode, for: base.vsn, files: path.files) else {
            throw SystoolsError(
                .relup(
                    .noRelup(
                        file: file, application: application.name, vsn: application.vsn, baseVsn: base.vsn)))
        }
        let change = Change(
            left: mode == .up ? base : application, reached: mode == .up ? application : base, appup: appup,
            baseVsn: base.vsn)
        return (script, change)
    }

    private mutating func appup(
        of application: CollectedApplication, file: String
    ) throws(SystoolsError) -> Appup {
        if let appup = appups[application.name] { return appup }
        let bytes: [UInt8]
        switch path.files.read(file) {
        case .contents(let contents): bytes = contents
        case .missing: throw SystoolsError(.relup(.fileProblem(file: file, .open(posix: "enoent"))))
        case .failed(let posix): throw SystoolsError(.relup(.fileProblem(file: file, .open(posix: posix))))
        }
        let terms: [LocatedTerm]
        do {
            terms = try TermText.parseTerms(bytes)
        } catch {
            throw SystoolsError(
                .relup(.fileProblem(file: file, .parse(error))),
                at: SourcePlace(file: file, position: error.position))
        }
        guard let first = terms.first else { throw SystoolsError(.relup(.fileProblem(file: file, .read))) }
        do {
            let appup = try Appup(first, file: file)
            appups[application.name] = appup
            return appup
        } catch {
            throw SystoolsError(
                .relup(.badlyFormattedAppup(file: file, error)), at: SourcePlace(file: file, position: error.position))
        }
    }

    /// A release handler from before R15 does not know that the emulator is restarted first.
    private mutating func fixUpgradeFromBeforeR15(
        _ script: inout [LowLevelInstruction], _ base: ReleaseCollection
    ) {
        guard script.first == .restartNewEmulator, let sasl = base.member("sasl"),
            Term.string(sasl.vsn) < Term.string("2.2")
        else { return }
        script = script.dropFirst().filter { $0 != .restartEmulator } + [.restartNewEmulator]
        warnings.insert(.preR15EmulatorUpgrade, at: 0)
    }
}
