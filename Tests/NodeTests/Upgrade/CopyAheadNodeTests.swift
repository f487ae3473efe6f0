import Foundation
import Glibc
import Synchronization
import Terms
import Testing
import Wire

@testable import Host
@testable import ReleaseHandlerD
@testable import TestSupport

/// A state that is copied in parts while its worker serves, with real processes.
@Suite(.timeLimit(.minutes(15))) struct CopyAheadNodeTests {
    @Test func upAndDownUnderCallsWithTheStateAsItWas() async throws {
        try await TestNode.with(try CopiedRoot.make()) { test async throws in
            _ = try await test.call("{fill, 3000}")
            for vsn in ["2.0.0", "1.0.0", "2.0.0"] {
                let result = try await test.underCalls { try await test.install(vsn) }
                #expect(result.outcome == .done && result.lost == [] && result.warnings == [], "\(result)")
                #expect(TestNode.notes(result) == [])
                #expect(try await test.call("vsn") == "\"\(vsn)\"")
                #expect(try await test.call("size") == "3001")
                #expect(try await test.call("recorded") == "none")
            }
            #expect(try await test.ps().restarts == 0)
        }
    }

    /// What has not changed since it was copied is not sent again; what has, comes as a whole where it can't be named.
    @Test func aServerThatCannotNameItsChangesIsCopiedAheadToo() async throws {
        let root = try TestRoot()
        let children = "[#{id => c1, start => {ahead, start_link, []}}, #{id => c2, start => {ahead, start_link, []}}]"
        let up = TestRoot.script("2.0.0", ["ahead"], [TestRoot.upGroup("ahead")])
        let down = TestRoot.script("1.0.0", ["ahead"], [TestRoot.downGroup("ahead")])
        for vsn in ["1.0.0", "2.0.0"] {
            let relup = vsn == "2.0.0" ? TestRoot.relup(up: up, down: down) : nil
            try root.release(vsn, children: children, relup: relup, modules: ["ahead"])
            try root.install(as: "ahead", vsn: vsn)
        }
        try root.register(["1.0.0", "2.0.0"])
        let busy = "fix/fix_sup/c2"
        try await TestNode.with(root) { test async throws in
            for worker in [TestNode.c1, busy] { #expect(try await test.call("{put, first}", of: worker) == "ok") }
            var puts = 0
            for (vsn, states) in [("2.0.0", "[up,first]"), ("1.0.0", "[down,up,first]")] {
                let isOver = Mutex(false)
                async let putting = { () async throws -> Int in
                    var count = 0
                    while !isOver.withLock({ $0 }) {
                        #expect(try await test.call("{put, \(count)}", of: busy) == "ok")
                        count += 1
                    }
                    return count
                }()
                let result = try await test.install(vsn)
                isOver.withLock { $0 = true }
                puts += try await putting
                #expect(result.outcome == .done && result.lost == [] && result.warnings == [], "\(result)")
                #expect(TestNode.notes(result) == [])
                #expect(try await test.call("state") == states)
                #expect(try await test.call("starts") == "1")
            }
            let state = try TermText.parseTerm(try await test.call("state", of: busy)).asList ?? []
            #expect(state.count == puts + 3, "each once, with the first and two conversions")
        }
    }

    @Test func aQuietWorkerIsResumedWithWhatItsStandbyHas() async throws {
        let root = try CopiedRoot.make(faults: "{quiet, \"1.0.0\"}, {quiet, \"2.0.0\"}")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{put, kept, 1}")
            for vsn in ["2.0.0", "1.0.0"] {
                let result = try await test.install(vsn)
                #expect(result.outcome == .done && result.lost == [], "\(result)")
                #expect(TestNode.notes(result) == [])
                #expect(try await test.call("vsn") == "\"\(vsn)\"")
                #expect(try await test.call("{get, kept}") == "1")
            }
        }
    }

    // MARK: Held at rest

    /// c1 can't name its changes and is at rest; c2 is held up at `gate` until the test has seen that.
    private func rootWithOneAtRest(_ gate: Gate, in root: TestRoot, faults: String = "") throws {
        let conversion = "{code_change, up, [{ahead, []}, {counter, []}]}"
        let up = TestRoot.script("2.0.0", ["ahead", "counter"], [TestRoot.upGroup("ahead", "counter")])
        try #require(up.contains(conversion))
        let relup = TestRoot.relup(
            up: up.replacing(conversion, with: "\(conversion), {apply, {timer, sleep, [60000]}}"),
            down: TestRoot.script("1.0.0", ["ahead", "counter"], [TestRoot.downGroup("ahead", "counter")]))
        let children =
            "[#{id => c1, start => {ahead, start_link, []}}, #{id => c2, start => {counter, start_link, [\(faults)]}}]"
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, children: children, relup: vsn == "2.0.0" ? relup : nil, modules: ["ahead", "counter"])
            try root.install(as: "ahead", vsn: vsn)
            let edits = vsn == "2.0.0" ? [CopiedRoot.waits(gate, in: CopiedRoot.importSnapshot, of: vsn)] : []
            try root.installIncremental("counter", vsn: vsn, edits: edits)
        }
        try root.register(["1.0.0", "2.0.0"])
    }

    private func latch(_ test: TestNode) async -> UInt32? {
        await { @HostActor in
            test.node.tree.place(named: TestNode.c1)?.current?.latch?.memory.load(as: UInt32.self)
        }()
    }

    private func untilAtRest(_ test: TestNode) async {
        while await latch(test) != 1 { await Task.yield() }
    }

    /// It is suspended where it waits; what comes for it meanwhile is answered by who goes on, also where its process ends.
    @Test(arguments: [false, true]) func aWorkerAtRestIsHeldWithoutAMessage(isKilled: Bool) async throws {
        let root = try TestRoot()
        let gate = try Gate(in: root)
        try rootWithOneAtRest(gate, in: root)
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("{put, first}") == "ok")
            let old = try await test.pid()
            async let watched: Void = {
                for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                    if case .result(let result) = progress {
                        #expect(result.outcome == .done && result.lost == [], "\(result)")
                    }
                    guard case .progress(let step) = progress, step.text.hasPrefix("{apply,") else { continue }
                    #expect(await latch(test) == 2)
                    async let waiting = test.call("{put, second}")
                    while await test.waitingCalls() < 1 { await Task.yield() }
                    if isKilled {
                        kill(old, SIGKILL)
                        while await test.pids().contains(old) { await Task.yield() }
                    }
                    await test.node.installer.upgrade?.wakeUp()
                    #expect(try await waiting == "ok")
                }
            }()
            try await gate.reached()
            await untilAtRest(test)
            gate.open()
            try await watched
            #expect(try await test.call("state") == "[second,up,first]")
            #expect(try await test.pid() != old)
        }
    }

    /// It was never asked whether it answers: where it is to be left alone, an abort does not end it for its silence.
    @Test func aStoppedOneThatWasHeldIsLeftAloneByAnAbort() async throws {
        let root = try TestRoot()
        let gate = try Gate(in: root)
        try rootWithOneAtRest(gate, in: root, faults: "{last_import_dies, \"2.0.0\"}")
        try await TestNode.with(root) { test async throws in
            await { @HostActor [node = test.node] in node.installer.overrides.hungWorkers = .abort }()
            #expect(try await test.call("{put, first}") == "ok")
            let old = try await test.pid()
            async let installed = test.install("2.0.0")
            try await gate.reached()
            await untilAtRest(test)
            kill(old, SIGSTOP)
            // What is changed of the other one goes over last, which its standby does not survive.
            #expect(try await test.call("{put, a, 1}", of: "fix/fix_sup/c2") == "ok")
            gate.open()
            let result = try await installed
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            kill(old, SIGCONT)
            #expect(try await test.call("state") == "[first]")
            #expect(try await test.pid() == old)
        }
    }

    /// Put, overwritten and removed once the image was taken, in which they are as they were.
    @Test(arguments: [("1.0.0", "2.0.0"), ("2.0.0", "1.0.0")]) func whatChangesMeanwhileComesOver(
        from: String, to: String
    ) async throws {
        let root = try CopiedRoot.make()
        let gate = try Gate(in: root)
        try root.installIncremental(
            "counter", vsn: to, edits: [CopiedRoot.waits(gate, in: CopiedRoot.importSnapshot, of: to)])
        try await TestNode.with(root) { test async throws in
            if from == "2.0.0" { try await test.install("2.0.0") }
            for request in ["{put, kept, 1}", "{put, changed, 1}", "{put, removed, 1}"] {
                #expect(try await test.call(request) == "ok")
            }
            let before = try await test.pid()
            async let installed = test.install(to)
            try await gate.reached()
            // The worker serves; its standby has not even read the image.
            for request in ["{put, changed, 2}", "{remove, removed}", "{put, added, 3}"] {
                #expect(try await test.call(request) == "ok")
            }
            #expect(try await test.call("pid") == "\(before)")
            #expect(try await test.call("recorded") == "3")
            gate.open()
            let result = try await installed
            #expect(result.outcome == .done, "\(result)")
            #expect(TestNode.notes(result) == [])
            let entries = ["kept": "1", "changed": "2", "removed": "undefined", "added": "3"]
            for (key, value) in entries { #expect(try await test.call("{get, \(key)}") == value) }
            #expect(try await test.call("size") == "3")
            #expect(try await test.pid() != before)
        }
    }

    @Test func whatWaitsMeanwhileComesInItsOrder() async throws {
        // Its handoff is known beforehand only where nothing that needs running workers comes before its code_change.
        let up = UpgradeDisturbanceTests.pausing(after: "{code_change, up, [{counter, []}]}")
        try await TestNode.with(try CopiedRoot.make(up: up)) { test async throws in
            _ = try await test.call("{fill, 10}")
            try await withThrowingTaskGroup(of: Void.self) { calls in
                for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                    guard case .progress(let step) = progress, step.text.hasPrefix("{apply,") else { continue }
                    for number in 1...20 {
                        calls.addTask {
                            let answer = try await test.call("{add, 1}")
                            #expect(answer == "\(number)")
                        }
                        while await test.waitingCalls() < number { await Task.yield() }
                    }
                    await test.node.installer.upgrade?.wakeUp()
                }
                try await calls.waitForAll()
            }
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    /// The script's last group fails, once the first one's state is in its standby and nobody was resumed.
    @Test func anAbortAfterTheCopyLeavesNobodyRecording() async throws {
        let root = try CopiedRoot.make(modules: ["counter", "other"])
        let fault =
            "[#{id => c1, start => {counter, start_link, []}}, "
            + "#{id => c2, start => {other, start_link, [{last_import_dies, \"2.0.0\"}]}}]"
        for vsn in ["1.0.0", "2.0.0"] {
            try root.write("lib/fix-\(vsn)/ebin/fix_sup.sup", "{ok, {\(TestRoot.usualFlags), \(fault)}}.")
        }
        let second = "fix/fix_sup/c2"
        try await TestNode.with(root) { test async throws in
            let pids = [try await test.pid(), try await test.pid(second)]
            let result = try await test.underCalls { try await test.install("2.0.0") }
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(result.reason?.hasPrefix("code_change of other failed in \(second): ") == true, "\(result)")
            #expect([try await test.pid(), try await test.pid(second)] == pids)
            for worker in [TestNode.c1, second] {
                #expect(try await test.call("recorded", of: worker) == "none")
                #expect(try await test.call("vsn", of: worker) == "\"1.0.0\"")
            }
        }
    }

    /// Code that knows no parts gets the whole, and hands it over so; nobody needs to be told.
    @Test(arguments: ["1.0.0", "2.0.0"]) func fromAndToCodeThatKnowsNoParts(vsn: String) async throws {
        let root = try CopiedRoot.make(faults: "{not_incremental, \"\(vsn)\"}")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{put, kept, 1}")
            for to in ["2.0.0", "1.0.0"] {
                let result = try await test.underCalls { try await test.install(to) }
                #expect(result.outcome == .done && result.lost == [] && result.warnings == [], "\(result)")
                #expect(TestNode.notes(result) == [])
                #expect(try await test.call("{get, kept}") == "1")
            }
        }
    }
}
