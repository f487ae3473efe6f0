import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport
import Terms
import Instructions
import ReleaseHandling

/// A large `intensity` and a start that fails at once: the node is there for others all the time.
@Suite(.timeLimit(.minutes(15))) struct EndlessRestartTests {
    static let flags = "#{intensity => 1000000000, period => 1}"

    @Test func ofASupervisorThatCantBeRead() async throws {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0",
            children: "[#{id => sub, type => supervisor, start => {sub_sup, start_link, []}, modules => [sub_sup]}]",
            flags: Self.flags, config: "[{fix, [{n, 0}]}].")
        try root.write(
            "lib/fix-1.0.0/ebin/sub_sup.sup",
            """
            {ok, {#{intensity => {'$env', n, 0}, period => 60}, [#{id => c1, start => {counter, start_link, []}}]}}.
            """)
        try root.register(["1.0.0"])
        try await Self.survives(root, worker: "fix/fix_sup/sub/c1") { test in
            _ = try await test.service.setEnv("fix", key: "n", value: "bad", peer: TestNode.peer)
        }
    }

    @Test func ofAProgramOfNoSuchUser() async throws {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", flags: Self.flags)
        try root.register(["1.0.0"])
        try await Self.survives(root, worker: TestNode.c1) { test in
            // Its program goes: every start fails at once.
            await { @HostActor in test.node.code.apply(.replacePath([.init(name: "fix", vsn: "0", directory: "no")]))
            }()
            await { @HostActor in test.node.code.apply(.remove("counter")) }()
        }
    }

    private static func survives(
        _ root: TestRoot, worker: String, _ spoil: @Sendable (TestNode) async throws -> Void
    ) async throws {
        try await TestNode.with(root) { test async throws in
            try await spoil(test)
            let before = await test.events.last
            await { @HostActor in test.node.tree.place(named: worker)?.end(reason: .atom("enough")) }()
            // It fails again and again, and questions are answered in between.
            for _ in 1...3 { _ = try await test.events.first(after: before) { $0.kind == "start_error" } }
            #expect(await test.service.status().state == .running)
        }
    }
}
