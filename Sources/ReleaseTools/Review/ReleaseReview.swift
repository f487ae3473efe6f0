import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms

/// Reads all that the daemon reads of one release, in the same way, and tells all that is wrong with it.
///
/// The daemon stops at the first mistake, and finds some only when a worker starts; here each is looked for.
struct ReleaseReview {
    let files: ReleaseFiles
    let record: ReleaseRecord
    /// The emulator of a `.rel`'s own applications needs no files.
    static let emulatorApplications: Set<Atom> = ["kernel", "stdlib", "sasl"]

    private(set) var diagnostics: [Diagnostic] = []
    /// What stands in `releases/VSN/NAME.rel`.
    private(set) var resource: ReleaseResource?
    /// Those that could be read, in the order of the `.rel`.
    private(set) var applications: [Application] = []
    private(set) var config = SysConfig()
    var relup: Relup?
    /// By name, those whose files can be used.
    var modules: [Atom: Module] = [:]

    /// An application with where it lies.
    struct Application {
        let resource: ApplicationResource
        let entry: ReleaseApplication
        /// `lib/kv-2.0.0/ebin`
        let ebin: String

        var file: String { "\(ebin)/\(resource.name.name).app" }
    }

    init(_ record: ReleaseRecord, files: ReleaseFiles) {
        self.record = record
        self.files = files
    }

    var resourceFile: String { "\(record.releaseDirectory)/\(record.name).rel" }
    var relupFile: String { "\(record.releaseDirectory)/relup" }
    var configFile: String { "\(record.releaseDirectory)/sys.config" }

    /// All of it, in the order in which the daemon would come to it.
    mutating func run() {
        reviewResource()
        reviewApplications()
        reviewConfig()
        reviewModules()
        reviewSupervisors()
        reviewRelup()
    }

    mutating func add(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

    /// Runs a step whose mistake is one of a file.
    mutating func trying<Value>(
        _ code: String, advice: String? = nil, _ body: () throws(FileError) -> Value
    ) -> Value? {
        do {
            return try body()
        } catch {
            add(Diagnostic(error, code: code, advice: advice))
            return nil
        }
    }

    /// The version of each application's files that belong to this release.
    func ebin(of library: LibraryRecord) -> String { "\(library.directory)/ebin" }

    // MARK: The .rel

    private mutating func reviewResource() {
        let (files, record, file) = (files, record, resourceFile)
        resource = trying("bad_release") { () throws(FileError) in
            let resource = try files.parse(file, ReleaseResource.parse)
            guard resource.vsn == record.vsn else {
                let message = "expected release \(Term.string(record.vsn)), found \(Term.string(resource.vsn))"
                throw FileError(file: files.shown(file), position: nil, message: message)
            }
            return resource
        }
    }

    // MARK: Applications

    private mutating func reviewApplications() {
        guard let resource else { return }
        for entry in resource.applications {
            if let application = read(entry) { applications.append(application) }
        }
        do {
            _ = try ApplicationController(applications.map { ApplicationSpec($0.resource, $0.entry) })
        } catch {
            add(
                Diagnostic(
                    .error, code: error.code, "\(error)",
                    place: SourcePlace(file: files.shown(resourceFile), position: nil)))
        }
    }

    private mutating func read(_ entry: ReleaseApplication) -> Application? {
        let isEmulators = Self.emulatorApplications.contains(entry.name)
        guard let library = record.library(entry.name), library.vsn == entry.vsn else {
            guard !isEmulators else { return nil }
            add(
                Diagnostic(
                    .error, code: "not_in_releases",
                    "application \(entry.name.name)-\(entry.vsn) is not among the libraries that releases/RELEASES "
                        + "has for release \(record.vsn)",
                    place: SourcePlace(file: files.shown(resourceFile), position: nil),
                    advice: "Correct the .rel, or remove the release and unpack it again."))
            return nil
        }
        let ebin = ebin(of: library)
        let file = "\(ebin)/\(entry.name.name).app"
        if isEmulators, !files.has(file) { return nil }
        let files = files
        let missing = "The release names \(entry.name.name)-\(entry.vsn): put the application there."
        let found = trying("bad_application", advice: files.has(file) ? nil : missing) { () throws(FileError) in
            let found = try files.parse(file, ApplicationResource.parse)
            guard found.name == entry.name, found.vsn == entry.vsn else {
                throw FileError(
                    file: files.shown(file), position: nil,
                    message:
                        "expected application \(entry.name.name)-\(entry.vsn), found \(found.name.name)-\(found.vsn)")
            }
            return found
        }
        return found.map { Application(resource: $0, entry: entry, ebin: ebin) }
    }

    // MARK: sys.config

    private mutating func reviewConfig() {
        let (files, directory, file) = (files, record.releaseDirectory, configFile)
        guard files.has(file) else { return }
        let own = Dictionary(
            applications.map { ($0.resource.name, $0.resource.env) }, uniquingKeysWith: { first, _ in first })
        let read = trying("bad_config") { () throws(FileError) in
            try files.parse(file, SysConfig.parse).including { (name) throws(FileError) in
                let whole = Paths.join(directory, SysConfig.file(ofIncluded: name))
                guard files.has(whole) else {
                    throw SysConfig.missing(name, at: files.shown(whole), includedBy: files.shown(file))
                }
                return try files.parse(whole, SysConfig.parseIncluded)
            }.resolved(own: own, file: files.shown(file))
        }
        guard let read else { return }
        config = read
        reviewConfigured()
        let parameters = read.environment(of: ProbationOptions.application)
        let options = trying("bad_config") { () throws(FileError) in
            try ProbationOptions(parameters, file: files.shown(file))
        }
        _ = trying("bad_config") { () throws(FileError) in
            try RelupMachine.Options(parameters, file: files.shown(file))
        }
        _ = trying("bad_config") { () throws(FileError) in
            try BarrierOptions(parameters, file: files.shown(file))
        }
        _ = trying("bad_config") { () throws(FileError) in
            try DaemonOptions(parameters, file: files.shown(file))
        }
        guard let program = options?.healthCheck?.program, !files.has(program) else { return }
        add(
            Diagnostic(
                .warning, code: "no_health_check", "the health command \(program) is not there",
                place: SourcePlace(file: files.shown(file), position: nil),
                advice: "Without it the release fails its probation: bring it in an application's priv, or correct its "
                    + "path, which is absolute or relative to the release root."))
    }
}

extension ReleaseReview {
    /// Parameters that nobody will ever read.
    private mutating func reviewConfigured() {
        guard let resource else { return }
        let known = Self.emulatorApplications.union(resource.applications.map(\.name))
            .union([ProbationOptions.application])
        for name in config.entries.map(\.application) where !known.contains(name) {
            add(
                Diagnostic(
                    .warning, code: "no_such_application",
                    "sys.config configures \(Term.atom(name)), which is not in the release",
                    place: SourcePlace(file: files.shown(configFile), position: nil),
                    advice: "Nobody reads it: correct the name, or take it out."))
        }
    }
}

extension Diagnostic {
    /// A mistake in a file: what is wrong is told with its place before it.
    init(_ error: FileError, _ severity: Severity = .error, code: String, advice: String? = nil) {
        self.init(
            severity, code: code, error.message, place: SourcePlace(file: error.file, position: error.position),
            advice: advice)
    }
}

extension ApplicationOrderError {
    fileprivate var code: String {
        switch self {
        case .missing: "undefined_applications"
        case .duplicate: "duplicate_application"
        case .circular: "circular_dependencies"
        case .includedTwice: "duplicate_include"
        }
    }
}
