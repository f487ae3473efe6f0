/// What the pure passes ask of the files of releases; the offline tools give the file system's answers, tests their own.
public struct SourceFiles {
    public enum Answer: Sendable {
        case contents([UInt8])
        case missing
        /// The name of the error as POSIX has it: `eacces`.
        case failed(String)
    }

    /// The contents of a file.
    public var read: (_ path: String) -> Answer
    /// The names in a directory; none where it can't be read.
    public var names: (_ directory: String) -> [String]
    /// Something that is equal for files of equal contents; `nil` where there is no such file.
    public var digest: (_ path: String) -> [UInt8]?
    /// Of each file below a directory, by its name there, something that is equal for equal files; none where there is no
    /// such directory.
    public var tree: (_ directory: String) -> [String: String]
    /// Whether a version matches a regular expression as a whole, as `re:run/3` with `unicode` finds the first match.
    public var matchesWhole: (_ vsn: String, _ expression: [UInt8]) throws(VersionPatternError) -> Bool

    public init(
        read: @escaping (_ path: String) -> Answer, names: @escaping (_ directory: String) -> [String],
        digest: @escaping (_ path: String) -> [UInt8]?, tree: @escaping (_ directory: String) -> [String: String],
        matchesWhole: @escaping (_ vsn: String, _ expression: [UInt8]) throws(VersionPatternError) -> Bool
    ) {
        self.read = read
        self.names = names
        self.digest = digest
        self.tree = tree
        self.matchesWhole = matchesWhole
    }
}

/// Why a version can't be held against a regular expression: it does not compile, or takes too long.
public struct VersionPatternError: Error, Hashable, Sendable {
    public let message: String

    public init(message: String) { self.message = message }
}

/// The directories in which `.rel` and `.app` files are looked for, in order.
public struct SearchPath {
    public let directories: [String]
    public let files: SourceFiles
    /// For each name of an `.app`, the directories that have it.
    private let applications: [String: [Int]]

    /// - Parameter directories: relative or absolute, without wildcards; each is listed once, now.
    public init(directories: [String], files: SourceFiles) {
        self.directories = directories
        self.files = files
        var applications: [String: [Int]] = [:]
        for (index, directory) in directories.enumerated() {
            for name in files.names(directory) where name.utf8.suffix(4).elementsEqual(".app".utf8) {
                applications[name, default: []].append(index)
            }
        }
        self.applications = applications
    }

    /// The paths at which there is an `.app` of that name, in the order of the directories.
    func applicationFiles(named name: String) -> [(directory: String, path: String)] {
        (applications[name] ?? []).map { (directories[$0], Paths.join(directories[$0], name)) }
    }
}
