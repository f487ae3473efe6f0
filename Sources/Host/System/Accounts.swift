import Glibc
import Synchronization

/// What the user database said when it was last asked, for threads that may not wait for it.
///
/// A database may be on the network. Whoever starts a process has `refresh` ask it first, on a thread that may wait; the
/// start then takes what was found.
public enum Accounts {
    private struct Known {
        var users: [String: Result<UserEntry?, SystemError>] = [:]
        var groups: [String: Result<gid_t?, SystemError>] = [:]
        /// Supplementary groups, by the user's name in the database.
        var memberships: [String: [gid_t]] = [:]
    }

    private static let known = Mutex(Known())

    /// Asks for these, by name or number; may take as long as the database does.
    public static func refresh(users: [String], groups: [String]) {
        for name in Set(users) {
            let found = Result { () throws(SystemError) in try UserDatabase.user(name) }
            known.withLock { $0.users[name] = found }
            if case .success(let entry?) = found {
                let groups = memberships(of: entry)
                known.withLock { $0.memberships[entry.name] = groups }
            }
        }
        for name in Set(groups) {
            let found = Result { () throws(SystemError) in try UserDatabase.group(name) }
            known.withLock { $0.groups[name] = found }
        }
    }

    /// As last refreshed; asked now where it never was.
    static func user(_ name: String) throws(SystemError) -> UserEntry? {
        if let found = known.withLock({ $0.users[name] }) { return try found.get() }
        return try UserDatabase.user(name)
    }

    static func group(_ name: String) throws(SystemError) -> gid_t? {
        if let found = known.withLock({ $0.groups[name] }) { return try found.get() }
        return try UserDatabase.group(name)
    }

    static func groups(of entry: UserEntry) -> [gid_t] {
        known.withLock { $0.memberships[entry.name] } ?? memberships(of: entry)
    }

    private static func memberships(of entry: UserEntry) -> [gid_t] {
        var groups = [gid_t](repeating: 0, count: 256)
        var count = Int32(groups.count)
        // More than 256 groups: the first ones are filled in, and those are kept.
        getgrouplist(entry.name, entry.gid, &groups, &count)
        return Array(groups.prefix(Int(min(count, 256))))
    }
}
