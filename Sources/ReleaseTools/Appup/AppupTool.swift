import Glibc
import Host
public import Instructions
import Terms

/// Proposes an `.appup` by comparing two versions of an application. One that is there keeps what it has: the entries of other
/// old versions, and what a person made of an earlier proposal.
public struct AppupTool: Sendable {
    public struct Options: Sendable {
        /// `lib/kv-1.0.0` and `lib/kv-2.0.0`
        public var old: String
        public var new: String
        /// `nil`: the `ebin` of the new version.
        public var outputDirectory: String?
        /// Whether the file is written.
        public var isWritten = true
        /// Whether the proposed entries take the place of those for the old version in a file that is there.
        public var replaces = false
        /// Whether executables are started to be asked.
        public var asks = true
        /// How long one may take to acknowledge.
        public var timeoutMilliseconds = 5_000

        public init(old: String, new: String) {
            self.old = old
            self.new = new
        }
    }

    public struct Result: Sendable {
        /// `nil` where there is an error.
        public var proposal: AppupProposal?
        /// The path of the file, which has the entries now; `nil` where none was to be written.
        public var file: String?
        /// What became of the entry of each way; `nil` where there is no file.
        public var up: AppupProposal.Fate?
        public var down: AppupProposal.Fate?
        public var diagnostics: [Diagnostic]

        public var isSuccess: Bool { !diagnostics.contains { $0.severity == .error } }
    }

    private let options: Options

    public init(_ options: Options) { self.options = options }

    public func run() async -> Result {
        var diagnostics: [Diagnostic] = []
        do throws(Diagnostic) {
            let old = try ApplicationFiles(options.old)
            let new = try ApplicationFiles(options.new)
            diagnostics += old.diagnostics + new.diagnostics + (try Self.compare(old, new))
            guard !diagnostics.contains(where: { $0.severity == .error }) else {
                return Result(diagnostics: diagnostics)
            }
            let file = Paths.join(options.outputDirectory ?? new.ebin, "\(new.resource.name.name).appup")
            if options.isWritten { try ToolInput.requireOutputDirectory(Paths.parent(of: file)) }
            // Before any program is asked: a file that nothing can be added to is refused at once.
            if options.isWritten { _ = try merged(empty(old, new), into: contents(of: file), file) }
            let proposal = try await propose(old, new)
            guard options.isWritten else { return Result(proposal: proposal, diagnostics: diagnostics) }
            // Read again: asking takes its time, and others may have written meanwhile.
            let there = try contents(of: file)
            let merged = try merged(proposal, into: there, file)
            if merged.text != there { try write(merged.text, to: file) }
            for (fate, way) in [(merged.up, "up"), (merged.down, "down")] {
                diagnostics += Self.kept(fate, way, proposal, file)
            }
            return Result(
                proposal: proposal, file: file, up: merged.up, down: merged.down, diagnostics: diagnostics)
        } catch {
            return Result(diagnostics: diagnostics + [error])
        }
    }

    private func empty(_ old: ApplicationFiles, _ new: ApplicationFiles) throws(Diagnostic) -> AppupProposal {
        do {
            return try AppupProposal(
                application: new.resource.name, old: .init(vsn: old.vsn, modules: [:]),
                new: .init(vsn: new.vsn, modules: [:]), conversions: [:])
        } catch {
            throw Self.otherKind(error, old, new)
        }
    }

    private static func otherKind(
        _ error: AppupProposal.KindError, _ old: ApplicationFiles, _ new: ApplicationFiles
    ) -> Diagnostic {
        Diagnostic(
            .error, code: "other_kind",
            "\(Term.atom(error.module)) is \(error.old.words) in \(old.vsn) and \(error.new.words) in \(new.vsn)",
            advice: "No instruction makes the one of the other: give the new one another name.")
    }

    private func propose(_ old: ApplicationFiles, _ new: ApplicationFiles) async throws(Diagnostic) -> AppupProposal {
        let changed = AppupProposal.changed(old.version, new.version).filter {
            new.version.modules[$0]?.kind == .executable && old.version.modules[$0]?.kind == .executable
        }
        let conversions = await conversions(of: changed, new)
        do {
            return try AppupProposal(
                application: new.resource.name, old: old.version, new: new.version, conversions: conversions)
        } catch {
            throw Self.otherKind(error, old, new)
        }
    }

    /// What is to be said of the two together.
    private static func compare(_ old: ApplicationFiles, _ new: ApplicationFiles) throws(Diagnostic) -> [Diagnostic] {
        guard old.resource.name == new.resource.name else {
            throw Diagnostic(
                .error, code: "other_application",
                "\(old.directory) holds \(old.resource.name.name), \(new.directory) \(new.resource.name.name)",
                advice: "Give two versions of one application.")
        }
        guard old.vsn != new.vsn else {
            throw Diagnostic(
                .error, code: "same_version", "both are \(new.resource.name.name)-\(new.vsn)",
                place: SourcePlace(file: new.file, position: nil),
                advice: "What differs needs another vsn: the daemon takes no other files for a version that it has.")
        }
        // With another priv they all get an update, and with it a process that has the new library.
        guard old.version.priv == new.version.priv else { return [] }
        let changed = Set(AppupProposal.changed(old.version, new.version))
        return new.version.modules.sorted { $0.key.name < $1.key.name }.compactMap { name, module in
            let stale = module.linkedAgainst.filter(changed.contains)
            guard module.kind == .executable, !changed.contains(name), old.version.modules[name] != nil, !stale.isEmpty
            else { return nil }
            return Diagnostic(
                .warning, code: "linked_unchanged",
                "\(Term.atom(name)) does not differ, but is linked against "
                    + stale.map { Term.atom($0).description }.joined(separator: ", ") + ", which does",
                place: SourcePlace(file: new.file, position: nil),
                advice: "Its workers have the library from their start on, and keep it until they start anew: build it "
                    + "anew with its vsn, then it gets an update, too.")
        }
    }

    // MARK: Asking

    /// Some at a time: each is a process, and all together are to take not much longer than one.
    private static let atOnce = 8

    private func conversions(
        of modules: [Atom], _ new: ApplicationFiles
    ) async -> [Atom: AppupProposal.Conversion] {
        guard options.asks else {
            return Dictionary(
                uniqueKeysWithValues: modules.map {
                    ($0, AppupProposal.Conversion(converts: false, reason: "soft, since it was not asked (--no-run)"))
                })
        }
        var conversions: [Atom: AppupProposal.Conversion] = [:]
        var rest = modules[...]
        while !rest.isEmpty {
            await withTaskGroup(of: (Atom, AppupProposal.Conversion).self) { group in
                for module in rest.prefix(Self.atOnce) {
                    group.addTask { (module, await conversion(of: module, new)) }
                }
                for await (module, conversion) in group { conversions[module] = conversion }
            }
            rest = rest.dropFirst(Self.atOnce)
        }
        return conversions
    }

    private func conversion(of module: Atom, _ new: ApplicationFiles) async -> AppupProposal.Conversion {
        switch await ask(module, new) {
        case .said(converts: true): AppupProposal.Conversion(converts: true, reason: "it says that it converts states")
        case .said(converts: false):
            AppupProposal.Conversion(converts: false, reason: "soft, since it says that it converts no states")
        case .unknown(let reason):
            AppupProposal.Conversion(converts: false, reason: "soft, since \(reason)")
        }
    }

    private func ask(_ module: Atom, _ new: ApplicationFiles) async -> CodeChangeQuestion.Answer {
        guard let scratch = ScratchDirectory() else { return .unknown("there is no scratch directory to ask it in") }
        defer { scratch.remove() }
        do throws(ObjectCodeError) {
            // Absolute: it is not started from here.
            let ebin = realpath(new.ebin, nil).map { pointer in
                defer { free(pointer) }
                return String(cString: pointer)
            }
            let code = try ObjectCode.check("\(ebin ?? new.ebin)/\(module.name)")
            guard let executable = code.executable else { return .unknown("it is no executable") }
            return await CodeChangeQuestion.ask(
                executable, module, of: new.resource.name, in: scratch.path, environment: scratch.environment,
                timeoutMilliseconds: options.timeoutMilliseconds)
        } catch {
            return .unknown("it can't be asked: \(error)")
        }
    }

    // MARK: The file

    /// `nil` where there is none.
    private func contents(of file: String) throws(Diagnostic) -> [UInt8]? {
        guard FileNames.exists(file) else { return nil }
        do {
            return try FileContents.read(file, limit: TermLimits.default.maxBytes)
        } catch {
            throw Diagnostic(.error, code: "unreadable", "\(file) can't be read: \(error.reason)")
        }
    }

    /// The file as it will be, with what is there.
    private func merged(
        _ proposal: AppupProposal, into there: [UInt8]?, _ file: String
    ) throws(Diagnostic) -> AppupProposal.Merged {
        guard let there else {
            return AppupProposal.Merged(text: Array(proposal.text().utf8), up: .added, down: .added)
        }
        do throws(AppupProposal.AddingError) {
            return try proposal.merged(into: there, file: file, replaces: options.replaces, files: .host())
        } catch {
            throw Self.refusal(error, proposal, file)
        }
    }

    /// What a person wrote is theirs, and most so where it can't be read.
    private static func refusal(
        _ error: AppupProposal.AddingError, _ proposal: AppupProposal, _ file: String
    ) -> Diagnostic {
        switch error {
        case .unreadable(let error):
            Diagnostic(
                .error, code: "exists", error.message, place: SourcePlace(file: file, position: error.position),
                advice: "Nothing can be added to it: correct it, or remove it. --noexec prints the proposal.")
        case .otherVersion(let vsn, let position):
            Diagnostic(
                .error, code: "exists",
                "the .appup that is there is for \(vsn), and the application is \(proposal.new.vsn)",
                place: SourcePlace(file: file, position: position),
                advice: "Write \(Term.string(proposal.new.vsn)) there, if its entries lead to that, or remove it. "
                    + "--noexec prints the proposal.")
        }
    }

    private static func kept(
        _ fate: AppupProposal.Fate, _ way: String, _ proposal: AppupProposal, _ file: String
    ) -> [Diagnostic] {
        guard case .kept(let version, let position) = fate else { return [] }
        let shown: Term
        let force: String
        switch version {
        case .exactly(let vsn): (shown, force) = (vsn, "puts the proposed one in its place")
        case .matching(let bytes): (shown, force) = (.binary(bytes), "puts one for \(proposal.old.vsn) alone before it")
        }
        return [
            Diagnostic(
                .warning, code: "kept",
                "the entry for \(shown) on the way \(way) has other instructions than are proposed for "
                    + proposal.old.vsn,
                place: SourcePlace(file: file, position: position),
                advice: "It stays as it is; --force \(force), --noexec prints the proposal.")
        ]
    }

    private func write(_ text: [UInt8], to file: String) throws(Diagnostic) {
        do {
            try AtomicFile.write(file, text)
        } catch {
            throw Diagnostic(
                .error, code: "write", "\(error)", advice: ToolInput.writingAdvice(error, in: Paths.parent(of: file)))
        }
    }
}
