/// One file or directory that is to go into a release package.
public struct PackageEntry: Hashable, Sendable {
    public enum Contents: Hashable, Sendable {
        case directory
        /// Of the file at this path, which must have this SHA-256 (64 hexadecimal digits) when it is packed.
        case file(String, sha256: String)
        case bytes([UInt8])
    }

    /// Relative to the release root.
    public var path: String
    public var contents: Contents
    public var isExecutable: Bool

    public init(path: String, contents: Contents, isExecutable: Bool = false) {
        self.path = path
        self.contents = contents
        self.isExecutable = isExecutable
    }
}

/// Why a release package is not written. No file of its name was made or changed.
public struct PackageWritingError: Error, Hashable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The package, or a file that belongs into it.
        case system(SystemError)
        /// libarchive's words.
        case archive(String)
        case changed(String)
        /// What was written is not what `unpack-release` takes.
        case notUnpackable(ArchiveError)
        /// What was written does not read back as what it was to be.
        case damaged
    }

    public let package: String
    public let kind: Kind

    /// What the system refused, where it was that.
    public var systemError: SystemError? {
        if case .system(let error) = kind { error } else { nil }
    }

    init(_ package: String, _ kind: Kind) {
        self.package = package
        self.kind = kind
    }

    public var description: String {
        switch kind {
        case .system(let error): return "\(package): can't be written: \(error)"
        case .archive(let text): return "\(package): can't be written: \(text)"
        case .changed(let file): return "\(package): not written: \(file) was changed while it was packed"
        case .notUnpackable(let error): return "\(package): not written, it could not be unpacked: \(error.sentence)"
        case .damaged: return "\(package): not written: what was written does not read back the same"
        }
    }
}
