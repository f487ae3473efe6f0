import Host
public import Instructions
import Terms

/// Packs a release: what `systools:make_tar` does, as a tool.
///
///     lib/APP-VSN/ebin, lib/APP-VSN/priv    of each application, whole
///     releases/BASE.rel                     BASE is the name of the given file, as in OTP
///     releases/VSN/NAME.rel                 the same
///     releases/VSN/relup, sys.config        where they are found, and what sys.config includes
///     erts-VSN/bin                          the daemon and its programs, where they are asked for
///     releases/VSN/SHA256SUMS               the digests of all that
///
/// There is no start.boot: what a release starts is in its `.rel` and its `.app` files, and the daemon reads those.
public struct TarTool {
    public struct Options {
        /// The `.rel`, with or without the suffix.
        public var release: String
        /// Directories with `.app` files and object code; `*` stands for any part of one name.
        public var path: [String]
        /// `nil`: beside the `.rel`.
        public var outputDirectory: String?
        /// Where the emulator is that the package is to have: a directory with `erts-VSN`, that itself, or a directory of programs. Source: `{erts, Dir}` of
        /// `systools:make_tar/2`, which knows the first.
        public var emulatorDirectory: String?

        public init(
            release: String, path: [String], outputDirectory: String? = nil, emulatorDirectory: String? = nil
        ) {
            self.release = release
            self.path = path
            self.outputDirectory = outputDirectory
            self.emulatorDirectory = emulatorDirectory
        }
    }

    public struct Package: Sendable {
        public let path: String
        public let name: String
        public let vsn: String
        /// 64 hexadecimal digits.
        public let sha256: String
        public let bytes: Int
        /// In the package, without directories, in its order.
        public let files: [String]
        /// `kv-2.0.0`
        public let applications: [String]
        /// Where they were found; `nil` where there is none.
        public let relup: String?
        public let config: String?
    }

    public struct Result: Sendable {
        /// `nil` where there is an error.
        public var package: Package?
        public var diagnostics: [Diagnostic]

        public var isSuccess: Bool { package != nil }
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
            let package = try pack(&diagnostics)
            return Result(package: package, diagnostics: diagnostics)
        } catch {
            return Result(diagnostics: diagnostics + [error])
        }
    }

    // MARK: One package

    private func pack(_ diagnostics: inout [Diagnostic]) throws(Diagnostic) -> Package? {
        let directories = ToolInput.directories(options.path, &diagnostics)
        let collection = try collect(directories)
        let (place, name) = Paths.split(collection.file)
        let base = name.hasSuffix(".rel") ? String(name.dropLast(4)) : name
        let output = options.outputDirectory ?? place
        try ToolInput.requireOutputDirectory(output)
        var contents = PackageContents()
        try add(applicationsOf: collection, to: &contents)
        try addEmulator(collection.ertsVsn, to: &contents)
        // A daemon reads it by the release's name, a person and OTP by the file's.
        try contents.add(file: collection.file, as: "releases/\(base).rel")
        try contents.add(file: collection.file, as: "releases/\(collection.vsn)/\(collection.name).rel")
        let found = try addSystemFiles(
            collection.vsn, [place, "\(place)/\(collection.vsn)", "."] + directories, &contents)

        diagnostics += try review(collection, contents, relup: found.relup)
        guard !diagnostics.contains(where: { $0.severity == .error }) else { return nil }
        let package = Paths.join(output, "\(base).tar.gz")
        do {
            try ReleaseArchive.write(package, contents.entries(vsn: collection.vsn))
            return Package(
                path: package, name: collection.name, vsn: collection.vsn, sha256: try FileDigest.sha256(package),
                bytes: try FileStatus(of: package).size,
                files: contents.entries(vsn: collection.vsn).filter { $0.contents != .directory }.map(\.path),
                applications: collection.members.map { "\($0.name.name)-\($0.vsn)" }, relup: found.relup,
                config: found.config)
        } catch {
            let reason = (error as? PackageWritingError)?.systemError ?? error as? SystemError
            throw Diagnostic(.error, code: "write", "\(error)", advice: ToolInput.writingAdvice(reason, in: output))
        }
    }

    private func addEmulator(_ vsn: String, to contents: inout PackageContents) throws(Diagnostic) {
        guard let directory = options.emulatorDirectory else { return }
        let source: EmulatorSource
        do {
            source = try EmulatorSource(vsn, in: directory)
        } catch {
            throw error.diagnostic(vsn)
        }
        let bin = "erts-\(vsn)/bin"
        guard let names = source.names else { return try contents.add(directory: source.directory, as: bin) }
        for name in names { try contents.add(file: Paths.join(source.directory, name), as: "\(bin)/\(name)") }
    }

    private func collect(_ directories: [String]) throws(Diagnostic) -> ReleaseCollection {
        let file = ToolInput.releaseFile(options.release)
        do {
            return try ReleaseCollection(file: file, path: SearchPath(directories: directories, files: files))
        } catch {
            throw Diagnostic(error)
        }
    }

    private func add(
        applicationsOf collection: ReleaseCollection, to contents: inout PackageContents
    ) throws(Diagnostic) {
        for application in collection.applications {
            let library = "lib/\(application.name.name)-\(application.vsn)"
            try contents.add(directory: application.directory, as: "\(library)/ebin")
            let (parent, name) = Paths.split(application.directory)
            let priv = "\(parent)/priv"
            guard name == "ebin", Directory.isDirectory(priv) else { continue }
            try contents.add(directory: priv, as: "\(library)/priv")
        }
    }

    /// `relup` and `sys.config` of the first directory that has one, and what the second includes.
    private func addSystemFiles(
        _ vsn: String, _ directories: [String], _ contents: inout PackageContents
    ) throws(Diagnostic) -> (relup: String?, config: String?) {
        func find(_ name: String) -> String? {
            directories.lazy.map { Paths.join($0, name) }.first(where: FileNames.exists)
        }
        let relup = find("relup")
        if let relup { try contents.add(file: relup, as: "releases/\(vsn)/relup") }
        let config = find("sys.config")
        guard let config else { return (relup, nil) }
        try contents.add(file: config, as: "releases/\(vsn)/sys.config")
        // One that can't be read is told by the review.
        let bytes = (try? FileContents.read(config, limit: ReleaseFiles.maxFileBytes)) ?? []
        for name in (try? SysConfig.parse(bytes, file: config))?.includes ?? [] where !name.hasPrefix("/") {
            guard !name.split(separator: "/").contains("..") else {
                throw Diagnostic(
                    .error, code: "include", "it includes \"\(name)\", which would lie outside the release's directory",
                    place: SourcePlace(file: config, position: nil), advice: "Put the file beside sys.config.")
            }
            let file = SysConfig.file(ofIncluded: name)
            let source = Paths.join(Paths.parent(of: config), file)
            if FileNames.exists(source) { try contents.add(file: source, as: "releases/\(vsn)/\(file)") }
        }
        return (relup, config)
    }

    /// What the daemon would say of it. That a file can't run on this machine is no mistake of a package that is made
    /// here.
    private func review(
        _ collection: ReleaseCollection, _ contents: PackageContents, relup: String?
    ) throws(Diagnostic) -> [Diagnostic] {
        let resource: ReleaseResource
        do {
            resource = try contents.releaseFiles.parse(
                "releases/\(collection.vsn)/\(collection.name).rel", ReleaseResource.parse)
        } catch {
            throw Diagnostic(error, code: "bad_release")
        }
        var review = ReleaseReview(ReleaseRecord(resource, status: .unpacked), files: contents.releaseFiles)
        review.run()
        return review.diagnostics.map { found in
            switch found.code {
            case Diagnostic.otherMachine:
                Diagnostic(.warning, code: found.code, found.text, place: found.place, advice: found.advice)
            case Diagnostic.wrongRelup:
                Diagnostic(
                    .error, code: found.code, found.text, place: found.place,
                    advice: relup.map { Self.advice(onRelup: $0, of: collection) })
            default: found
            }
        }
    }

    /// What to do about the relup of another release: beside the `.rel` files it is found for each of them.
    private static func advice(onRelup file: String, of collection: ReleaseCollection) -> String {
        let releases = Paths.parent(of: collection.file)
        let own = Paths.join(releases, collection.vsn)
        let bytes = (try? FileContents.read(file, limit: ReleaseFiles.maxFileBytes)) ?? []
        guard let relup = try? Relup.parse(bytes, file: file) else { return "Remove it: rm \(file)" }
        let directory = Paths.join(releases, relup.vsn)
        let target = "\(directory)/relup"
        // A relup that upgrades to this release takes its place, where it has to have one.
        let why =
            Paths.parent(of: file) == own
            ? "It is for \(relup.vsn): make that of \(collection.vsn) with make-relup, where something is upgraded to it, and "
            : "It is found for each release here, and \(relup.vsn) alone is to find it: "
        return FileNames.exists(target)
            ? why + "remove it, since \(relup.vsn) has one: rm \(file)"
            : why + "move it: mkdir -p \(directory) && mv \(file) \(target)"
    }
}
