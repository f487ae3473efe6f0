public import Terms

/// How one application of a running release is changed without another release: the script of an `.appup`, translated as `systools` does it for
/// that application alone.
///
/// Source: OTP release_handler(3), `upgrade_app/2` and `downgrade_app/3`; `release_handler`, `upgrade_script` and `downgrade_script`.
public struct ApplicationScript: Sendable {
    /// One version of the application, and the directory in which its `ebin` lies.
    public struct Version: Hashable, Sendable {
        public let vsn: String
        public let directory: String

        public init(vsn: String, directory: String) {
            self.vsn = vsn
            self.directory = directory
        }
    }

    public let application: Atom
    /// The version that is reached.
    public let reached: Version
    public let script: [LowLevelInstruction]
    /// The script of the same `.appup` for the other direction; nil where it has none.
    public let wayBack: [LowLevelInstruction]?

    /// The way up from what runs to what lies in `directory`, by the `.appup` there.
    public static func upgrade(
        _ application: Atom, from running: Version, to directory: String, files: SourceFiles
    ) throws(ApplicationScriptError) -> ApplicationScript {
        let appup = try appup(of: application, in: directory, files)
        guard let vsn = appup.vsn.asString else {
            throw .badAppup(
                FileError(
                    file: appup.file, position: appup.vsnPosition,
                    message: "expected a version (a string), found \(appup.vsn)"))
        }
        let reached = Version(vsn: vsn, directory: directory)
        let items = try items(appup, .up, for: running.vsn, files)
        let old = try collected(application, running, files)
        let new = try collected(application, reached, files)
        return ApplicationScript(
            application: application, reached: reached, script: try translate(items, .up, from: old, to: new),
            wayBack: wayBack(appup, .down, for: running.vsn, from: new, to: old, files))
    }

    /// The way down from what runs, by its own `.appup`.
    public static func downgrade(
        _ application: Atom, from running: Version, to reached: Version, files: SourceFiles
    ) throws(ApplicationScriptError) -> ApplicationScript {
        let appup = try appup(of: application, in: running.directory, files)
        guard appup.vsn == .string(running.vsn) else {
            throw .otherVersion(file: appup.file, appup.vsn, running: running.vsn)
        }
        let items = try items(appup, .down, for: reached.vsn, files)
        let old = try collected(application, reached, files)
        let new = try collected(application, running, files)
        return ApplicationScript(
            application: application, reached: reached, script: try translate(items, .down, from: new, to: old),
            wayBack: wayBack(appup, .up, for: reached.vsn, from: old, to: new, files))
    }

    /// Which version a directory has by its name, `APP-VSN`. Source: `release_handler:downgrade_app/2`.
    public static func vsn(ofDirectory directory: String) -> String? {
        let parts = Paths.split(directory).name.split(separator: "-")
        return parts.count == 2 ? String(parts[1]) : nil
    }

    /// A script of low-level instructions as somebody wrote it: a list.
    public static func instructions(_ term: Term) throws(FileError) -> [LowLevelInstruction] {
        let reader = TermReader(file: "the script")
        return try reader.list(LocatedTerm(term), "a list of instructions") { (element) throws(FileError) in
            try LowLevelInstruction(element, file: reader.file)
        }
    }

    // MARK: Reading

    private static func appup(
        of application: Atom, in directory: String, _ files: SourceFiles
    ) throws(ApplicationScriptError) -> Appup {
        let file = Paths.join(directory, "ebin/\(application.name).appup")
        let bytes: [UInt8]
        switch files.read(file) {
        case .contents(let contents): bytes = contents
        case .missing: throw .noAppupFound(file: file)
        case .failed(let posix): throw .unreadable(file: file, posix: posix)
        }
        do {
            return try Appup.parse(bytes, file: file)
        } catch {
            throw .badAppup(error)
        }
    }

    private static func items(
        _ appup: Appup, _ mode: CodeChangeMode, for vsn: String, _ files: SourceFiles
    ) throws(ApplicationScriptError) -> [ScriptItem] {
        let items: [ScriptItem]?
        do {
            items = try appup.script(mode, for: vsn, files: files)
        } catch {
            throw .script(error)
        }
        guard let items else { throw .versionNotInAppup(file: appup.file, vsn) }
        return items
    }

    private static func collected(
        _ application: Atom, _ version: Version, _ files: SourceFiles
    ) throws(ApplicationScriptError) -> CollectedApplication {
        let path = SearchPath(directories: [Paths.join(version.directory, "ebin")], files: files)
        let problem: ApplicationProblem
        switch ReleaseCollection.application(named: application, vsn: version.vsn, path) {
        case .success(let collected): return collected
        case .failure(let found): problem = found
        }
        guard case .notFound = problem.kind else { throw .application(problem) }
        throw .noAppFound(application, version)
    }

    // MARK: Translation

    private static func translate(
        _ items: [ScriptItem], _ mode: CodeChangeMode, from left: CollectedApplication,
        to reached: CollectedApplication
    ) throws(ApplicationScriptError) -> [LowLevelInstruction] {
        let translation = ScriptTranslation(
            mode: mode, applications: ApplicationIndex([reached]), previous: ApplicationIndex([left]))
        let script: [LowLevelInstruction]
        do {
            script = try translation.translate([items])
        } catch {
            throw .script(error)
        }
        guard script.first != .restartNewEmulator else { throw .restartNewEmulator }
        return script
    }

    private static func wayBack(
        _ appup: Appup, _ mode: CodeChangeMode, for vsn: String, from left: CollectedApplication,
        to reached: CollectedApplication, _ files: SourceFiles
    ) -> [LowLevelInstruction]? {
        guard let items = try? appup.script(mode, for: vsn, files: files) else { return nil }
        return try? translate(items, mode, from: left, to: reached)
    }
}
