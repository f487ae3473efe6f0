/// Why a release package is not unpacked. Nothing of it is left behind.
public struct ArchiveError: Error, Hashable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// What it holds can't be written.
        case system(SystemError)
        /// The package itself can't be read: nothing is known of what it holds.
        case notRead(SystemError)
        /// It is no gzip-compressed tar file, or a damaged one: libarchive's words.
        case unreadable(String)
        case empty
        /// An entry that has no business in a release.
        case badEntry(String, EntryProblem)
        case tooManyEntries(limit: Int)
        case tooLarge(limit: Int)
        /// What is already in the release root differs from what the package has of the same name.
        case alreadyThere(String)
    }

    public enum EntryProblem: Hashable, Sendable {
        case absolutePath
        case parentDirectory
        case emptyName
        case tooLongName(limit: Int)
        case throughLink(String)
        case linkOutside(target: String)
        case hardLinkOutside(target: String)
        case hardLinkToNothing(target: String)
        case deviceNode
        case otherType
        case twice
    }

    public let package: String
    public let kind: Kind

    init(_ package: String, _ kind: Kind) {
        self.package = package
        self.kind = kind
    }

    public var description: String {
        switch kind {
        case .system, .notRead, .unreadable, .empty, .alreadyThere: return "\(package): \(sentence)"
        case .badEntry, .tooManyEntries, .tooLarge:
            return "\(package): refused, nothing was unpacked: \(sentence)"
        }
    }

    /// What is wrong, without the package's name.
    var sentence: String {
        switch kind {
        case .system(let error): return "can't be unpacked: \(error)"
        case .notRead(let error): return "can't be read: \(error.call): \(error.reason)"
        case .unreadable(let text): return "not a readable .tar.gz: \(text)"
        case .empty: return "the package holds no files"
        case .badEntry(let name, let problem): return "entry \"\(name)\" \(Self.sentence(problem))"
        case .tooManyEntries(let limit): return "more than \(limit) entries"
        case .tooLarge(let limit): return "its files have more than \(limit) bytes in all"
        case .alreadyThere(let name):
            return "\(name) is already in the release root with other contents; release directories "
                + "never change, give the new one a version of its own"
        }
    }

    private static func sentence(_ problem: EntryProblem) -> String {
        switch problem {
        case .absolutePath: return "has an absolute path"
        case .parentDirectory: return "has \"..\" in its path"
        case .emptyName: return "has no name"
        case .tooLongName(let limit): return "has a path of more than \(limit) bytes"
        case .throughLink(let link): return "lies behind the symbolic link \"\(link)\""
        case .linkOutside(let target): return "is a symbolic link out of the release root, to \"\(target)\""
        case .hardLinkOutside(let target): return "is a hard link out of the release root, to \"\(target)\""
        case .hardLinkToNothing(let target): return "is a hard link to \"\(target)\", which is no earlier file of it"
        case .deviceNode: return "is a device node"
        case .otherType: return "is neither a file nor a directory nor a link"
        case .twice: return "is in it twice"
        }
    }
}
