import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// What is asked for: one application of the release that runs is to be another version of it.
enum ApplicationWish: Sendable {
    case upgrade(directory: String)
    case downgrade(directory: String, vsn: String?)
    case evaluate(vsn: String, directory: String, script: String)

    var directory: String {
        switch self {
        case .upgrade(let directory), .downgrade(let directory, _), .evaluate(_, let directory, _): directory
        }
    }

    /// As `releasectl` names it.
    var operation: String {
        switch self {
        case .upgrade: "upgrade-app"
        case .downgrade: "downgrade-app"
        case .evaluate: "eval-appup-script"
        }
    }
}

extension ApplicationScriptError {
    var controlError: ControlError {
        ControlError(.upgradeRefused, description, details: ["reason": term.description])
    }
}

// MARK: - What it needs

extension InstallPreparation {
    /// The release that runs with one application as its directory has it, and the script that leads there.
    static func read(
        _ wish: ApplicationWish, of application: Atom, from: LoadedRelease, _ root: ReleaseRoot
    ) throws(ControlError) -> InstallPreparation {
        let directory = RootDirectory.normalised(wish.directory)
        if case .downgrade(_, nil) = wish, ApplicationScript.vsn(ofDirectory: directory) == nil {
            throw ApplicationScriptError.unknownVersion(application, directory: directory).controlError
        }
        guard let library = from.record.library(application), from.applications[application] != nil else {
            throw ApplicationScriptError.notRunning(application).controlError
        }
        try RegisteredRelease.requireDirectory(directory)
        let exposures = try RegisteredRelease.trusted(directory)
        let running = ApplicationScript.Version(vsn: library.vsn, directory: root.resolve(library.directory))
        let change = try script(wish, directory, application, running)
        let to: LoadedRelease
        do throws(FileError) {
            to = try root.load(from, with: change.reached, of: application)
            let entry = RelupEntry(vsn: from.vsn, description: .nil, script: change.script)
            try entry.checkScript(file: "the script")
            return InstallPreparation(
                from: from, to: to, entry: entry, isUp: !wish.isDown,
                wayBack: change.wayBack.map { RelupEntry(vsn: from.vsn, description: .nil, script: $0) },
                application: ApplicationChange(
                    application: application, from: library.vsn, to: change.reached.vsn,
                    directory: change.reached.directory),
                warnings: exposures.map(\.description))
        } catch {
            throw ControlError(
                .upgradeRefused, error.description,
                details: ["application": application.name, "file": error.file])
        }
    }

    /// What leads there. Source: OTP, `release_handler:upgrade_script/2`, `downgrade_script/3`, `eval_appup_script/4`.
    private static func script(
        _ wish: ApplicationWish, _ directory: String, _ application: Atom, _ running: ApplicationScript.Version
    ) throws(ControlError) -> (
        reached: ApplicationScript.Version, script: [LowLevelInstruction], wayBack: [LowLevelInstruction]?
    ) {
        let files = SourceFiles.reading()
        do throws(ApplicationScriptError) {
            switch wish {
            case .upgrade:
                let found = try ApplicationScript.upgrade(application, from: running, to: directory, files: files)
                return (found.reached, found.script, found.wayBack)
            case .downgrade(_, let vsn):
                let named = vsn ?? ApplicationScript.vsn(ofDirectory: directory) ?? ""
                let older = ApplicationScript.Version(vsn: named, directory: directory)
                let found = try ApplicationScript.downgrade(application, from: running, to: older, files: files)
                return (found.reached, found.script, found.wayBack)
            case .evaluate: break
            }
        } catch {
            throw error.controlError
        }
        guard case .evaluate(let vsn, _, let text) = wish else {
            throw ControlError(.internalError, "\(wish.operation) has no script")
        }
        return (ApplicationScript.Version(vsn: vsn, directory: directory), try written(text), nil)
    }

    private static func written(_ text: String) throws(ControlError) -> [LowLevelInstruction] {
        let script: [LowLevelInstruction]
        do {
            script = try ApplicationScript.instructions(try TermText.parseTerm(text))
        } catch let error as TermTextError {
            throw ControlError(.badRequest, "the script is no term: \(error)")
        } catch {
            throw ControlError(.badRequest, "\(error)")
        }
        guard script.first != .restartNewEmulator else {
            throw ApplicationScriptError.restartNewEmulator.controlError
        }
        return script
    }
}

extension ApplicationWish {
    fileprivate var isDown: Bool {
        if case .downgrade = self { true } else { false }
    }
}

extension ReleaseRoot {
    /// The release that runs with another version of one application; its `sys.config` is read anew.
    func load(
        _ release: LoadedRelease, with version: ApplicationScript.Version, of application: Atom
    ) throws(FileError) -> LoadedRelease {
        var (record, resource) = (release.record, release.resource)
        for index in record.libraries.indices where record.libraries[index].name == application {
            record.libraries[index].vsn = version.vsn
            record.libraries[index].directory = directories.form(version.directory)
        }
        for index in resource.applications.indices where resource.applications[index].name == application {
            resource.applications[index].vsn = version.vsn
        }
        return try load(record, resource, file: resourceFile(record))
    }
}

extension LoadedRelease {
    /// The applications that are not as the release has them, since they were changed without another one.
    func changedLibraries(since record: ReleaseRecord?) -> [LibraryRecord] {
        guard let record else { return [] }
        return self.record.libraries.filter { record.library($0.name) != $0 }
    }
}
