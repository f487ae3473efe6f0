import CHost
import Instructions
import Glibc

extension Directory {
    /// Removes `path` with all that is in it; links are removed, not followed. What is not there is no error.
    ///
    /// Only the directories above `path` are reached by name. What is in it may be others' to write, who put links in the
    /// place of what was looked at: each directory is opened without following one, and asked through its descriptor.
    ///
    /// - Parameter onRemoved: called for each thing in it that is gone.
    public static func removeTree(_ path: String, onRemoved: (() -> Void)? = nil) throws(SystemError) {
        let (parent, text) = Paths.split(withoutSlashes(path))
        let name = Array(text.utf8CString)
        let above: OwnedDescriptor
        do {
            above = try OwnedDescriptor.open(parent, O_RDONLY | O_DIRECTORY)
        } catch  where error.number == ENOENT {
            return
        }
        guard try !isRemoved(name, in: above, path) else { return }
        guard let tree = try openDirectory(name, in: above, path) else {
            throw SystemError("unlink", EBUSY, path)  // Something else took its name just now.
        }
        var removal = TreeRemoval(tree: tree, path: path, onRemoved: onRemoved)
        try removal.empty()
        guard unlinkat(above.raw, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw SystemError("rmdir", errno, path)
        }
    }

    private static func withoutSlashes(_ path: String) -> String {
        String(path.reversed().drop { $0 == "/" }.reversed())
    }

    /// Whether what has the name is gone now: a file, a link or an empty directory. False: a directory with something in it.
    fileprivate static func isRemoved(
        _ name: [CChar], in directory: OwnedDescriptor, _ path: String
    ) throws(SystemError) -> Bool {
        if unlinkat(directory.raw, name, 0) == 0 || errno == ENOENT { return true }
        // EPERM is POSIX's word for a directory, EISDIR Linux's.
        guard errno == EISDIR || errno == EPERM else { throw SystemError("unlink", errno, path) }
        if unlinkat(directory.raw, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        switch errno {
        case ENOTEMPTY, EEXIST: return false
        case ENOTDIR: throw SystemError("unlink", EPERM, path)
        default: throw SystemError("rmdir", errno, path)
        }
    }

    /// nil where it is no directory any more.
    fileprivate static func openDirectory(
        _ name: [CChar], in directory: OwnedDescriptor, _ path: String
    ) throws(SystemError) -> OwnedDescriptor? {
        let raw = chost_openat(directory.raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        if raw >= 0 { return OwnedDescriptor(raw) }
        guard errno == ENOTDIR || errno == ELOOP || errno == ENOENT else { throw SystemError("open", errno, path) }
        return nil
    }

    /// The names in an open directory, without `.` and `..`.
    fileprivate static func names(_ directory: OwnedDescriptor, _ path: String) throws(SystemError) -> [[CChar]] {
        // Of its own: a descriptor's place in the directory is shared by its duplicates.
        let raw = chost_openat(directory.raw, ".", O_RDONLY | O_DIRECTORY)
        guard raw >= 0 else { throw SystemError("open", errno, path) }
        guard let stream = fdopendir(raw) else {
            let number = errno
            close(raw)
            throw SystemError("fdopendir", number, path)
        }
        defer { closedir(stream) }
        return try entries(stream, path)
    }
}

/// The emptying of one directory, however deep it is, with two descriptors and no recursion: a directory that is not empty
/// gives what is in it to the top, and goes.
private struct TreeRemoval {
    let tree: OwnedDescriptor
    let path: String
    private let onRemoved: (() -> Void)?
    private var moved = 0

    /// How often what came while it was removed is looked at again: somebody who goes on writing there is told of.
    private static let maxRounds = 16

    init(tree: OwnedDescriptor, path: String, onRemoved: (() -> Void)?) {
        self.tree = tree
        self.path = path
        self.onRemoved = onRemoved
    }

    mutating func empty() throws(SystemError) {
        for _ in 0..<Self.maxRounds {
            var names = try Directory.names(tree, path)
            if names.isEmpty { return }
            while let name = names.popLast() {
                if try Directory.isRemoved(name, in: tree, shown(name, in: path)) {
                    onRemoved?()
                    continue
                }
                names += try flatten(name)
            }
        }
        throw SystemError("rmdir", ENOTEMPTY, path)
    }

    /// Returns the names that what was in it has now, at the top.
    private mutating func flatten(_ name: [CChar]) throws(SystemError) -> [[CChar]] {
        let path = shown(name, in: path)
        // Where something else has the name by now, the next round sees it.
        guard let directory = try Directory.openDirectory(name, in: tree, path) else { return [] }
        var result: [[CChar]] = []
        for entry in try Directory.names(directory, path) {
            let below = shown(entry, in: path)
            if try Directory.isRemoved(entry, in: directory, below) {
                onRemoved?()
            } else {
                result.append(try lift(entry, from: directory, below))
            }
        }
        if unlinkat(tree.raw, name, AT_REMOVEDIR) != 0, errno != ENOTEMPTY, errno != EEXIST, errno != ENOENT,
            errno != ENOTDIR
        {
            throw SystemError("rmdir", errno, path)
        }
        return result
    }

    private mutating func lift(
        _ name: [CChar], from directory: OwnedDescriptor, _ path: String
    ) throws(SystemError) -> [CChar] {
        while true {
            moved += 1
            let lifted = Array(".removed-\(moved)".utf8CString)
            if renameat(directory.raw, name, tree.raw, lifted) == 0 || errno == ENOENT { return lifted }
            // The name is taken by something that is to go as well.
            guard errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR else {
                throw SystemError("rename", errno, path)
            }
        }
    }

    private func shown(_ name: [CChar], in path: String) -> String { "\(path)/\(Directory.text(name))" }
}
