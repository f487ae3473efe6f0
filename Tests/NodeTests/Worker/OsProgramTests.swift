import Foundation
import Glibc
import Host
import ReleaseHandling
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Unmodified programs: what they are given, and when they count as started.
@Suite(.timeLimit(.minutes(15))) struct OsProgramTests {
    private static func root() throws -> TestRoot {
        let root = try SupervisionProcessTests.oneVersion(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => other_sup, start => {other_sup, start_link, []}, type => supervisor}]
                """)
        try root.write("lib/fix-1.0.0/ebin/other_sup.sup", "{ok, {#{}, []}}.")
        return root
    }

    /// A spec that runs this script; it lies in the root, so that it may hold any sign.
    private static func script(
        _ text: String, in root: TestRoot, id: String = "p1", interpreter: String = "/bin/sh", _ more: String = ""
    ) throws -> String {
        try root.write("scripts/\(id)", text)
        return """
            #{id => \(id), start => {os, start, ["\(interpreter)", "\(root.root)/scripts/\(id)"]}, modules => []\(more)}
            """
    }

    private static let p1 = "fix/fix_sup/p1"

    private static func start(_ spec: String, _ test: TestNode) async throws -> ChildAnswer {
        try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: TestNode.peer)
    }

    /// Tells the daemon from Python, whatever systemd-notify of the machine does.
    private static let notify = """
        import os, socket, sys
        def tell(text, address=os.environ.get("NOTIFY_SOCKET")):
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            peer.connect("\\0" + address[1:] if address[0] == "@" else address)
            peer.send(text.encode())

        """

    @Test(.enabled(if: getuid() == 0)) func aScriptIsGivenWhatItsSpecSays() async throws {
        let root = try Self.root()
        let spec = try Self.script(
            """
            echo "fds=$LISTEN_FDS names=$LISTEN_FDNAMES own=$([ "$LISTEN_PID" = $$ ] && echo yes) user=$(id -un) \
            in=$(pwd) files=$(ulimit -Sn) hard=$(ulimit -Hn) greeting=$GREETING notify=$NOTIFY_SOCKET \
            channel=$RELEASE_HANDLER_CHANNEL first=$(readlink /proc/self/fd/3 | cut -c1-6) \
            second=$(readlink /proc/self/fd/4 | cut -c1-6) third=$(readlink /proc/self/fd/5)"
            exec sleep 1000
            """, in: root,
            """
            , sockets => [#{name => web, listen => "127.0.0.1:0"}, #{name => more, listen => "127.0.0.1:0"}],
              user => nobody, cwd => "/usr", env => [{"GREETING", "good day"}], rlimits => #{nofile => {77, 99}}
            """)
        chmod(root.directory, 0o755)
        try await TestNode.with(root) { test async throws in
            _ = try await Self.start(spec, test)
            let line = try await test.events.first("output", worker: Self.p1)
            #expect(
                line.message == """
                    fds=2 names=web:more own=yes user=nobody in=/usr files=77 hard=99 greeting=good day notify= channel= \
                    first=socket second=socket third=
                    """)
            #expect(try await test.ps(Self.p1).sockets.map(\.name) == ["more", "web"])
        }
    }

    /// As systemd's `User=`: by the user database, and not the daemon's own.
    @Test(.enabled(if: getuid() == 0)) func aUserIsToldWhoItIs() async throws {
        let root = try SupervisionProcessTests.oneVersion(
            children: """
                [#{id => c1, start => {counter, start_link, []}, user => root, env => #{"HOME" => "/mine"}}]
                """)
        let spec = try Self.script(
            "echo \"$USER $LOGNAME $HOME $SHELL\"; exec sleep 1000", in: root, ", user => nobody")
        chmod(root.directory, 0o755)
        try await TestNode.with(root) { test async throws in
            _ = try await Self.start(spec, test)
            let line = try await test.events.first("output", worker: Self.p1)
            #expect(line.message == "nobody nobody /nonexistent /usr/sbin/nologin")
            let bytes = try FileContents.read("/proc/\(try await test.pid())/environ", limit: 1 << 20)
            let variables = Set(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
            #expect(variables.isSuperset(of: ["USER=root", "LOGNAME=root", "HOME=/mine"]))
        }
    }

    @Test func oneThatSaysWhenItIsReadyHasStartedThen() async throws {
        let root = try Self.root()
        let fifo = "\(root.root)/go"
        mkfifo(fifo, 0o600)
        let spec = try Self.script(
            Self.notify + """
                tell("STATUS=warming up")
                open("\(fifo)").read()
                tell("X=1\\nREADY=1\\nSTATUS=ready for all")
                import time; time.sleep(1000)
                """, in: root, interpreter: "/usr/bin/python3", ", notify => true")
        try await TestNode.with(root) { test async throws in
            let start = Task { try await Self.start(spec, test) }
            while await test.service.ps().last?.status == nil { await Task.yield() }
            let waiting = try await test.ps(Self.p1)
            #expect(waiting.state == .starting)
            #expect(waiting.status == "warming up")
            #expect(await test.events.all.contains { $0.kind == "worker_started" && $0.worker == Self.p1 } == false)
            // The rest of the tree goes on meanwhile.
            #expect(try await test.call("get") == "0")
            try await offPool { try "".write(toFile: fifo, atomically: false, encoding: .utf8) }
            #expect(try await start.value.child == Self.p1)
            let running = try await test.ps(Self.p1)
            #expect(running.state == .running)
            #expect(running.status == "ready for all")
            #expect(
                try await test.service.getStatus(worker: Self.p1).status.contains(
                    "status_text => <<\"ready for all\">>"))
        }
    }

    /// As systemd's KillSignal=: nginx finishes its requests on SIGQUIT and drops them on SIGTERM.
    @Test func itIsAskedToEndByTheSignalOfItsSpec() async throws {
        let root = try Self.root()
        let traps = try Self.script(
            "trap 'echo finished; exit 0' QUIT; trap '' TERM; echo set; sleep 1000 & wait", in: root,
            ", kill_signal => sigquit, shutdown => infinity")
        let dies = try Self.script(
            "echo set; exec sleep 1000", in: root, id: "p2", ", kill_signal => sighup, shutdown => infinity")
        try await TestNode.with(root) { test async throws in
            for (spec, name) in [(traps, Self.p1), (dies, "fix/fix_sup/p2")] {
                _ = try await Self.start(spec, test)
                _ = try await test.events.first("output", worker: name)
                let id = String(name.suffix(2))
                _ = try await test.service.terminateChild(supervisor: "fix_sup", id: id, peer: TestNode.peer)
                #expect(try await test.events.first("worker_stopped", worker: name).fields["reason"] == "shutdown")
            }
            let lines = await test.events.all.filter { $0.kind == "output" && $0.worker == Self.p1 }.map(\.message)
            #expect(lines == ["set", "finished"])
            let kept = try await test.service.getChildspec(supervisor: "fix_sup", id: "p1").childspec
            #expect(kept.contains("kill_signal => sigquit"), "\(kept)")
        }
    }

    @Test func itMayAskForMoreTime() async throws {
        let root = try Self.root()
        let fifo = "\(root.root)/go"
        mkfifo(fifo, 0o600)
        let spec = try Self.script(
            Self.notify + """
                import signal
                def stop(*_):
                    tell("EXTEND_TIMEOUT_USEC=900000000\\nSTATUS=saving")
                    open("\(fifo)").read()
                    sys.exit(0)
                signal.signal(signal.SIGTERM, stop)
                tell("EXTEND_TIMEOUT_USEC=600000000\\nSTATUS=recovering")
                open("\(fifo)").read()
                tell("READY=1\\nSTATUS=ready")
                while True: signal.pause()
                """, in: root, interpreter: "/usr/bin/python3",
            ", notify => true, start_timeout => 60000, shutdown => 60000")
        try await TestNode.with(root) { test async throws in
            func limitWhen(_ status: String) async throws -> Int {
                while try await test.ps(Self.p1).status != status { await Task.yield() }
                return await { @HostActor in
                    guard case .until(let limit)? = test.node.tree.place(named: Self.p1)?.machine.limit else {
                        return 0
                    }
                    return limit - Reactor.nowMilliseconds()
                }()
            }
            let start = Task { try await Self.start(spec, test) }
            while await test.service.ps().last?.status == nil { await Task.yield() }
            #expect(try await limitWhen("recovering") > 300_000)
            try await offPool { try "".write(toFile: fifo, atomically: false, encoding: .utf8) }
            #expect(try await start.value.child == Self.p1)
            let stop = Task {
                try await test.service.terminateChild(supervisor: "fix_sup", id: "p1", peer: TestNode.peer)
            }
            #expect(try await limitWhen("saving") > 650_000)
            try await offPool { try "".write(toFile: fifo, atomically: false, encoding: .utf8) }
            #expect(try await stop.value.reply == "ok")
            #expect(await !test.events.all.contains { $0.kind == "shutdown_error" })
        }
    }

    /// What `systemd-notify` of a shell script says comes from another process of the group.
    @Test(.enabled(if: access("/usr/bin/systemd-notify", X_OK) == 0))
    func aChildOfItMaySpeakForIt() async throws {
        let root = try Self.root()
        let spec = try Self.script(
            "/usr/bin/systemd-notify --ready --status='from a shell'\nexec sleep 1000", in: root, ", notify => true")
        try await TestNode.with(root) { test async throws in
            #expect(try await Self.start(spec, test).child == Self.p1)
            #expect(try await test.ps(Self.p1).status == "from a shell")
        }
    }

    /// The address can be reached by everybody; who sends is what counts.
    @Test func nobodyElseMaySpeakForIt() async throws {
        let root = try Self.root()
        let spec = try Self.script(
            "echo \"at $NOTIFY_SOCKET\"\nexec sleep 1000", in: root, ", notify => true, start_timeout => 60000")
        try await TestNode.with(root) { test async throws in
            let start = Task { try await Self.start(spec, test) }
            let line = try await test.events.first("output", worker: Self.p1).message
            let address = String(line.dropFirst("at ".count))
            #expect(address.hasPrefix("@"))
            // From another worker's group, while it lives.
            let liar = try Self.script(
                Self.notify + """
                    tell("READY=1\\nSTATUS=lies", "\(address)")
                    import time; time.sleep(1000)
                    """, in: root, id: "liar", interpreter: "/usr/bin/python3")
            _ = try await Self.startElsewhere(liar, test)
            let ignored = try await test.events.first("notification_ignored", worker: Self.p1)
            #expect(ignored.message.hasSuffix("which is not of its process group: ignored, as all such are"))
            let place = try await test.ps(Self.p1)
            #expect(place.state == .starting)
            #expect(place.status == nil)
            await { @HostActor in test.node.tree.place(named: Self.p1)?.end(reason: .atom("enough")) }()
            await #expect(throws: ControlError.self) { try await start.value }
        }
    }

    /// Under another supervisor: its own waits for the start of `p1`.
    private static func startElsewhere(_ spec: String, _ test: TestNode) async throws -> ChildAnswer {
        try await test.service.startChild(supervisor: "other_sup", spec: spec, peer: TestNode.peer)
    }

    @Test(arguments: [
        ("exec sleep 1000", "{start_timeout,300}"), ("exit 3", "{exited_before_ready,{exit_status,3}}"),
        ("exit 0", "{exited_before_ready,normal}"),
    ])
    func oneThatIsNeverReadyHasFailed(text: String, reason: String) async throws {
        let root = try Self.root()
        let spec = try Self.script(text, in: root, ", notify => true, start_timeout => 300")
        try await TestNode.with(root) { test async throws in
            let refusal = await test.refusal { try await Self.start(spec, test) }
            #expect(
                refusal == "child_start_failed: child p1 of fix/fix_sup could not be started: \(reason)")
            #expect(try await test.service.countChildren(supervisor: "fix_sup").specs == 2)
            #expect(try await test.call("get") == "0")
        }
    }

    /// The place is the process' that was started; another one's word for it changes nothing.
    @Test func anotherMainProcessIsNotFollowed() async throws {
        let root = try Self.root()
        let spec = try Self.script(
            Self.notify + """
                tell("MAINPID=1\\nREADY=1")
                import time; time.sleep(1000)
                """, in: root, interpreter: "/usr/bin/python3", ", notify => true")
        try await TestNode.with(root) { test async throws in
            _ = try await Self.start(spec, test)
            let told = try await test.events.first("main_pid_ignored", worker: Self.p1)
            #expect(told.fields["main_pid"] == "1")
            #expect(try await test.pid(Self.p1) != 1)
        }
    }

    @Test func aWorkerThatSpeaksTheProtocolHasNoUseForIt() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let refusal = await test.refusal {
                try await Self.start("#{id => c2, start => {counter, start_link, []}, notify => true}", test)
            }
            #expect(
                refusal == """
                    bad_childspec: invalid_notify: expected false: a worker acknowledges its start itself; true is for \
                    start M os, found true
                    """)
        }
    }
}
