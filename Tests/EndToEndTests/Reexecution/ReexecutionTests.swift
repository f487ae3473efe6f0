import Foundation
import Glibc
import Host
import ReleaseHandling
import Synchronization
import Testing
import Wire

@testable import TestSupport

private final class Flag: Sendable {
    let isSet = Atomic(false)
}

/// `releasectl reexec`: the real daemon executes itself anew, and nobody who works with it notices.
@Suite(.timeLimit(.minutes(15))) struct ReexecutionTests {
    private static func root(children: String = TestRoot.oneCounter, flags: String = TestRoot.usualFlags) throws
        -> TestRoot
    {
        try TestRoot.twoVersions(children: children, flags: flags)
    }

    /// Three times: what the daemon before has started, and what the one before that, live on alike.
    @Test func itGoesOnInTheSameProcessWithTheSameWorkers() async throws {
        try await EndToEndDaemon.with(try Self.root(flags: "#{intensity => 10, period => 600}")) { daemon in
            _ = try await daemon.call("{add, 5}")
            let first = try #require(try await daemon.workers().first?.pid)
            for round in 0..<3 {
                let answer = try await daemon.ask("reexec")
                #expect(
                    answer.contains("goes on anew, as pid \(daemon.program.pid), with 1 processes of workers"),
                    "\(answer)")
                #expect(try await daemon.workers().first?.pid == first, "round \(round)")
                #expect(try await daemon.call("get") == "5")
            }
            // Its end is seen, its restart is counted with those before.
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            while try await daemon.workers().first?.state != .running { await Task.yield() }
            let second = try #require(try await daemon.workers().first)
            #expect(second.pid != first && second.restarts == 1, "\(second), first \(first)")
            try await daemon.ask("reexec")
            #expect(try await daemon.workers().first?.pid == second.pid)
            #expect(try await daemon.workers().first?.restarts == 1)
            #expect(try await daemon.status().pid == daemon.program.pid)
        }
    }

    /// A restart that waits is made when it would have been.
    @Test func whatWaitsForItsRestartWaitsOn() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}, restart_delay => 3600000},
             #{id => c2, start => {counter, start_link, []}, restart_delay => 1500}]
            """
        let flags = "#{intensity => 1, period => 600}"
        try await EndToEndDaemon.with(try Self.root(children: children, flags: flags)) { daemon in
            for worker in [TestNode.c1, "fix/fix_sup/c2"] {
                #expect(try await daemon.releasectl("call", worker, "crash").exit == 1)
            }
            while try await daemon.workers().first?.state != .restarting { await Task.yield() }
            let before = try #require(try await daemon.workers().first?.restartInSeconds)
            try await daemon.ask("reexec")
            let after = try #require(try await daemon.workers().first)
            #expect(after.state == .restarting && (after.restartInSeconds ?? 3_600) < before)
            let table = try await daemon.ask("tree")
            #expect(table.contains("restarting in 59m"), "\(table)")
            #expect(try await daemon.ask("status").contains("waiting:"))
            while try await daemon.workers().last?.state != .running { await Task.yield() }
            #expect(try await daemon.workers().last?.restarts == 1)
            try await daemon.ask("restart-child", "fix_sup", "c1")
            #expect(try await daemon.workers().first?.state == .running)
        }
    }

    /// Who is watched is watched on, and nobody pays for the time in between.
    @Test func whoHangsIsFoundAfterwards() async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, watchdog => 1000}]"
        try await EndToEndDaemon.with(try Self.root(children: children)) { daemon in
            let first = try #require(try await daemon.workers().first?.pid)
            for _ in 0..<3 { try await daemon.ask("reexec") }
            #expect(try await daemon.workers().first?.pid == first)
            kill(first, SIGSTOP)
            // Another one goes on with what hangs.
            try await daemon.ask("reexec")
            while try await daemon.workers().first?.restarts != 1 { await Task.yield() }
            while try await daemon.workers().first?.state != .running { await Task.yield() }
            #expect(try await daemon.workers().first?.pid != first)
        }
    }

    /// For the other nodes of the machine it is the same node still, of which they know the same.
    @Test func theOtherNodesSeeTheSameNode() async throws {
        let root = try Self.root()
        let node = try #require(NodeName("one@host"))
        let nodes = NodeDirectory("\(root.directory)/nodes")
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root, options: ["--node", "one@host"]) { daemon in
            let before = try #require(nodes.record(of: node))
            try await daemon.ask("reexec")
            #expect(nodes.record(of: node) == before)
            try await daemon.ask("install-release", "2.0.0")
            let installed = try #require(nodes.record(of: node))
            guard case .installed("2.0.0", _) = installed.state else {
                Issue.record("\(installed)")
                return
            }
            try await daemon.ask("reexec")
            #expect(nodes.record(of: node) == installed)
            let status = try await daemon.status()
            #expect(status.node == "one@host")
        }
        #expect(nodes.record(of: node) == nil)
    }

    /// What the service manager hears of it is that all is well.
    @Test func theServiceManagerSeesNoRestart() async throws {
        let environment = ["WATCHDOG_USEC": "60000000"]
        try await EndToEndDaemon.with(try Self.root(), environment: environment) { daemon in
            _ = daemon.notify.drain()
            try await daemon.ask("reexec")
            // Asked once more, so that all that it had to say has been said.
            try await daemon.ask("reexec")
            let told = daemon.notify.drain().flatMap(\.self)
            #expect(told.contains("WATCHDOG=1"))
            #expect(
                !told.contains { $0.hasPrefix("READY") || $0.hasPrefix("STOPPING") || $0.hasPrefix("FDSTORE") },
                "\(told)")
        }
    }

    /// Calls that a worker has, one that is half sent, a connection that rests, followers of the events: each goes on.
    @Test func clientsNoticeNothing() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let socket = daemon.controlSocket
            let hold = Array(#"{"worker":"\#(TestNode.c1)","request":"hold","timeout_ms":60000}"#.utf8)
            let calls = try await offPool { () throws -> [RawHTTP] in
                try (0..<40).map { _ in
                    let connection = try RawHTTP(path: socket)
                    try connection.send("POST", "/v1/call", body: hold)
                    return connection
                }
            }
            while try await Self.openCalls(daemon) < 40 { await Task.yield() }
            let request = Array("GET /v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n".utf8)
            let (half, idle, pipelined) = try await offPool {
                let half = try RawHTTP(path: socket)
                try half.send(Array(request[..<20]))
                let idle = try RawHTTP(path: socket)
                try idle.send(request)
                #expect(try idle.answer().status == 200)
                // A question behind a call.
                let pipelined = try RawHTTP(path: socket)
                try pipelined.send("POST", "/v1/call", body: hold)
                try pipelined.send(request)
                return (half, idle, pipelined)
            }
            while try await Self.openCalls(daemon) < 41 { await Task.yield() }
            let tail = try await EventTail.follow(socket)
            for _ in 0..<3 { try await daemon.ask("reexec") }
            #expect(try await Self.openCalls(daemon) == 41)
            #expect(try await daemon.call("{release, done}") == "ok")
            try await offPool {
                for call in calls { #expect(try call.answer().text == #"{"reply":"done"}"#) }
                #expect(try pipelined.answer().text == #"{"reply":"done"}"#)
                #expect(try pipelined.answer().status == 200)
                try half.send(Array(request[20...]))
                #expect(try half.answer().status == 200)
                try idle.send(request)
                #expect(try idle.answer().status == 200)
            }
            #expect(try await Self.openCalls(daemon) == 0)
            // The followers have missed none: three re-executions, and the number of each is the next.
            try await tail.more(than: 2, milliseconds: 60_000)
            let numbers = tail.all.map(\.sequence)
            #expect(tail.all.map(\.kind) == ["reexecuted", "reexecuted", "reexecuted"])
            #expect(numbers == Array((numbers.first ?? 0)..<((numbers.first ?? 0) + 3)))
            tail.stop()
        }
    }

    /// Clients that come and go, and clients that ask on and on: each has the answer to its own request, once.
    @Test func nobodyIsAnsweredTwice() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let socket = daemon.controlSocket
            let over = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { over.isSet.store(true, ordering: .relaxed) }
                for _ in 0..<2 {
                    group.addTask {
                        try await offPool {
                            while !over.isSet.load(ordering: .relaxed) {
                                let connection = try RawHTTP(path: socket)
                                try connection.send("GET", "/v1/status")
                                #expect(try connection.answer().status == 200)
                            }
                        }
                    }
                    group.addTask {
                        try await offPool {
                            let connection = try RawHTTP(path: socket)
                            while !over.isSet.load(ordering: .relaxed) {
                                try connection.send("GET", "/v1/status")
                                #expect(try connection.answer().status == 200)
                                try connection.send("GET", "/v1/nothing")
                                #expect(try connection.answer().status == 404)
                            }
                        }
                    }
                }
                for _ in 0..<8 { try await daemon.ask("reexec") }
                over.isSet.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }
        }
    }

    private static func openCalls(_ daemon: EndToEndDaemon) async throws -> Int {
        let text = try await daemon.ask("statistics", TestNode.c1, "--json")
        return try JSONDecoder().decode(WorkerStatistics.self, from: Data(text.utf8)).openCalls
    }

    /// The time that a call may take is that from its beginning, whoever it ends at.
    @Test func aCallsTimeGoesOn() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let socket = daemon.controlSocket
            let call = try await offPool {
                let connection = try RawHTTP(path: socket)
                let body = #"{"worker":"\#(TestNode.c1)","request":"hold","timeout_ms":3000}"#
                try connection.send("POST", "/v1/call", body: Array(body.utf8))
                return connection
            }
            while try await Self.openCalls(daemon) < 1 { await Task.yield() }
            try await daemon.ask("reexec")
            let answer = try await offPool { try call.answer() }
            #expect(try answer.error().code == .timeout)
            #expect(try await Self.openCalls(daemon) == 0)
        }
    }

    /// Whoever reads the fifo next gets a byte.
    private static func letGo(_ fifo: String) async throws {
        try await offPool { try Data([1]).write(to: URL(filePath: fifo)) }
    }

    /// A group's restart: one of it that does not end as it is asked to, and one whose start waits, each while the daemon is executed anew.
    @Test func startsAndStopsUnderWayGoOn() async throws {
        let root = try TestRoot()
        let fifo = "\(root.directory)/go"
        #expect(mkfifo(fifo, 0o600) == 0)
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0",
            children: """
                [#{id => c1, start => {counter, start_link, [{init_wait, "\(fifo)"}]}},
                 #{id => c2, start => {counter, start_link, [ignore_terminate]}, shutdown => 20000},
                 #{id => c3, start => {counter, start_link, []}}]
                """, flags: "#{strategy => one_for_all, intensity => 5, period => 600}")
        try root.register(["1.0.0"])
        async let booted: Void = Self.letGo(fifo)
        try await EndToEndDaemon.with(root) { daemon in
            let before = try await daemon.workers().compactMap(\.pid)
            #expect(before.count == 3)
            #expect(try await daemon.releasectl("call", "fix/fix_sup/c3", "crash").exit == 1)
            // c2 is to end within its shutdown's time, which goes on.
            while try await daemon.workers().first(where: { $0.address.hasSuffix("c2") })?.state != .stopping {
                await Task.yield()
            }
            try await daemon.ask("reexec")
            #expect(try await daemon.workers().first { $0.address.hasSuffix("c2") }?.pid == before[1])
            // Then all start again, and the first of them waits.
            while try await daemon.workers().first(where: { $0.address.hasSuffix("c1") })?.state != .starting {
                await Task.yield()
            }
            let starting = try #require(try await daemon.workers().first?.pid)
            try await daemon.ask("reexec")
            let waiting = try #require(try await daemon.workers().first)
            #expect(waiting.state == .starting && waiting.pid == starting)
            try await Self.letGo(fifo)
            while try await daemon.workers().contains(where: { $0.state != .running }) { await Task.yield() }
            let after = try await daemon.workers()
            #expect(after.first?.pid == starting)
            #expect(Set(after.compactMap(\.pid)).isDisjoint(with: before))
            #expect(after.allSatisfy { $0.restarts == 1 })
        }
        try await booted
    }

    /// What an unmodified program has written of a line, and what it says of itself.
    @Test func halfALineIsOneLine() async throws {
        let root = try TestRoot()
        let fifo = "\(root.directory)/go"
        #expect(mkfifo(fifo, 0o600) == 0)
        try root.install(vsn: "1.0.0")
        let script = "printf half; read x < \(fifo); echo \" and half\"; exec sleep 600"
        try root.release(
            "1.0.0",
            children: """
                [#{id => os1, start => {os, start, ["/bin/sh", "-c", "\(script.replacing("\"", with: "\\\""))"]}},
                 #{id => c1, start => {counter, start_link, []}}]
                """)
        try root.register(["1.0.0"])
        try await EndToEndDaemon.with(root) { daemon in
            let tail = try await EventTail.follow(daemon.controlSocket)
            try await daemon.ask("reexec")
            try await Self.letGo(fifo)
            while !tail.all.contains(where: { $0.kind == "output" }) { await Task.yield() }
            #expect(tail.all.first { $0.kind == "output" }?.message == "half and half")
            tail.stop()
        }
    }

    /// The release that was installed has to prove itself for as long as before, and no longer.
    @Test func aProbationGoesOn() async throws {
        let config = "[{release_handler, [{make_permanent, {auto, 10}}, {health_check, {\"bin/well\", [], 60000}}]}]."
        let root = try TestRoot.twoVersions(config2: config)
        try root.write("bin/well", "#!/bin/sh\nexit 0\n")
        chmod("\(root.root)/bin/well", 0o755)
        try await EndToEndDaemon.with(root) { daemon in
            try await daemon.ask("install-release", "2.0.0")
            for _ in 0..<3 {
                try await daemon.ask("reexec")
                // On a machine that is slow enough the time may be over by now.
                let status = try await daemon.status()
                if status.notices?.contains(where: { $0.kind == .probation }) == true {
                    #expect(status.permanent == "1.0.0", "\(status)")
                }
            }
            while try await daemon.status().permanent != "2.0.0" { await Task.yield() }
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 old", "2.0.0 permanent"])
            try await daemon.ask("reexec")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 old", "2.0.0 permanent"])
            // And back: what was read is there, old and new.
            try await daemon.ask("install-release", "1.0.0")
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
        }
    }

    /// One that fails its probation is taken back by the daemon that goes on.
    @Test func aReleaseThatFailsAfterItIsTakenBack() async throws {
        try await EndToEndDaemon.with(try Self.root(flags: "#{intensity => 10, period => 600}")) { daemon in
            try await daemon.ask("install-release", "2.0.0")
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            while try await daemon.workers().first?.state != .running { await Task.yield() }
            try await daemon.ask("reexec")
            #expect(try await daemon.status().release == "2.0.0")
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            while try await daemon.status().release != "1.0.0" { await Task.yield() }
        }
    }

    /// A request to stop that comes at any moment of it stops the node in order.
    @Test(arguments: 0..<12) func aStopOvertakesIt(round: Int) async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            async let asked = daemon.releasectl("reexec")
            for _ in 0..<(round * round * 40) { await Task.yield() }
            daemon.program.signal(SIGTERM)
            #expect(try await daemon.program.ended() == .exit(0), "\(daemon.program.complained)")
            #expect(daemon.program.complained.contains("the node is down"), "\(daemon.program.complained)")
            _ = try await asked
        }
    }
}
