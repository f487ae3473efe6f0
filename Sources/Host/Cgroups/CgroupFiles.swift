import CHost
import Glibc

/// The files of a control group, which are in the kernel's memory: reading and writing them waits for no disk. Source: Linux,
/// admin-guide/cgroup-v2.rst.
enum CgroupFiles {
    static func text(_ path: String) -> String? {
        let raw = chost_open(path, O_RDONLY, 0)
        guard raw >= 0 else { return nil }
        let file = OwnedDescriptor(raw)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(file.raw, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws(SystemError) {
        let raw = chost_open(path, O_WRONLY, 0)
        guard raw >= 0 else { throw SystemError("open", errno, path) }
        let file = OwnedDescriptor(raw)
        let bytes = Array(text.utf8)
        while Glibc.write(file.raw, bytes, bytes.count) < 0 {
            guard errno == EINTR else { throw SystemError("write", errno, path) }
        }
    }

    static func words(_ path: String) -> [Substring] { text(path)?.split(whereSeparator: \.isWhitespace) ?? [] }

    static func number(_ path: String) -> Int? { text(path).flatMap { Int($0.filter { !$0.isNewline }) } }

    /// Of a file whose lines are a key and a value.
    static func value(_ key: String, in path: String) -> Int? {
        for line in text(path)?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == key { return Int(words[1]) }
        }
        return nil
    }
}

/// What all that a worker has started uses: of those numbers that its control group has.
public struct CgroupUsage: Hashable, Sendable {
    public var memoryBytes: Int?
    public var cpuMilliseconds: Int?
    /// Processes and threads.
    public var tasks: Int?

    /// Of the group at this path; nil where there is none. From any thread.
    public init?(path: String) {
        guard let used = CgroupFiles.value("usage_usec", in: "\(path)/cpu.stat") else { return nil }
        cpuMilliseconds = used / 1_000
        memoryBytes = CgroupFiles.number("\(path)/memory.current")
        // Without the controller its own are counted, and not those of groups that it has made.
        tasks = CgroupFiles.number("\(path)/pids.current") ?? CgroupFiles.words("\(path)/cgroup.threads").count
    }
}

/// A bound that a control group has: what is written to which of its files.
public struct CgroupLimit: Hashable, Sendable {
    /// Such as `memory.max`, which is of the controller `memory`.
    public let file: String
    public let value: String

    public init(file: String, value: String) {
        self.file = file
        self.value = value
    }

    var controller: String { String(file.prefix { $0 != "." }) }
}
