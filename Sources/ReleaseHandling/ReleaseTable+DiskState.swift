public import Instructions

extension ReleaseTable {
    /// What stands on disk when the daemon starts; `nil` for a file that is not there, or that says nothing: `faults` has which.
    public struct DiskState: Hashable, Sendable {
        public var releases: ReleasesFile?
        public var startErlData: StartErlData?
        public var newStartErlData: StartErlData?
        public var pending: [String]?
        public var assessment: BootAssessment?
        /// Of the files that are there and say nothing.
        public var faults: [StateFile: FileFault] = [:]
        /// The directories `releases/VSN`, in the order of their names; looked at only where RELEASES does not say what there is.
        public var standing: [StandingRelease] = []
        /// Releases that were permanent once, as far as that is written elsewhere than in RELEASES.
        public var formerlyPermanent: Set<String> = []

        public init(
            releases: ReleasesFile?, startErlData: StartErlData?, newStartErlData: StartErlData? = nil,
            pending: [String]? = nil, assessment: BootAssessment? = nil
        ) {
            self.releases = releases
            self.startErlData = startErlData
            self.newStartErlData = newStartErlData
            self.pending = pending
            self.assessment = assessment
        }

        /// How a file is that says nothing, as the end of a sentence.
        func condition(of file: StateFile) -> String { faults[file]?.description ?? "missing" }
    }

    /// A file that a start goes by. (`boot_assessment` only helps.)
    public enum StateFile: Hashable, Sendable, CaseIterable {
        case releases, startErlData, newStartErlData, pending

        /// Relative to the release root.
        public var path: String {
            switch self {
            case .releases: "releases/RELEASES"
            case .startErlData: "releases/start_erl.data"
            case .newStartErlData: "releases/new_start_erl.data"
            case .pending: "releases/RELEASES.pending"
            }
        }

        /// Where it is kept when it is damaged and written anew.
        public var asidePath: String { "\(path).damaged" }
    }

    /// Why a file that is there says nothing.
    public enum FileFault: Hashable, Sendable, CustomStringConvertible {
        /// No byte, or only blanks and NULs, which some file systems leave after a power cut.
        case empty
        /// What is wrong with it, and where.
        case damaged(String)

        public var description: String {
            switch self {
            case .empty: "empty"
            case .damaged(let reason): "damaged (\(reason))"
            }
        }

        var isDamaged: Bool {
            switch self {
            case .empty: false
            case .damaged: true
            }
        }
    }

    /// A directory `releases/VSN`, as it was found.
    public struct StandingRelease: Hashable, Sendable {
        public enum Contents: Hashable, Sendable {
            /// Its `.rel`, all of whose applications are there.
            case whole(ReleaseResource)
            /// What it lacks, or what is wrong with it.
            case broken(String)
        }

        public let vsn: String
        public let contents: Contents

        public init(vsn: String, contents: Contents) {
            self.vsn = vsn
            self.contents = contents
        }

        public var resource: ReleaseResource? {
            switch contents {
            case .whole(let resource): resource
            case .broken: nil
            }
        }
    }
}
