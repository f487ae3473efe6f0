import Glibc
import Instructions

/// What the rest needs to do with directories.
public enum Directory {
    /// The names in `path`, sorted, without `.` and `..`; none where it can't be read: only for who does the same with an empty one.
    public static func names(_ path: String) -> [String] {
        (try? allNames(in: path)) ?? []
    }

    /// The same, for who must not take what can't be read for empty.
    public static func allNames(in path: String) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw SystemError("opendir", errno, path) }
        defer { closedir(stream) }
        return try entries(stream, path).map(text).sorted()
    }

    /// The names as they are: any bytes.
    static func entries(_ stream: OpaquePointer, _ path: String) throws(SystemError) -> [[CChar]] {
        var names: [[CChar]] = []
        while true {
            // Nothing else tells the end from a failure. Source: readdir(3).
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemError("readdir", errno, path) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { pointer in
                    Array(UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
                }
            }
            if name != [dot, 0], name != [dot, dot, 0] { names.append(name) }
        }
    }

    /// The bytes up to a NUL.
    static func text(_ name: [CChar]) -> String {
        String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static let dot = CChar(UInt8(ascii: "."))

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

}
