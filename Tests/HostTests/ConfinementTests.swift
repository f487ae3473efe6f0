import CHost
import Glibc
import Supervision
import Testing

@testable import Host
@testable import TestSupport

/// What a confined process finds, and what is said where it can't be confined. What changes mounts or users needs root.
@Suite(.timeLimit(.minutes(15)))
@HostActor
struct ConfinementTests {
    let directory = TemporaryDirectory()

    private nonisolated static let isRoot = geteuid() == 0

    private func launch(
        _ command: String, user: String? = nil, _ change: (inout Confinement) -> Void
    ) -> WorkerProcess.Launch {
        var launch = WorkerProcess.Launch.shell(command)
        launch.user = user
        var confinement = Confinement()
        change(&confinement)
        launch.confinement = confinement
        return launch
    }

    private func lines(_ launch: WorkerProcess.Launch) async throws -> [String] {
        let recorder = Recorder()
        _ = try WorkerProcess.launch(launch) { recorder.record($0) }
        _ = await recorder.end()
        return recorder.lines() + recorder.lines(.stderr)
    }

    private func failure(_ launch: WorkerProcess.Launch) -> LaunchError? {
        do {
            _ = try WorkerProcess.launch(launch) { _ in }
            return nil
        } catch {
            return error
        }
    }

    /// These fields of its status.
    private nonisolated static func status(_ names: String) -> String {
        "grep -E '^(\(names)):' /proc/self/status | cut -f2"
    }

    // MARK: Privileges

    @Test func `it gets no new privileges`() async throws {
        let command = Self.status("NoNewPrivs")
        #expect(try await lines(launch(command) { $0.noNewPrivileges = true }) == ["1"])
        // The daemon's thread is as it was.
        let own = try await lines(.shell(command))
        #expect(try await lines(launch(command) { _ in }) == own)
    }

    private nonisolated static let sets = status("CapInh|CapPrm|CapEff|CapBnd|CapAmb")

    @Test(.enabled(if: isRoot), arguments: ["nobody", nil] as [String?])
    func `it has the capabilities that it is to have, and no others`(user: String?) async throws {
        let some = launch("\(Self.sets); id -u", user: user) {
            $0.capabilities = CapabilitySet([.netBindService, .chown])
        }
        let all = [String](repeating: "0000000000000401", count: 5)
        #expect(try await lines(some) == all + [user == nil ? "0" : "65534"])
        let none = launch(Self.sets, user: user) { $0.capabilities = CapabilitySet([]) }
        #expect(try await lines(none) == [String](repeating: "0000000000000000", count: 5))
        #expect(chost_permitted_capabilities() & 0x400 != 0)
    }

    @Test(.enabled(if: isRoot)) func `without the key nothing is taken`() async throws {
        let own = try await lines(.shell(Self.status("CapBnd")))
        #expect(try await lines(launch(Self.status("CapBnd")) { $0.noNewPrivileges = true }) == own)
    }

    @Test func `what the daemon itself has not is named`() throws {
        let permitted = chost_permitted_capabilities()
        let lacking = Capability.allCases.filter { permitted & 1 << UInt64($0.number) == 0 }
        // Some root has all of them.
        guard let one = lacking.first else { return }
        let error = failure(launch("true") { $0.capabilities = CapabilitySet([one]) })
        #expect(
            error?.description == """
                can't start /bin/sh: capabilities: the daemon itself has no \(one.rawValue); under systemd \
                CapabilityBoundingSet=\(one.rawValue.uppercased()) in a drop-in of its unit gives it to a daemon of root
                """)
        #expect(error?.stage == .capabilities && error?.errno == EPERM && error?.isPassing == false)
    }

    // MARK: Mounts

    @Test(.enabled(if: isRoot)) func `its temporary directories are its own`() async throws {
        let name = "of-the-machine-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        for parent in ["/tmp", "/var/tmp"] { close(open("\(parent)/\(name)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)) }
        defer { for parent in ["/tmp", "/var/tmp"] { unlink("\(parent)/\(name)") } }
        let command = """
            ls -A /tmp /var/tmp; stat -f -c %T /tmp; stat -c %a /tmp; echo kept > /tmp/own-\(name); cat /tmp/own-\(name); pwd
            """
        let found = try await lines(launch(command, user: "nobody") { $0.privateTmp = true })
        #expect(found == ["/tmp:", "", "/var/tmp:", "tmpfs", "1777", "kept", "/"])
        #expect(access("/tmp/\(name)", F_OK) == 0 && access("/tmp/own-\(name)", F_OK) != 0)
    }

    @Test(.enabled(if: isRoot)) func `a checked executable that lies in what is hidden runs all the same`() async throws
    {
        let path = try directory.write(
            "program", try FileContents.read("/bin/cat", limit: 16 * 1024 * 1024), permissions: 0o755)
        let code = try ObjectCode.check(path)
        var launch = WorkerProcess.Launch(
            executable: try #require(code.executable), arguments: [path], withProtocol: false)
        launch.confinement = Confinement()
        launch.confinement?.privateTmp = true
        #expect(try await lines(launch) == ["\(path): \(path): No such file or directory"])
    }

    @Test func `a script that is hidden from itself is told`() throws {
        let path = try directory.script("script", "#!/bin/sh\n")
        var launch = WorkerProcess.Launch(executable: .unchecked(path))
        launch.confinement = Confinement()
        launch.confinement?.privateTmp = true
        #expect(
            failure(launch)?.description
                == "can't start \(path): private_tmp: it lies in a directory that is hidden from it; put it elsewhere")
    }

    @Test(.enabled(if: isRoot)) func `a working directory that is hidden from it is told`() throws {
        var launch = self.launch("true") { $0.privateTmp = true }
        launch.workingDirectory = directory.path
        #expect(
            failure(launch)?.description == """
                can't start /bin/sh: can't enter the working directory \(directory.path): No such file or directory; \
                private_tmp hides it
                """)
    }

    @Test(.enabled(if: isRoot), arguments: Confinement.SystemProtection.allCases)
    func `what is protected is read-only`(protection: Confinement.SystemProtection) async throws {
        let command = """
            for name in /usr /etc /var /dev /proc /sys \(directory.path); do test -w $name && echo $name; done; true
            """
        let before = try await lines(.shell(command))
        #expect(before.contains("/usr") && before.contains("/etc"))
        let left: (String) -> Bool =
            switch protection {
            case .programs: { $0 != "/usr" }
            case .full: { $0 != "/usr" && $0 != "/etc" }
            case .strict: { ["/dev", "/proc", "/sys"].contains($0) }
            }
        #expect(try await lines(launch(command) { $0.protectSystem = protection }) == before.filter(left))
        let written = try await lines(launch("touch /usr/of-a-test") { $0.protectSystem = protection })
        #expect(written.count == 1 && written[0].contains("Read-only file system"), "\(written)")
        // For the daemon nothing has changed.
        #expect(try await lines(.shell(command)) == before)
    }

    @Test(.enabled(if: isRoot)) func `paths that it writes to are as they were`() async throws {
        let link = directory.file("link")
        #expect(symlink(directory.path, link) == 0)
        let command = "echo written > \(directory.path)/file; touch /etc/of-a-test; test -w /dev && echo dev"
        let found = try await lines(
            launch(command) {
                $0.protectSystem = .strict
                $0.readWritePaths = [link]
            })
        #expect(found.first == "dev" && found.last?.contains("Read-only file system") == true, "\(found)")
        #expect(try FileContents.read(directory.file("file"), limit: 64) == Array("written\n".utf8))
        let error = failure(
            launch("true") {
                $0.protectSystem = .full
                $0.readWritePaths = ["/no/such/path"]
            })
        #expect(
            error?.description == "can't start /bin/sh: read_write_paths: /no/such/path: No such file or directory")
        #expect(error?.stage == .readWritePaths && error?.subject == "/no/such/path")
    }

    /// ServiceManagerTests has a daemon that may not.
    @Test func `who may make no mounts is told what gives them`() {
        #expect(
            LaunchError(
                mounts: chost_launched(
                    pidfd: -1, stage: CHOST_STAGE_PRIVATE_TMP, error: EPERM, resource: 0, subject: nil),
                executable: "/bin/sh"
            ).description == """
                can't start /bin/sh: private_tmp: /: Operation not permitted; the daemon needs CAP_SYS_ADMIN to make mounts, \
                and a unit that lets it: systemd/private-workers.conf
                """)
    }

    // MARK: System calls

    /// Each with what it answers: calls of privilege by who may make them where no filter is.
    private nonisolated static let calls = """
        import ctypes, errno, os, socket, threading
        libc = ctypes.CDLL(None, use_errno=True)
        def call(function, *words):
            if function(*words) < 0: raise OSError(ctypes.get_errno(), "")
        def say(name, action):
            try:
                action()
                print(name, "done")
            except OSError as error: print(name, errno.errorcode[error.errno])
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        child = os.fork()
        if child == 0: os._exit(0)
        os.waitpid(child, 0)
        say("mount", lambda: call(libc.mount, b"none", b"/no/such", b"tmpfs", 0, None))
        say("inet", lambda: socket.socket(socket.AF_INET))
        say("unix", lambda: socket.socketpair())
        say("chown", lambda: os.chown("/no/such", -1, -1))
        say("groups", lambda: os.setgroups(os.getgroups()))
        say("unshare", lambda: call(libc.unshare, 0))
        say("newest", lambda: call(libc.syscall, 9999))

        """

    private func answers(_ filter: Confinement.CallFilter?) async throws -> [String] {
        var launch = WorkerProcess.Launch(
            executable: .unchecked("/usr/bin/python3"), arguments: ["-c", Self.calls], withProtocol: false)
        launch.confinement = Confinement()
        launch.confinement?.seccomp = filter
        return try await lines(launch)
    }

    @Test func `a filtered call is refused, and the process goes on`() async throws {
        let last = ["newest ENOSYS"]
        if Self.isRoot {
            #expect(
                try await answers(nil) == [
                    "mount ENOENT", "inet done", "unix done", "chown ENOENT", "groups done", "unshare done",
                ] + last)
        }
        #expect(
            try await answers(.service) == [
                "mount EPERM", "inet done", "unix done", "chown ENOENT",
                Self.isRoot ? "groups done" : "groups EPERM", "unshare done",
            ] + last)
        #expect(
            try await answers(.strict) == [
                "mount EPERM", "inet EAFNOSUPPORT", "unix done", "chown EPERM", "groups EPERM", "unshare EPERM",
            ] + last)
    }

    @Test(arguments: Confinement.CallFilter.allCases)
    func `a filter comes without new privileges`(filter: Confinement.CallFilter) async throws {
        let found = try await lines(launch(Self.status("NoNewPrivs|Seccomp")) { $0.seccomp = filter })
        #expect(found == ["1", "2"])
    }

    @Test(.enabled(if: isRoot)) func `all of it together`() async throws {
        let command = "\(Self.status("CapEff|NoNewPrivs|Seccomp")); ls -A /tmp; test -w /usr || echo read-only; id -un"
        let found = try await lines(
            launch(command, user: "nobody") {
                $0.noNewPrivileges = true
                $0.capabilities = CapabilitySet([.netBindService])
                $0.privateTmp = true
                $0.protectSystem = .strict
                $0.readWritePaths = ["/run"]
                $0.seccomp = .strict
            })
        #expect(found == ["0000000000000400", "1", "2", "read-only", "nobody"])
    }
}
