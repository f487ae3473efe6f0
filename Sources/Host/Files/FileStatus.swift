import CHost
import Glibc

/// What a file is. Source: stat(2).
public struct FileStatus: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case file
        case directory
        case symbolicLink
        case socket
        /// A device or a FIFO.
        case other
    }

    public let kind: Kind
    /// The lowest twelve bits of the mode.
    public let permissions: UInt32
    public let identity: FileIdentity
    /// When its content or its inode was changed last, in nanoseconds since 1970: ctime, which nobody can set.
    public let changedNanoseconds: Int

    public var size: Int { identity.size }
    public var isExecutable: Bool { permissions & 0o111 != 0 }

    /// Of the file that `path` leads to, through links.
    public init(of path: String) throws(SystemError) {
        try self.init("stat", path) { chost_stat(path, &$0) }
    }

    /// Of what `path` itself names: a link is not followed.
    public init(ofLink path: String) throws(SystemError) {
        try self.init("lstat", path) { chost_lstat(path, &$0) }
    }

    public init(of descriptor: Int32) throws(SystemError) {
        try self.init("fstat", nil) { chost_fstat(descriptor, &$0) }
    }

    private init(
        _ call: String, _ subject: String?, _ fill: (inout chost_status) -> Int32
    ) throws(SystemError) {
        var status = chost_status()
        let result = fill(&status)
        guard result == 0 else { throw SystemError(call, -result, subject) }
        switch status.mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .symbolicLink
        case S_IFSOCK: kind = .socket
        default: kind = .other
        }
        permissions = status.mode & 0o7777
        identity = FileIdentity(
            device: status.device, inode: status.inode, size: Int(status.size),
            modifiedNanoseconds: Int(status.modified_nanoseconds))
        changedNanoseconds = Int(status.changed_nanoseconds)
    }
}

/// Which file it is, and whether it is still as it was: another inode, size or time of change tells.
public struct FileIdentity: Hashable, Sendable, Codable {
    public let device: UInt64
    public let inode: UInt64
    public let size: Int
    public let modifiedNanoseconds: Int
}
