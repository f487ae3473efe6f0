import Glibc
import Instructions

/// What the rest needs to do with directories.
public enum Directory {
    /// The names in `path`, sorted, without `.` and `..`; none where it can't be read.
    public static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes `path` and the directories above it that are missing.
    public static func make(_ path: String, permissions: UInt32 = 0o755) throws(SystemError) {
        if mkdir(path, permissions) == 0 { return }
        if errno == ENOENT {
            let parent = Paths.parent(of: path)
            guard parent != path else { throw SystemError("mkdir", ENOENT, path) }
            try make(parent, permissions: permissions)
            if mkdir(path, permissions) == 0 { return }
        }
        let number = errno
        guard number == EEXIST, isDirectory(path) else { throw SystemError("mkdir", number, path) }
    }

    public static func isDirectory(_ path: String) -> Bool {
        (try? FileStatus(of: path))?.kind == .directory
    }

    /// Removes `path` with all that is in it; links are removed, not followed. What is not there is no error.
    public static func removeTree(_ path: String) throws(SystemError) {
        let status: FileStatus
        do {
            status = try FileStatus(ofLink: path)
        } catch  where error.number == ENOENT {
            return
        }
        if status.kind == .directory {
            for name in names(path) { try removeTree("\(path)/\(name)") }
            guard rmdir(path) == 0 else { throw SystemError("rmdir", errno, path) }
        } else {
            guard unlink(path) == 0 else { throw SystemError("unlink", errno, path) }
        }
    }
}
