import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A script is one transaction: two workers with a state each, changed by two groups or by one.
@Suite(.timeLimit(.minutes(15))) struct TransactionTests {
    static let both = ["counter", "store"]
    static let store = "fix/fix_sup/s1"
    static let children = """
        [#{id => s1, start => {store, start_link, []}, sockets => [#{name => http, listen => "127.0.0.1:0"}]},
         #{id => c1, start => {counter, start_link, []}}]
        """

    /// What is known of both; an upgrade that is undone changes nothing of it.
    private static func standing(_ test: TestNode) async throws -> [String] {
        var found: [String] = []
        for worker in [TestNode.c1, store] {
            found += [
                "\(try await test.pid(worker))", try await test.call("get", of: worker),
                try await test.call("vsn", of: worker),
            ]
        }
        return found
    }

    @Test(arguments: ["fail", "crash", "hang"], [both, both.reversed()])
    func whereTheSecondGroupFailsBothGoOn(extra: String, order: [String]) async throws {
        let up = TestRoot.script(
            "2.0.0", Self.both, [TestRoot.upGroup(order[0]), TestRoot.upGroup(order[1], extra: extra)])
        try await TestNode.with(try .modules(Self.both, children: Self.children, up: up)) { test async throws in
            for worker in [TestNode.c1, Self.store] { _ = try await test.call("{add, 42}", of: worker) }
            let before = try await Self.standing(test)
            // The first group's handoff is not to be in a hurry.
            if extra == "hang" { await test.limitCodeChange(to: 8_000) }
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted, "\(result)")
            #expect(result.failedInstruction?.text == "{code_change,up,[{\(order[1]),\(extra)}]}")
            #expect(result.lost == [] && result.warnings == [], "\(result)")
            #expect(try await Self.standing(test) == before)
            // And nothing is in the way of the next try.
            try test.root.write(
                "releases/2.0.0/relup",
                TestRoot.relup(
                    up: TestRoot.script("2.0.0", Self.both, [TestRoot.upGroup(order[0]), TestRoot.upGroup(order[1])])))
            await test.limitCodeChange(to: 120_000)
            let again = try await test.install("2.0.0")
            #expect(again.outcome == .done && again.lost == [], "\(again)")
            for worker in [TestNode.c1, Self.store] {
                #expect(try await test.call("get", of: worker) == "42")
                #expect(try await test.call("vsn", of: worker) == "\"2.0.0\"")
            }
        }
    }

    // MARK: Who uses whom

    /// The user works until it is to be suspended, and needs ten answers of the store more to finish.
    private static let work = TestRoot.Edit(
        vsn: "1.0.0", what: "        elif name == \"vsn\":",
        with: """
                    elif name == "work":
                        store = socket.create_connection(("127.0.0.1", argument))
                        answers = store.makefile("rb")
                        asked, rest = False, 10
                        while rest > 0:
                            store.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
                            while answers.readline() != b"\\r\\n":
                                pass
                            last = answers.readline()
                            asked = asked or select.select([self.channel], [], [], 0)[0] != []
                            rest -= 1 if asked else 0
                        self.counter.count += 1
                        reply((self.counter.count, charlist(last.decode().split()[3])))
                    elif name == "vsn":
            """)

    /// Installs while the user is in the middle of it; what the user answers, and the result.
    private static func working(
        _ groups: [String], grace milliseconds: Int
    ) async throws -> (answer: String, result: InstallResult) {
        let up = TestRoot.script("2.0.0", both, groups)
        let root = try TestRoot.modules(both, children: children, up: up, edits: [work])
        return try await TestNode.with(root) { test async throws in
            await { @HostActor in
                test.node.installer.overrides.suspendGraceMilliseconds = milliseconds
                test.node.installer.overrides.suspendTimeoutMilliseconds = 120_000
            }()
            let port = try await test.port(store)
            _ = try await test.call("{add, 6}")
            async let answer = test.call("{work, \(port)}")
            while try await test.call("get", of: store) == "0" {}
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.lost == [], "\(result)")
            for worker in [TestNode.c1, store] {
                #expect(try await test.call("vsn", of: worker) == "\"2.0.0\"")
                #expect(try await test.ps(worker).restarts == 0)
            }
            #expect(try await test.call("get") == "7")
            return (try await answer, result)
        }
    }

    /// Named first, the user is suspended first: the store serves until it has finished what it has in hand.
    @Test func theUserFinishesWhatItHasInHand() async throws {
        let (answer, result) = try await Self.working([TestRoot.upGroup("counter", "store")], grace: 120_000)
        #expect(answer == "{7,\"1.0.0\"}")
        #expect(result.warnings == [])
    }

    /// In groups of their own, and the store first: nobody has declared the use.
    @Test func aUseThatNobodyDeclaredCommitsTheEarlierGroup() async throws {
        let (answer, result) = try await Self.working(
            [TestRoot.upGroup("store"), TestRoot.upGroup("counter")], grace: 100)
        #expect(answer == "{7,\"2.0.0\"}")
        #expect(
            result.warnings == [
                """
                fix/fix_sup/c1 did not answer within 100 ms while workers of earlier groups were held, and may use one of \
                them: those groups were committed first
                """
            ])
    }
}
