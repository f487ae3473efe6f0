import Foundation
import Glibc
import Synchronization
import Testing

/// One run of a real program in a process group of its own; `with` ends and reaps it in every case.
///
/// What it says is kept in nameless files, so that it can never wait for a reader; what is `streaming` is a pipe that
/// `line` reads. Every wait has a limit and fails the test beyond it.
final class Program: Sendable {
    enum Ending: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    enum Streaming {
        case nothing, output, error
    }

    let pid: pid_t
    private let name: String
    private let exit: ProcessExit
    private let (input, output, error): (FileHandle, FileHandle, FileHandle)
    /// What `line` reads.
    private let stream: FileHandle
    private let pending = Mutex<[UInt8]>([])
    private let ending = Mutex<Ending?>(nil)
    private let streamed = Atomic<Bool>(false)

    private init(
        _ executable: String, _ arguments: [String], _ environment: [String: String], streaming: Streaming
    ) throws {
        let stdin = Pipe()
        let streamed = Pipe()
        (output, error) = (try Self.namelessFile(), try Self.namelessFile())
        stream = streamed.fileHandleForReading
        let stdout = streaming == .output ? streamed.fileHandleForWriting : output
        let stderr = streaming == .error ? streamed.fileHandleForWriting : error
        input = stdin.fileHandleForWriting
        name = ([executable.split(separator: "/").last.map(String.init) ?? ""] + arguments).joined(separator: " ")

        pid = try Spawned(
            executable, arguments, environment: environment,
            descriptors: [
                stdin.fileHandleForReading.fileDescriptor, stdout.fileDescriptor, stderr.fileDescriptor,
            ], hasOwnGroup: true
        ).pid
        exit = ProcessExit(of: pid)
    }

    private static func namelessFile() throws -> FileHandle {
        var template = Array("/tmp/node-test-output-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// This process' environment without what would reach a daemon or its clients by mistake.
    static var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        for name in [
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "COLUMNS", "NO_COLOR",
            "RELEASE_HANDLER_SOCKET", "FIXTURE_VSN",
        ] {
            environment[name] = nil
        }
        return environment
    }

    static func with<Value: Sendable>(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        streaming: Streaming = .nothing, _ body: (Program) async throws -> Value
    ) async throws -> Value {
        let program = try Program(
            executable, arguments, Self.environment.merging(environment) { $1 }, streaming: streaming)
        do {
            let value = try await body(program)
            try await program.end()
            return value
        } catch {
            try? await program.end()
            throw error
        }
    }

    /// From start to end.
    static func run(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], seconds: Int = 120
    ) async throws -> Releasectl {
        try await with(executable, arguments, environment: environment) { program in
            try program.closeInput()
            let ending = try await program.ended(seconds: seconds)
            guard case .exit(let code) = ending else { throw Unexpected("\(program.name) ended with \(ending)") }
            return Releasectl(exit: code, output: program.said, error: program.complained)
        }
    }

    private func end() async throws {
        // Its group with it; a group that is gone already is what was wanted.
        if ending.withLock({ $0 == nil }) { Glibc.kill(-pid, SIGKILL) }
        try? input.close()
        _ = try await ended()
    }

    func signal(_ number: Int32) { if ending.withLock({ $0 == nil }) { Glibc.kill(pid, number) } }

    /// Returns once a SIGSTOP has stopped all of it.
    func untilStopped() throws {
        var information = siginfo_t()
        try #require(waitid(P_PID, id_t(pid), &information, WSTOPPED | WNOWAIT) == 0)
    }

    /// Awaits its end and reaps it.
    @discardableResult
    func ended(seconds: Int = 60) async throws -> Ending {
        if let ending = ending.withLock({ $0 }) { return ending }
        try await exit.passed(seconds: seconds, name)
        return ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let found: Ending = status & 0x7f == 0 ? .exit(status >> 8 & 0xff) : .signal(status & 0x7f)
            ending = found
            return found
        }
    }

    // MARK: What it says and hears

    var said: String { Self.contents(output) }
    var complained: String { Self.contents(error) }

    private static func contents(_ file: FileHandle) -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 24)
        let count = pread(file.fileDescriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    func write(_ text: String) throws { try input.write(contentsOf: Data(text.utf8)) }
    func closeInput() throws { try input.close() }

    /// Whether `line` has read anything yet.
    var hasStreamed: Bool { streamed.load(ordering: .relaxed) }

    /// The next line of what is streamed; nil at its end.
    func line(seconds: Int = 60) async throws -> String? {
        let (descriptor, name) = (stream.fileDescriptor, name)
        while true {
            if let line = takeLine() { return line }
            let chunk = try await offPool {
                try Wait.readable(descriptor, seconds: seconds, "a line of \(name)")
                var chunk = [UInt8](repeating: 0, count: 1 << 16)
                let count = read(descriptor, &chunk, chunk.count)
                return Array(chunk.prefix(max(count, 0)))
            }
            if chunk.isEmpty { return nil }
            streamed.store(true, ordering: .relaxed)
            pending.withLock { $0 += chunk }
        }
    }

    private func takeLine() -> String? {
        pending.withLock { pending in
            guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { pending.removeFirst(end + 1) }
            return String(decoding: pending[..<end], as: UTF8.self)
        }
    }
}

/// A process' end, as an event: its pidfd becomes readable, whoever's child it is. Source: pidfd_open(2).
final class ProcessExit: Sendable {
    private let descriptor: Int32

    init(of pid: pid_t) {
        typealias PidfdOpen = @convention(c) (pid_t, UInt32) -> Int32
        let symbol = dlsym(nil, "pidfd_open")
        descriptor = symbol.map { unsafeBitCast($0, to: PidfdOpen.self)(pid, 0) } ?? -1
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Returns once it has ended; at once where there was no such process.
    func passed(seconds: Int = 60, _ name: String) async throws {
        guard descriptor >= 0 else { return }
        try await offPool { try Wait.readable(self.descriptor, seconds: seconds, "the end of \(name)") }
    }
}

enum Wait {
    static func readable(_ descriptor: Int32, seconds: Int, _ what: String) throws {
        guard isReadable([descriptor], milliseconds: Int32(seconds * 1000)) else {
            throw Unexpected("\(what) did not come within \(seconds) s")
        }
    }

    /// Whether one of them becomes readable within the time.
    static func isReadable(_ descriptors: [Int32], milliseconds: Int32) -> Bool {
        var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var count: Int32
        repeat { count = poll(&polled, nfds_t(polled.count), milliseconds) } while count < 0 && errno == EINTR
        return count > 0
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
