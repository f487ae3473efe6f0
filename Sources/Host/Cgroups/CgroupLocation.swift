/// Where a process stands in the version 2 hierarchy of control groups, as a path. Source: cgroups(7), proc_pid_mountinfo(5).
struct CgroupLocation: Equatable {
    let path: String

    /// Nil where no such hierarchy is mounted, or the process stands outside of what is mounted.
    ///
    /// - Parameters:
    ///   - cgroup: /proc/PID/cgroup. Beside older hierarchies there is one more line, which is what counts.
    ///   - mountinfo: /proc/PID/mountinfo. It may be mounted anywhere, more than once, and a part of it only.
    init?(cgroup: String, mountinfo: String) {
        guard let line = cgroup.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let own = line.dropFirst("0::".count)
        for mount in mountinfo.split(separator: "\n") {
            // From the separator on: type, source, options of the file system; before it any number of optional fields.
            let fields = mount.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator >= 6, separator + 1 < fields.count,
                fields[separator + 1] == "cgroup2"
            else { continue }
            let root = Self.unescaped(fields[3])
            guard let rest = Self.rest(of: own, below: root) else { continue }
            let point = Self.unescaped(fields[4])
            path = rest.isEmpty ? point : (point == "/" ? "" : point) + rest
            return
        }
        return nil
    }

    /// Of `/a/b` below `/a` it is `/b`; nil where it is not below it.
    private static func rest(of path: Substring, below root: String) -> Substring? {
        if root == "/" { return path == "/" ? "" : path }
        guard path.hasPrefix(root) else { return nil }
        let rest = path.dropFirst(root.count)
        return rest.isEmpty || rest.hasPrefix("/") ? rest : nil
    }

    /// Blanks, tabs, newlines and backslashes are written as a backslash and three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var left = Array(field.utf8)[...]
        while let byte = left.popFirst() {
            let digits = left.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                left = left.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
