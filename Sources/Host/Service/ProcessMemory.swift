import CHost
import Glibc

/// What /proc says of a process. Source: proc(5).
public enum ProcessMemory {
    /// Anonymous resident memory in KiB (RssAnon): what the process has for itself. nil where it is gone.
    public static func rssAnonKiB(pid: Int32) -> Int? {
        guard let text = read("/proc/\(pid)/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }

    /// When the process started, in milliseconds after the machine's start (CLOCK_BOOTTIME). nil where it is gone.
    ///
    /// With the pid it names a process for good: pids are given again, start times are not.
    public static func startTimeMilliseconds(pid: Int32) -> Int? {
        guard let fields = statistics(pid: pid), let ticks = Int(fields[19]) else { return nil }
        return ticks * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }

    /// User and system time that all threads of the process took, in milliseconds. nil where it is gone.
    public static func cpuMilliseconds(pid: Int32) -> Int? {
        guard let fields = statistics(pid: pid), let user = Int(fields[11]), let system = Int(fields[12]) else {
            return nil
        }
        return (user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }

    /// What follows the name in /proc/PID/stat, from the state on.
    private static func statistics(pid: Int32) -> [Substring]? {
        // The name in parentheses may hold anything, blanks and parentheses too: count from behind its end.
        guard let text = read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? fields : nil
    }

    /// Milliseconds since the process started.
    public static func ageMilliseconds(pid: Int32) -> Int? {
        guard let start = startTimeMilliseconds(pid: pid) else { return nil }
        return max(0, Int(chost_boottime_nanoseconds() / 1_000_000) - start)
    }

    private static func read(_ path: String) -> String? {
        guard let bytes = try? FileContents.read(path, limit: 64 * 1024) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
