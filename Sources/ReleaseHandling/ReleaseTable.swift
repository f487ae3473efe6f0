public import Instructions
public import Terms

/// The releases of a node and what it boots.
///
/// In memory a release may be `current`: that means something only while the node runs, so on disk it is `unpacked`
/// (`ReleasesFile.persistent`), and a restart, whatever caused it, finds the permanent release.
///
/// Source: `release_handler`; release_handler(3).
public struct ReleaseTable: Hashable, Sendable, Codable {
    public internal(set) var releases: ReleasesFile
    /// What `bin/start` reads; its release is the permanent one.
    public internal(set) var startErlData: StartErlData
    /// What the next start has to know; nil where there is nothing.
    public internal(set) var assessment: BootAssessment?

    init(releases: ReleasesFile, startErlData: StartErlData, assessment: BootAssessment? = nil) {
        self.releases = releases
        self.startErlData = startErlData
        self.assessment = assessment
    }

    /// The release that runs: the current one, else the permanent one.
    public var running: ReleaseRecord? { releases.running }

    public func release(_ vsn: String) throws(ReleaseError) -> ReleaseRecord {
        guard let release = releases.release(vsn) else { throw .noSuchRelease(vsn) }
        return release
    }

    /// One write to disk; each is whole or has not happened (new file, sync, rename, sync of the directory).
    /// Directories are relative to the root, as in RELEASES.
    public enum DiskWrite: Hashable, Sendable {
        /// `releases/RELEASES`
        case releases(ReleasesFile)
        /// `releases/start_erl.data`: the permanent release changes here and nowhere else.
        case startErlData(StartErlData)
        /// `releases/new_start_erl.data`: what the daemon executes itself as, once.
        case newStartErlData(StartErlData)
        case removeNewStartErlData
        /// `releases/boot_assessment`; nil: there is nothing to be known.
        case bootAssessment(BootAssessment?)
        /// `releases/RELEASES.pending`, a list of directories: those of them that no release has, when the node
        /// starts or the operation ends, belong to a half-done unpack or remove and go.
        case pending([String])
        case removePending
        /// A file of a release, with these bytes: `releases/VSN/NAME`. Its directory is made.
        case file(String, [UInt8])
        /// Rename from where the package was unpacked to its place; that the package lacks it is an error.
        case placeDirectory(String)
        case removeDirectory(String)
        /// Copy a damaged file to beside itself, before it is written anew.
        case keepAside(StateFile)
    }

    /// What an operation comes to: these writes in this order, and then this table. When a write fails, the table is
    /// `adopting` what `recover` makes of what then stands on disk, and its writes clean up.
    public struct Change: Hashable, Sendable {
        public let writes: [DiskWrite]
        public let table: ReleaseTable

        init(writes: [DiskWrite], table: ReleaseTable) {
            self.writes = writes
            self.table = table
        }
    }

    /// Which way an install goes, and by which script.
    public struct Script: Sendable {
        public enum Direction: Hashable, Sendable { case up, down }

        public let direction: Direction
        public let from: ReleaseRecord
        public let to: ReleaseRecord
        public let entry: RelupEntry
    }
}

extension ReleaseRecord {
    /// `releases/VSN`, relative to the root.
    public var releaseDirectory: String { "releases/\(vsn)" }

    /// `releases/VSN/NAME.rel`, relative to the root.
    public var resourceFile: String { "\(releaseDirectory)/\(name).rel" }

    /// Of a release that was brought by other means.
    ///
    /// - Parameter directories: by application, the directory in which `APP-VSN` lies, where that is not `lib`.
    public static func unpacked(_ release: ReleaseResource, directories: [Atom: String]) -> ReleaseRecord {
        var record = ReleaseRecord(release, status: .unpacked)
        for index in record.libraries.indices {
            let library = record.libraries[index]
            guard let directory = directories[library.name] else { continue }
            record.libraries[index].directory = Paths.join(directory, "\(library.name.name)-\(library.vsn)")
        }
        return record
    }

    /// `erts-VSN`, relative to the root.
    public var emulatorDirectory: String { "erts-\(ertsVsn)" }

    /// All that RELEASES says to be there for this release.
    public var directories: [String] { libraries.map(\.directory) + [releaseDirectory, emulatorDirectory] }
}
