import Glibc

/// The time of day, for what people read; deadlines are the reactor's monotonic clock's.
public enum WallClock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }

    /// Now in UTC, as a part of a file's name that sorts by time: `20250131T235959.123Z`.
    public static func fileName() -> String {
        let now = milliseconds()
        var seconds = now / 1000
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: Int32, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(parts.tm_year + 1900, 4))\(digits(parts.tm_mon + 1, 2))\(digits(parts.tm_mday, 2))T"
            + "\(digits(parts.tm_hour, 2))\(digits(parts.tm_min, 2))\(digits(parts.tm_sec, 2))."
            + "\(digits(Int32(now % 1000), 3))Z"
    }
}
