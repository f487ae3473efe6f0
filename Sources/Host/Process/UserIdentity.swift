import Glibc

/// A user whom a worker becomes: ids and supplementary groups, as login would give them.
struct UserIdentity {
    let uid: uid_t
    let gid: gid_t
    let groups: [gid_t]

    /// Looks `name` (or a number) up. nil where it is who the daemon runs as without being root: nothing to change.
    static func find(_ name: String, executable: String) throws(LaunchError) -> UserIdentity? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 * 1024)
        let status: Int32
        if let number = uid_t(name) {
            status = getpwuid_r(number, &entry, &buffer, buffer.count, &found)
        } else {
            status = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
        }
        guard let found else {
            let reason = status == 0 ? "no such user" : SystemError.reason(status)
            throw LaunchError(
                .user, executable: executable, subject: name, errno: status, "user \"\(name)\": \(reason)")
        }
        return withExtendedLifetime(buffer) {
            let uid = found.pointee.pw_uid
            let gid = found.pointee.pw_gid
            if uid == geteuid(), uid != 0 { return nil }
            var groups = [gid_t](repeating: 0, count: 256)
            var count = Int32(groups.count)
            // More than 256 groups: the first ones are filled in, and those are kept.
            getgrouplist(found.pointee.pw_name, gid, &groups, &count)
            return UserIdentity(uid: uid, gid: gid, groups: Array(groups.prefix(Int(min(count, 256)))))
        }
    }
}
