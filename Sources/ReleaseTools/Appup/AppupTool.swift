import Glibc
import Host
public import Instructions
import Terms

/// Proposes an `.appup` by comparing two versions of an application.
public struct AppupTool: Sendable {
    public struct Options: Sendable {
        /// `lib/kv-1.0.0` and `lib/kv-2.0.0`
        public var old: String
        public var new: String
        /// `nil`: the `ebin` of the new version.
        public var outputDirectory: String?
        /// Whether the file is written.
        public var isWritten = true
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
        /// The path of the file; `nil` where none was written.
        public var file: String?
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
            // Before any program is asked: what is refused for what is there is refused at once.
            if options.isWritten, !options.replaces { _ = try text(of: empty(old, new), for: file) }
            let proposal = try await propose(old, new)
            if options.isWritten { try write(text(of: proposal, for: file), to: file) }
            return Result(proposal: proposal, file: options.isWritten ? file : nil, diagnostics: diagnostics)
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

    /// The file as it will be: with what is there, where that is for other older versions.
    private func text(of proposal: AppupProposal, for file: String) throws(Diagnostic) -> [UInt8] {
        guard !options.replaces, FileNames.exists(file) else { return Array(proposal.text().utf8) }
        let there: [UInt8]
        do {
            there = try FileContents.read(file, limit: TermLimits.default.maxBytes)
        } catch {
            throw Diagnostic(.error, code: "unreadable", "\(file) can't be read: \(error.reason)")
        }
        do throws(AppupProposal.AddingError) {
            return try proposal.text(addedTo: there, file: file) { vsn, expression in
                (try? RegularExpression(utf8: expression).matchesWhole(vsn)) == true
            }
        } catch {
            throw Diagnostic(
                .error, code: "exists", "\(file) is there already\(Self.words(error, proposal))",
                advice: "--force replaces it, --noexec prints.")
        }
    }

    private static func words(_ error: AppupProposal.AddingError, _ proposal: AppupProposal) -> String {
        switch error {
        case .unreadable: ", and is no .appup to which an entry could be added"
        case .otherVersion(let vsn): ", for \(vsn)"
        case .hasEntry(let mode): ", with an entry for \(proposal.old.vsn) on the way \(mode == .up ? "up" : "down")"
        }
    }

    private func write(_ text: [UInt8], to file: String) throws(Diagnostic) {
        do {
            try AtomicFile.write(file, text)
        } catch {
            throw Diagnostic(.error, code: "write", "\(error)", advice: "Nothing was written.")
        }
    }
}
