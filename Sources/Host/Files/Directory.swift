import Glibc
import Instructions

/// What the rest needs to do with directories.
public enum Directory {
    /// The names in `path`, sorted, without `.` and `..`; none where it can't be read.
    public static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        return entries(stream).map(text).sorted()
    }

    /// The names as they are: any bytes.
    static func entries(_ stream: OpaquePointer) -> [[CChar]] {
        var names: [[CChar]] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { pointer in
                    Array(UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
                }
            }
            if name != [dot, 0], name != [dot, dot, 0] { names.append(name) }
        }
        return names
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
