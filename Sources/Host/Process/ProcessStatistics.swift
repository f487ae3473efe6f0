/// What /proc/PID/stat says: the one reader of it. Source: proc_pid_stat(5).
struct ProcessStatistics {
    /// As ps(1) shows it: at most 15 bytes.
    let name: String
    let isZombie: Bool
    let group: Int32
    /// Of all threads, in user and in system mode.
    let cpuTicks: Int
    /// After the machine's start.
    let startTicks: Int

    /// None where there is no such process.
    init?(pid: Int32) {
        guard let bytes = try? FileContents.read("/proc/\(pid)/stat", limit: 64 * 1024) else { return nil }
        self.init(text: String(decoding: bytes, as: UTF8.self))
    }

    init?(text: String) {
        // The name in parentheses may hold anything, blanks and parentheses too: its end is the last one.
        guard let begin = text.firstIndex(of: "("), let end = text.lastIndex(of: ")"), begin < end else { return nil }
        // From the page's field 3, the state, on.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let group = Int32(fields[2]), let user = Int(fields[11]),
            let system = Int(fields[12]), let start = Int(fields[19])
        else { return nil }
        name = String(text[text.index(after: begin)..<end])
        isZombie = fields[0] == "Z" || fields[0] == "X"
        self.group = group
        cpuTicks = user + system
        startTicks = start
    }
}
