import Foundation
import Testing
import Wire

@testable import TestSupport
import Synchronization

/// `install-release` of the real releasectl: its options, losses, and the wait for a permanent release.
@Suite(.timeLimit(.minutes(15))) struct ControlInstallTests {
    // MARK: Options

    @Test func theOptionsAreTheRequest() async throws {
        try await ControlFixture.run { fixture async throws in
            let options = [
                "--hung", "abort", "--suspend-timeout-ms", "1000", "--code-change-timeout-ms", "86400000",
                "--suspend-grace-ms", "1",
            ]
            #expect(try await fixture.releasectl(["install-release", "2.0.0"] + options).exit == 0)
            #expect(try await fixture.releasectl("install-release", "2.0.0", "--hung", "terminate").exit == 0)
            #expect(try await fixture.releasectl("install-release", "2.0.0").exit == 0)
            #expect(
                fixture.node.installs.withLock { $0 } == [
                    InstallRequest(
                        suspendTimeoutMilliseconds: 1_000, codeChangeTimeoutMilliseconds: 86_400_000,
                        hungWorkers: .abort, suspendGraceMilliseconds: 1),
                    InstallRequest(hungWorkers: .terminate), InstallRequest(),
                ])
        }
    }

    @Test(arguments: ["--suspend-timeout-ms", "--code-change-timeout-ms", "--suspend-grace-ms"])
    func aTimeThatIsNoneIsToldBeforeAnybodyIsAsked(option: String) async throws {
        for value in ["0", "86400001"] {
            let run = try await Releasectl.run(
                ["install-release", "2.0.0", option, value, "--socket", "/tmp/no-such-directory/control.sock"])
            #expect(run.exit == 64)
            #expect(
                run.error
                    == "releasectl: install-release: \(option) is \(value)\n  Give 1 to 86400000.\n")
        }
    }

    @Test func whatIsNoChoiceForHungWorkersIsAWrongCommandLine() async throws {
        let run = try await Releasectl.run(["install-release", "2.0.0", "--hung", "wait"])
        #expect(run.exit == 64)
        #expect(run.error.contains("terminate") && run.error.contains("abort"), "\(run.error)")
    }

    @Test func theServerChecksTheRequestToo() async throws {
        try await ControlFixture.run { fixture async throws in
            for (body, message) in [
                (#"{"suspend_timeout_ms":0}"#, "suspend_timeout_ms is 0: it must be 1 to 86400000 ms"),
                (
                    #"{"code_change_timeout_ms":86400001}"#,
                    "code_change_timeout_ms is 86400001: it must be 1 to 86400000 ms"
                ),
                (#"{"suspend_grace_ms":-1}"#, "suspend_grace_ms is -1: it must be 1 to 86400000 ms"),
            ] {
                let answer = try await fixture.request("POST", "/v1/releases/2.0.0/install", body: body)
                #expect(answer.status == 400)
                #expect(try answer.error().message == message)
            }
            for body in [#"{"hung_workers":"wait"}"#, #"{"suspend_timeout_ms":"1"}"#, "[]"] {
                let answer = try await fixture.request("POST", "/v1/releases/2.0.0/install", body: body)
                #expect(answer.status == 400, "\(body)")
            }
            #expect(fixture.node.installs.withLock { $0.isEmpty }, "nobody was asked")
        }
    }

    // MARK: Losses

    static let losses = """
        lost:
          kv/kv_sup/store: state and connections: it did not answer its suspend within 5000 ms; started again
          kv/kv_sup/\\x{1b}[2J: state and connections: its process ended (killed); it does not run

        """
    static let place = "at instruction 2, {suspend,[kv_server]} for kv/kv_sup/store: code_change threw badarg"

    @Test(arguments: [
        ("2.0.0", "2.0.0-lossy runs, but not all came through", ""),
        (
            "aborted", "failed \(place)",
            "  It was rolled back: 1.0.0 runs on, but not all came through: see what was lost.\n"
        ),
        ("late-refusal", "refused \(place)", "  1.0.0 runs on, but not all came through: see what was lost.\n"),
        (
            "falls", "failed: kv/kv_sup/other did not resume",
            "  It is not rolled back: the permanent release boots next.\n"
        ),
        ("restarts", "the node restarts as the script says, but not all came through", ""),
    ])
    func whatWasLostIsToldLastWhateverTheOutcome(outcome: String, message: String, advice: String) async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("install-release", "\(outcome)-lossy")
            #expect(run.exit == 4)
            #expect(
                run.error
                    == "releasectl: install-release \(outcome)-lossy: \(message)\n\(advice)\(Self.losses)")
            let json = try await fixture.releasectl("install-release", "\(outcome)-lossy", "--json")
            #expect(json.exit == 4 && json.error == run.error)
            #expect(json.output.contains(#""lost":[{"#))
        }
    }

    @Test func lossesAreRedOnATerminal() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectlOnTerminal(["install-release", "2.0.0-lossy"], environment: [:])
            #expect(run.contains("\u{1B}[31mlost:\u{1B}[0m\r\n\u{1B}[31m  kv/kv_sup/store: state and connections: "))
            #expect(run.hasSuffix("it does not run\u{1B}[0m\r\n"))
        }
    }

    // MARK: The wait

    /// What a node tells of 2.0.0, in this order.
    static func event(_ number: Int, _ kind: NodeEventKind, _ message: String, _ fields: [String: String]) -> NodeEvent
    {
        NodeEvent(
            sequence: number, millisecondsSince1970: 0, kind: kind.rawValue, message: message, fields: fields)
    }

    static func begin(_ makePermanent: String = "auto") -> [NodeEvent] {
        [
            event(1, .installRelease, "", ["from": "1.0.0", "to": "2.0.0"]),
            event(2, .probationStarted, "", ["vsn": "2.0.0", "ms": "30000", "make_permanent": makePermanent]),
            event(3, .releaseInstalled, "", ["from": "1.0.0", "to": "2.0.0"]),
        ]
    }

    /// Runs `install-release 2.0.0 --wait-permanent`, which hears of these events from its beginning on.
    static func wait(
        _ fixture: ControlFixture, _ events: [NodeEvent], ends: Bool = false, _ options: String...
    ) async throws -> Releasectl {
        async let run = fixture.releasectl(["install-release", "2.0.0", "--wait-permanent"] + options)
        for await subscriber in fixture.node.subscribed.stream {
            for event in events { subscriber.yield(event) }
            if ends { subscriber.finish() }
            break
        }
        return try await run
    }

    static let passed = event(4, .probationPassed, "", ["vsn": "2.0.0"])
    static let failed = event(
        4, .probationFailed, "", ["vsn": "2.0.0", "fallback": "1.0.0", "reason": "supervisor kv/kv_sup gave up"])

    static let verdicts: [(events: [NodeEvent], ends: Bool, exit: Int32, says: String)] = [
        (
            begin() + [passed, event(5, .madePermanent, "", ["vsn": "2.0.0", "by": "probation"])], false, 0,
            "2.0.0 is permanent\n"
        ),
        (
            begin("manual") + [passed], false, 0,
            "2.0.0 passed its probation; it waits for `releasectl make-permanent 2.0.0`\n"
        ),
        (
            begin() + [
                failed, event(5, .installRelease, "", ["from": "2.0.0", "to": "1.0.0"]),
                event(6, .releaseInstalled, "", ["from": "2.0.0", "to": "1.0.0"]),
            ], false, 3,
            "2.0.0 was taken back within its probation: supervisor kv/kv_sup gave up\n  1.0.0 runs again.\n"
        ),
        (
            begin() + [
                passed, event(5, .makePermanentFailed, "release 2.0.0 passed, and the disk is full", ["vsn": "2.0.0"]),
            ], false, 1,
            "release 2.0.0 passed, and the disk is full\n"
                + "  See `releasectl which-releases`; `releasectl make-permanent 2.0.0` tries again.\n"
        ),
        (
            begin() + [event(4, .releaseInstalled, "", ["from": "2.0.0", "to": "3.0.0"])], false, 1,
            "3.0.0 was installed over it before 2.0.0 was permanent\n"
                + "  See `releasectl status` and `releasectl which-releases`.\n"
        ),
        (
            begin() + [event(4, .stopping, "stopping: SIGTERM", [:])], true, 1,
            "the node ended before 2.0.0 was permanent (stopping: SIGTERM)\n"
                + "  The permanent release boots next; see `releasectl status` once the node is back.\n"
        ),
        (
            begin() + [failed], true, 1,
            "2.0.0 failed its probation (supervisor kv/kv_sup gave up), and the node ended\n"
                + "  The permanent release boots next; see `releasectl status` once the node is back.\n"
        ),
        // Of an earlier install of it, and of others.
        (
            [event(0, .probationFailed, "", ["vsn": "2.0.0", "reason": "old"])] + begin() + [
                event(4, .probationPassed, "", ["vsn": "1.5.0"]), event(5, .madePermanent, "", ["vsn": "1.5.0"]),
                event(6, .madePermanent, "", ["vsn": "2.0.0", "by": "root"]),
            ], false, 0, "2.0.0 is permanent\n"
        ),
        // 5 is missing: the node is asked, says that 2.0.0 is on probation, and the wait goes on.
        (
            begin() + [event(4, .log, "", [:]), event(6, .log, "", [:])], true, 1,
            "the node ended before 2.0.0 was permanent\n"
                + "  The permanent release boots next; see `releasectl status` once the node is back.\n"
        ),
    ]

    @Test(arguments: verdicts.indices)
    func theWaitEndsWithWhatBecameOfTheRelease(index: Int) async throws {
        let (events, ends, exit, says) = Self.verdicts[index]
        try await ControlFixture.run { fixture async throws in
            let run = try await Self.wait(fixture, events, ends: ends)
            #expect(run.exit == exit)
            #expect(run.output.contains("1.0.0 -> 2.0.0: done\n"))
            if exit == 0 {
                #expect(run.output.hasSuffix(says) && run.error == "", "\(run)")
            } else {
                #expect(run.error == "releasectl: install-release 2.0.0: \(says)")
            }
        }
    }

    @Test func withJSONTheEventsOfTheProbationFollowTheResult() async throws {
        try await ControlFixture.run { fixture async throws in
            let end = Self.event(5, .madePermanent, "m", ["vsn": "2.0.0", "by": "probation"])
            let run = try await Self.wait(fixture, Self.begin() + [Self.passed, end], "--json")
            let lines = run.output.split(separator: "\n").map { Data($0.utf8) }
            #expect(run.exit == 0 && lines.count == 6, "\(run.output)")
            let result = try JSONDecoder().decode(InstallProgress.self, from: lines[2])
            #expect(result == .result(ControlTestNode.result))
            let events = try lines[3...].map { try JSONDecoder().decode(NodeEvent.self, from: $0) }
            #expect(events.map(\.sequence) == [2, 4, 5])
        }
    }

    @Test func anInstallThatDidNotEndWellIsNotWaitedFor() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("install-release", "aborted", "--wait-permanent")
            #expect(run.exit == 3)
            #expect(run.error.hasSuffix("It was rolled back: 1.0.0 runs on as before.\n"))
        }
    }

    /// What is lost decides, also where the release was taken back afterwards.
    @Test func lossesAreToldAfterTheWait() async throws {
        try await ControlFixture.run { fixture async throws in
            async let run = fixture.releasectl("install-release", "2.0.0-lossy", "--wait-permanent")
            for await subscriber in fixture.node.subscribed.stream {
                let fields = ["vsn": "2.0.0-lossy", "reason": "why not"]
                subscriber.yield(Self.event(1, .probationFailed, "", fields))
                subscriber.yield(
                    Self.event(2, .releaseInstalled, "", ["from": "2.0.0-lossy", "to": "1.0.0"]))
                break
            }
            let ended = try await run
            #expect(ended.exit == 4)
            #expect(
                ended.error == """
                    releasectl: install-release 2.0.0-lossy: 2.0.0-lossy was taken back within its probation: why not
                      1.0.0 runs again.
                    \(Self.losses)
                    """)
        }
    }
}
