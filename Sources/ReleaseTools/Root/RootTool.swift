import Glibc
import Host
import Instructions
import ReleaseHandling

/// Lays out a release root with a first release, which is permanent: what OTP's "Release Handling" has one do by hand, and `create_RELEASES` after that.
///
///     lib/APP-VSN, releases/VSN    of the package, checked and unpacked as unpack-release does
///     releases/RELEASES            the one release, permanent
///     releases/start_erl.data      the same
///     erts-VSN/bin                 of the package, or else of the installed daemon
///     bin/start                    of the package, or else scripts/start
///
/// The directory is a root at the end, or nothing of it is there: `FirstRoot`. The checks are those of `check`: what the daemon would refuse makes no root.
public struct RootTool {
    public struct Options {
        /// A path.
        public var package: String
        /// An absolute path.
        public var directory: String
        /// As `TarTool.Options` has it; nil: the installed daemon's.
        public var emulatorDirectory: String?
        /// Where the installed daemon is looked for.
        var places = EmulatorSource.standardPlaces

        public init(package: String, directory: String, emulatorDirectory: String? = nil) {
            self.package = package
            self.directory = directory
            self.emulatorDirectory = emulatorDirectory
        }
    }

    public struct Root: Hashable, Sendable {
        public let name: String
        public let vsn: String
        public let ertsVsn: String
        /// Where the emulator's programs were copied from; nil: the package brought them.
        public let emulatorDirectory: String?
    }

    public struct Result: Sendable {
        /// nil where there is an error.
        public var root: Root?
        public var diagnostics: [Diagnostic]

        public var isSuccess: Bool { root != nil }
    }

    private let options: Options

    public init(_ options: Options) { self.options = options }

    public func run() -> Result {
        var diagnostics: [Diagnostic] = []
        do throws(Diagnostic) {
            let place = try begin()
            do throws(Diagnostic) {
                let root = try make(place, &diagnostics)
                return Result(root: root, diagnostics: diagnostics)
            } catch {
                place.abandon()
                throw error
            }
        } catch {
            return Result(diagnostics: diagnostics + [error])
        }
    }

    private func begin() throws(Diagnostic) -> FirstRoot {
        do {
            return try FirstRoot(options.directory)
        } catch {
            let advice: String? =
                switch error {
                case .notEmpty:
                    "A first release is laid out in an empty directory. Where this is a root already, unpack-release brings it further releases, "
                        + "and create-releases writes its RELEASES anew."
                case .inUse: "Wait for its end."
                case .notADirectory: "Name another directory, or one that is not there yet."
                case .writableByEverybody, .system: nil
                }
            throw Diagnostic(.error, code: "no_root", "\(error)", advice: advice)
        }
    }

    private func make(_ place: FirstRoot, _ diagnostics: inout [Diagnostic]) throws(Diagnostic) -> Root {
        let staged: StagedRelease
        do {
            staged = try ReleaseArchive.stage(options.package, under: place.path)
        } catch {
            throw Diagnostic(.error, code: "bad_package", "\(error)")
        }
        diagnostics += PackageCheck(options.package).check(staged).diagnostics
        if let index = diagnostics.firstIndex(where: { $0.severity == .error }) {
            throw diagnostics.remove(at: index)
        }
        do {
            guard let resource = try staged.placedResource() else {
                throw Diagnostic(.error, code: "no_release", "there is no releases/NAME.rel in the package")
            }
            let source = try layOut(resource, in: staged.directory)
            try place.finish(staged.directory)
            return Root(
                name: resource.name, vsn: resource.vsn, ertsVsn: resource.ertsVsn,
                emulatorDirectory: source?.directory)
        } catch let diagnostic as Diagnostic {
            throw diagnostic
        } catch {
            throw Diagnostic(.error, code: "write", "\(error)", advice: "Nothing was made.")
        }
    }

    /// What no package brings. Returns where the emulator comes from.
    private func layOut(_ resource: ReleaseResource, in directory: String) throws -> EmulatorSource? {
        let source = try addEmulator(resource.ertsVsn, to: directory)
        let start = "\(directory)/bin/start"
        if !FileNames.exists(start) {
            try make(directory: "\(directory)/bin")
            try AtomicFile.write(start, Array(StartScript.text.utf8))
        }
        try setMode(0o755, of: start)
        let releases = ReleasesFile(releases: [ReleaseRecord(resource, status: .permanent)])
        let data = StartErlData(ertsVsn: resource.ertsVsn, releaseVsn: resource.vsn)
        for (name, text) in [("RELEASES", releases.text()), ("start_erl.data", data.text())] {
            try AtomicFile.write(
                "\(directory)/releases/\(name)", Array(text.utf8), permissions: ConfidentialFiles.fileMode,
                groupOf: "\(directory)/releases")
        }
        return source
    }

    private func addEmulator(_ vsn: String, to directory: String) throws -> EmulatorSource? {
        guard !FileNames.exists("\(directory)/\(EmulatorFiles.path(of: vsn))") else { return nil }
        let source = try emulator(vsn)
        let bin = "\(directory)/erts-\(vsn)/bin"
        try make(directory: "\(directory)/erts-\(vsn)")
        try make(directory: bin)
        for name in try source.names ?? Directory.allNames(in: source.directory) {
            let file = "\(source.directory)/\(name)"
            guard try FileStatus(of: file).kind == .file else { continue }
            try FileCopy.make(file, "\(bin)/\(name)", permissions: FileStatus(of: file).isExecutable ? 0o755 : 0o644)
        }
        return source
    }

    private func emulator(_ vsn: String) throws(Diagnostic) -> EmulatorSource {
        if let directory = options.emulatorDirectory {
            do {
                return try EmulatorSource(vsn, in: directory)
            } catch {
                throw error.diagnostic(vsn)
            }
        }
        if let found = EmulatorSource.first(vsn, in: options.places) { return found }
        throw Diagnostic(
            .error, code: "erts",
            "the package brings no emulator, and no release-handlerd \(vsn), which the release is for, is in "
                + options.places.joined(separator: ", "),
            advice: "Name its directory with --erts, or pack it with make-tar --erts.")
    }

    /// Whatever the umask is: workers of other users go through it.
    private func make(directory path: String) throws(SystemError) {
        try Directory.make(path)
        try setMode(0o755, of: path)
    }

    private func setMode(_ mode: mode_t, of path: String) throws(SystemError) {
        guard chmod(path, mode) == 0 else { throw SystemError("chmod", errno, path) }
    }
}
