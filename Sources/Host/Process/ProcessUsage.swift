import Glibc

/// What a process uses, as /proc counts it. Source: proc_pid_statm(5), proc_pid_stat(5).
public struct ProcessUsage: Hashable, Sendable {
    public let residentBytes: Int?
    public let virtualBytes: Int?
    /// User and system time of all threads.
    public let cpuSeconds: Double?
    /// The same at each question: what the kernel says is counted from the machine's start, which it says once.
    public let startSecondsSince1970: Double?

    /// This process.
    public static var own: Self {
        let pid = getpid()
        let pages = pages(pid: pid)
        let start = ProcessMemory.startTimeMilliseconds(pid: pid)
        return Self(
            residentBytes: pages.map { $0.resident * pageSize }, virtualBytes: pages.map { $0.virtual * pageSize },
            cpuSeconds: ProcessMemory.cpuMilliseconds(pid: pid).map { Double($0) / 1_000 },
            startSecondsSince1970: start.flatMap { start in bootSeconds.map { Double($0) + Double(start) / 1_000 } })
    }

    /// With the pages of files that it has mapped. nil where the process is gone.
    public static func residentBytes(pid: Int32) -> Int? { pages(pid: pid).map { $0.resident * pageSize } }

    private static let pageSize = sysconf(Int32(_SC_PAGESIZE))

    private static func pages(pid: Int32) -> (virtual: Int, resident: Int)? {
        guard let bytes = try? FileContents.read("/proc/\(pid)/statm", limit: 4_096) else { return nil }
        let fields = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).map { Int($0) }
        guard fields.count > 1, let virtual = fields[0], let resident = fields[1] else { return nil }
        return (virtual, resident)
    }

    /// When the machine started, in seconds since 1970. Source: proc_stat(5), `btime`.
    private static var bootSeconds: Int? {
        guard let bytes = try? FileContents.read("/proc/stat", limit: 1 << 20) else { return nil }
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "btime ".utf8) }
        return line.flatMap { Int(String(decoding: $0.dropFirst(6), as: UTF8.self)) }
    }
}
