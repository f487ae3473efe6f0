import Foundation
import Glibc
import Host
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Children that are specified or behave badly: OTP's documented behaviour, a reason that says what it was, and the rest of
/// the tree untouched.
@Suite(.timeLimit(.minutes(15))) struct BadChildTests {
    private static let bad = "fix/fix_sup/inner/bad"

    /// `c1`, and beside it a supervisor of its own for what misbehaves.
    private static func root(_ children: String = "", flags: String = "#{intensity => 3, period => 60}") throws
        -> TestRoot
    {
        let root = try SupervisionProcessTests.oneVersion(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => inner, start => {inner_sup, start_link, []}, type => supervisor, restart => temporary}]
                """)
        try root.write("lib/fix-1.0.0/ebin/inner_sup.sup", "{ok, {\(flags), [\(children)]}}.")
        return root
    }

    /// Runs the body, then shows that `c1` is the process that it was and answers.
    private static func with(_ root: TestRoot, _ body: @Sendable (TestNode) async throws -> Void) async throws {
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            try await body(test)
            #expect(try await test.pid() == pid)
            #expect(try await test.call("get") == "0")
            #expect(await test.service.status().state == .running)
        }
    }

    private static func start(_ spec: String, _ test: TestNode) async throws -> ChildAnswer {
        try await test.service.startChild(supervisor: "inner_sup", spec: spec, peer: TestNode.peer)
    }

    // MARK: Specs

    @Test(arguments: [
        ("#{id => bad, start => {counter, start_link, []}, shutdwon => 1}", "unknown key shutdwon in a child spec"),
        ("#{id => bad}", "missing_start: a child spec needs the key start"),
        ("#{id => bad, start => counter}", "invalid_mfa: expected {Module, Function, Arguments}, found counter"),
        (
            "#{id => bad, start => {counter, start_link, []}, restart => always}",
            "invalid_restart_type: expected permanent, transient or temporary, found always"
        ),
        (
            "#{id => bad, start => {counter, start_link, []}, shutdown => soon}",
            "invalid_shutdown: expected brutal_kill, infinity or milliseconds from 0, found soon"
        ),
        (
            "#{id => bad, start => {counter, start_link, []}, significant => true}",
            "bad_combination: significant => true needs flags with auto_shutdown any_significant or all_significant"
        ),
        (
            "#{id => bad, start => {counter, start_link, []}, significant => true, restart => transient}",
            "bad_combination: significant => true needs flags with auto_shutdown any_significant or all_significant"
        ),
        ("#{id => there, start => {counter, start_link, []}}", "fix/fix_sup/inner/there runs already"),
        ("#{id => bad, start => {nowhere, start_link, []}}", "could not be started: {undef,nowhere}"),
        (
            "#{id => bad, start => {os, start, [\"/nowhere/at/all\"]}}",
            "can't start /nowhere/at/all: No such file or directory"
        ),
        ("#{id => bad, start => {os, start, [[]]}}", "start of an os program takes [Program | Arguments], all strings"),
        (
            "#{id => bad, start => {counter, start_link, []}, user => nobody_of_that_name}",
            "user \\\"nobody_of_that_name\\\": no such user"
        ),
    ])
    func aSpecThatIsWrongStartsNobody(spec: String, words: String) async throws {
        let root = try Self.root("#{id => there, start => {counter, start_link, []}}")
        try await Self.with(root) { test async throws in
            let refusal = await test.refusal { try await Self.start(spec, test) }
            #expect(refusal.contains(words.replacing("\\\"", with: "\"")) || refusal.contains(words), "\(refusal)")
            #expect(try await test.service.countChildren(supervisor: "inner_sup").specs == 1)
        }
    }

    // MARK: Behaviour

    @Test func aStartThatNeverEndsIsOverAtItsLimit() async throws {
        try await Self.with(try Self.root()) { test async throws in
            let refusal = await test.refusal {
                try await Self.start(
                    "#{id => bad, start => {counter, start_link, [init_hang]}, start_timeout => 200}", test)
            }
            #expect(
                refusal == """
                    child_start_failed: child bad of fix/fix_sup/inner could not be started: {start_timeout,200}
                    """)
            #expect(await test.node.processes.generations.count == 1)
        }
    }

    /// One whose restart never ends is tried again, and its supervisor gives up: each try counts.
    @Test func aRestartThatNeverEndsMakesItsSupervisorGiveUp() async throws {
        let root = try Self.root(flags: "#{intensity => 2, period => 60}")
        try root.write(
            "scripts/once",
            "[ -e \(root.root)/was ] || { : > \(root.root)/was; systemd-notify --ready; }\nexec sleep 1000")
        try await Self.with(root) { test async throws in
            _ = try await Self.start(
                """
                #{id => bad, start => {os, start, ["/bin/sh", "\(test.root.root)/scripts/once"]}, modules => [],
                  notify => true, start_timeout => 1000}
                """, test)
            kill(try await test.pid(Self.bad), SIGKILL)
            let error = try await test.events.first("start_error", worker: Self.bad)
            #expect(error.fields["reason"] == "{start_timeout,1000}")
            let again = try await test.events.first("worker_restart", worker: Self.bad, after: error.sequence)
            #expect(again.message == "\(Self.bad) is restarted, time 2: its start failed: {start_timeout,1000}")
            _ = try await test.events.first("supervisor_shutdown", worker: "fix/fix_sup/inner")
        }
    }

    @Test func aWorkerThatClosesAllItsDescriptors() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await Self.start("#{id => bad, start => {counter, start_link, []}}", test)
            await #expect(throws: ControlError.self) { try await test.call("close_all", of: Self.bad) }
            let exit = try await test.events.first("worker_exited", worker: Self.bad)
            #expect(exit.fields["reason"] == "channel_closed")
            _ = try await test.events.first("worker_started", worker: Self.bad, after: exit.sequence)
            #expect(try await test.call("get", of: Self.bad) == "0")
        }
    }

    /// It has no channel to close: without outputs it is as well as before.
    @Test func aProgramThatClosesAllItsDescriptors() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await Self.start(
                """
                #{id => bad, modules => [], shutdown => 5000,
                  start => {os, start, ["/bin/sh", "-c", "echo now; exec sleep 1000 <&- >&- 2>&- 3>&-"]}}
                """, test)
            _ = try await test.events.first("output", worker: Self.bad)
            #expect(try await test.ps(Self.bad).state == .running)
            let terminated = try await test.service.terminateChild(
                supervisor: "inner_sup", id: "bad", peer: TestNode.peer)
            #expect(terminated.reply == "ok")
            #expect(await test.events.all.contains { $0.kind == "shutdown_error" } == false)
        }
    }

    @Test func aProgramThatIgnoresSIGTERM() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await Self.start(
                """
                #{id => bad, modules => [], shutdown => 200,
                  start => {os, start, ["/bin/sh", "-c", "trap : TERM; echo now; while :; do sleep 1000; done"]}}
                """, test)
            _ = try await test.events.first("output", worker: Self.bad)
            let pid = try await test.pid(Self.bad)
            let terminated = try await test.service.terminateChild(
                supervisor: "inner_sup", id: "bad", peer: TestNode.peer)
            #expect(terminated.reply == "ok")
            let error = try await test.events.first("shutdown_error", worker: Self.bad)
            #expect(error.message == "\(Self.bad) ended badly at its shutdown: killed")
            #expect(try ProcessGroup.alive(pid) == [])
        }
    }

    /// What it says beyond its budget is dropped and told; what others say is not.
    @Test func aProgramThatFloodsItsOutput() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await Self.start(
                """
                #{id => bad, modules => [],
                  start => {os, start, ["/bin/sh", "-c", "yes flood | head -n 4000; exec sleep 1000"]}}
                """, test)
            let limited = try await test.events.first("output_limited", worker: Self.bad)
            #expect(limited.message == "\(Self.bad) says more than 1000 lines in 10 s: the rest is dropped")
            _ = try await test.call("{log, <<\"heard\">>}")
            _ = try await test.events.first { $0.kind == "log" && $0.message == "heard" }
            while try await test.service.statistics(worker: Self.bad).dropped < 3000 { await Task.yield() }
            #expect(try await test.service.statistics(worker: Self.bad).logged == 1000)
        }
    }

    /// Few long lines are as much as many short ones.
    @Test func aProgramThatFloodsItsOutputWithLongLines() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await Self.start(
                """
                #{id => bad, modules => [],
                  start => {os, start, ["/bin/sh", "-c", "yes $(printf %08000d 7) | head -n 200; exec sleep 1000"]}}
                """, test)
            // Where so many others have their turns in between, ten seconds may not be enough for a megabyte.
            _ = try await test.events.first("output", worker: Self.bad)
            await { @HostActor in
                test.node.tree.place(named: Self.bad)?.outputBudget.spend(bytes: OutputBudget.bytes - 20_000)
            }()
            let limited = try await test.events.first("output_limited", worker: Self.bad)
            #expect(limited.message == "\(Self.bad) says more than 1048576 bytes in 10 s: the rest is dropped")
            // However slow the machine, so that a later interval takes some of them too: all 200 are accounted for.
            var counted = try await test.service.statistics(worker: Self.bad)
            while counted.logged + counted.dropped < 200 {
                counted = try await test.service.statistics(worker: Self.bad)
            }
            var last = limited.sequence
            var dropped = 0
            while dropped < counted.dropped {
                // Told though it says nothing more.
                let told = try await test.events.first("output_dropped", worker: Self.bad, after: last)
                last = told.sequence
                let count = try #require(told.fields["dropped"].flatMap { Int($0) })
                #expect(
                    told.message
                        == "\(count) lines of \(Self.bad), \(count * 8000) bytes, were dropped: it said too much")
                #expect(told.fields["dropped_bytes"] == "\(count * 8000)")
                dropped += count
            }
            #expect(dropped == counted.dropped)
        }
    }

    @Test func aWorkerThatLogsALongText() async throws {
        try await Self.with(try Self.root()) { test async throws in
            let text = String(repeating: "x", count: 60_000)
            _ = try await test.call("{log, <<\"\(text)\">>}")
            let log = try await test.events.first("log", worker: TestNode.c1)
            #expect(log.message == text.prefix(8192) + " [cut: 60000 bytes]")
            #expect(log.fields["fixture"] == "true")
        }
    }

    /// Requests wait in the daemon up to their limit; then it is ended, and started again.
    @Test func aWorkerThatReadsNothingAndIsWrittenTo() async throws {
        try await Self.with(try Self.root()) { test async throws in
            _ = try await Self.start("#{id => bad, start => {counter, start_link, []}, shutdown => 500}", test)
            let open = await test.hang(Self.bad)
            let answers = AsyncStream.makeStream(of: Bool.self)
            for _ in 1...9 {
                // One by one, so that others' turns come in between.
                await { @HostActor in
                    let request = Term.binary([UInt8](repeating: 0, count: 2 << 20))
                    test.node.tree.place(named: Self.bad)?.call(request, timeoutMilliseconds: 60_000) { result in
                        answers.continuation.yield((try? result.get()) != nil)
                    }
                }()
            }
            let exit = try await test.events.first("worker_exited", worker: Self.bad)
            let reason = try #require(exit.fields["reason"])
            #expect(reason.hasPrefix("{protocol_error,"), "\(reason)")
            #expect(reason.contains("bytes wait for a worker that does not read them, "), "\(reason)")
            #expect(reason.contains(" more would go over the limit of 16777216 bytes"), "\(reason)")
            await #expect(throws: ControlError.self) { try await open.value }
            for await isAnswered in answers.stream.prefix(9) { #expect(!isAnswered) }
            _ = try await test.events.first("worker_started", worker: Self.bad, after: exit.sequence)
            #expect(try await test.call("get", of: Self.bad) == "0")
        }
    }

    /// As fast as it may: the supervisor allows a hundred, makes them, and gives up at one more.
    @Test func aHundredRestartsAsFastAsTheyGo() async throws {
        let root = try Self.root(flags: "#{intensity => 100, period => 3600}")
        try await Self.with(root) { test async throws in
            _ = try? await Self.start(
                "#{id => bad, modules => [], start => {os, start, [\"/bin/sh\", \"-c\", \"exit 7\"]}}", test)
            let gaveUp = try await test.events.first("supervisor_shutdown", worker: "fix/fix_sup/inner")
            #expect(
                gaveUp.message
                    == "fix/fix_sup/inner gives up because of \(Self.bad): reached_max_restart_intensity")
            let restarts = await test.events.all.filter { $0.kind == "worker_restart" && $0.worker == Self.bad }
            #expect(restarts.count == 100)
            #expect(restarts.last?.message == "\(Self.bad) is restarted, time 100: it terminated: {exit_status,7}")
        }
    }
}
