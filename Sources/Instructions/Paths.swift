/// How paths are put together and taken apart, in every target. Text only: nothing is looked up, `.` and `..` stay.
public enum Paths {
    /// A name below a directory, the name alone where it is absolute or there is no directory.
    public static func join(_ directory: String, _ name: String) -> String {
        if name.utf8.first == slash || directory.isEmpty { return name }
        return directory.utf8.last == slash ? directory + name : "\(directory)/\(name)"
    }

    /// The last part of a path, past a slash at its end, and what stands before it: `.` where nothing does.
    public static func split(_ path: String) -> (directory: String, name: String) {
        let whole = path.utf8.count > 1 && path.utf8.last == slash ? path.dropLast() : path[...]
        guard let last = whole.utf8.lastIndex(of: slash) else { return (".", String(whole)) }
        let directory = last == whole.startIndex ? "/" : String(whole[..<last])
        return (directory, String(whole[whole.index(after: last)...]))
    }

    /// The directory in which a path's last part lies.
    public static func parent(of path: String) -> String { split(path).directory }

    /// Those above a path, from the top: `a/b/c` has `a` and `a/b`.
    public static func parents(of path: String) -> [String] {
        let parts = path.split(separator: "/")
        return (1..<max(parts.count, 1)).map { parts.prefix($0).joined(separator: "/") }
    }

    private static let slash = UInt8(ascii: "/")
}
