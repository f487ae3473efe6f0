import Glibc

/// What others than root and this process' user can change of a release root, which says what is run as root.
///
/// Looked at are the root, what stands in it, and what stands in its `lib` and `releases`: who can change a directory can put anything in the place
/// of what is in it. Of a socket, a pipe or a device nothing is run.
public struct RootExposure: Hashable, Sendable, CustomStringConvertible {
    public enum How: Hashable, Sendable {
        /// The daemon does not start: it could be anybody who says what it runs.
        case writableByEverybody
        case ownedBy(uid: UInt32)
        case writableBy(gid: UInt32)
    }

    /// Absolute.
    public let path: String
    public let how: How

    public var isRefused: Bool { how == .writableByEverybody }

    public var description: String {
        switch how {
        case .writableByEverybody:
            "\(path) is writable by everybody, who could have the daemon run anything: chmod o-w \(path)"
        case .ownedBy(let uid):
            "\(path) belongs to user \(uid), who can have the daemon run anything: chown root \(path)"
        case .writableBy(let gid):
            "\(path) is writable by group \(gid), whose members can have the daemon run anything: chmod g-w \(path)"
        }
    }

    /// In the order of their paths; the refused ones first.
    public static func found(in root: String) -> [RootExposure] {
        var paths = [root]
        for directory in [root, "\(root)/lib", "\(root)/releases"] {
            paths += Directory.names(directory).sorted().map { "\(directory)/\($0)" }
        }
        // `lib` and `releases` stand in the root themselves.
        let all = paths.compactMap { exposure(of: $0) }
        return all.filter(\.isRefused) + all.filter { !$0.isRefused }
    }

    private static func exposure(of path: String) -> RootExposure? {
        var status = stat()
        // A link is what it leads to.
        guard stat(path, &status) == 0, [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { return nil }
        if status.st_mode & S_IWOTH != 0 { return RootExposure(path: path, how: .writableByEverybody) }
        if status.st_uid != 0, status.st_uid != geteuid() {
            return RootExposure(path: path, how: .ownedBy(uid: status.st_uid))
        }
        guard status.st_mode & S_IWGRP != 0, status.st_gid != 0, status.st_gid != getegid() else { return nil }
        return RootExposure(path: path, how: .writableBy(gid: status.st_gid))
    }
}
