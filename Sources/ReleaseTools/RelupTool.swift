import Host
public import Instructions
import Terms

/// Makes a release's `relup` of the files of releases: what `systools:make_relup` does, as a tool.
public struct RelupTool {
    public struct Options {
        /// The `.rel` of the release that is upgraded to, with or without the suffix.
        public var release: String
        public var upFrom: [Base] = []
        public var downTo: [Base] = []
        /// Directories with `.rel`, `.app` and `.appup` files; `*` stands for any part of one name.
        public var path: [String]
        public var outputDirectory = "."
        /// Whether the file is written.
        public var isWritten = true
        public var restartsEmulator = false
        public var warningsAsErrors = false
        /// Whether what OTP lets pass is an error.
        public var isStrict = false

        public init(release: String, path: [String]) {
            self.release = release
            self.path = path
        }
    }

    /// A release to come from or to go back to.
    public struct Base: Hashable, Sendable {
        public let release: String
        public let description: String

        public init(release: String, description: String = "") {
            self.release = release
            self.description = description
        }

        /// - Parameter argument: `BASE.rel=DESCRIPTION` or `BASE.rel`; a `=` in the name must come before its `.rel`.
        public init?(argument: String) {
            let parts: (name: Substring, description: Substring)
            if let suffix = argument.firstRange(of: ".rel=") {
                parts = (argument[..<suffix.lowerBound] + ".rel", argument[suffix.upperBound...])
            } else if let equals = argument.firstIndex(of: "="), !argument.hasSuffix(".rel") {
                parts = (argument[..<equals], argument[argument.index(after: equals)...])
            } else {
                parts = (argument[...], "")
            }
            guard !parts.name.isEmpty, parts.name != ".rel" else { return nil }
            self.init(release: String(parts.name), description: String(parts.description))
        }
    }

    public struct Result: Sendable {
        /// `nil` where there is an error.
        public var relup: Relup?
        /// The path of the file; `nil` where none was written.
        public var file: String?
        /// Errors and warnings, in OTP's order, what OTP lets pass after it.
        public var diagnostics: [Diagnostic]

        public var isSuccess: Bool { !diagnostics.contains { $0.severity == .error } }
    }

    private let options: Options
    private let files: SourceFiles

    public init(_ options: Options, files: SourceFiles = .host()) {
        self.options = options
        self.files = files
    }

    public func run() -> Result {
        var diagnostics: [Diagnostic] = []
        do throws(Diagnostic) {
            if options.isWritten { try ToolInput.requireOutputDirectory(options.outputDirectory) }
            let (outcome, top) = try translate(&diagnostics)
            diagnostics += outcome.warnings.map(Diagnostic.init)
            diagnostics += outcome.advice(files: files).map { Diagnostic($0, options.isStrict ? .error : .warning) }
            diagnostics += ProgramReview(top, files).badCalls(in: outcome.relup, options.isStrict ? .error : .warning)
            guard !diagnostics.contains(where: { $0.severity == .error }) else {
                return Result(diagnostics: diagnostics)
            }
            let text = outcome.relup.text()
            try checkReadable(text)
            let file = options.isWritten ? try write(text) : nil
            return Result(relup: outcome.relup, file: file, diagnostics: diagnostics)
        } catch {
            return Result(diagnostics: diagnostics + [error])
        }
    }

    private func translate(
        _ diagnostics: inout [Diagnostic]
    ) throws(Diagnostic) -> (RelupTranslation.Outcome, ReleaseCollection) {
        let directories = ToolInput.directories(options.path, &diagnostics)
        do throws(SystoolsError) {
            let translation = try RelupTranslation(
                file: ToolInput.releaseFile(options.release), path: SearchPath(directories: directories, files: files),
                restartsEmulator: options.restartsEmulator)
            if let refusal = refusal(of: translation.top) { diagnostics.append(refusal) }
            let outcome = try translation.translate(
                upFrom: options.upFrom.map(Self.base), downTo: options.downTo.map(Self.base),
                warningsAsErrors: options.warningsAsErrors)
            return (outcome, translation.top)
        } catch {
            // Each with its place.
            if case .make(.applications(let problems)) = error.reason, problems.count > 1 {
                diagnostics += problems.dropLast().map(Diagnostic.init)
                throw Diagnostic(problems[problems.count - 1])
            }
            throw Diagnostic(error)
        }
    }

    /// What OTP takes of a `.rel` and the daemon does not, such as a version that is no word of start_erl.data.
    private func refusal(of release: ReleaseCollection) -> Diagnostic? {
        guard case .contents(let bytes) = files.read(release.file) else { return nil }
        do {
            _ = try ReleaseResource.parse(bytes, file: release.file)
            return nil
        } catch {
            return Diagnostic(error, code: "bad_release")
        }
    }

    private static func base(_ base: Base) -> RelupTranslation.Base {
        RelupTranslation.Base(file: ToolInput.releaseFile(base.release), description: .string(base.description))
    }

    // MARK: The file

    private var output: String { Paths.join(options.outputDirectory, "relup") }

    /// What the daemon could not read must not be shipped.
    private func checkReadable(_ text: String) throws(Diagnostic) {
        do {
            let relup = try Relup.parse(Array(text.utf8), file: output)
            for entry in relup.up + relup.down { try entry.checkScript(file: output) }
        } catch {
            throw Diagnostic(
                .error, code: "unusable_relup", "The relup could not be used by release-handlerd: \(error)")
        }
    }

    private func write(_ text: String) throws(Diagnostic) -> String {
        do {
            try AtomicFile.write(output, Array(text.utf8))
            return output
        } catch {
            throw Diagnostic(
                .error, code: "write", "\(error)",
                advice: ToolInput.writingAdvice(error, in: options.outputDirectory))
        }
    }
}
