import Glibc
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms

/// The release root: where everything lies, and how it is read. docs/design.md, "2. Release root".
public struct ReleaseRoot: Sendable {
    /// Absolute.
    public let path: String

    public init(path: String) { self.path = path }

    /// Where its directories lead, links followed: asks the disk.
    var directories: RootDirectories { RootDirectories(path) }

    var releasesDirectory: String { "\(path)/releases" }
    /// The traces of upgrades that failed.
    var logDirectory: String { "\(path)/log" }
    var releasesFile: String { "\(path)/releases/RELEASES" }
    var startErlData: String { "\(path)/releases/start_erl.data" }

    var newStartErlData: String { "\(path)/releases/new_start_erl.data" }
    var pendingFile: String { "\(path)/releases/RELEASES.pending" }
    var bootAssessment: String { "\(path)/releases/boot_assessment" }
    /// What became of the releases, a term a line.
    var historyFile: String { "\(path)/releases/history" }
    /// Room for the files of this directory on a full disk.
    var reserve: SpaceReserve { SpaceReserve("\(path)/releases/.reserve") }
    /// Held by the one daemon that uses the root.
    var lockFile: String { "\(path)/releases/.lock" }

    func releaseDirectory(_ vsn: String) -> String { "\(path)/releases/\(vsn)" }

    /// `RELEASES` holds directories that are absolute or relative to the root.
    func resolve(_ directory: String) -> String { Paths.join(path, directory) }

    /// The longest of the files that are read whole.
    static let maxFileBytes = 64 * 1024 * 1024

    func read(_ file: String) throws(FileError) -> [UInt8] {
        guard let bytes = try readWhereThere(file) else {
            throw FileError(file: file, position: nil, message: SystemError.reason(ENOENT))
        }
        return bytes
    }

    /// nil where there is no file of that name; what can't be read for another reason is no less there.
    private func readWhereThere(_ file: String) throws(FileError) -> [UInt8]? {
        do {
            return try FileContents.read(file, limit: Self.maxFileBytes)
        } catch {
            guard error.number != ENOENT else { return nil }
            throw FileError(file: file, position: nil, message: error.reason)
        }
    }

    // MARK: One release

    /// The `.rel` of a release: `releases/VSN/NAME.rel`.
    func resourceFile(_ record: ReleaseRecord) -> String { resolve(record.resourceFile) }

    /// Reads a release with all that it names; an application that is missing is an error that says where it was
    /// looked for.
    func load(_ record: ReleaseRecord) throws(FileError) -> LoadedRelease {
        let file = resourceFile(record)
        return try load(record, ReleaseResource.parse(read(file), file: file), file: file)
    }

    /// The same of a `.rel` that was read already, from `file`.
    func load(_ record: ReleaseRecord, _ resource: ReleaseResource, file: String) throws(FileError) -> LoadedRelease {
        guard resource.vsn == record.vsn else {
            let message = "expected release \(Term.string(record.vsn)), found \(Term.string(resource.vsn))"
            throw FileError(file: file, position: nil, message: message)
        }
        var applications: [ApplicationResource] = []
        for entry in resource.applications {
            if let application = try load(entry, of: record, named: file) { applications.append(application) }
        }
        let config = try loadConfig(record.vsn).resolved(
            own: Dictionary(uniqueKeysWithValues: applications.map { ($0.name, $0.env) }),
            file: "\(releaseDirectory(record.vsn))/sys.config")
        let own = config.environment(of: ProbationOptions.application)
        let ownFile = "\(releaseDirectory(record.vsn))/sys.config"
        let release = LoadedRelease(
            record: record, resource: resource, config: config,
            probation: try ProbationOptions(own, file: ownFile),
            upgrade: try RelupMachine.Options(own, file: ownFile), barrier: try BarrierOptions(own, file: ownFile),
            daemon: try DaemonOptions(own, file: ownFile),
            applications: Dictionary(uniqueKeysWithValues: applications.map { ($0.name, $0) }))
        do {
            _ = try ApplicationController(release.applicationSpecs)
        } catch {
            throw FileError(file: file, position: nil, message: "\(error)")
        }
        return release
    }

    private func load(
        _ entry: ReleaseApplication, of record: ReleaseRecord, named file: String
    ) throws(FileError) -> ApplicationResource? {
        guard let library = record.library(entry.name), library.vsn == entry.vsn else {
            if LoadedRelease.emulatorApplications.contains(entry.name) { return nil }
            let message = "application \(entry.name.name)-\(entry.vsn) is not among the libraries of the release"
            throw FileError(file: file, position: nil, message: message)
        }
        let path = "\(resolve(library.directory))/ebin/\(entry.name.name).app"
        if LoadedRelease.emulatorApplications.contains(entry.name), !FileNames.exists(path) { return nil }
        let application = try ApplicationResource.parse(read(path), file: path)
        guard application.name == entry.name, application.vsn == entry.vsn else {
            let found = "\(application.name.name)-\(application.vsn)"
            let message = "expected application \(entry.name.name)-\(entry.vsn), found \(found)"
            throw FileError(file: path, position: nil, message: message)
        }
        return application
    }

    /// `sys.config` may be missing: then every application has its own environment.
    private func loadConfig(_ vsn: String) throws(FileError) -> SysConfig {
        let file = "\(releaseDirectory(vsn))/sys.config"
        guard let bytes = try readWhereThere(file) else { return SysConfig() }
        let config = try SysConfig.parse(bytes, file: file)
        return try config.including { (name) throws(FileError) in
            let whole = Paths.join(releaseDirectory(vsn), SysConfig.file(ofIncluded: name))
            guard let bytes = try readWhereThere(whole) else {
                throw SysConfig.missing(name, at: whole, includedBy: file)
            }
            return try SysConfig.parseIncluded(bytes, file: whole)
        }
    }

    // MARK: Relup

    /// A release's relup; nil where it has none.
    func relup(_ vsn: String) throws(FileError) -> Relup? {
        let file = relupFile(vsn)
        return try readWhereThere(file).map { (bytes) throws(FileError) in try Relup.parse(bytes, file: file) }
    }

    func relupFile(_ vsn: String) -> String { "\(releaseDirectory(vsn))/relup" }
}
