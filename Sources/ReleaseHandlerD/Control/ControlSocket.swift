import Glibc
import Host

/// The control socket can't be made.
public struct ControlSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    public let message: String
    public var description: String { "\(path): \(message)" }
}

/// The file of the control socket: its directory, a stale one's removal, its mode.
struct ControlSocket {
    let path: String

    /// Makes the way free for bind(2): the directory is there, nobody listens, no stale file is left.
    ///
    /// Between this and the bind another daemon may come up: the release root's lock keeps two of them apart,
    /// this only finds a mistaken path.
    func prepare() throws(ControlSocketError) {
        let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
        guard path.utf8.count <= limit else {
            throw error("a socket's path has at most \(limit) bytes, this one \(path.utf8.count): use a shorter one")
        }
        try makeDirectory()
        let status: FileStatus
        do {
            status = try FileStatus(ofLink: path)
        } catch {
            if error.number == ENOENT { return }
            throw self.error("can't be looked at: \(error.reason)")
        }
        guard status.kind == .socket else {
            throw error("is in the way and is no socket: remove it or name another path")
        }
        if try isListenedTo() {
            throw error("another release-handlerd is listening: stop it or name another path")
        }
        if unlink(path) != 0, errno != ENOENT { throw failure("is stale and can't be removed") }
    }

    /// Lets everybody connect: who may do what is decided by the peer's credentials.
    ///
    /// - Returns: the file's inode, by which ``remove(ifInode:)`` knows it again.
    func open() throws(ControlSocketError) -> UInt64 {
        // Whoever may write in the directory may have put a link in its place.
        guard fchmodat(AT_FDCWD, path, 0o666, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw failure("can't be given the mode 0666")
        }
        do {
            return try FileStatus(ofLink: path).identity.inode
        } catch {
            throw self.error("can't be looked at: \(error.reason)")
        }
    }

    /// Of the service manager's socket, whose listening this process may end by closing it no more than its file.
    func copy(of given: OwnedDescriptor) throws(ControlSocketError) -> Int32 {
        let copy = fcntl(given.raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw failure("the service manager's socket can't be copied") }
        return copy
    }

    /// Removes the file, unless a successor has put its own there.
    func remove(ifInode inode: UInt64) {
        if (try? FileStatus(ofLink: path))?.identity.inode == inode { unlink(path) }
    }

    private func makeDirectory() throws(ControlSocketError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = path[..<slash]
        var end = directory.startIndex
        while end != directory.endIndex {
            end = directory[directory.index(after: end)...].firstIndex(of: "/") ?? directory.endIndex
            let part = String(directory[..<end])
            guard mkdir(part, 0o755) != 0, errno != EEXIST else { continue }
            // A read-only parent that has the directory already answers so, too.
            let code = errno
            if Directory.isDirectory(part) { continue }
            throw error("its directory \(part) can't be made: \(String(cString: strerror(code)))")
        }
    }

    private func isListenedTo() throws(ControlSocketError) -> Bool {
        let socket = Glibc.socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard socket >= 0 else { throw failure("no socket to try it with") }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return true }
        switch errno {
        case ECONNREFUSED, ENOENT: return false
        case EAGAIN: return true  // Its backlog is full.
        default: throw failure("can't be tried")
        }
    }

    private func error(_ message: String) -> ControlSocketError { ControlSocketError(path: path, message: message) }

    private func failure(_ what: String) -> ControlSocketError { error("\(what): \(String(cString: strerror(errno)))") }
}
