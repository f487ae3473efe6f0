import Foundation
import Glibc
import Host
import Instructions
import ReleaseHandling
import Supervision
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `watchdog => Ms` with real processes: who hangs is ended and started again, and nobody else.
@Suite(.timeLimit(.minutes(15))) struct WatchdogTests {
    private static let worker = "[#{id => c1, start => {counter, start_link, []}, watchdog => 400}]"
    private static let p1 = "fix/fix_sup/p1"

    private static func expectEnded(_ test: TestNode, _ worker: String, after sequence: Int = 0) async throws {
        let exit = try await test.events.first("worker_exited", worker: worker, after: sequence)
        #expect(exit.fields["reason"] == "watchdog")
        _ = try await test.events.first("worker_started", worker: worker, after: exit.sequence)
    }

    /// How often a worker was asked.
    private static func questions(_ test: TestNode, _ worker: String = TestNode.c1) async -> Int {
        await { @HostActor in test.node.tree.place(named: worker)?.watchdog?.machine.lastQuestion ?? 0 }()
    }

    // MARK: Workers

    @Test func aWorkerThatIsStoppedIsStartedAgain() async throws {
        try await TestNode.with(try SupervisionProcessTests.oneVersion(children: Self.worker)) { test async throws in
            let before = try await test.pid()
            kill(before, SIGSTOP)
            try await Self.expectEnded(test, TestNode.c1)
            #expect(try await test.pid() != before)
            #expect(try await test.ps().restarts == 1)
        }
    }

    /// It is alive, and comes to nothing: the call says why it was not answered.
    @Test func aWorkerThatHangsInACallIsStartedAgain() async throws {
        try await TestNode.with(try SupervisionProcessTests.oneVersion(children: Self.worker)) { test async throws in
            let answer = await test.refusal { try await test.call("hang") }
            #expect(answer == "worker_error: fix/fix_sup/c1 ended before it answered: watchdog")
            try await Self.expectEnded(test, TestNode.c1)
        }
    }

    @Test func aWorkerThatAnswersIsLeftAlone() async throws {
        try await TestNode.with(try SupervisionProcessTests.oneVersion(children: Self.worker)) { test async throws in
            let before = try await test.pid()
            while await Self.questions(test) < 6 { await Task.yield() }
            #expect(try await test.pid() == before)
            let kept = try await test.service.getChildspec(supervisor: "fix_sup", id: "c1").childspec
            #expect(kept.contains("watchdog => 400"), "\(kept)")
        }
    }

    @Test func whoHasNoWatchdogCostsNothing() async throws {
        let root = try SupervisionProcessTests.oneVersion(children: TestRoot.oneCounter)
        try await TestNode.with(root) { test async throws in
            let isWatched = await { @HostActor in test.node.tree.place(named: TestNode.c1)?.watchdog != nil }()
            #expect(!isWatched)
        }
    }

    /// Suspended for longer than the watchdog's time: it is not asked, and goes on.
    @Test func whoIsSuspendedIsNotAsked() async throws {
        let root = try TestRoot.twoVersions(
            children: Self.worker, relup: TestRoot.relup(up: TestRoot.up("hang"), down: ""))
        try await TestNode.with(root) { test async throws in
            await test.limitCodeChange(to: 2_000)
            let before = try await test.pid()
            #expect(try await test.install("2.0.0").outcome == .aborted)
            let asked = await Self.questions(test)
            #expect(try await test.pid() == before)
            #expect(await test.events.all.contains { $0.kind == "worker_exited" } == false)
            // From its resume on it is again.
            while await Self.questions(test) <= asked { await Task.yield() }
            kill(before, SIGSTOP)
            try await Self.expectEnded(test, TestNode.c1)
        }
    }

    @Test func whatAHandoffHasMadeIsWatched() async throws {
        try await TestNode.with(try .twoVersions(children: Self.worker)) { test async throws in
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            kill(try await test.pid(), SIGSTOP)
            try await Self.expectEnded(test, TestNode.c1)
            // An ordinary failure, to the probation too.
            #expect(await test.node.probation.state.trial?.restarts == 1)
        }
    }

    /// The watchdog ends it before it was waited for long enough: it did not answer all the same.
    @Test func whoDiesOfSilenceAtTheEndOfAProbationTakesTheReleaseBack() async throws {
        let children = Self.worker.replacing("400", with: "2000")
        let config = "[{release_handler, [{probation_restarts, 9}, {suspend_timeout, 60000}]}]."
        try await TestNode.with(try .twoVersions(children: children, config2: config)) { test async throws in
            await test.limitProbation(to: 3_600_000)
            #expect(try await test.install("2.0.0").outcome == .done)
            kill(try await test.pid(), SIGSTOP)
            await { @HostActor in test.node.probation.judge(.timerFired) }()
            let failed = try await test.events.first("probation_failed")
            #expect(failed.fields["reason"] == "\(TestNode.c1) did not answer when it was asked for its status")
            _ = try await test.events.first("release_installed", after: failed.sequence)
            while (try? await test.call("vsn")) != "\"1.0.0\"" { await Task.yield() }
        }
    }

    // MARK: Programs

    private static func program(_ text: String, in root: TestRoot, milliseconds: Int, _ more: String = "") throws
        -> String
    {
        try root.write(
            "scripts/p1",
            """
            import os, socket, sys, time
            def tell(text, address=os.environ.get("NOTIFY_SOCKET")):
                peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                peer.connect("\\0" + address[1:] if address[0] == "@" else address)
                peer.send(text.encode())

            """ + text)
        return """
            #{id => p1, start => {os, start, ["/usr/bin/python3", "\(root.root)/scripts/p1"]}, modules => [],
              watchdog => \(milliseconds)\(more)}
            """
    }

    private static func start(_ spec: String, _ test: TestNode) async throws {
        _ = try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: TestNode.peer)
    }

    private static let lives = """
        print(os.environ["WATCHDOG_USEC"], os.environ["WATCHDOG_PID"] == str(os.getpid()), flush=True)
        while True:
            tell("WATCHDOG=1")
            time.sleep(0.05)
        """

    @Test func aProgramIsToldAndHeard() async throws {
        let root = try SupervisionProcessTests.oneVersion(children: TestRoot.oneCounter)
        let spec = try Self.program(Self.lives, in: root, milliseconds: 1_500)
        try await TestNode.with(root) { test async throws in
            try await Self.start(spec, test)
            #expect(try await test.events.first("output", worker: Self.p1).message == "1500000 True")
            let pid = try await test.pid(Self.p1)
            let isHeard: @Sendable () async -> Bool = {
                await { @HostActor in test.node.tree.place(named: Self.p1)?.current?.hasSaidAlive ?? false }()
            }
            while await !isHeard() { await Task.yield() }
            // Proved at the end of a probation, too.
            #expect(await Self.absent(test) == [])
            #expect(try await test.pid(Self.p1) == pid)
            kill(pid, SIGSTOP)
            #expect(await Self.absent(test) == ["\(Self.p1) no longer says WATCHDOG=1"])
            try await Self.expectEnded(test, Self.p1)
        }
    }

    private static func absent(_ test: TestNode) async -> [String] {
        let changed = ChangedCode(modules: [], applications: [], workers: [ChildAddress(parsing: p1)!])
        return await { @HostActor in
            await withCheckedContinuation { continuation in
                test.node.tree.absent(among: changed, withinMilliseconds: 60_000) {
                    continuation.resume(returning: $0.map(\.description))
                }
            }
        }()
    }

    @Test func aProgramThatSaysNothingIsEnded() async throws {
        let root = try SupervisionProcessTests.oneVersion(children: TestRoot.oneCounter)
        let spec = try Self.program("time.sleep(1000)", in: root, milliseconds: 300, ", restart => temporary")
        try await TestNode.with(root) { test async throws in
            try await Self.start(spec, test)
            let exit = try await test.events.first("worker_exited", worker: Self.p1)
            #expect(exit.fields["reason"] == "watchdog")
        }
    }

    /// Its time is an hour; and it counts from READY=1 on.
    @Test func aProgramMayAskToBeEnded() async throws {
        let root = try SupervisionProcessTests.oneVersion(children: TestRoot.oneCounter)
        let text = """
            tell("READY=1")
            tell("WATCHDOG=1")
            tell("WATCHDOG=trigger")
            time.sleep(1000)
            """
        let spec = try Self.program(text, in: root, milliseconds: 3_600_000, ", notify => true, restart => temporary")
        try await TestNode.with(root) { test async throws in
            try await Self.start(spec, test)
            let exit = try await test.events.first("worker_exited", worker: Self.p1)
            #expect(exit.fields["reason"] == "watchdog")
        }
    }
}
