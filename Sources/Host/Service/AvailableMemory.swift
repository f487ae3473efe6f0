/// How much memory this process and its children may still take.
///
/// Swap counts: whether its use is too slow is not for who only asks whether something is possible. Source: proc_meminfo(5),
/// cgroups(7), the kernel's "Control Group v2".
public struct AvailableMemory: Hashable, Sendable {
    public let kibibytes: Int
    /// The control group whose limit is the narrowest; nil where that is the machine.
    public let group: String?

    public init(kibibytes: Int, group: String? = nil) {
        self.kibibytes = kibibytes
        self.group = group
    }

    /// The least of what the machine has and of what each control group above this process allows; nil where the system does
    /// not say. Limits of version 1 of control groups are not looked at.
    public static func read() -> AvailableMemory? {
        read(meminfo: "/proc/meminfo", cgroup: "/proc/self/cgroup", groups: "/sys/fs/cgroup")
    }

    static func read(meminfo: String, cgroup: String, groups: String) -> AvailableMemory? {
        guard let machine = text(meminfo).map(fields), let available = machine["MemAvailable"] else { return nil }
        let swap = machine["SwapFree"] ?? 0
        let whole = AvailableMemory(kibibytes: available + swap)
        return self.groups(text(cgroup) ?? "").compactMap { group in
            inGroup("\(groups)\(group)", freeSwapKiB: swap).map { AvailableMemory(kibibytes: $0, group: group) }
        }.reduce(whole) { $1.kibibytes < $0.kibibytes ? $1 : $0 }
    }

    /// The group of `/proc/PID/cgroup` in the one hierarchy of version 2, and those above it.
    private static func groups(_ text: String) -> [String] {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return [] }
        var names = line.dropFirst("0::".count).split(separator: "/")
        var groups: [String] = []
        while !names.isEmpty {
            groups.append("/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return groups
    }

    /// KiB that a group may still take; nil where it has no limit. What the kernel keeps of files for it is given up for more.
    private static func inGroup(_ directory: String, freeSwapKiB: Int) -> Int? {
        guard let limit = number("\(directory)/memory.max"), let current = number("\(directory)/memory.current") else {
            return nil
        }
        let kept = text("\(directory)/memory.stat").map(fields) ?? [:]
        let files = (kept["inactive_file"] ?? 0) + (kept["active_file"] ?? 0)
        var swapKiB = freeSwapKiB
        if let most = number("\(directory)/memory.swap.max") {
            swapKiB = min(swapKiB, max(0, most - (number("\(directory)/memory.swap.current") ?? 0)) / 1024)
        }
        return max(0, limit - current + files) / 1024 + swapKiB
    }

    /// Lines of a name, with or without a colon, and a number.
    private static func fields(_ text: String) -> [Substring: Int] {
        let pairs = text.split(separator: "\n").compactMap { line -> (Substring, Int)? in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ":" })
            guard words.count > 1, let number = Int(words[1]) else { return nil }
            return (words[0], number)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Nil where there is no such file, and for `max`.
    private static func number(_ path: String) -> Int? {
        text(path).flatMap { Int($0.prefix { $0 != "\n" }) }
    }

    private static func text(_ path: String) -> String? {
        (try? FileContents.read(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }
}
