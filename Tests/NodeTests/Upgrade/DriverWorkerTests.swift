import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A worker that owns a driver, in a real node: the driver goes over with its worker, or is replaced under it.
@Suite(.timeLimit(.minutes(15))) struct DriverWorkerTests {
    private static let load = """
        {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return, {load, {counter, soft_purge, soft_purge}}
        """
    private static let loadBack = load.replacing("2.0.0", with: "1.0.0")

    /// Worker and driver.
    private static func both(_ vsn: String, mode: String) -> String {
        let loads = "{load, {counter, soft_purge, soft_purge}}, {load, {driving, brutal_purge, brutal_purge}}"
        let change = "{code_change, \(mode), [{driving, []}]}"
        return """
            {load_object_code, {fix, "\(vsn)", [driving, counter]}}, point_of_no_return, {suspend, [driving]},
            \(mode == "up" ? "\(loads), \(change)" : "\(change), \(loads)"), {resume, [driving]}
            """
    }

    private func root(
        arguments: String = "[]", up: String = load, down: String = loadBack, third: String? = nil,
        _ definitions: [String] = []
    ) throws -> TestRoot {
        let children = "[#{id => c1, start => {driving, start_link, \(arguments)}, modules => [driving, counter]}]"
        let root = try TestRoot()
        var vsns = ["1.0.0", "2.0.0"]
        var relups = ["2.0.0": TestRoot.relup(up: up, down: down)]
        if let third {
            relups["3.0.0"] = "{\"3.0.0\", [{\"2.0.0\", [], [\(third)]}], []}."
            vsns.append("3.0.0")
        }
        for vsn in vsns {
            try root.release(vsn, children: children, relup: relups[vsn], modules: ["driving", "counter"])
            try root.install(as: "driving", vsn: vsn)
            try root.driver(vsn: vsn, vsn == "2.0.0" ? definitions : [])
        }
        try root.register(vsns)
        return root
    }

    private static func versions(_ test: TestNode) async throws -> String { try await test.call("versions") }

    // MARK: With its worker

    /// The port is closed in the old process and opened in the new one. Who calls meanwhile waits, and no call is lost or counted twice.
    @Test func theDriverGoesOverWithItsWorkerUnderCalls() async throws {
        let root = try root(up: Self.both("2.0.0", mode: "up"), down: Self.both("1.0.0", mode: "down"))
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            let callers = Callers(of: test)
            try await callers.untilAllCalled()
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [] && up.lost == [], "\(up)")
            try await callers.untilAllCalled()
            #expect(try await test.pid() != pid)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done && down.warnings == [] && down.lost == [], "\(down)")
            try await callers.untilAllCalled()
            let calls = try await callers.stop()
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("add") == "\((calls + 1) % 256)")
            #expect(try await test.ps().restarts == 0)
        }
    }

    /// What fails after the driver was replaced under the old process leaves it with the driver that it had.
    @Test func anAbortLeavesTheOldProcessItsDriver() async throws {
        let up = Self.both("2.0.0", mode: "up").replacing("{resume,", with: "{apply, {fail, now, []}}, {resume,")
        let root = try root(up: up)
        try root.failing(vsn: "2.0.0")
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("add")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(try await test.pid() == pid)
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("add") == "2")
        }
    }

    /// The old process' other users end with it, and hold nothing up: the next process loads the newer driver itself.
    @Test func whoElseUsesTheDriverEndsWithTheProcess() async throws {
        let up = "\(Self.both("2.0.0", mode: "up")), {purge, [counter, driving]}"
        try await TestNode.with(try root(up: up)) { test async throws in
            _ = try await test.call("add")
            _ = try await test.call("{open, b}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.warnings == [] && result.lost == [], "\(result)")
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("{use, b}") == "undefined")
            #expect(try await test.call("add") == "2")
        }
    }

    // MARK: In a worker that goes on

    @Test func theDriverIsReplacedInAWorkerThatGoesOn() async throws {
        try await TestNode.with(try root()) { test async throws in
            let pid = try await test.pid()
            let callers = Callers(of: test)
            try await callers.untilAllCalled()
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [] && up.lost == [], "\(up)")
            #expect(up.instructions.last?.workers == [TestNode.c1], "\(up)")
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done && down.warnings == [], "\(down)")
            let calls = try await callers.stop()
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("add") == "\((calls + 1) % 256)")
            #expect(try await test.pid() == pid)
        }
    }

    /// A second user keeps the version that runs, until its ports are closed and it has unloaded it, or has ended.
    @Test(arguments: ["{close, b}", "{user_ended, b}"])
    func aReloadWaitsForASecondUser(end: String) async throws {
        try await TestNode.with(try root()) { test async throws in
            _ = try await test.call("add")
            _ = try await test.call("{open, b}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{b,1},{own,0}],[own]}")
            #expect(try await test.call("{use, b}") == "<<\"1.0.0\">>")
            #expect(try await test.call("add") == "2")
            let both = ["2.0.0 current [\"\(TestNode.c1)\"]", "1.0.0 old [\"\(TestNode.c1)\"]"]
            #expect(try await test.modules("counter") == both)
            _ = try await test.call(end)
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("add") == "3")
            #expect(try await test.ps().restarts == 0)
        }
    }

    /// It is swapped when both are gone, and not before.
    @Test func aDriverIsReplacedWhileTwoUseIt() async throws {
        try await TestNode.with(try root()) { test async throws in
            for user in ["a", "b"] { _ = try await test.call("{open, \(user)}") }
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.lost == [], "\(up)")
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{a,1},{b,1},{own,0}],[own]}")
            _ = try await test.call("{close, a}")
            #expect(try await test.call("{use, b}") == "<<\"1.0.0\">>")
            // Who comes meanwhile uses what runs, too, and waits for what comes.
            _ = try await test.call("{open, c}")
            #expect(try await test.call("{use, c}") == "<<\"1.0.0\">>")
            _ = try await test.call("{close, b}")
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{own,0}],[own,c]}")
            _ = try await test.call("{user_ended, c}")
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("add") == "1")
            #expect(try await test.ps().restarts == 0)
        }
    }

    /// One that refuses leaves the version that runs: its worker goes on with that.
    @Test func oneThatRefusesToBeginLeavesTheOneThatRuns() async throws {
        try await TestNode.with(try root(["REFUSE=3"])) { test async throws in
            _ = try await test.call("add")
            _ = try await test.call("{open, b}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            _ = try await test.call("{close, b}")
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{own,0}],[]}")
            #expect(try await test.call("add") == "2")
        }
    }

    @Test func anAbortGivesUpAReloadThatIsPending() async throws {
        let root = try root(up: "\(Self.load), {apply, {fail, now, []}}")
        try root.failing(vsn: "2.0.0")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("add")
            _ = try await test.call("{open, b}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            _ = try await test.call("{close, b}")
            #expect(try await Self.versions(test) == "{<<\"1.0.0\">>,[{own,1}],[]}")
            #expect(try await test.call("add") == "2")
            #expect(try await test.ps().restarts == 0)
        }
    }

    // MARK: Purges

    /// It runs in one version only, and who holds it can't be made to let it go.
    @Test(arguments: ["{open, b}", "add"]) func aPurgeEndsWhoUsesTheOldDriver(use: String) async throws {
        // In one case another user has it, in the other the worker itself, which does not reload.
        let root = try root(arguments: use == "add" ? "[stays]" : "[]", up: "\(Self.load), {purge, [counter]}")
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call(use)
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            #expect(up.lost.map(\.worker) == [TestNode.c1], "\(up)")
            #expect(try await test.pid() != pid)
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
        }
    }

    /// What is removed runs on with who has it, and nobody can load it any more.
    @Test(arguments: [true, false]) func aDriverThatIsRemovedRunsOnUntilItIsPurged(isPurged: Bool) async throws {
        let up = "point_of_no_return, {remove, {counter, soft_purge, soft_purge}}"
        let root = try root(up: isPurged ? "\(up), {purge, [counter]}" : up)
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("add")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == (isPurged ? [TestNode.c1] : []), "\(result)")
            guard !isPurged else { return }
            #expect(try await test.call("add") == "2")
            #expect(try await test.modules("counter") == ["1.0.0 old [\"\(TestNode.c1)\"]"])
            let refusal = await test.refusal { try await test.call("reload") }
            #expect(refusal.contains("lists no driver counter, or the release has none"), "\(refusal)")
        }
    }

    @Test func aPurgeOfADriverThatWasReloadedEndsNobody() async throws {
        try await TestNode.with(try root(up: "\(Self.load), {purge, [counter]}")) { test async throws in
            let pid = try await test.pid()
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.lost == [], "\(up)")
            #expect(try await test.pid() == pid)
        }
    }

    /// The driver that is let go is swapped at once, and what the node knows of it goes with the next look.
    @Test func anOldDriverThatIsLetGoIsPurgedByTheTimer() async throws {
        try await TestNode.with(try root()) { test async throws in
            _ = try await test.call("{open, b}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            _ = try await test.call("{close, b}")
            _ = try await test.events.first("purged")
            #expect(try await test.modules("counter") == ["2.0.0 current [\"\(TestNode.c1)\"]"])
        }
    }

    @Test func whenTheReleaseIsPermanentBrutalPurgeEndsWhoHasTheOldDriver() async throws {
        let up = Self.load.replacing("{counter, soft_purge, soft_purge}", with: "{counter, soft_purge, brutal_purge}")
        try await TestNode.with(try root(up: up)) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{open, b}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            let sequence = await test.events.last
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: sequence)
            #expect(try await test.pid() != pid)
            #expect(try await Self.versions(test) == "{<<\"2.0.0\">>,[{own,1}],[]}")
        }
    }

    /// The third version comes when the second one runs, and not before.
    @Test func aThirdVersionIsRefusedWhileTheFirstRuns() async throws {
        let third = Self.load.replacing("2.0.0", with: "3.0.0")
        try await TestNode.with(try root(third: third)) { test async throws in
            _ = try await test.call("{open, b}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            let refusal = try await test.refusedBeforehand("3.0.0")
            #expect(refusal.contains("\(TestNode.c1) still runs old code of counter"), "\(refusal)")
            _ = try await test.call("{user_ended, b}")
            let result = try await test.install("3.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(try await Self.versions(test) == "{<<\"3.0.0\">>,[{own,1}],[]}")
        }
    }
}

/// Three that call `add` all the time, one call after the other.
private struct Callers {
    private let counts: [Count]
    private let tasks: [Task<Void, any Error>]

    private actor Count {
        private(set) var value = 0
        private(set) var isOver = false
        private var waiting: [CheckedContinuation<Void, Never>] = []

        func add() {
            value += 1
            for continuation in waiting { continuation.resume() }
            waiting = []
        }

        func end() {
            isOver = true
            for continuation in waiting { continuation.resume() }
            waiting = []
        }

        /// Returns with the next call that is answered, or when none will be.
        func next() async {
            guard !isOver else { return }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    init(of test: TestNode) {
        let counts = (0..<3).map { _ in Count() }
        self.counts = counts
        tasks = counts.map { count in
            Task {
                do {
                    while await !count.isOver {
                        _ = try await test.call("add")
                        await count.add()
                    }
                } catch {
                    await count.end()
                    throw error
                }
            }
        }
    }

    /// Returns when each has had an answer to a call that it made since.
    func untilAllCalled() async throws {
        for count in counts {
            await count.next()
            await count.next()
        }
    }

    /// How many calls there were; throws where one of them failed.
    func stop() async throws -> Int {
        for count in counts { await count.end() }
        var calls = 0
        for (count, task) in zip(counts, tasks) {
            try await task.value
            calls += await count.value
        }
        return calls
    }
}
