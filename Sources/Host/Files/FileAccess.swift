import Glibc

/// Whose a file is and who may do what with it.
struct FileAccess {
    private let uid: uid_t
    private let gid: gid_t
    private let permissions: mode_t

    /// nil where there is no such regular file.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        uid = status.st_uid
        gid = status.st_gid
        permissions = status.st_mode & 0o7777
    }

    /// One who is not root gives files to a group of its own only; it stays its own then.
    static func giveGroup(of path: String, to descriptor: Int32) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        _ = fchown(descriptor, uid_t.max, status.st_gid)
    }

    /// Makes the open file, which is new, the same; `permissions` where they are to be others.
    func give(to descriptor: Int32, permissions: UInt32?, _ path: String) throws(SystemError) {
        // A daemon that is not root can't give files away. The file is its own then, as one is that it made.
        if fchown(descriptor, uid, gid) != 0 {
            guard errno == EPERM || errno == EINVAL else { throw SystemError("fchown", errno, path) }
            _ = fchown(descriptor, uid_t.max, gid)
        }
        // Afterwards: a change of the owner may take bits of the mode away.
        guard fchmod(descriptor, permissions ?? self.permissions) == 0 else {
            throw SystemError("fchmod", errno, path)
        }
    }
}
