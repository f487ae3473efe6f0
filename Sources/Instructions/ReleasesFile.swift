public import Terms

/// What a release is to the node.
///
/// Source: release_handler(3).
public enum ReleaseStatus: Hashable, Sendable, Codable, CaseIterable {
    /// There, and not installed since it was unpacked.
    case unpacked
    /// Running, and gone after a restart.
    case current
    /// What boots.
    case permanent
    /// Was installed, and another one was after it.
    case old
    /// Boots once, to carry on an upgrade across a restart.
    case tmpCurrent

    public var atom: Atom {
        switch self {
        case .unpacked: "unpacked"
        case .current: "current"
        case .permanent: "permanent"
        case .old: "old"
        case .tmpCurrent: "tmp_current"
        }
    }

    /// Whether one release at a time has this status.
    var isExclusive: Bool {
        switch self {
        case .current, .permanent, .tmpCurrent: true
        case .unpacked, .old: false
        }
    }
}

/// One application of an unpacked release and where its files are: `{Lib, LibVsn, LibDir}`.
public struct LibraryRecord: Hashable, Sendable, Codable {
    public var name: Atom
    public var vsn: String
    /// Absolute, or relative to the release root.
    public var directory: String

    public init(name: Atom, vsn: String, directory: String) {
        self.name = name
        self.vsn = vsn
        self.directory = directory
    }
}

/// One release that the node knows: `{release, Name, Vsn, ErtsVsn, [{Lib, LibVsn, LibDir}], Status}`.
public struct ReleaseRecord: Hashable, Sendable, Codable {
    public var name: String
    public var vsn: String
    public var ertsVsn: String
    public var libraries: [LibraryRecord]
    public var status: ReleaseStatus

    public init(name: String, vsn: String, ertsVsn: String, libraries: [LibraryRecord], status: ReleaseStatus) {
        self.name = name
        self.vsn = vsn
        self.ertsVsn = ertsVsn
        self.libraries = libraries
        self.status = status
    }

    /// The record of a release whose applications lie in `directory/NAME-VSN`, which is relative to the root or
    /// absolute.
    public init(_ resource: ReleaseResource, status: ReleaseStatus, librariesIn directory: String = "lib") {
        let libraries = resource.applications.map {
            LibraryRecord(name: $0.name, vsn: $0.vsn, directory: "\(directory)/\($0.name.name)-\($0.vsn)")
        }
        self.init(
            name: resource.name, vsn: resource.vsn, ertsVsn: resource.ertsVsn, libraries: libraries, status: status)
    }

    public func library(_ name: Atom) -> LibraryRecord? { libraries.first { $0.name == name } }

    var term: Term {
        let libraries = libraries.map {
            Term.tuple([.atom($0.name), .string($0.vsn), .string($0.directory)])
        }
        return .tagged(
            "release", .string(name), .string(vsn), .string(ertsVsn), .list(libraries), .atom(status.atom))
    }
}

/// The releases that a node knows, `releases/RELEASES`: a list of them.
///
/// Source: `release_handler` of OTP, its release records.
public struct ReleasesFile: Hashable, Sendable, Codable {
    public var releases: [ReleaseRecord]

    /// Files of the directory `releases`: no release may have such a version, which names its own directory there.
    public static let reservedNames: Set<String> = [
        "RELEASES", "RELEASES.pending", "start_erl.data", "new_start_erl.data", ".lock", ".reserve", "boot_assessment",
        "history", "RELEASES.damaged", "start_erl.data.damaged",
    ]

    public init(releases: [ReleaseRecord] = []) { self.releases = releases }

    public func release(_ vsn: String) -> ReleaseRecord? { releases.first { $0.vsn == vsn } }

    /// The release that boots.
    public var permanent: ReleaseRecord? { releases.first { $0.status == .permanent } }

    /// The release that runs: the current one, else the permanent one.
    public var running: ReleaseRecord? { releases.first { $0.status == .current } ?? permanent }

    public var term: Term { .list(releases.map(\.term)) }

    public func text() -> String { fileText(term) }
}
