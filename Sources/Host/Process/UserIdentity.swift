import Glibc

/// A user whom a worker becomes: ids and supplementary groups, as login would give them, and what it is told of itself.
struct UserIdentity {
    let entry: UserEntry
    let groups: [gid_t]
    /// False where it is who the daemon runs as without being root: there is nothing to change.
    let isChange: Bool

    /// `name`, or a number, as `Accounts` has it.
    static func find(_ name: String, executable: String) throws(LaunchError) -> UserIdentity {
        func failure(_ number: Int32, _ reason: String) -> LaunchError {
            LaunchError(.user, executable: executable, subject: name, errno: number, "user \"\(name)\": \(reason)")
        }
        let found: UserEntry?
        do {
            found = try Accounts.user(name)
        } catch {
            throw failure(error.number, error.reason)
        }
        guard let entry = found else { throw failure(0, "no such user") }
        return UserIdentity(
            entry: entry, groups: Accounts.groups(of: entry),
            isChange: entry.uid != geteuid() || entry.uid == 0)
    }

    /// What `User=` sets of the environment. Source: systemd.exec(5), "Environment Variables in Spawned Processes".
    var variables: [String: String] {
        ["USER": entry.name, "LOGNAME": entry.name, "HOME": entry.home, "SHELL": entry.shell]
    }
}
