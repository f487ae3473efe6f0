/// One run of the machine, from its start to its end.
public enum MachineRun {
    /// The kernel's name of it, another one after each start; empty where /proc does not say. Source: random(4), `boot_id`.
    public static let current: String = {
        guard let bytes = try? FileContents.read("/proc/sys/kernel/random/boot_id", limit: 64) else { return "" }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }()
}
