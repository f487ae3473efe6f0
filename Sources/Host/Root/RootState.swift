import Glibc
public import Instructions
public import ReleaseHandling
import Terms
import Wire

/// The files of a release root that a start goes by, read in one way for all who do: the daemon, `check`, and the commands that change a root by
/// hand.
public struct RootState {
    private let root: String
    private let directories: RootDirectories
    private let shown: (String) -> String

    /// - Parameters:
    ///   - root: the root's path.
    ///   - shown: what a file is called in errors, by its name in the root; nil: its path.
    public init(_ root: String, shown: ((String) -> String)? = nil) {
        self.root = root
        directories = RootDirectories(FileNames.withoutLinks(root) ?? root)
        self.shown = shown ?? { Paths.join(root, $0) }
    }

    static let maxFileBytes = 64 * 1024 * 1024

    /// What stands there.
    ///
    /// - Parameter alsoStanding: look for what stands in `releases` even where RELEASES says what there is.
    /// - Returns: with why the boot assessment, which only helps, can't be read; nil where it can.
    /// - Throws: where a file can't be read at all: nothing is known of it, so that it may be whole.
    public func read(alsoStanding: Bool = false) throws(FileError) -> (
        state: ReleaseTable.DiskState, unreadable: String?
    ) {
        var faults: [ReleaseTable.StateFile: ReleaseTable.FileFault] = [:]
        var state = ReleaseTable.DiskState(
            releases: try read(.releases, &faults, ReleasesFile.parse).map(directories.withForms),
            startErlData: try read(.startErlData, &faults, StartErlData.parse),
            newStartErlData: try read(.newStartErlData, &faults, StartErlData.parse),
            pending: try read(.pending, &faults, Self.parsePending).map { $0.map(directories.form) })
        state.faults = faults
        var unreadable: String?
        do throws(FileError) {
            state.assessment = try readAssessment()
        } catch {
            unreadable = "\(error)"
        }
        if alsoStanding || state.releases == nil {
            state.standing = try standing(state.releases)
            state.formerlyPermanent = formerlyPermanent()
        }
        return (state, unreadable)
    }

    private func read<Value>(
        _ file: ReleaseTable.StateFile, _ faults: inout [ReleaseTable.StateFile: ReleaseTable.FileFault],
        _ parse: ([UInt8], String) throws(FileError) -> Value
    ) throws(FileError) -> Value? {
        guard let bytes = try contents(file.path) else { return nil }
        guard bytes.contains(where: { !Self.blanks.contains($0) }) else {
            faults[file] = .empty
            return nil
        }
        do throws(FileError) {
            return try parse(bytes, file.path)
        } catch {
            let place = error.position.map { "line \($0.line), column \($0.column): " } ?? ""
            faults[file] = .damaged(place + error.message)
            return nil
        }
    }

    private static let blanks: Set<UInt8> = [0, 9, 10, 13, 32]

    private func readAssessment() throws(FileError) -> BootAssessment? {
        let name = "releases/boot_assessment"
        guard let bytes = try contents(name) else { return nil }
        return try BootAssessment.parse(bytes, file: shown(name))
    }

    /// nil where there is no such file.
    private func contents(_ name: String) throws(FileError) -> [UInt8]? {
        do throws(SystemError) {
            return try FileContents.read(Paths.join(root, name), limit: Self.maxFileBytes)
        } catch {
            if error.number == ENOENT { return nil }
            throw FileError(file: shown(name), position: nil, message: error.reason)
        }
    }

    /// The directories of `RELEASES.pending`.
    public static func parsePending(_ bytes: [UInt8], _ file: String) throws(FileError) -> [String] {
        do {
            return try TermText.parseTerms(bytes).compactMap(\.term.asString)
        } catch {
            throw FileError(file: file, position: error.position, message: error.message)
        }
    }

    // MARK: What stands

    /// The directories in `releases` that may be a release's.
    private func standing(_ known: ReleasesFile?) throws(FileError) -> [ReleaseTable.StandingRelease] {
        try releaseNames().filter {
            NameRule.vsn.allows($0) && !$0.hasPrefix(".") && !ReleasesFile.reservedNames.contains($0)
                && Directory.isDirectory(Paths.join(root, "releases/\($0)"))
        }.map { ReleaseTable.StandingRelease(vsn: $0, contents: look(at: $0, known?.release($0))) }
    }

    private func releaseNames() throws(FileError) -> [String] {
        do throws(SystemError) {
            return try Directory.allNames(in: Paths.join(root, "releases"))
        } catch {
            if error.number == ENOENT { return [] }
            throw FileError(file: shown("releases"), position: nil, message: error.reason)
        }
    }

    private func look(at vsn: String, _ known: ReleaseRecord?) -> ReleaseTable.StandingRelease.Contents {
        let directory = "releases/\(vsn)"
        let names: [String]
        do throws(SystemError) {
            names = try Directory.allNames(in: Paths.join(root, directory))
        } catch {
            return .broken("\(directory): \(error.reason)")
        }
        var problem = "there is no .rel file in \(directory)"
        for name in names where name.hasSuffix(".rel") {
            let file = "\(directory)/\(name)"
            do throws(FileError) {
                let resource = try ReleaseResource.parse(try contents(file) ?? [], file: file)
                guard resource.vsn == vsn, "\(resource.name).rel" == name else {
                    problem = "\(file) is of \(resource.name) \(resource.vsn)"
                    continue
                }
                guard let missing = missing(resource, known) else { return .whole(resource) }
                problem = "\(missing) is missing"
            } catch {
                problem = "\(error)"
            }
        }
        return .broken(problem)
    }

    /// The first `.app` that is not there.
    private func missing(_ resource: ReleaseResource, _ known: ReleaseRecord?) -> String? {
        for application in resource.applications where !Self.emulatorApplications.contains(application.name) {
            let library = known?.library(application.name).flatMap { $0.vsn == application.vsn ? $0.directory : nil }
            let directory = library ?? "lib/\(application.name.name)-\(application.vsn)"
            let file = "\(directory)/ebin/\(application.name.name).app"
            if !FileNames.exists(Paths.join(root, file)) { return file }
        }
        return nil
    }

    private static let emulatorApplications: Set<Atom> = ["kernel", "stdlib", "sasl"]

    /// By the history, which has what was made permanent, as long as it goes back.
    private func formerlyPermanent() -> Set<String> {
        let bytes = (try? FileContents.read(Paths.join(root, "releases/history"), limit: Self.maxFileBytes)) ?? []
        let vsns = bytes.split(separator: UInt8(ascii: "\n")).compactMap { line -> String? in
            // One may be cut off, or of another version of the daemon.
            guard let term = try? TermText.parseTerms(Array(line)).first?.term,
                let record = try? TermDecoder().decode(HistoryRecord.self, from: term),
                record.kind == NodeEventKind.madePermanent.rawValue
            else { return nil }
            return record.fields["vsn"]
        }
        return Set(vsns)
    }
}
