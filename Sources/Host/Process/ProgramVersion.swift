import Glibc

/// What a program answers to `--version`: for an offline tool, which has nothing else to do meanwhile.
public enum ProgramVersion {
    private static let answerMilliseconds: Int32 = 10_000
    private static let answerBytes = 4_096

    /// The first line that it prints; empty where it prints none in time. It is ended then, whatever it is at.
    public static func said(by program: String) -> String {
        guard let (output, pid) = start(program) else { return "" }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: answerBytes)
        while bytes.count < answerBytes, !bytes.contains(UInt8(ascii: "\n")) {
            var polled = pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, answerMilliseconds) > 0 else { break }
            let count = read(output.raw, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// - Returns: where what it prints is read, the other end of which it has alone.
    private static func start(_ program: String) -> (output: OwnedDescriptor, pid: pid_t)? {
        guard let pipe = try? OwnedDescriptor.pipe() else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe.writeEnd.raw, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        let names = ["PATH", "LD_LIBRARY_PATH"]
        let variables = names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        let arena = CArena()
        let (words, environment) = (arena.strings([program, "--version"]), arena.strings(variables))
        var pid: pid_t = 0
        let status = posix_spawn(&pid, program, &actions, nil, words, environment)
        withExtendedLifetime((arena, pipe.writeEnd)) {}
        return status == 0 ? (pipe.readEnd, pid) : nil
    }
}
