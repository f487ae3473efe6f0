import CArchive
import Glibc
import Instructions

/// One entry of a release package.
public struct ArchiveEntry: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case directory
        case file(size: Int)
        case symbolicLink(target: String)
        case hardLink(target: String)
    }

    /// Relative to the release root, without `.`, `..` and a slash at its end.
    public let path: String
    public let kind: Kind
    public let isExecutable: Bool
}

/// The rules that each entry must keep, and what earlier ones were.
struct ArchiveRules {
    static let pathBytesLimit = 1024

    private let package: String
    private let limits: ReleaseArchive.Limits
    private(set) var entries: [ArchiveEntry] = []
    private var kinds: [String: ArchiveEntry.Kind] = [:]
    private var totalBytes = 0

    init(package: String, limits: ReleaseArchive.Limits) {
        self.package = package
        self.limits = limits
    }

    /// Takes the next entry in. nil for the root itself (`./`), which needs no making.
    mutating func accept(_ raw: OpaquePointer) throws(ArchiveError) -> ArchiveEntry? {
        let name = archive_entry_pathname(raw).map { String(cString: $0) } ?? ""
        let path = try checkedPath(name)
        guard !path.isEmpty else { return nil }
        for prefix in Paths.parents(of: path) {
            if case .symbolicLink = kinds[prefix] { throw bad(name, .throughLink(prefix)) }
        }
        let kind = try kind(of: raw, name: name, path: path)
        if let before = kinds[path] {
            // Directories are often listed again; nothing else is.
            guard before == .directory, kind == .directory else { throw bad(name, .twice) }
            return nil
        }
        if case .file(let size) = kind {
            guard size <= limits.bytes - totalBytes else { throw ArchiveError(package, .tooLarge(limit: limits.bytes)) }
            totalBytes += size
        }
        guard entries.count < limits.entries else {
            throw ArchiveError(package, .tooManyEntries(limit: limits.entries))
        }
        let entry = ArchiveEntry(path: path, kind: kind, isExecutable: archive_entry_perm(raw) & 0o111 != 0)
        entries.append(entry)
        kinds[path] = kind
        return entry
    }

    private func bad(_ name: String, _ problem: ArchiveError.EntryProblem) -> ArchiveError {
        ArchiveError(package, .badEntry(name, problem))
    }

    private func checkedPath(_ name: String) throws(ArchiveError) -> String {
        guard !name.isEmpty else { throw bad(name, .emptyName) }
        guard name.utf8.count <= Self.pathBytesLimit else {
            throw bad(String(name.prefix(60)) + "...", .tooLongName(limit: Self.pathBytesLimit))
        }
        guard !name.hasPrefix("/") else { throw bad(name, .absolutePath) }
        let parts = name.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { throw bad(name, .parentDirectory) }
        return parts.joined(separator: "/")
    }

    private func kind(
        of raw: OpaquePointer, name: String, path: String
    ) throws(ArchiveError) -> ArchiveEntry.Kind {
        if let target = archive_entry_hardlink(raw).map({ String(cString: $0) }) {
            return try hardLink(target, name)
        }
        switch UInt32(archive_entry_filetype(raw)) {
        case S_IFREG: return .file(size: Int(archive_entry_size(raw)))
        case S_IFDIR: return .directory
        case S_IFLNK:
            let target = archive_entry_symlink(raw).map { String(cString: $0) } ?? ""
            guard Self.staysInside(target, from: path) else { throw bad(name, .linkOutside(target: target)) }
            return .symbolicLink(target: target)
        case S_IFBLK, S_IFCHR: throw bad(name, .deviceNode)
        default: throw bad(name, .otherType)
        }
    }

    private func hardLink(_ target: String, _ name: String) throws(ArchiveError) -> ArchiveEntry.Kind {
        let parts = target.split(separator: "/").filter { $0 != "." }
        guard !target.hasPrefix("/"), !parts.contains("..") else { throw bad(name, .hardLinkOutside(target: target)) }
        let path = parts.joined(separator: "/")
        switch kinds[path] {
        case .file, .hardLink: return .hardLink(target: path)
        case .directory, .symbolicLink, nil: throw bad(name, .hardLinkToNothing(target: target))
        }
    }

    /// Whether a symbolic link at `path` leads nowhere but into the root.
    ///
    /// `..` may only stand at its beginning, once at most for each directory above the link. Since no entry lies
    /// behind a link, those are real directories; and what follows only descends, also through other such links.
    static func staysInside(_ target: String, from path: String) -> Bool {
        guard !target.isEmpty, !target.hasPrefix("/") else { return false }
        let parts = target.split(separator: "/").filter { $0 != "." }
        let ups = parts.prefix { $0 == ".." }.count
        return !parts.dropFirst(ups).contains("..") && ups <= Paths.parents(of: path).count
    }
}
