import Foundation
import Glibc
import Host
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// application:start and its kin with real processes: OTP's replies, its errors, and what they do.
@Suite(.timeLimit(.minutes(15))) struct ApplicationFunctionTests {
    static let peer = TestNode.peer

    /// `fix`, and `other`, which needs it and has a worker of the same program.
    private static func twoApplications(
        children: String = TestRoot.oneCounter, type: String = "permanent", phases: String = "[]"
    ) throws -> TestRoot {
        let root = try SupervisionProcessTests.oneVersion(children: children)
        try root.write(
            "lib/other-1.0.0/ebin/other.app",
            """
            {application, other, [{vsn, "1.0.0"}, {description, "the other"}, {modules, [other_sup]}, {registered, []},
                                  {applications, [fix]}, {mod, {other_sup, []}}, {start_phases, \(phases)}]}.
            """)
        try root.write(
            "lib/other-1.0.0/ebin/other_sup.sup",
            """
            {ok, {#{intensity => 0, period => 1},
                  [#{id => o1, start => {counter, start_link, []}, start_phases => [fill]}]}}.
            """)
        try root.write(
            "releases/1.0.0/fix.rel",
            """
            {release, {"fix", "1.0.0"}, {erts, "\(Emulator.vsn)"}, [{fix, "1.0.0"}, {other, "1.0.0", \(type)}]}.
            """)
        try root.write(
            "releases/RELEASES",
            """
            [{release, "fix", "1.0.0", "\(Emulator.vsn)",
              [{fix, "1.0.0", "lib/fix-1.0.0"}, {other, "1.0.0", "lib/other-1.0.0"}], permanent}].
            """)
        return root
    }

    private static func states(_ test: TestNode) async -> [String] {
        await test.service.whichApplications().applications.map {
            "\($0.name) \($0.vsn ?? "-") \($0.type ?? "-") \($0.state.rawValue)"
        }
    }

    /// Code, sentence and OTP's reply.
    private static func error(_ operation: () async throws -> ApplicationAnswer) async -> [String] {
        do {
            return ["no error", try await operation().reply]
        } catch {
            guard let error = error as? ControlError else { return ["\(error)"] }
            return [error.code.rawValue, error.message, error.details["reply"] ?? ""]
        }
    }

    @Test func oneIsStoppedAndStartedAgainAndTheOthersGoOn() async throws {
        try await TestNode.with(try Self.twoApplications()) { test async throws in
            let (service, before) = (test.service, try await test.pid())
            let old = try await test.pid("other/other_sup/o1")
            #expect(
                await service.whichApplications().reply == "[{other,\"the other\",\"1.0.0\"},{fix,[],\"1.0.0\"}]")
            #expect(try await service.stopApplication("other", peer: Self.peer).reply == "ok")
            // It is permanent, and the node goes on.
            #expect(await Self.states(test) == ["fix 1.0.0 permanent running", "other 1.0.0 permanent loaded"])
            #expect(await service.ps().map(\.address) == [TestNode.c1])
            #expect(await service.status().state == .running)
            #expect(await service.whichApplications().reply == "[{fix,[],\"1.0.0\"}]")

            #expect(try await service.startApplication("other", type: nil, peer: Self.peer).reply == "ok")
            #expect(await Self.states(test) == ["fix 1.0.0 permanent running", "other 1.0.0 permanent running"])
            #expect(try await test.pid("other/other_sup/o1") != old)
            #expect(try await test.pid() == before)
        }
    }

    @Test func theTypeIsWhatIsAskedFor() async throws {
        try await TestNode.with(try Self.twoApplications(type: "load")) { test async throws in
            #expect(await Self.states(test)[1] == "other 1.0.0 load loaded")
            #expect(try await test.service.startApplication("other", type: nil, peer: Self.peer).reply == "ok")
            #expect(await Self.states(test)[1] == "other 1.0.0 temporary running")
            _ = try await test.service.stopApplication("other", peer: Self.peer)
            _ = try await test.service.startApplication("other", type: "transient", peer: Self.peer)
            #expect(await Self.states(test)[1] == "other 1.0.0 transient running")
        }
    }

    @Test func loadingAndUnloading() async throws {
        try await TestNode.with(try Self.twoApplications(type: "none")) { test async throws in
            let service = test.service
            #expect(await Self.states(test)[1] == "other 1.0.0 none not_loaded")
            #expect(try await service.loadApplication("other", peer: Self.peer).reply == "ok")
            #expect(await Self.states(test)[1] == "other 1.0.0 none loaded")
            _ = try await service.setEnv("other", key: "limit", value: "10", peer: Self.peer)
            #expect(
                await Self.error { try await service.loadApplication("other", peer: Self.peer) } == [
                    "bad_application_state", "application other is loaded already", "{error,{already_loaded,other}}",
                ])
            #expect(try await service.unloadApplication("other", peer: Self.peer).reply == "ok")
            #expect(try await service.getAllEnv("other").reply == "[]")
            #expect(
                await Self.error { try await service.unloadApplication("other", peer: Self.peer) } == [
                    "bad_application_state", "application other is not loaded", "{error,{not_loaded,other}}",
                ])
        }
    }

    @Test func errorsAreThoseOfOTP() async throws {
        try await TestNode.with(try Self.twoApplications()) { test async throws in
            let (service, peer, before) = (test.service, Self.peer, try await test.pid())
            func start(_ name: String, _ type: String? = nil) async -> [String] {
                await Self.error { try await service.startApplication(name, type: type, peer: peer) }
            }
            #expect(
                await start("fix") == [
                    "bad_application_state", "application fix runs already", "{error,{already_started,fix}}",
                ])
            #expect(
                await start("nothing") == [
                    "no_such_application",
                    "release 1.0.0 has no application nothing; see releasectl which-applications",
                    "{error,{\"no such file or directory\",\"nothing.app\"}}",
                ])
            #expect(await start("kernel")[1] == "kernel is the daemon itself")
            #expect(
                await start("fix", "load") == [
                    "bad_request", "\"load\" is no type of a start: give permanent, transient or temporary", "",
                ])
            #expect(
                await Self.error { try await service.unloadApplication("fix", peer: peer) } == [
                    "bad_application_state", "application fix runs: stop it first", "{error,{running,fix}}",
                ])
            _ = try await service.stopApplication("other", peer: peer)
            #expect(
                await Self.error { try await service.stopApplication("other", peer: peer) } == [
                    "bad_application_state", "application other does not run", "{error,{not_started,other}}",
                ])
            #expect(try await test.pid() == before)
            let kinds = await test.events.all.map(\.kind)
            #expect(!kinds.contains("application_failed"))
            _ = try await service.stopApplication("fix", peer: peer)
            #expect(
                await start("other") == [
                    "bad_application_state", "application other needs fix, which does not run: start that first",
                    "{error,{not_started,fix}}",
                ])
        }
    }

    @Test func aStartThatFailsEndsNoNode() async throws {
        let root = try Self.twoApplications(type: "load", phases: "[{fill, {error, full}}]")
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid()
            let reason = "{full,{<<\"other/other_sup/o1\">>,start_phase,[fill,normal,{error,full}]}}"
            let failure = await Self.error {
                try await test.service.startApplication("other", type: "permanent", peer: Self.peer)
            }
            #expect(
                failure == [
                    "application_start_failed", "application other could not be started: \(reason)",
                    "{error,\(reason)}",
                ])
            #expect(await test.service.status().state == .running)
            #expect(await Self.states(test)[1] == "other 1.0.0 load loaded")
            #expect(try await test.pid() == before)
        }
    }

    /// Its program never says that it is ready, so that the start goes on until it is stopped.
    @Test func allWhoAskDuringAStartAreTold() async throws {
        let root = try Self.twoApplications(type: "load")
        try root.write(
            "lib/other-1.0.0/ebin/other_sup.sup",
            """
            {ok, {#{intensity => 0, period => 1},
                  [#{id => o1, start => {os, start, ["/bin/sh", "-c", "exec sleep 1000"]}, notify => true,
                     shutdown => brutal_kill, start_timeout => 600000}]}}.
            """)
        try await TestNode.with(root) { test async throws in
            func start() async -> [String] {
                await Self.error { try await test.service.startApplication("other", type: nil, peer: Self.peer) }
            }
            func waiting() async -> Int {
                await { @HostActor in test.node.applications.waiters["other"]?.starts.count ?? 0 }()
            }
            async let first = start()
            while await waiting() < 1 { await Task.yield() }
            async let second = start()
            while await waiting() < 2 { await Task.yield() }
            #expect(await Self.states(test)[1] == "other 1.0.0 temporary starting")
            #expect(await test.service.tree().first { $0.id == "other" }?.state == .starting)
            #expect(try await test.service.stopApplication("other", peer: Self.peer).reply == "ok")
            let told = [
                "application_start_failed", "application other was stopped before its start was done",
                "{error,shutdown}",
            ]
            #expect(await first == told)
            #expect(await second == told)
            #expect(await Self.states(test)[1] == "other 1.0.0 load loaded")
        }
    }

    @Test func aStartThatIsAskedForDuringAStopComesAfterIt() async throws {
        let root = try Self.twoApplications()
        try root.write(
            "lib/other-1.0.0/ebin/other_sup.sup",
            """
            {ok, {#{intensity => 0, period => 1},
                  [#{id => o1, start => {counter, start_link, [ignore_terminate]}, shutdown => infinity}]}}.
            """)
        try await TestNode.with(root) { test async throws in
            let (service, peer) = (test.service, Self.peer)
            // It ends when it is killed and not before.
            let old = try await test.pid("other/other_sup/o1")
            let stopped = Task { try await service.stopApplication("other", peer: peer) }
            while await Self.states(test)[1] != "other 1.0.0 permanent stopping" { await Task.yield() }
            #expect(await test.service.tree().first { $0.id == "other" }?.state == .stopping)
            let started = Task { try await service.startApplication("other", type: nil, peer: peer) }
            while await Self.nobodyWaitsForTheStop(test) { await Task.yield() }
            kill(old, SIGKILL)
            #expect(try await stopped.value.reply == "ok")
            #expect(try await started.value.reply == "ok")
            let new = try await test.pid("other/other_sup/o1")
            #expect(new != old)
            // Nor is one started that was asked for when the node itself was told to stop.
            let second = Task { try await service.stopApplication("other", peer: peer) }
            while await Self.states(test)[1] != "other 1.0.0 permanent stopping" { await Task.yield() }
            let third = Task {
                await test.refusal { try await service.startApplication("other", type: nil, peer: peer) }
            }
            while await Self.nobodyWaitsForTheStop(test) { await Task.yield() }
            await test.node.stop(.stopped)
            kill(new, SIGKILL)
            #expect(try await second.value.reply == "ok")
            #expect(await third.value == "unavailable: the node is stopping")
        }
    }

    private static func nobodyWaitsForTheStop(_ test: TestNode) async -> Bool {
        await { @HostActor in test.node.applications.waiters["other"]?.rests.isEmpty ?? true }()
    }

    @Test func aWorkerThatIsBeingStartedIsToldToo() async throws {
        let root = try Self.twoApplications()
        let fifo = "\(root.directory)/go"
        mkfifo(fifo, 0o600)
        try await TestNode.with(root) { test async throws in
            let spec = "#{id => c2, start => {counter, start_link, [{init_wait, \"\(fifo)\"}]}}"
            async let started = test.service.startChild(supervisor: "fix_sup", spec: spec, peer: Self.peer)
            func haveInit() async -> Int {
                await { @HostActor in test.node.processes.generations.values.count { !$0.toldEnvironment.isEmpty } }()
            }
            while await haveInit() < 2 { await Task.yield() }
            _ = try await test.service.setEnv("fix", key: "greeting", value: "late", peer: Self.peer)
            try await offPool { try "go".write(toFile: fifo, atomically: false, encoding: .utf8) }
            _ = try await started
            #expect(try await test.call("{env, greeting}", of: "fix/fix_sup/c2") == "late")
        }
    }

    @Test func workersSeeWhatIsSet() async throws {
        try await TestNode.with(try Self.twoApplications()) { test async throws in
            let (service, before) = (test.service, try await test.pid())
            #expect(try await service.getAllEnv("fix").reply == "[{greeting,hello}]")
            let set = try await service.setEnv("fix", key: "greeting", value: "[hello, you]", peer: Self.peer)
            #expect(set == EnvironmentAnswer(reply: "ok"))
            #expect(try await test.call("{env, greeting}") == "[hello,you]")
            #expect(try await test.call("{env, greeting}", of: "other/other_sup/o1") == "undefined")
            #expect(
                try await service.getEnv("fix", key: "greeting")
                    == EnvironmentValue(reply: "{ok,[hello,you]}", value: "[hello,you]"))
            _ = try await service.setEnv("fix", key: "'max-size'", value: "7", peer: Self.peer)
            #expect(try await service.getAllEnv("fix").parameters.last == .init(key: "'max-size'", value: "7"))
            #expect(try await service.unsetEnv("fix", key: "greeting", peer: Self.peer).reply == "ok")
            #expect(try await test.call("{env, greeting}") == "undefined")
            let unset = try await service.getEnv("fix", key: "greeting")
            #expect(unset == EnvironmentValue(reply: "undefined", value: nil))
            #expect(try await test.pid() == before)
            // What starts later has it too.
            let spec = "#{id => c2, start => {counter, start_link, []}}"
            _ = try await service.startChild(supervisor: "fix_sup", spec: spec, peer: Self.peer)
            #expect(try await test.call("{env, 'max-size'}", of: "fix/fix_sup/c2") == "7")
        }
    }

    @Test func aWorkerThatCannotTakeItIsAWarning() async throws {
        try await TestNode.with(try Self.twoApplications()) { test async throws in
            // It ends when it is killed and not before.
            await { @HostActor in test.node.applications.configChangeMilliseconds = 600_000 }()
            let hanging = await test.hang()
            async let answer = test.service.setEnv("fix", key: "limit", value: "1", peer: Self.peer)
            while await { @HostActor in test.node.applications.environmentChanges.isEmpty }() { await Task.yield() }
            kill(try await test.pid(), SIGKILL)
            #expect(
                try await answer
                    == EnvironmentAnswer(
                        reply: "ok", warnings: ["fix/fix_sup/c1 ended in its config_change: {signal,sigkill}"]))
            _ = await hanging.result
            _ = try await test.events.first("worker_restart", worker: TestNode.c1)
            #expect(try await test.call("{env, limit}") == "1")
        }
    }

    @Test(arguments: [
        (
            "fix", "Limit", "1",
            "bad_request: \"Limit\" is no parameter's name: write an atom, such as limit or 'max-size'"
        ),
        ("fix", "{a, 1}", "1", "bad_request: \"{a, 1}\" is no parameter's name"),
        ("fix", "limit", "[1,", "bad_request: the value is no term: "),
        ("nothing", "limit", "1", "no_such_application: release 1.0.0 has no application nothing"),
    ])
    func whatCanNotBeSetIsRefused(application: String, key: String, value: String, refusal: String) async throws {
        try await TestNode.with(try Self.twoApplications()) { test async throws in
            let found = await test.refusal {
                try await test.service.setEnv(application, key: key, value: value, peer: Self.peer)
            }
            #expect(found.hasPrefix(refusal), "\(found)")
            #expect(await { @HostActor in test.node.applications.environmentChanges.isEmpty }())
        }
    }

    @Test func nothingIsChangedDuringAnInstall() async throws {
        let script = """
            point_of_no_return, {apply, {application, set_env, [fix, seen, 1]}}, {apply, {timer, sleep, [60000]}}
            """
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: script))) { test async throws in
            let (service, peer) = (test.service, Self.peer)
            let install = Task { try await test.install("2.0.0") }
            while await { @HostActor in test.node.applications.environmentChanges.isEmpty }() { await Task.yield() }
            let refusals = [
                await test.refusal { try await service.startApplication("fix", type: nil, peer: peer) },
                await test.refusal { try await service.stopApplication("fix", peer: peer) },
                await test.refusal { try await service.loadApplication("fix", peer: peer) },
                await test.refusal { try await service.unloadApplication("fix", peer: peer) },
                await test.refusal { try await service.setEnv("fix", key: "a", value: "1", peer: peer) },
                await test.refusal { try await service.unsetEnv("fix", key: "a", peer: peer) },
            ]
            #expect(Set(refusals) == ["busy: an upgrade to 2.0.0 is under way; wait for its end"])
            #expect(await service.whichApplications().applications.map(\.state) == [.running])
            await { @HostActor in test.node.installer.upgrade?.wakeUp() }()
            #expect(try await install.value.outcome == .done)
            #expect(try await service.getEnv("fix", key: "seen").value == "1")
        }
    }
}
