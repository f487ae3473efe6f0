import CHost
import Glibc

/// What /proc says of a process. Source: proc(5).
public enum ProcessMemory {
    /// Anonymous resident memory in KiB (RssAnon): what the process has for itself. nil where it is gone.
    public static func rssAnonKiB(pid: Int32) -> Int? {
        ProcessStatus.values(of: "RssAnon", pid: pid).first.flatMap { Int($0) }
    }

    /// Resident memory in KiB that is no file's (RssAnon and RssShmem): its states, in its heap or in a memfd. nil where it
    /// is gone.
    public static func rssWithoutFilesKiB(pid: Int32) -> Int? {
        guard let bytes = try? FileContents.read("/proc/\(pid)/status", limit: 64 * 1024) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.split(separator: "\n").lazy.filter { $0.hasPrefix("RssAnon:") || $0.hasPrefix("RssShmem:") }
            .compactMap { $0.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } }
            .reduce(0, +)
    }

    /// When the process started, in milliseconds after the machine's start (CLOCK_BOOTTIME). nil where it is gone.
    ///
    /// With the pid it names a process for good: pids are given again, start times are not.
    public static func startTimeMilliseconds(pid: Int32) -> Int? {
        ProcessStatistics(pid: pid).map { milliseconds(ofTicks: $0.startTicks) }
    }

    /// User and system time that all threads of the process took, in milliseconds. nil where it is gone.
    public static func cpuMilliseconds(pid: Int32) -> Int? {
        ProcessStatistics(pid: pid).map { milliseconds(ofTicks: $0.cpuTicks) }
    }

    /// Whether its first thread waits for an event, and neither for a processor nor for a disk.
    public static func isSleeping(pid: Int32) -> Bool {
        ProcessStatus.values(of: "State", pid: pid).first == "S"
    }

    /// Milliseconds since the process started.
    public static func ageMilliseconds(pid: Int32) -> Int? {
        guard let start = startTimeMilliseconds(pid: pid) else { return nil }
        return max(0, Int(chost_boottime_nanoseconds() / 1_000_000) - start)
    }

    private static func milliseconds(ofTicks ticks: Int) -> Int { ticks * 1000 / sysconf(Int32(_SC_CLK_TCK)) }
}
