import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// Programs that put themselves into the background: what they leave behind is found, told and killed.
@Suite(.timeLimit(.minutes(15))) struct EndToEndForkingTests {
    private static func start(
        _ daemon: EndToEndDaemon, _ script: String, _ restart: String, shutdown: Int = 500
    ) async throws {
        try daemon.root.write("scripts/forking", script)
        try await daemon.ask(
            "start-child", "fix_sup",
            """
            #{id => p1, restart => \(restart), modules => [], shutdown => \(shutdown),
              start => {os, start, ["/bin/sh", "\(daemon.root.root)/scripts/forking"]}}
            """)
    }

    /// As daemon(7) does it: a session of its own, the first parent gone, and that long before its program ends.
    @Test func whatLeavesItsGroupEndsWithIt() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            let other = try await daemon.workers().first?.pid
            let script = """
                setsid sh -c 'sh -c "echo left \\$\\$; exec sleep 1000" & exit 0' &
                wait
                exec sleep 999
                """
            try await daemon.following { follower async throws in
                try await Self.start(daemon, script, "temporary")
                let line = try await follower.next("output").message
                let left = try #require(pid_t(line.dropFirst("left ".count)))
                #expect(kill(left, 0) == 0)
                let end = ProcessExit(of: left)
                kill(try #require(try await daemon.workers().last?.pid), SIGTERM)
                let told = try await follower.next("processes_left")
                #expect(
                    told.message == """
                        fix/fix_sup/p1 left pid \(left) (sleep) behind as it ended: killed; a program that puts itself into \
                        the background can't be supervised: have it stay in the foreground
                        """)
                try await end.passed("the process that was left behind")
            }
            // It is temporary, so that its spec went with it; nobody else has noticed.
            #expect(try await daemon.workers().map(\.pid) == [other])
            try await EndToEndStubbornWorkerTests.works(daemon)
        }
    }

    /// systemd's KillMode=control-group: the shell dies of the signal, and what it runs has the time to save its data.
    @Test func aProgramBehindAShellIsAskedToEndToo() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            let fifo = "\(daemon.root.root)/go"
            mkfifo(fifo, 0o600)
            try daemon.root.write(
                "scripts/graceful",
                """
                import os, signal, sys
                def stop(*_):
                    print("saving", flush=True)
                    open("\(fifo)").read()
                    print("saved", flush=True)
                    sys.exit(0)
                signal.signal(signal.SIGTERM, stop)
                print("ready", flush=True)
                while True: signal.pause()
                """)
            try await daemon.following { follower async throws in
                try await Self.start(
                    daemon, "/usr/bin/python3 \(daemon.root.root)/scripts/graceful\necho done", "permanent",
                    shutdown: 600_000)
                #expect(try await follower.next("output").message == "ready")
                async let stop = daemon.ask("terminate-child", "fix_sup", "p1")
                #expect(try await follower.next("output").message == "saving")
                #expect(try await daemon.workers().last?.state == .stopping)
                try await offPool { try "".write(toFile: fifo, atomically: false, encoding: .utf8) }
                #expect(try await follower.next("output").message == "saved")
                #expect(try await follower.next("worker_stopped").fields["reason"] == "shutdown")
                _ = try await stop
            }
        }
    }

    @Test func whatDoesNotEndWithItsGroupIsKilled() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            try await daemon.following { follower async throws in
                try await Self.start(
                    daemon, "(trap '' TERM; echo $(exec sh -c 'echo $PPID'); exec sleep 1000) & wait", "permanent")
                let stubborn = try #require(pid_t(try await follower.next("output").message))
                let end = ProcessExit(of: stubborn)
                try await daemon.ask("terminate-child", "fix_sup", "p1")
                #expect(try await follower.next("worker_stopped").fields["reason"] == "killed")
                #expect(
                    try await follower.next("shutdown_error").message
                        == "fix/fix_sup/p1 ended badly at its shutdown: killed")
                try await end.passed("the process that ignores SIGTERM")
            }
            try await EndToEndStubbornWorkerTests.works(daemon)
        }
    }

    /// A real one: redis-server as a daemon changes its session, its title and with that its environment.
    @Test(.enabled(if: access(RealProgramTests.redis, X_OK) == 0))
    func redisServerAsADaemonOfItsOwn() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            let directory = daemon.root.directory
            try await daemon.following { follower async throws in
                try await daemon.ask(
                    "start-child", "fix_sup",
                    """
                    #{id => redis, restart => temporary, modules => [], cwd => "\(directory)",
                      start => {os, start, ["\(RealProgramTests.redis)", "--port", "0", "--unixsocket", "\(directory)/redis",
                                            "--save", "", "--daemonize", "yes", "--pidfile", "\(directory)/pid"]}}
                    """)
                let told = try await follower.next("processes_left")
                #expect(told.worker == "fix/fix_sup/redis")
                #expect(told.message.contains("(redis-server) behind as it ended: killed"), "\(told.message)")
                let pid = try #require(
                    told.message.split(separator: "pid ").last.flatMap { pid_t($0.prefix { $0.isNumber }) })
                if kill(pid, 0) == 0 { try await ProcessExit(of: pid).passed("redis-server") }
            }
            // Temporary: its spec went with it.
            #expect(try await daemon.workers().count == 1)
        }
    }

    /// A permanent one is started again and again, as supervisor(3) has it, until its supervisor gives up; each time what
    /// it left is gone before the next.
    @Test func aPermanentOneMakesItsSupervisorGiveUp() async throws {
        let root = try TestRoot.twoVersions(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => inner, start => {inner_sup, start_link, []}, type => supervisor, restart => temporary}]
                """)
        try root.write("lib/fix-1.0.0/ebin/inner_sup.sup", "{ok, {#{intensity => 3, period => 60}, []}}.")
        try await EndToEndDaemon.with(root) { daemon async throws in
            let other = try await daemon.workers().first?.pid
            try await daemon.following { follower async throws in
                try await daemon.ask(
                    "start-child", "inner_sup",
                    "#{id => p1, modules => [], start => {os, start, [\"/bin/sh\", \"-c\", \"sleep 1000 & exit 0\"]}}")
                for time in 1...3 {
                    let exit = try await follower.next("worker_exited")
                    #expect(exit.fields["reason"] == "normal")
                    let restart = try await follower.next("worker_restart")
                    #expect(
                        restart.message
                            == "fix/fix_sup/inner/p1 is restarted, time \(time): it terminated: normal")
                }
                let gaveUp = try await follower.next("supervisor_shutdown")
                #expect(
                    gaveUp.message == """
                        fix/fix_sup/inner gives up because of fix/fix_sup/inner/p1: reached_max_restart_intensity
                        """)
            }
            #expect(try await daemon.workers().map(\.pid) == [other])
            #expect(try await daemon.call("get") == "0")
        }
    }
}
