/// The users that a process acts as: real, effective, saved and of files.
public enum ProcessUsers {
    /// None where the process is gone.
    public static func of(pid: Int32) -> Set<UInt32> {
        Set(ProcessStatus.values(of: "Uid", pid: pid).compactMap { UInt32($0) })
    }
}

/// One line of /proc/PID/status. Source: proc_pid_status(5).
enum ProcessStatus {
    /// What stands behind the name and its colon; nothing where the process is gone or has no such line.
    static func values(of name: String, pid: Int32) -> [Substring] {
        guard let bytes = try? FileContents.read("/proc/\(pid)/status", limit: 64 * 1024) else { return [] }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("\(name):") {
            return Array(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst())
        }
        return []
    }
}
