import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

/// Every event in every state of the probation. Times are in milliseconds; the release is installed at 1,000.
@Suite struct ProbationTests {
    typealias Action = Probation.Action
    typealias Event = Probation.Event

    static let check = ProbationOptions.HealthCheck(program: "check", arguments: [], timeoutMilliseconds: 100)
    static let changed = ChangedCode(
        modules: ["counter"], applications: ["fix"], workers: [place("fix/fix_sup/dynamic")])
    static let c1 = place("fix/fix_sup/c1")

    static func install(
        _ release: String = "3", over previous: String = "2", permanent: String = "1",
        options: ProbationOptions = ProbationOptions()
    ) -> Event {
        .installed(
            .init(release: release, previous: previous, permanent: permanent, changed: changed, options: options))
    }

    /// A machine with release 3 on probation over 2, permanent is 1.
    static func onProbation(_ options: ProbationOptions = ProbationOptions()) -> Probation {
        var machine = Probation()
        _ = machine.handle(install(options: options), now: 1_000)
        return machine
    }

    static let withCheck = ProbationOptions(healthCheck: check)

    static func proving(_ options: ProbationOptions = withCheck) -> Probation {
        var machine = onProbation(options)
        _ = machine.handle(.healthCheckPassed, now: 1_100)
        _ = machine.handle(.timerFired, now: 31_000)
        _ = machine.handle(.workersAnswered(absent: []), now: 31_010)
        return machine
    }

    static func asking(_ options: ProbationOptions = ProbationOptions()) -> Probation {
        var machine = onProbation(options)
        _ = machine.handle(.timerFired, now: 31_000)
        return machine
    }

    static func interrupted() -> Probation {
        var machine = onProbation()
        _ = machine.handle(.upgradeBegan, now: 2_000)
        return machine
    }

    static func goingBack() -> Probation {
        var machine = onProbation(withCheck)
        _ = machine.handle(.healthCheckFailed(reason: "x"), now: 2_000)
        return machine
    }

    /// The name of the state, without what it carries.
    static func name(_ machine: Probation) -> String {
        switch machine.state {
        case .none: "none"
        case .onProbation(let trial): "onProbation \(trial.release)>\(trial.fallback)"
        case .asking: "asking"
        case .proving: "proving"
        case .interrupted: "interrupted"
        case .goingBack: "goingBack"
        }
    }

    /// An action in short.
    static func name(_ action: Action) -> String {
        switch action {
        case .schedule(let time): "schedule \(time)"
        case .runHealthCheck: "check"
        case .askWorkers: "ask"
        case .cancel: "cancel"
        case .report(.started): "started"
        case .report(.passed): "passed"
        case .report(.failed(_, let failure)): "failed: \(failure)"
        case .report(.kept(let trial, let reason, let obstacle)): "kept \(trial.release): \(reason), \(obstacle)"
        case .makePermanent(let vsn): "permanent \(vsn)"
        case .goBack(let vsn): "back \(vsn)"
        case .restartNode(let reason): "restart: \(reason)"
        }
    }

    struct Row: Sendable, CustomStringConvertible {
        let from: String
        let event: Event
        let actions: [String]
        let to: String
        var description: String { "\(from), \(event)" }

        init(_ from: String, _ event: Event, _ actions: [String], _ to: String) {
            self.from = from
            self.event = event
            self.actions = actions
            self.to = to
        }
    }

    static let machines: [String: Probation] = [
        "none": Probation(), "onProbation": onProbation(), "checked": onProbation(withCheck),
        "manual": onProbation(ProbationOptions(makePermanent: .manual)), "proving": proving(),
        "interrupted": interrupted(), "goingBack": goingBack(),
        "asking": asking(), "askingManual": asking(ProbationOptions(makePermanent: .manual)),
        "askingChecked": asking(withCheck),
    ]

    static let same = "onProbation 3>2"
    static let silent =
        "failed: fix/fix_sup/c1 did not answer when it was asked for its status, "
        + "fix/fix_sup/c2 does not run, and its restart waits"
    static let ill = "failed: the health command failed: x"
    static let gaveUp = Event.supervisorGaveUp("fix/fix_sup/inner", application: "fix", isTop: false)
    static let topGaveUp = Event.supervisorGaveUp("fix/fix_sup", application: "fix", isTop: true)
    static let otherGaveUp = Event.supervisorGaveUp("other/sup", application: "other", isTop: true)
    static let back = "release 3 failed its probation and can't be taken back by a script: why"
    static let topEnd = "restart: release 3 failed its probation: supervisor fix/fix_sup gave up"

    static let rows: [Row] = [
        Row("none", install(), ["started", "schedule 32000"], same),
        Row("none", install(options: withCheck), ["started", "schedule 32000", "check"], same),
        Row("none", install("1", over: "2"), [], "none"),
        Row("onProbation", install("4", over: "3"), ["cancel", "started", "schedule 32000"], "onProbation 4>3"),
        Row("onProbation", install("1", over: "3"), ["cancel"], "none"),
        Row("proving", install("4", over: "3"), ["cancel", "started", "schedule 32000"], "onProbation 4>3"),
        Row("interrupted", install("4", over: "3"), ["cancel", "started", "schedule 32000"], "onProbation 4>3"),
        Row("interrupted", install("1", over: "3"), ["cancel"], "none"),
        // Gone back to 2, which is not permanent either: from there it goes to 1 and not to 3 again.
        Row("goingBack", install("2", over: "3"), ["cancel", "started", "schedule 32000"], "onProbation 2>1"),
        Row("goingBack", install("1", over: "3"), ["cancel"], "none"),

        Row("none", .upgradeBegan, [], "none"),
        Row("onProbation", .upgradeBegan, ["cancel"], "interrupted"),
        Row("proving", .upgradeBegan, ["cancel"], "interrupted"),
        Row("interrupted", .upgradeBegan, [], "interrupted"),
        Row("goingBack", .upgradeBegan, [], "goingBack"),
        Row("none", .upgradeFailed(reason: "why"), [], "none"),
        Row("onProbation", .upgradeFailed(reason: "why"), [], same),
        Row("proving", .upgradeFailed(reason: "why"), [], "proving"),
        Row("interrupted", .upgradeFailed(reason: "why"), ["schedule 31000"], same),
        Row("goingBack", .upgradeFailed(reason: "why"), ["restart: \(back)"], "none"),
        // Neither leads anywhere: what runs is all that there is.
        Row("goingBack", .upgradeFailed(reason: "why", obstacle: "1 is gone"), ["kept 3: why, 1 is gone"], "none"),
        Row("interrupted", .upgradeFailed(reason: "why", obstacle: "1 is gone"), ["schedule 31000"], same),
        Row("none", .upgradeFailed(reason: "why", obstacle: "1 is gone"), [], "none"),

        Row("none", .timerFired, [], "none"),
        Row("onProbation", .timerFired, ["ask"], "asking"),
        Row("manual", .timerFired, ["ask"], "asking"),
        Row("checked", .timerFired, ["ask"], "asking"),
        Row("asking", .timerFired, [], "asking"),

        Row("none", .workersAnswered(absent: []), [], "none"),
        Row("onProbation", .workersAnswered(absent: [.init(c1, .silent)]), [], same),
        Row("asking", .workersAnswered(absent: []), ["passed", "permanent 3"], "none"),
        Row("askingManual", .workersAnswered(absent: []), ["passed"], "none"),
        Row(
            "asking", .workersAnswered(absent: [.init(c1, .silent), .init(place("fix/fix_sup/c2"), .waiting)]),
            ["cancel", silent, "back 2"], "goingBack"
        ),
        Row(
            "asking", .workersAnswered(absent: [], problems: ["child a can't be started: b"]),
            ["cancel", "failed: it runs, and would not boot: child a can't be started: b", "back 2"], "goingBack"),
        Row("none", .workersAnswered(absent: [], problems: ["x"]), [], "none"),
        // The first health command is still at it: its end is the proof.
        Row("askingChecked", .workersAnswered(absent: []), [], "proving"),
        Row("askingChecked", .healthCheckPassed, [], "asking"),
        Row("askingChecked", .healthCheckFailed(reason: "x"), ["cancel", ill, "back 2"], "goingBack"),
        Row("asking", .upgradeBegan, ["cancel"], "interrupted"),
        Row("asking", .upgradeFailed(reason: "why"), [], "asking"),
        Row("asking", install("4", over: "3"), ["cancel", "started", "schedule 32000"], "onProbation 4>3"),
        Row("asking", gaveUp, ["cancel", "failed: supervisor fix/fix_sup/inner gave up", "back 2"], "goingBack"),
        Row("asking", topGaveUp, ["cancel", "failed: supervisor fix/fix_sup gave up", topEnd], "none"),
        Row("asking", .madePermanent("3"), ["cancel"], "none"),
        Row("asking", .madePermanent("1"), [], "asking"),
        Row("asking", .nodeStopping, ["cancel"], "none"),
        Row("proving", .workersAnswered(absent: [.init(c1, .silent)]), [], "proving"),
        Row("interrupted", .workersAnswered(absent: [.init(c1, .silent)]), [], "interrupted"),
        Row("goingBack", .workersAnswered(absent: [.init(c1, .silent)]), [], "goingBack"),

        Row("proving", .timerFired, [], "proving"),
        Row("interrupted", .timerFired, [], "interrupted"),
        Row("goingBack", .timerFired, [], "goingBack"),

        Row("none", .healthCheckPassed, [], "none"),
        Row("checked", .healthCheckPassed, [], same),
        Row("proving", .healthCheckPassed, ["passed", "permanent 3"], "none"),
        Row("interrupted", .healthCheckPassed, [], "interrupted"),
        Row("goingBack", .healthCheckPassed, [], "goingBack"),
        Row("none", .healthCheckFailed(reason: "x"), [], "none"),
        Row("checked", .healthCheckFailed(reason: "x"), ["cancel", ill, "back 2"], "goingBack"),
        Row("proving", .healthCheckFailed(reason: "x"), ["cancel", ill, "back 2"], "goingBack"),
        Row("interrupted", .healthCheckFailed(reason: "x"), [], "interrupted"),
        Row("goingBack", .healthCheckFailed(reason: "x"), [], "goingBack"),

        Row("none", gaveUp, [], "none"),
        Row("onProbation", gaveUp, ["cancel", "failed: supervisor fix/fix_sup/inner gave up", "back 2"], "goingBack"),
        Row("proving", gaveUp, ["cancel", "failed: supervisor fix/fix_sup/inner gave up", "back 2"], "goingBack"),
        Row("onProbation", topGaveUp, ["cancel", "failed: supervisor fix/fix_sup gave up", topEnd], "none"),
        Row("manual", topGaveUp, ["cancel", "failed: supervisor fix/fix_sup gave up", topEnd], "none"),
        Row("onProbation", otherGaveUp, [], same),
        Row("interrupted", gaveUp, [], "interrupted"),
        Row("goingBack", topGaveUp, [], "goingBack"),

        Row("none", .madePermanent("3"), [], "none"),
        Row("onProbation", .madePermanent("3"), ["cancel"], "none"),
        Row("onProbation", .madePermanent("1"), [], same),
        Row("proving", .madePermanent("3"), ["cancel"], "none"),
        Row("interrupted", .madePermanent("3"), ["cancel"], "none"),
        Row("goingBack", .madePermanent("3"), ["cancel"], "none"),

        Row("none", .nodeStopping, [], "none"),
        Row("onProbation", .nodeStopping, ["cancel"], "none"),
        Row("proving", .nodeStopping, ["cancel"], "none"),
        Row("interrupted", .nodeStopping, ["cancel"], "none"),
        Row("goingBack", .nodeStopping, ["cancel"], "none"),
    ]

    @Test(arguments: rows)
    func everyTransition(row: Row) throws {
        var machine = try #require(Self.machines[row.from])
        #expect(machine.handle(row.event, now: 2_000).map(Self.name) == row.actions)
        #expect(Self.name(machine) == row.to)
    }

    @Test func theHealthCommandRunsAgainWhenTheTimeIsOver() {
        var machine = Self.onProbation(Self.withCheck)
        #expect(machine.handle(.healthCheckPassed, now: 1_100) == [])
        #expect(machine.handle(.timerFired, now: 31_000) == [.askWorkers(Self.changed)])
        #expect(machine.handle(.workersAnswered(absent: []), now: 31_010) == [.runHealthCheck(Self.check)])
        #expect(machine.handle(.healthCheckPassed, now: 31_100).last == .makePermanent("3"))
    }

    @Test func anUpgradeThatFailsAfterTheDeadlineLetsTheProofComeThen() {
        var machine = Self.onProbation(Self.withCheck)
        _ = machine.handle(.upgradeBegan, now: 30_000)
        #expect(machine.handle(.upgradeFailed(reason: ""), now: 40_000) == [.schedule(atMilliseconds: 31_000)])
        // The first command was cancelled with the upgrade.
        #expect(machine.handle(.timerFired, now: 40_000) == [.askWorkers(Self.changed)])
        #expect(machine.handle(.workersAnswered(absent: []), now: 40_010) == [.runHealthCheck(Self.check)])
    }

    // MARK: Restarts

    static func restart(_ machine: inout Probation, _ worker: ChildAddress, _ listed: [Atom] = ["counter"]) -> [String]
    {
        #expect(machine.handle(.workerFailed(worker, listed: listed), now: 2_000) == [])
        return machine.handle(.workerRestarted(worker), now: 2_010).map(name)
    }

    @Test(arguments: [0, 1, 3])
    func restartsBeyondTheAllowedNumberTakeItBack(allowed: Int) {
        for begin in [Self.proving, Self.asking, Self.onProbation] {
            var machine = begin(ProbationOptions(restarts: allowed, healthCheck: Self.check))
            for count in 0..<allowed { #expect(Self.restart(&machine, place("fix/fix_sup/c\(count)")) == []) }
            let times = allowed == 0 ? "once" : "\(allowed + 1) times"
            let text =
                "failed: workers of changed modules were restarted \(times), \(allowed) allowed; "
                + "the last was fix/fix_sup/c1"
            #expect(Self.restart(&machine, Self.c1) == ["cancel", text, "back 2"])
            #expect(Self.name(machine) == "goingBack")
            // One more is nothing new.
            #expect(Self.restart(&machine, Self.c1) == [])
        }
    }

    @Test func onlyWorkersOfChangedModulesCount() {
        var machine = Self.onProbation(ProbationOptions(restarts: 0))
        #expect(Self.restart(&machine, place("fix/fix_sup/other"), ["other"]) == [])
        #expect(Self.name(machine) == Self.same)
        #expect(Self.restart(&machine, place("fix/fix_sup/dynamic"), ["shell"]).last == "back 2")
    }

    @Test func aRestartThatTheStrategyMadeDoesNotCount() {
        var machine = Self.onProbation(ProbationOptions(restarts: 0))
        #expect(machine.handle(.workerRestarted(Self.c1), now: 2_000) == [])
        #expect(Self.name(machine) == Self.same)
    }

    @Test func whatHappensDuringAnotherUpgradeDoesNotCount() {
        var machine = Self.interrupted()
        for _ in 0..<5 { #expect(Self.restart(&machine, Self.c1) == []) }
        _ = machine.handle(.upgradeFailed(reason: ""), now: 3_000)
        #expect(Self.restart(&machine, Self.c1) == [])
        #expect(Self.restart(&machine, Self.c1).last == "back 2")
    }

    @Test func nothingIsHeldAgainstAReleaseThatIsNotOnProbation() {
        var machine = Probation()
        for _ in 0..<5 { #expect(Self.restart(&machine, Self.c1) == []) }
        #expect(machine.state == .none)
    }
}
