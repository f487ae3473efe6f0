import Glibc
import Host
import ReleaseTools

/// The user of a daemon that is not root owns its release root, and may have put links there that lead anywhere. What root changes in it by
/// hand is therefore done with that user's rights.
enum RootOwner {
    /// For good: this process has nothing else to do.
    static func become(of root: String) throws(ToolError) {
        var status = stat()
        guard geteuid() == 0, stat(root, &status) == 0, status.st_uid != 0 else { return }
        let (user, group) = (status.st_uid, status.st_gid)
        guard setgroups(0, nil) == 0, setgid(group) == 0, setuid(user) == 0 else {
            throw ToolError(
                "\(root) belongs to user \(user), whose rights can't be taken: \(SystemError.reason(errno))")
        }
    }
}
