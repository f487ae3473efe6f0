import CHost
import Foundation
import Glibc
import Testing

/// A child process of the test's.
///
/// Not Foundation's `Process`: as it starts one it looks through /proc/self/fd and copies 256 bytes of each name, of the last one beyond
/// what was read; with a thousand descriptors open that was seen to end the tests. Source: readdir(3).
struct Spawned {
    let pid: pid_t

    /// - Parameters:
    ///   - descriptors: what become 0, 1 and 2; where there is none, /dev/null. All others are closed.
    ///   - hasOwnGroup: whether it leads a process group.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String], in directory: String? = nil,
        descriptors: [Int32?] = [nil, 1, 2], hasOwnGroup: Bool = false
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors.enumerated() {
            if let descriptor {
                posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
            } else {
                posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
            }
        }
        typealias Actions = UnsafeMutablePointer<posix_spawn_file_actions_t>
        // Other tests' pipes among them: who reads one waits until its last holder is gone.
        typealias AddCloseFrom = @convention(c) (Actions, Int32) -> Int32
        _ = unsafeBitCast(try Self.function("addclosefrom_np"), to: AddCloseFrom.self)(
            &actions, Int32(descriptors.count))
        if let directory {
            typealias AddChdir = @convention(c) (Actions, UnsafePointer<CChar>) -> Int32
            _ = unsafeBitCast(try Self.function("addchdir_np"), to: AddChdir.self)(&actions, directory)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        sigfillset(&all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        let group = hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
        posix_spawnattr_setflags(&attributes, Int16(group | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        let words = ([executable] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, executable, &actions, &attributes, words, variables)
        try #require(failure == 0, "\(executable): \(String(cString: strerror(failure)))")
        self.pid = pid
    }

    /// Its status; of one that a signal ended, 128 and the signal's number.
    func waitForExit() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }

    /// From start to end.
    static func run(_ executable: String, _ arguments: [String]) throws {
        let status = try Spawned(executable, arguments, environment: Program.environment).waitForExit()
        try #require(status == 0, "\(executable) \(arguments) ended with \(status)")
    }

    private static func function(_ name: String) throws -> UnsafeMutableRawPointer {
        try #require(dlsym(nil, "posix_spawn_file_actions_\(name)"))
    }
}

/// The two ends of a pipe, close-on-exec.
struct PipeEnds {
    let (readEnd, writeEnd): (Int32, Int32)

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(chost_pipe(&ends) == 0)
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    /// All until the last holder of the other end is gone, or the terminal's other side is; then it is closed.
    static func readAll(_ descriptor: Int32) -> [UInt8] {
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
        }
    }

    /// What came up to and with this text; all where it is over without it.
    static func readUntil(_ text: String, _ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while !String(decoding: bytes, as: UTF8.self).contains(text) {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }

    /// Closes it then. A reader that is gone takes nothing more.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
