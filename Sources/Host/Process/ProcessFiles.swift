import Glibc

/// What processes run from. Source: proc_pid_exe(5), proc_pid_cwd(5), proc_pid_cmdline(5).
public enum ProcessFiles {
    /// By file, the processes that have it: the program of this process, and of each that descends from it the program, the script that it interprets and its
    /// working directory: absolute paths without links.
    ///
    /// One that is started while the others are looked at may be missed: it is started from what runs, not from what is
    /// about to be removed. Takes long where there are many: not for the reactor's thread.
    public static func inUse() -> [String: Set<Int32>] {
        var found: [String: Set<Int32>] = [:]
        if let own = link("/proc/self/exe") { found[own] = [getpid()] }
        var seen: Set<Int32> = [getpid()]
        var next = [getpid()]
        while let pid = next.popLast() {
            for child in children(of: pid) where seen.insert(child).inserted {
                next.append(child)
                for file in files(of: child) { found[file, default: []].insert(child) }
            }
        }
        return found
    }

    /// The program of this process: an absolute path without links; nil where /proc does not say.
    public static func executable() -> String? { link("/proc/self/exe") }

    /// Of the path of a program whose file is gone, or has another one in its place, the path.
    public static func withoutDeletedMark(_ path: String) -> String {
        let mark = " (deleted)"
        return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
    }

    private static func files(of pid: Int32) -> [String] {
        let directory = link("/proc/\(pid)/cwd")
        let scripts = script(of: pid).compactMap { word -> String? in
            if word.hasPrefix("/") { return FileNames.withoutLinks(word) }
            return directory.flatMap { FileNames.withoutLinks("\($0)/\(word)") }
        }
        return [link("/proc/\(pid)/exe"), directory].compactMap(\.self) + scripts
    }

    /// The first two words that are no options: an interpreter and its script.
    private static func script(of pid: Int32) -> ArraySlice<String> {
        guard let bytes = try? FileContents.read("/proc/\(pid)/cmdline", limit: 4 << 20) else { return [] }
        let words = bytes.split(separator: 0).lazy.map { String(decoding: $0, as: UTF8.self) }
        return Array(words.filter { !$0.hasPrefix("-") }.prefix(2))[...]
    }

    private static func children(of pid: Int32) -> [Int32] {
        Directory.names("/proc/\(pid)/task").flatMap { thread -> [Int32] in
            guard let bytes = try? FileContents.read("/proc/\(pid)/task/\(thread)/children", limit: 1 << 20) else {
                return []
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }
    }

    private static func link(_ path: String) -> String? { Directory.linkTarget(path).map(Directory.text) }
}
