import Glibc
import Terms
import Testing

@testable import Host
@testable import TestSupport

@Suite(.timeLimit(.minutes(15)))
@HostActor
struct LaunchTests {
    let directory = TemporaryDirectory()

    private func failure(_ launch: WorkerProcess.Launch) -> LaunchError? {
        do {
            _ = try WorkerProcess.launch(launch) { _ in }
            return nil
        } catch {
            return error
        }
    }

    private func run(_ launch: WorkerProcess.Launch) async throws -> Recorder {
        let recorder = Recorder()
        _ = try WorkerProcess.launch(launch) { recorder.record($0) }
        _ = await recorder.end()
        return recorder
    }

    // MARK: Errors

    @Test func `a program that is not there`() {
        let error = failure(.init(executable: .unchecked("/no/such/program")))
        #expect(error?.description == "can't start /no/such/program: No such file or directory")
        #expect(error?.stage == .exec)
        #expect(error?.errno == ENOENT)
    }

    @Test func `a script whose interpreter is not there`() throws {
        let path = try directory.script("script", "#!/no/such/interpreter\n")
        let error = failure(.init(executable: .unchecked(path)))
        #expect(
            error?.description
                == "can't start \(path): the interpreter or dynamic linker that it names does not exist")
    }

    @Test func `a file that is not executable`() throws {
        let path = try directory.write("text", "#!/bin/sh\n")
        let error = failure(.init(executable: .unchecked(path)))
        #expect(
            error?.description == "can't start \(path): Permission denied; the file must be executable (chmod +x)")
    }

    @Test func `a file that is no program`() throws {
        let path = try directory.script("text", "hello\n")
        let error = failure(.init(executable: .unchecked(path)))
        #expect(
            error?.description
                == "can't start \(path): neither an ELF executable for this machine nor a script that begins with #!")
    }

    @Test func `a working directory that is not there`() {
        var launch = WorkerProcess.Launch.shell("true")
        launch.workingDirectory = "/no/such/directory"
        let error = failure(launch)
        #expect(
            error?.description
                == "can't start /bin/sh: can't enter the working directory /no/such/directory: No such file or "
                + "directory")
        #expect(error?.stage == .workingDirectory)
        #expect(error?.subject == "/no/such/directory")
    }

    @Test func `a user who is not there`() {
        var launch = WorkerProcess.Launch.shell("true")
        launch.user = "no-such-user"
        let error = failure(launch)
        #expect(error?.description == "can't start /bin/sh: user \"no-such-user\": no such user")
        #expect(error?.stage == .user)
    }

    @Test func `a limit that makes no sense`() throws {
        var launch = WorkerProcess.Launch.shell("true")
        launch.resourceLimits = [try #require(ResourceLimit(name: "core", soft: 10, hard: 5))]
        let error = failure(launch)
        #expect(error?.description == "can't start /bin/sh: the limit core can't be set: Invalid argument")
        #expect(error?.stage == .resourceLimit)
        #expect(ResourceLimit(name: "nonsense", soft: 1, hard: 1) == nil)
    }

    @Test func `a checked program that was written to since`() throws {
        let path = try directory.script("script", "#!/bin/sh\n")
        let code = try ObjectCode.check(path)
        try directory.write("script", "#!/bin/sh\nexit 1\n", permissions: 0o755)
        let error = failure(.init(executable: try #require(code.executable)))
        #expect(
            error?.description
                == "can't start \(path): the file was changed since it was checked; load it again")
    }

    // MARK: What it gets

    @Test func `arguments, environment and working directory`() async throws {
        var launch = WorkerProcess.Launch.shell(
            "echo \"$0|$1|$2|$GREETING|${HOME-unset}\"; pwd -P", arguments: ["a b", "ü"],
            environment: ["GREETING": "hallo = welt"])
        launch.workingDirectory = "/usr"
        let recorder = try await run(launch)
        #expect(recorder.lines() == ["sh|a b|ü|hallo = welt|unset", "/usr"])
        #expect(recorder.status == .exited(0))
    }

    @Test func `limits are set, the one on open files is the daemon's original`() async throws {
        DescriptorLimit.raise()
        let original = try #require(DescriptorLimit.ofWorkers)
        var launch = WorkerProcess.Launch.shell("ulimit -c; ulimit -n; ulimit -Hf")
        launch.resourceLimits = [
            try #require(ResourceLimit(name: "core", soft: 0, hard: 0)),
            try #require(ResourceLimit(name: "fsize", soft: 512 * 1000, hard: 512 * 2000)),
        ]
        let recorder = try await run(launch)
        #expect(recorder.lines() == ["0", "\(original.soft ?? 0)", "2000"])
    }

    @Test func `listening sockets come as systemd hands them over`() async throws {
        let first = try ListeningSocket.bind("127.0.0.1:0")
        let second = try ListeningSocket.bind(directory.file("socket"))
        let recorder = try await run(
            .shell(
                "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && echo same pid; ls /proc/$$/fd; true",
                listenDescriptors: [("redis", first.fd), ("admin", second.fd)]))
        #expect(recorder.lines() == ["2 redis:admin", "same pid", "0", "1", "2", "3", "4"])
    }

    @Test func `nothing else of the daemon's is open, the channel comes after the sockets`() async throws {
        // One that is not close-on-exec, which a library may have made.
        let stray = dup(1)
        defer { close(stray) }
        let socket = try ListeningSocket.bind("127.0.0.1:0")
        let recorder = try await run(
            .shell(
                "echo $RELEASE_HANDLER_CHANNEL $RELEASE_HANDLER_TRANSFER; ls /proc/$$/fd; "
                    + "readlink /proc/$$/fd/0",
                listenDescriptors: [("a", socket.fd)], withProtocol: true))
        #expect(recorder.lines() == ["4 5", "0", "1", "2", "3", "4", "5", "/dev/null"])
    }

    @Test func `signals are at their defaults, none is blocked`() async throws {
        let recorder = try await run(.shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2"))
        #expect(recorder.lines() == ["0000000000000000", "0000000000000000"])
    }

    @Test func `a checked executable runs from what was checked, not from what took its name`() async throws {
        let path = try directory.write(
            "program", try FileContents.read("/bin/echo", limit: 16 * 1024 * 1024), permissions: 0o755)
        let code = try ObjectCode.check(path)
        try directory.write("program", "#!/bin/sh\necho the other one\n", permissions: 0o755)
        let recorder = try await run(
            .init(executable: try #require(code.executable), arguments: ["the one"], withProtocol: false))
        #expect(recorder.lines() == ["the one"])
    }

    @Test(.enabled(if: geteuid() == 0)) func `it becomes another user, with that user's groups`() async throws {
        var launch = WorkerProcess.Launch.shell("id -un; id -Gn; grep -c '^Uid:.0' /proc/self/status")
        launch.user = "nobody"
        let recorder = try await run(launch)
        #expect(recorder.lines() == ["nobody", "nogroup", "0"])
        #expect(geteuid() == 0)
    }

    /// As systemd's `User=`; what was asked for in particular wins.
    @Test func `it is told who it is by the user database, and by its own variables over that`() async throws {
        var launch = WorkerProcess.Launch.shell(#"echo "$USER $LOGNAME $HOME $SHELL $OTHER""#)
        launch.environment = ["USER": "someone", "HOME": "/root", "SHELL": "/bin/false", "OTHER": "o"]
        let me = try #require(try UserDatabase.user("\(geteuid())"))
        launch.user = "\(geteuid())"
        #expect(try await run(launch).lines() == ["\(me.name) \(me.name) \(me.home) \(me.shell) o"])
        launch.variables = ["HOME": "/mine", "OTHER": "p"]
        #expect(try await run(launch).lines() == ["\(me.name) \(me.name) /mine \(me.shell) p"])
        launch.user = nil
        #expect(try await run(launch).lines() == ["someone  /mine /bin/false p"])
    }

    @Test(.enabled(if: geteuid() == 0)) func `more open files than the kernel lets anybody have`() throws {
        let text = String(decoding: try FileContents.read("/proc/sys/fs/nr_open", limit: 64), as: UTF8.self)
        let maximum = text.filter(\.isNumber)
        for limit in [99_999_999_999, nil] as [UInt64?] {
            var launch = WorkerProcess.Launch.shell("true")
            launch.resourceLimits = [try #require(ResourceLimit(name: "nofile", soft: limit, hard: limit))]
            #expect(
                failure(launch)?.description == """
                    can't start /bin/sh: the limit nofile can't be set: Operation not permitted; fs.nr_open is \
                    \(maximum), and nobody may have more: ask for less, or raise it by sysctl
                    """)
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `a directory that the other user can't enter`() throws {
        let closed = directory.file("closed")
        #expect(mkdir(closed, 0o700) == 0)
        var launch = WorkerProcess.Launch.shell("true")
        launch.user = "nobody"
        launch.workingDirectory = closed
        #expect(
            failure(launch)?.description
                == "can't start /bin/sh: can't enter the working directory \(closed): Permission denied")
    }

    // MARK: No leaks

    @Test func `200 processes leave no descriptor open`() async throws {
        var links: Set<String> = []
        for _ in 0..<200 {
            let recorder = Recorder()
            weak var process: WorkerProcess?
            do {
                let started = try WorkerProcess.launch(.shell("exit 0", withProtocol: true)) { recorder.record($0) }
                process = started
                let ours =
                    started.outputs.descriptors
                    + [started.channel?.descriptor.raw, started.transfer?.descriptor.raw].compactMap(\.self)
                #expect(ours.count == 4)
                for descriptor in ours { links.insert(Self.link(descriptor)) }
            }
            #expect(await recorder.end() == .exited(0))
            #expect(process == nil)
        }
        #expect(links.count == 800)
        let open = Set(Directory.names("/proc/self/fd").compactMap { Int32($0) }.map(Self.link))
        #expect(open.isDisjoint(with: links))
    }

    private static func link(_ descriptor: Int32) -> String {
        var target = [UInt8](repeating: 0, count: 256)
        let count = target.withUnsafeMutableBytes { bytes in
            let characters = bytes.bindMemory(to: CChar.self)
            return characters.baseAddress.map { readlink("/proc/self/fd/\(descriptor)", $0, characters.count) } ?? -1
        }
        return String(decoding: target.prefix(max(count, 0)), as: UTF8.self)
    }
}
