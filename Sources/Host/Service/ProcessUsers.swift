/// The users that a process acts as: real, effective, saved and of files. Source: proc_pid_status(5), `Uid`.
enum ProcessUsers {
    /// None where the process is gone.
    static func of(pid: Int32) -> Set<UInt32> {
        guard let bytes = try? FileContents.read("/proc/\(pid)/status", limit: 64 * 1024) else { return [] }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("Uid:") {
            return Set(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().compactMap { UInt32($0) })
        }
        return []
    }
}
