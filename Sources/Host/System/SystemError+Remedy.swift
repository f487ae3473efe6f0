import Glibc

extension SystemError {
    /// What to do where a file system did not take or give what it was to, as the end of a sentence; nil where errno's words say all that
    /// is known.
    ///
    /// - Parameter path: a directory or file of that file system which is there.
    public func remedy(at path: String) -> String? {
        switch number {
        case ENOSPC: "make room on its file system: df \(path) shows how full that is"
        case EDQUOT: "it is the quota that is used up: make room, or raise the quota"
        case EROFS:
            "its file system is mounted read-only, for this process at least: findmnt -T \(path) shows how; in a unit with "
                + "ProtectSystem=strict what is to be written wants a line in ReadWritePaths="
        case EIO: "the disk fails: see what the kernel says of it with journalctl -k"
        case EACCES, EPERM: "user \(geteuid()), as whom this runs, has no right to it: ls -ld \(path) shows who has"
        default: nil
        }
    }
}
