import CHost
import Glibc

/// Who may connect to a unix socket: mode and owner of its file. Source: systemd.socket(5), `SocketMode=`.
public struct SocketFileAccess: Hashable, Sendable {
    /// The lowest nine bits of the mode.
    public let mode: UInt32
    /// By name or number; nil for who the daemon runs as.
    public let user: String?
    /// By name or number; nil for the user's primary group.
    public let group: String?

    /// Everybody may connect: whoever can reach the directory.
    public static let standard = SocketFileAccess(mode: 0o666)

    public init(mode: UInt32, user: String? = nil, group: String? = nil) {
        self.mode = mode
        self.user = user
        self.group = group
    }

    /// Sets them on the file itself, whatever takes its name meanwhile: a worker's user may own the directory.
    func set(on path: String) throws(ListenError) {
        func failure(_ number: Int32, _ sentence: String) -> ListenError { ListenError(path, errno: number, sentence) }
        let owner = try owner(failure)
        let file: OwnedDescriptor
        let kind: FileStatus.Kind
        do {
            file = try OwnedDescriptor.open(path, Self.pathOnly | O_NOFOLLOW | O_CLOEXEC)
            kind = try FileStatus(of: file.raw).kind
        } catch {
            throw failure(error.number, "its file can't be opened: \(error.reason)")
        }
        guard kind == .socket else { throw failure(ENOTSOCK, "its file was replaced by one that is no socket") }
        // The descriptor names the file only; by this name the system calls take it.
        let name = "/proc/self/fd/\(file.raw)"
        // First the owner: a change of it may take bits of the mode away.
        if let (uid, gid) = owner, chown(name, uid, gid) != 0 {
            let who = [user, group].compactMap(\.self).joined(separator: ":")
            throw failure(errno, "its file can't be given to \(who): \(SystemError.reason(errno))")
        }
        guard chmod(name, mode) == 0 else {
            throw failure(errno, "its file can't be given the mode \(octal): \(SystemError.reason(errno))")
        }
    }

    /// O_PATH of open(2), which the headers hide.
    private static let pathOnly: Int32 = 0o10000000

    private var octal: String { "0" + String(mode, radix: 8) }

    /// nil where the file keeps the owner that it has.
    private func owner(
        _ failure: (Int32, String) -> ListenError
    ) throws(ListenError) -> (uid: uid_t, gid: gid_t)? {
        guard user != nil || group != nil else { return nil }
        // chown(2) leaves what is -1 as it is.
        var (uid, gid) = (uid_t.max, gid_t.max)
        let (owner, group) = try entries(failure)
        if let owner { (uid, gid) = (owner.uid, owner.gid) }
        return (uid, group ?? gid)
    }

    private func entries(
        _ failure: (Int32, String) -> ListenError
    ) throws(ListenError) -> (user: UserEntry?, group: gid_t?) {
        let found: (user: UserEntry?, group: gid_t?)
        do {
            found = (
                try user.flatMap { (name) throws(SystemError) in try Accounts.user(name) },
                try group.flatMap { (name) throws(SystemError) in try Accounts.group(name) }
            )
        } catch {
            throw failure(error.number, error.description)
        }
        if let user, found.user == nil { throw failure(0, "there is no user \"\(user)\"") }
        if let group, found.group == nil { throw failure(0, "there is no group \"\(group)\"") }
        return found
    }
}
