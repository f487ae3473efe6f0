import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `hung_workers`: what does not answer in time is terminated and started again, or left alone and the upgrade aborted.
@Suite(.timeLimit(.minutes(15))) struct HungWorkerTests {
    static let c2 = "fix/fix_sup/c2"
    static let children = """
        [#{id => c1, start => {counter, start_link, []}, shutdown => brutal_kill},
         #{id => c2, start => {counter, start_link, [2]}}]
        """

    enum Where: String, CaseIterable, Sendable { case inCall, inExport }

    /// A worker of 1.0.0 that waits at the gate, in the call `wait` or in each export.
    static func edit(_ place: Where, _ gate: Gate) -> TestRoot.Edit {
        switch place {
        case .inCall:
            TestRoot.Edit(
                vsn: "1.0.0", what: "        elif name == \"vsn\":",
                with: """
                            elif name == "wait":
                                \(gate.line)
                                reply(Atom("ok"))
                            elif name == "vsn":
                    """)
        case .inExport:
            // Only the first worker's; the second one hands its state over.
            TestRoot.Edit(
                vsn: "1.0.0", what: "    def export_state(self, ref, change):\n",
                with: """
                        def export_state(self, ref, change):
                            if self.info[Atom("path")].endswith(b"c1"):
                                \(gate.line)

                    """)
        }
    }

    static func with(
        _ place: Where, hung: InstallRequest.HungWorkers,
        _ body: @escaping @Sendable (TestNode, Gate) async throws -> Void
    ) async throws {
        let root = try TestRoot.modules(children: children, up: TestRoot.up(), down: TestRoot.down())
        let gate = try Gate(in: root)
        try root.installPython("counter", vsn: "1.0.0", edits: [edit(place, gate)])
        try await TestNode.with(root) { test async throws in
            await { @HostActor in
                test.node.installer.overrides.hungWorkers = hung
                if place == .inCall { test.node.installer.overrides.suspendTimeoutMilliseconds = 5_000 }
                if place == .inExport { test.node.installer.overrides.codeChangeTimeoutMilliseconds = 5_000 }
                test.node.installer.patience.resumeMilliseconds = 5_000
            }()
            try await body(test, gate)
        }
    }

    /// A call that the daemon has taken when this returns.
    private static func ask(_ test: TestNode, _ request: String) async -> Task<String, any Error> {
        let taken: @Sendable () async -> Int = {
            await { @HostActor in
                test.node.tree.place(named: TestNode.c1).map { $0.calls.count + $0.mailbox.count } ?? 0
            }()
        }
        let before = await taken()
        let call = Task { try await test.call(request) }
        while await taken() == before { await Task.yield() }
        return call
    }

    @Test func withAbortAWorkerThatHangsIsLeftAloneAndGoesOn() async throws {
        try await Self.with(.inCall, hung: .abort) { test, gate async throws in
            let before = [try await test.pid(), try await test.pid(Self.c2)]
            let waiting = Task { try await test.call("wait") }
            try await gate.reached()
            var calls = [await Self.ask(test, "{add, 1}"), await Self.ask(test, "{add, 1}")]
            let install = Task { try await test.install("2.0.0") }
            calls.append(await Self.ask(test, "{add, 1}"))
            let result = try await install.value
            #expect(result.outcome == .aborted && result.lost == [] && result.warnings == [], "\(result)")
            #expect(result.failedInstruction?.text == "{suspend,[counter]}")
            // The other one goes on at once.
            #expect(try await test.call("get", of: Self.c2) == "2")
            calls.append(await Self.ask(test, "{add, 1}"))

            gate.open()
            #expect(try await waiting.value == "ok")
            var answers: [String] = []
            for call in calls { answers.append(try await call.value) }
            #expect(answers == ["1", "2", "3", "4"])
            #expect([try await test.pid(), try await test.pid(Self.c2)] == before)
            // It is suspended no more by what came too late: the next install finds it as it should be.
            let again = try await test.install("2.0.0")
            #expect(again.outcome == .done && again.lost == [], "\(again)")
            #expect(try await test.call("get") == "4")
        }
    }

    @Test func withTerminateItIsStartedAgainAndLost() async throws {
        try await Self.with(.inCall, hung: .terminate) { test, gate async throws in
            _ = try await test.call("{add, 5}")
            let waiting = Task { try await test.call("wait") }
            try await gate.reached()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(
                result.lost == [
                    .init(
                        worker: TestNode.c1, what: "state and connections",
                        why: "did not suspend in time: terminated; started again")
                ])
            await #expect(throws: ControlError.self) { try await waiting.value }
            #expect(try await test.call("get") == "0")
            #expect(try await test.call("get", of: Self.c2) == "2")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
        }
    }

    @Test func withAbortAWorkerThatHangsInItsExportGoesOn() async throws {
        try await Self.with(.inExport, hung: .abort) { test, gate async throws in
            _ = try await test.call("{add, 5}")
            let before = [try await test.pid(), try await test.pid(Self.c2)]
            let install = Task { try await test.install("2.0.0") }
            try await gate.reached()
            let result = try await install.value
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(result.reason == "code_change of counter failed in fix/fix_sup/c1: {timeout,5000}")
            #expect(try await test.call("get", of: Self.c2) == "2")
            let call = await Self.ask(test, "{add, 1}")
            gate.open()
            #expect(try await call.value == "6")
            #expect([try await test.pid(), try await test.pid(Self.c2)] == before)
        }
    }

    /// Of more than are asked in one turn one does not answer: the limit is the same for all, and costs nobody else anything.
    @Test func oneOfManyThatHangsIsTheOnlyOneLost() async throws {
        let many = await Upgrade.askedInATurn + 4
        let children = (1...many).map { "#{id => c\($0), start => {counter, start_link, [\($0)]}}" }
        let root = try TestRoot.modules(
            children: "[\(children.joined(separator: ", "))]", up: TestRoot.up(), down: TestRoot.down())
        let gate = try Gate(in: root)
        try root.installPython("counter", vsn: "1.0.0", edits: [Self.edit(.inCall, gate)])
        try await TestNode.with(root) { test async throws in
            await { @HostActor in test.node.installer.overrides.suspendTimeoutMilliseconds = 10_000 }()
            let last = "fix/fix_sup/c\(many)"
            let waiting = Task { try await test.call("wait", of: last) }
            try await gate.reached()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == [last])
            await #expect(throws: ControlError.self) { try await waiting.value }
            for number in 1..<many {
                #expect(try await test.call("get", of: "fix/fix_sup/c\(number)") == "\(number)")
            }
        }
    }

    @Test func withTerminateAWorkerThatHangsInItsExportIsLost() async throws {
        try await Self.with(.inExport, hung: .terminate) { test, gate async throws in
            _ = try await test.call("{add, 5}")
            let install = Task { try await test.install("2.0.0") }
            try await gate.reached()
            let result = try await install.value
            #expect(result.outcome == .aborted, "\(result)")
            #expect(result.lost.map(\.worker) == [TestNode.c1])
            #expect(result.lost.first?.why.hasSuffix("; started again") == true, "\(result)")
            #expect(try await test.call("get") == "0")
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.call("get", of: Self.c2) == "2")
        }
    }
}
