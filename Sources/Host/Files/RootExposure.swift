import Glibc
import Instructions

/// What others than root and this process' user can change of a release root, which says what is run as root, and what everybody can read of
/// what is confidential in it.
///
/// Who can change a directory can put anything in the place of what is in it, and who can change a file, anything in it. Looked at are
///
/// - the directories above the root,
/// - the root, and what stands in it and in its `lib`, `releases` and `bin`,
/// - the files of each release (`releases/VSN`) and of each emulator (`erts-VSN/bin`),
/// - of each application `ebin` and `priv`, without what is in them: those may be thousands of files, at each start.
///
/// Of a socket, a pipe or a device nothing is run.
public struct RootExposure: Hashable, Sendable, CustomStringConvertible {
    public enum How: Hashable, Sendable {
        /// The daemon does not start: it could be anybody who says what it runs.
        case writableByEverybody
        case ownedBy(uid: UInt32)
        case writableBy(gid: UInt32)
        /// It has what is confidential in it.
        case openToEverybody
        /// `lib`: so many confidential files in it can be read by everybody.
        case readableByEverybody(count: Int, first: String)
    }

    /// Absolute.
    public let path: String
    public let how: How

    public var isRefused: Bool { how == .writableByEverybody }

    public var description: String {
        switch how {
        case .writableByEverybody:
            "\(path) is writable by everybody, who could have the daemon run anything: chmod o-w \(path)"
        case .openToEverybody:
            """
            \(path) is open to everybody, who can read in it what get-env shows to root and the group only: chmod o-rwx \(path)
            """
        case .readableByEverybody(let count, let first):
            """
            \(first)\(count > 1 ? " and \(count - 1) more" : "") can be read by everybody, who sees what get-env and get-childspec show to root \
            and the group only: chmod -f o-r \(path)/*/ebin/*.sup \(path)/*/ebin/*.app
            """
        case .ownedBy(let uid):
            "\(path) belongs to user \(uid), who can have the daemon run anything: chown root \(path)"
        case .writableBy(let gid):
            "\(path) is writable by group \(gid), whose members can have the daemon run anything: chmod g-w \(path)"
        }
    }

    /// In the order of their paths; the refused ones first, and what can be read last.
    public static func found(in root: String) -> [RootExposure] {
        let (own, applications, releases) = (paths(in: root), paths(in: "\(root)/lib"), paths(in: "\(root)/releases"))
        let emulators = own.filter { Paths.split($0).name.hasPrefix("erts-") }.map { "\($0)/bin" }
        // `bin`, `lib` and `releases` stand in the root themselves.
        var inner = emulators
        for application in applications { inner += ["\(application)/ebin", "\(application)/priv"] }
        for directory in ["\(root)/bin"] + emulators + releases { inner += paths(in: directory) }
        let outer = [root] + own + applications + releases
        let found = outer.compactMap { exposure(of: $0) } + inner.compactMap { exposure(ofInner: $0) }
        return refusedFirst(above(root) + found.sorted { $0.path < $1.path }) + readable(in: root)
    }

    static func refusedFirst(_ all: [RootExposure]) -> [RootExposure] {
        all.filter(\.isRefused) + all.filter { !$0.isRefused }
    }

    static func paths(in directory: String) -> [String] { Directory.names(directory).map { "\(directory)/\($0)" } }

    /// What everybody can read, where everybody can come to it at all.
    private static func readable(in root: String) -> [RootExposure] {
        guard let real = realpath(root, nil) else { return [] }
        defer { free(real) }
        let above = Paths.parents(of: String(cString: real)).map { "/\($0)" } + [root]
        guard above.allSatisfy({ isForEverybody($0, S_IXOTH) }) else { return [] }
        var found: [RootExposure] = []
        let releases = "\(root)/releases"
        if isForEverybody(releases, S_IXOTH | S_IROTH) {
            found.append(RootExposure(path: releases, how: .openToEverybody))
        }
        let lib = "\(root)/lib"
        guard isForEverybody(lib, S_IXOTH) else { return found }
        let directories = Directory.names(lib).map { "\(lib)/\($0)" }.filter { isForEverybody($0, S_IXOTH) }
            .map { "\($0)/ebin" }.filter { isForEverybody($0, S_IXOTH) }
        let files = directories.flatMap { directory in
            Directory.names(directory).filter(ConfidentialFiles.isNamed).map { "\(directory)/\($0)" }
        }.filter { isForEverybody($0, S_IROTH) }
        if let first = files.first {
            found.append(RootExposure(path: lib, how: .readableByEverybody(count: files.count, first: first)))
        }
        return found
    }

    /// Whether any of these is everybody's.
    private static func isForEverybody(_ path: String, _ mode: mode_t) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & mode != 0
    }

    /// What makes the way to a root one that can't be trusted, by which it may be another root tomorrow.
    public static func refused(onTheWayTo path: String) -> RootExposure? { above(path).first(where: \.isRefused) }

    /// The directories above `path`, as it is spelled and as it is without links.
    static func above(_ path: String) -> [RootExposure] {
        let ways = [path, FileNames.withoutLinks(path) ?? path].filter { $0.hasPrefix("/") }
        let directories = Set(ways.flatMap { Paths.parents(of: $0) }).sorted().map { "/\($0)" }
        return (["/"] + directories).compactMap { exposure(of: $0, isAbove: true) }
    }

    /// Of what is further down, where more is wrong than with the directory that it is in: a tree that is all another's is a line, and no hundred.
    private static func exposure(ofInner path: String) -> RootExposure? {
        guard let found = exposure(of: path), exposure(of: Paths.parent(of: path))?.how != found.how else { return nil }
        return found
    }

    static func exposure(of path: String, isAbove: Bool = false) -> RootExposure? {
        var status = stat()
        // A link is what it leads to.
        guard stat(path, &status) == 0, [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { return nil }
        // In `/tmp` nobody but its owner renames or removes what is another's. Source: inode(7), the sticky bit.
        let isKept = isAbove && status.st_mode & S_ISVTX != 0
        if status.st_mode & S_IWOTH != 0, !isKept { return RootExposure(path: path, how: .writableByEverybody) }
        if status.st_uid != 0, status.st_uid != geteuid() {
            return RootExposure(path: path, how: .ownedBy(uid: status.st_uid))
        }
        guard status.st_mode & S_IWGRP != 0, !isKept, status.st_gid != 0, status.st_gid != getegid() else { return nil }
        return RootExposure(path: path, how: .writableBy(gid: status.st_gid))
    }
}
