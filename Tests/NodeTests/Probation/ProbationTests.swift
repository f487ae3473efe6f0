import Instructions
import Foundation
import Host
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The probation of a release with real workers: it becomes permanent by itself, or it is taken back.
@Suite(.timeLimit(.minutes(15))) struct ProbationTests {
    static let two =
        "[#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, []}}]"
    static let c2 = "fix/fix_sup/c2"

    static func config(_ parameters: String) -> String { "[{release_handler, [\(parameters)]}]." }

    /// Two versions whose supervisors have these flags.
    static func versions(
        children: String = TestRoot.oneCounter, flags: String, config2: String = "[].", relup: String? = nil
    ) throws -> TestRoot {
        try TestRoot.twoVersions(children: children, flags: flags, relup: relup, config2: config2)
    }

    /// Lets a worker crash and awaits that it was started again.
    static func crash(_ test: TestNode, _ worker: String = TestNode.c1) async throws {
        let last = await test.events.last
        await #expect(throws: ControlError.self) { try await test.call("crash", of: worker) }
        _ = try await test.events.first("worker_restart", worker: worker, after: last)
    }

    static func expectGoneBack(_ test: TestNode, _ reason: String) async throws {
        let failed = try await test.events.first("probation_failed")
        #expect(failed.fields["reason"] == reason)
        _ = try await test.events.first("release_installed", after: failed.sequence)
        #expect(await test.service.status().release == "1.0.0")
        #expect(await test.service.whichReleases().map(\.status) == [.permanent, .old])
        for worker in await test.service.ps() {
            #expect(try await test.call("vsn", of: worker.address) == "\"1.0.0\"")
        }
        #expect(await test.node.probation.state == .none)
    }

    // MARK: Passed

    @Test func aReleaseThatPassesBecomesPermanentOnDisk() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            await test.limitProbation(to: 100)
            #expect(try await test.install("2.0.0").outcome == .done)
            let started = try await test.events.first("probation_started")
            #expect(started.fields["vsn"] == "2.0.0")
            #expect(started.fields["make_permanent"] == "auto")
            let passed = try await test.events.first("probation_passed")
            let permanent = try await test.events.first("made_permanent", after: passed.sequence)
            #expect(permanent.fields == ["vsn": "2.0.0", "by": "probation"])
            #expect(await test.service.status().permanent == "2.0.0")
            #expect(await test.service.whichReleases().map(\.status) == [.old, .permanent])
            let data = try String(contentsOfFile: "\(test.root.root)/releases/start_erl.data", encoding: .utf8)
            #expect(data == "\(Emulator.vsn) 2.0.0\n")
            let releases = try String(contentsOfFile: "\(test.root.root)/releases/RELEASES", encoding: .utf8)
            let statuses = releases.split(whereSeparator: { !$0.isLetter }).filter { $0 == "permanent" || $0 == "old" }
            #expect(statuses == ["old", "permanent"])
        }
    }

    @Test func theAllowedRestartsDoNotTakeItBack() async throws {
        let root = try TestRoot.twoVersions(config2: Self.config("{make_permanent, {auto, 1}}"))
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            try await Self.crash(test)
            _ = try await test.events.first("made_permanent")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    @Test func withManualItStaysCurrent() async throws {
        let root = try TestRoot.twoVersions(config2: Self.config("{make_permanent, manual}"))
        try await TestNode.with(root) { test async throws in
            await test.limitProbation(to: 50)
            #expect(try await test.install("2.0.0").outcome == .done)
            let passed = try await test.events.first("probation_passed")
            #expect(
                passed.message
                    == "release 2.0.0 passed its probation; it stays current until `releasectl make-permanent 2.0.0`")
            #expect(await test.service.whichReleases().map(\.status) == [.permanent, .current])
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            let permanent = try await test.events.first("made_permanent")
            #expect(permanent.fields["by"] == "request of uid 0, pid 1")
        }
    }

    @Test func madePermanentByHandItIsProved() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let shown = await test.node.probation.status()
            #expect(shown.state == .onProbation)
            #expect([shown.release, shown.fallback] == ["2.0.0", "1.0.0"])
            #expect([shown.restarts, shown.allowedRestarts] == [0, 1])
            #expect(try #require(shown.remainingMilliseconds) > 0)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            #expect(await test.node.probation.status() == ProbationStatus(state: .none))
            for _ in 1...2 { try await Self.crash(test) }
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    @Test func aDowngradeByHandEndsIt() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(await test.node.probation.state == .none)
        }
    }

    // MARK: Taken back

    @Test func aWorkerThatCrashesTooOftenTakesItBackByTheDownScript() async throws {
        try await TestNode.with(try .twoVersions(children: Self.two)) { test async throws in
            _ = try await test.call("{add, 7}", of: Self.c2)
            #expect(try await test.install("2.0.0").outcome == .done)
            for _ in 1...2 { try await Self.crash(test) }
            try await Self.expectGoneBack(
                test, "workers of changed modules were restarted 2 times, 1 allowed; the last was fix/fix_sup/c1")
            #expect(try await test.call("get", of: Self.c2) == "7")
        }
    }

    @Test func withoutADownScriptTheNodeRestarts() async throws {
        let relup = "{\"2.0.0\", [{\"1.0.0\", [], [\(TestRoot.up())]}], []}."
        let root = try TestRoot.twoVersions(relup: relup, config2: Self.config("{probation_restarts, 0}"))
        let end = try await TestNode.with(root) { test async throws in
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(
                plan.warnings == [
                    """
                    no script leads back from 2.0.0 to 1.0.0: what fails once something is committed restarts the node into \
                    the permanent release, and states and connections are lost; a relup that has such a script keeps them
                    """
                ])
            #expect(try await test.install("2.0.0").outcome == .done)
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            return await test.node.ended()
        }
        #expect(
            end
                == .restart(
                    reason: """
                        release 2.0.0 failed its probation and can't be taken back by a script: neither the relup of \
                        1.0.0 nor that of 2.0.0 leads from 2.0.0 to 1.0.0
                        """))
    }

    @Test func aDownScriptThatFailsRestartsTheNode() async throws {
        let down = "{load_object_code, {fix, \"1.0.0\", [nobody]}}, point_of_no_return"
        let root = try TestRoot.twoVersions(
            relup: TestRoot.relup(up: TestRoot.up(), down: down), config2: Self.config("{probation_restarts, 0}"))
        let end = try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            return await test.node.ended()
        }
        guard case .restart(let reason) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(reason.contains("can't be taken back by a script: "), "\(reason)")
    }

    @Test func aTopSupervisorThatGivesUpRestartsTheNode() async throws {
        let root = try Self.versions(flags: "#{intensity => 0, period => 60}")
        let end = try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            _ = try await test.events.first("probation_failed")
            return await test.node.ended()
        }
        #expect(end == .restart(reason: "release 2.0.0 failed its probation: supervisor fix/fix_sup gave up"))
    }

    @Test func aNodeThatEndsInAReleaseThatIsNotPermanentRestartsToo() async throws {
        let root = try Self.versions(
            flags: "#{intensity => 0, period => 60}", config2: Self.config("{make_permanent, manual}"))
        let end = try await TestNode.with(root) { test async throws in
            await test.limitProbation(to: 20)
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.events.first("probation_passed")
            await #expect(throws: ControlError.self) { try await test.call("crash") }
            return await test.node.ended()
        }
        let reason = "the node ends: {application_terminated,fix,shutdown}, and release 2.0.0 is not permanent"
        #expect(end == .restart(reason: reason))
    }

    @Test func aSupervisorBelowThatGivesUpTakesItBackByTheDownScript() async throws {
        let children = """
            [#{id => inner, start => {inner_sup, start_link, []}, type => supervisor},
             #{id => c1, start => {counter, start_link, []}}]
            """
        let root = try Self.versions(children: children, flags: "#{intensity => 3, period => 60}")
        for vsn in ["1.0.0", "2.0.0"] {
            try root.write(
                "lib/fix-\(vsn)/ebin/inner_sup.sup",
                """
                {ok, {#{intensity => 0, period => 60},
                      [#{id => c2, start => {counter, start_link, [{init_sleep, 300}]}}]}}.
                """)
        }
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 7}")
            #expect(try await test.install("2.0.0").outcome == .done)
            await #expect(throws: ControlError.self) { try await test.call("crash", of: "fix/fix_sup/inner/c2") }
            // Its worker is being started anew while the way back begins; it must not stay in the new code.
            try await Self.expectGoneBack(test, "supervisor fix/fix_sup/inner gave up")
            #expect(try await test.call("get") == "7")
        }
    }

    // MARK: Health command

    static func withHealthCommand(_ script: String, timeout: Int = 10_000) throws -> TestRoot {
        let root = try TestRoot.twoVersions(
            config2: config("{health_check, {\"checks/health\", [\"well\"], \(timeout)}}"))
        try root.write("checks/health", "#!/bin/sh\n\(script)\n")
        chmod("\(root.root)/checks/health", 0o755)
        return root
    }

    static let ill: [(script: String, timeout: Int, reason: String)] = [
        ("echo \"$RELEASE_VSN is ill\"; exit 3", 10_000, " exited with status 3: 2.0.0 is ill"),
        ("kill -9 $$", 10_000, " was ended by SIGKILL"),
        ("exec sleep 1000", 200, " did not end within 200 ms"),
        // Well at first, ill when the time is over.
        ("[ ! -e ran ] || exit 4; touch ran; echo well", 10_000, " exited with status 4"),
    ]

    @Test(arguments: ill.indices)
    func aHealthCommandThatFailsTakesItBack(index: Int) async throws {
        let (script, timeout, reason) = Self.ill[index]
        try await TestNode.with(try Self.withHealthCommand(script, timeout: timeout)) { test async throws in
            // Far off: a check that a busy machine runs late must not meet the deadline.
            await test.limitProbation(to: 600_000)
            _ = try await test.call("{add, 7}")
            #expect(try await test.install("2.0.0").outcome == .done)
            if index == 3 {
                _ = try await test.events.first("health_check")
                await test.endProbation()
            }
            try await Self.expectGoneBack(
                test, "the health command failed: \(test.root.root)/checks/health\(reason)")
            #expect(try await test.call("get") == "7")
        }
    }

    @Test func aHealthCommandThatIsMissingTakesItBack() async throws {
        let root = try TestRoot.twoVersions(config2: Self.config("{health_check, {\"/no/such/check\", [], 1000}}"))
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let failed = try await test.events.first("probation_failed")
            let reason = try #require(failed.fields["reason"])
            #expect(reason.hasPrefix("the health command failed: can't start /no/such/check: "), "\(reason)")
            _ = try await test.events.first("release_installed", after: failed.sequence)
        }
    }

    @Test func aHealthCommandThatPassesProvesIt() async throws {
        let script = "echo \"$1 in $RELEASE_ROOT\""
        try await TestNode.with(try Self.withHealthCommand(script)) { test async throws in
            await test.limitProbation(to: 100)
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.events.first("made_permanent")
            let said = await test.events.all.filter { $0.kind == "health_check" }
            #expect(Set(said.map(\.message)) == ["well in \(test.root.root)"])
        }
    }

    @Test func aHealthCommandEndsWithTheNode() async throws {
        let root = try Self.withHealthCommand("echo $$; exec sleep 1000", timeout: 600_000)
        let pid = try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let said = try await test.events.first("health_check")
            return try #require(Int32(said.message))
        }
        #expect(kill(pid, 0) == -1)
    }

    // MARK: Workers that hang

    /// One that hangs lives, and restarts nothing.
    @Test func aVersionThatHangsDoesNotBecomePermanent() async throws {
        let root = try TestRoot.twoVersions(
            config2: Self.config("{make_permanent, {auto, 3600}}, {suspend_timeout, 300}"))
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            kill(try await test.pid(), SIGSTOP)
            await test.endProbation()
            let failed = try await test.events.first("probation_failed")
            #expect(
                failed.message
                    == "release 2.0.0 failed its probation: fix/fix_sup/c1 did not answer when it was asked for its status"
            )
            // Back by the script: the one that hangs is ended, and started again in the old code.
            while (try? await test.call("vsn")) != "\"1.0.0\"" { await Task.yield() }
            let permanent = await { @HostActor [node = test.node] in node.store.releases.permanent?.vsn }()
            #expect(permanent == "1.0.0")
        }
    }

    // MARK: Configuration

    @Test func aConfigurationThatCannotBeReadRefusesTheInstall() async throws {
        let root = try TestRoot.twoVersions(config2: Self.config("{make_permanent, 30}"))
        try await TestNode.with(root) { test async throws in
            let text = await test.refusal { try await test.install("2.0.0") }
            #expect(
                text == """
                    upgrade_refused: \(test.root.root)/releases/2.0.0/sys.config: release_handler, make_permanent: \
                    expected manual or {auto, Seconds} with 1 to 86400 seconds, found 30
                    """)
        }
    }
}

extension TestNode {
    /// In place of what `sys.config` says.
    /// Its time is over, once the health command that runs has ended.
    func endProbation() async {
        while await { @HostActor in node.processes.otherCount }() > 0 { await Task.yield() }
        await { @HostActor in node.probation.judge(.timerFired) }()
    }

    func limitProbation(to milliseconds: Int) async {
        await { @HostActor in node.probation.milliseconds = milliseconds }()
    }
}
