import Glibc

/// What the user database says of a user. Source: passwd(5).
struct UserEntry: Hashable {
    let name: String
    let uid: uid_t
    /// Of the user's primary group.
    let gid: gid_t
    let home: String
    /// `/bin/sh` where the database says nothing, as login has it.
    let shell: String
}

/// Users and groups by name, or by number. Source: getpwnam(3), getgrnam(3).
enum UserDatabase {
    /// The longest entry that is read: a group may have very many members.
    private static let maximumEntryBytes = 1024 * 1024

    /// nil where there is no such user.
    static func user(_ name: String) throws(SystemError) -> UserEntry? {
        var entry = passwd()
        return try lookUp("getpwnam", name) { buffer, count in
            var found: UnsafeMutablePointer<passwd>?
            let status =
                if let number = uid_t(name) {
                    getpwuid_r(number, &entry, buffer, count, &found)
                } else {
                    getpwnam_r(name, &entry, buffer, count, &found)
                }
            guard status == 0, let found = found?.pointee else { return (status, nil) }
            let shell = text(found.pw_shell)
            let user = UserEntry(
                name: text(found.pw_name), uid: found.pw_uid, gid: found.pw_gid, home: text(found.pw_dir),
                shell: shell.isEmpty ? "/bin/sh" : shell)
            return (0, user)
        }
    }

    /// nil where there is no such group.
    static func group(_ name: String) throws(SystemError) -> gid_t? {
        var entry = Glibc.group()
        return try lookUp("getgrnam", name) { buffer, count in
            var found: UnsafeMutablePointer<Glibc.group>?
            let status =
                if let number = gid_t(name) {
                    getgrgid_r(number, &entry, buffer, count, &found)
                } else {
                    getgrnam_r(name, &entry, buffer, count, &found)
                }
            return (status, found?.pointee.gr_gid)
        }
    }

    /// Asks with ever more room while the answer is that there was too little.
    private static func lookUp<Entry>(
        _ call: String, _ name: String, _ ask: (UnsafeMutablePointer<CChar>, Int) -> (status: Int32, entry: Entry?)
    ) throws(SystemError) -> Entry? {
        var room = 16 * 1024
        while true {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: room)
            defer { buffer.deallocate() }
            let (status, entry) = ask(buffer, room)
            if status == ERANGE, room < maximumEntryBytes {
                room *= 4
                continue
            }
            guard status == 0 else { throw SystemError(call, status, name) }
            return entry
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
        pointer.map { String(cString: $0) } ?? ""
    }
}
