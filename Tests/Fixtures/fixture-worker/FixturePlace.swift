import Glibc
import Terms

/// What the program learns from where it lies, and the raw channel for its misdeeds.
enum FixturePlace {
    /// `FIXTURE_VSN`, or VSN of `.../APP-VSN/ebin/MODULE`, or 1.0.0.
    static let vsn: String = {
        if let given = getenv("FIXTURE_VSN") { return String(cString: given) }
        let parts = path.split(separator: "/")
        guard parts.count >= 3, parts[parts.count - 2] == "ebin",
            let dash = parts[parts.count - 3].lastIndex(of: "-")
        else { return "1.0.0" }
        return String(parts[parts.count - 3][dash...].dropFirst())
    }()

    /// The name that it was started by.
    static let module = String(path.split(separator: "/").last ?? "")

    private static let path = CommandLine.arguments.first ?? ""

    /// Taken before WorkerKit removes it from the environment.
    static let channel: Int32 = getenv("RELEASE_HANDLER_CHANNEL").flatMap { Int32(String(cString: $0)) } ?? -1

    /// The words of `../priv/knobs`.
    static func knobs() -> [String] {
        let directories = path.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        guard let file = fopen(directories.joined(separator: "/") + "/priv/knobs", "r") else { return [] }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self).split { $0.isWhitespace }.map(String.init)
    }

    static func misbehaveAtStart() {
        _ = channel
        for knob in knobs() {
            switch knob {
            case "crash_at_start": trap()
            case "hang_at_start": hang()
            case "exit_at_start": exit(7)
            case "garbage_at_start": sendGarbage()
            case "oversize_at_start": sendOversizedFrame()
            case "close_channel_at_start": closeChannel()
            default:
                print("unknown knob \(knob)")
                exit(98)
            }
        }
    }

    static func sendGarbage() {
        sendRaw([0, 0, 0, 5] + Array("hello".utf8))
    }

    static func sendOversizedFrame() {
        sendRaw([0x01, 0x00, 0x00, 0x01])
    }

    /// The worker itself lives on.
    static func closeChannel() {
        shutdown(channel, Int32(SHUT_RDWR))
        close(channel)
        hang()
    }

    /// As daemons do it; the worker itself lives on.
    static func closeAll() -> Never {
        for descriptor in 0..<Int32(256) { close(descriptor) }
        hang()
    }

    private static func sendRaw(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { write(channel, $0.baseAddress, $0.count) }
    }

    /// A process of this process' group that outlives it, unless somebody ends the group.
    static func startChild() -> Int32? {
        var pid: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
        // By which a test finds what a worker has left behind.
        let mark = getenv("FAILURE_ROOT").map { strdup("FAILURE_ROOT=\(String(cString: $0))") }
        var environment: [UnsafeMutablePointer<CChar>?] = [mark ?? nil, nil]
        defer { for text in arguments + environment { free(text) } }
        guard posix_spawnp(&pid, "sleep", nil, nil, &arguments, &environment) == 0 else { return nil }
        return pid
    }
}
