import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The real daemon from start to end, as a service manager sees it.
@Suite(.timeLimit(.minutes(15))) struct EndToEndLifeTests {
    static let twoCounters = """
        [#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, [{count, 2}]}}]
        """

    @Test(arguments: [SIGTERM, SIGINT])
    func bootsAnswersAndStopsInOrder(signal: Int32) async throws {
        let root = try TestRoot.twoVersions(children: Self.twoCounters)
        defer { root.remove() }
        let notify = try NotifySocket(path: "\(root.directory)/notify")
        let control = "\(root.directory)/control.sock"
        try await Program.with(
            EndToEndDaemon.path, ["--root", root.root, "--socket", control], environment: ["NOTIFY_SOCKET": notify.path]
        ) { program async throws in
            // One message: a manager that sees READY=1 has the status with it.
            #expect(try await notify.next() == ["READY=1", "STATUS=release 1.0.0 runs"])
            let daemon = EndToEndDaemon(root, notify, program, controlSocket: control)
            try await Self.answers(daemon)
            let workers = try await daemon.workers().map { ProcessExit(of: try #require($0.pid)) }

            program.signal(signal)
            #expect(try await notify.next() == ["STOPPING=1"])
            #expect(try await program.ended() == .exit(0), "\(program.complained)")
            for worker in workers { try await worker.passed("a worker") }
            #expect(try daemon.processes() == [])
            #expect(try ProcessGroup.alive(program.pid) == [])
            #expect(access(control, F_OK) == -1, "the control socket is left behind")
            // Started in order, stopped in reverse; the log goes to the terminal where there is no journal.
            let log = program.complained.split(separator: "\n").map(String.init)
            let started = log.filter { $0.contains(" started, pid ") }.map { $0.contains("c1") ? "c1" : "c2" }
            let stopped = log.filter { $0.contains("terminated: shutdown") }.map { $0.contains("c1") ? "c1" : "c2" }
            #expect(started == ["c1", "c2"], "\(program.complained)")
            #expect(stopped == ["c2", "c1"], "\(program.complained)")
            #expect(program.said == "")
        }
    }

    private static func answers(_ daemon: EndToEndDaemon) async throws {
        let status = try await daemon.status()
        #expect(status.state == .running)
        #expect([status.name, status.release, status.permanent] == ["fix", "1.0.0", "1.0.0"])
        #expect(status.pid == daemon.program.pid)
        #expect(status.root == daemon.root.root)
        let workers = try await daemon.workers()
        #expect(workers.map(\.address) == ["fix/fix_sup/c1", "fix/fix_sup/c2"])
        #expect(workers.allSatisfy { $0.state == .running && $0.generation == 1 && $0.restarts == 0 })
        #expect(try Set(workers.compactMap(\.pid)) == Set(daemon.processes()))
        let applications = try await daemon.applications()
        #expect(applications.map(\.id) == ["fix"])
        #expect(applications.first?.children.first?.children.map(\.pid) == workers.map(\.pid))
        #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent", "2.0.0 unpacked"])
    }

    // MARK: Stopped before its time

    @Test func aStopInTheMiddleOfTheBoot() async throws {
        let root = try TestRoot()
        defer { root.remove() }
        let fifo = "\(root.directory)/booting"
        try #require(mkfifo(fifo, 0o600) == 0)
        let reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0",
            children: """
                [#{id => first, start => {os, start, ["/bin/sh", "-c", "echo > \(fifo); exec sleep 1000"]}, modules => []},
                 #{id => c1, start => {counter, start_link, [init_hang]}, start_timeout => 600000}]
                """)
        try root.register(["1.0.0"])
        let notify = try NotifySocket(path: "\(root.directory)/notify")
        try await Program.with(
            EndToEndDaemon.path, ["--root", root.root, "--socket", "\(root.directory)/control"],
            environment: ["NOTIFY_SOCKET": notify.path]
        ) { program async throws in
            try await offPool { try Wait.readable(reader, seconds: 60, "the first worker's start") }
            program.signal(SIGTERM)
            #expect(try await program.ended(seconds: 20) == .exit(0), "\(program.complained)")
            #expect(!notify.drain().contains { $0.contains("READY=1") })
            let daemon = EndToEndDaemon(root, notify, program, controlSocket: "")
            #expect(try daemon.processes() == [])
        }
    }

    @Test func aStopInTheMiddleOfAnInstall() async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, start_timeout => 600000}]"
        let root = try TestRoot.twoVersions(children: children)
        try root.write("lib/fix-2.0.0/priv/knobs", "hang_at_start")
        try await EndToEndDaemon.with(root) { daemon async throws in
            async let install = daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilUpgrading()
            try await daemon.stop()
            let run = try await install
            #expect(run.exit == 1)
            #expect(
                run.error == """
                    releasectl: install-release 2.0.0: failed: the node was stopped before the upgrade's end; its \
                    permanent release boots when it is started again
                      It is not rolled back: the permanent release boots next.

                    """, "\(run)")
            let log = daemon.program.complained
            #expect(log.contains(" WARNING upgrade to 2.0.0 ended by the node's stop"), "\(log)")
            #expect(!log.contains(" CRITICAL "), "\(log)")
            #expect(log.contains(": upgrade_failed: the node was stopped before the upgrade's end; "), "\(log)")
        }
    }

    // MARK: Watchdog

    @Test func theWatchdogIsFedUntilTheDaemonStandsStill() async throws {
        let root = try TestRoot.twoVersions()
        try await EndToEndDaemon.with(root, environment: ["WATCHDOG_USEC": "600000"]) { daemon async throws in
            for _ in 1...5 { #expect(try await daemon.notify.next(seconds: 10) == ["WATCHDOG=1"]) }
            daemon.program.signal(SIGSTOP)
            try daemon.program.untilStopped()
            _ = daemon.notify.drain()
            #expect(try await daemon.notify.staysSilent(milliseconds: 1500))
            daemon.program.signal(SIGCONT)
            #expect(try await daemon.notify.next(seconds: 10) == ["WATCHDOG=1"])
        }
    }

    /// sd_watchdog_enabled(3): the variables are meant for the process that WATCHDOG_PID names.
    @Test func theWatchdogOfAnotherProcessIsNotFed() async throws {
        let environment = ["WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"]
        try await EndToEndDaemon.with(try .twoVersions(), environment: environment) { daemon async throws in
            #expect(try await daemon.notify.staysSilent(milliseconds: 1000))
            #expect(try await daemon.status().state == .running)
        }
    }

    /// A manager sets WATCHDOG_PID to the pid that it starts; a shell that becomes the daemon keeps its own.
    @Test func theWatchdogThatNamesTheDaemonIsFed() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        let notify = try NotifySocket(path: "\(root.directory)/notify")
        let command = "WATCHDOG_PID=$$ exec \"$@\""
        try await Program.with(
            "/bin/sh",
            ["-c", command, "sh", EndToEndDaemon.path, "--root", root.root, "--socket", "\(root.directory)/control"],
            environment: ["NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "600000"]
        ) { program async throws in
            try await notify.next(with: "READY=1")
            for _ in 1...3 { try await notify.next(with: "WATCHDOG=1") }
            program.signal(SIGTERM)
            #expect(try await program.ended() == .exit(0))
        }
    }

    // MARK: A daemon that is gone

    @Test func aKilledDaemonTakesItsWorkersWithItAndThePermanentReleaseBoots() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => prog, start => {os, start, ["/bin/sleep", "10000"]}, modules => []}]
            """
        let root = try TestRoot.twoVersions(children: children)
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            _ = try await daemon.call("{add, 7}")
            try await daemon.ask("install-release", "2.0.0")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent", "2.0.0 current"])
            let workers = try await daemon.workers().map { ProcessExit(of: try #require($0.pid)) }
            #expect(workers.count == 2)
            daemon.program.signal(SIGKILL)
            for worker in workers { try await worker.passed(seconds: 20, "a worker whose daemon was killed") }
        }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            let status = try await daemon.status()
            #expect([status.release, status.permanent] == ["1.0.0", "1.0.0"])
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    @Test func aReleaseThatWasMadePermanentBoots() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            try await daemon.ask("install-release", "2.0.0")
            try await daemon.ask("make-permanent", "2.0.0")
            let worker = ProcessExit(of: try #require(try await daemon.workers().first?.pid))
            daemon.program.signal(SIGKILL)
            try await worker.passed("the worker")
        }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            #expect(try await daemon.status().release == "2.0.0")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
        }
    }
}
