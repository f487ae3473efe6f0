import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What people are told of starts that failed, and of what does not run.
@Suite(.timeLimit(.minutes(15))) struct FailedStartTests {
    private static let inner = """
        [#{id => c1, start => {counter, start_link, []}},
         #{id => bad, start => {bad_sup, start_link, []}, type => supervisor}]
        """

    private static func root(_ children: String = TestRoot.oneCounter) throws -> TestRoot {
        try SupervisionProcessTests.oneVersion(children: children)
    }

    private static func start(_ spec: String, of supervisor: String = "fix_sup", _ test: TestNode) async -> String {
        await test.refusal {
            try await test.service.startChild(supervisor: supervisor, spec: spec, peer: TestNode.peer)
        }
    }

    private static func ebin(_ root: TestRoot) -> String { "\(root.root)/lib/fix-1.0.0/ebin" }

    // MARK: Modules that are not there

    @Test func whatWasLookedForIsSaid() async throws {
        let root = try Self.root()
        let (spec, ebin) = ("#{id => c2, start => {nomod, start_link, []}}", Self.ebin(root))
        try await TestNode.with(root) { test async throws in
            let worker = await Self.start(spec, test)
            #expect(
                worker == """
                    child_start_failed: child c2 of fix/fix_sup could not be started: {undef,nomod}: there is no executable \
                    nomod in \(ebin)
                    """)
            let supervisor = await Self.start(
                "#{id => s, start => {bad_sup, start_link, []}, type => supervisor}", test)
            #expect(
                supervisor == """
                    child_start_failed: child s of fix/fix_sup could not be started: {undef,bad_sup}: there is no \
                    bad_sup.sup in \(ebin)
                    """)
            let event = try await test.events.first("start_error", worker: "fix/fix_sup/c2")
            #expect(
                event.message == """
                    fix/fix_sup/c2 failed to start: {undef,nomod}: there is neither an executable nomod nor a nomod.sup in \
                    \(ebin)
                    """)
            #expect(event.fields["reason"] == "{undef,nomod}")
            // A reason that the worker itself gave is about something else.
            let own = await Self.start(
                "#{id => c3, start => {counter, start_link, [{init_throw, {undef, counter}}]}}", test)
            #expect(
                own == "child_start_failed: child c3 of fix/fix_sup could not be started: {undef,counter}", "\(own)")
        }
    }

    @Test func soIsAFailedBoots() async throws {
        let root = try Self.root("[#{id => c1, start => {nomod, start_link, []}}]")
        let failure = try await TestNode.failingToBoot(root)
        #expect(
            failure.hasSuffix(
                ": there is neither an executable nomod nor a nomod.sup in \(Self.ebin(root))"), "\(failure)")
    }

    @Test func soIsAnApplications() async throws {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0", children: "[#{id => c1, start => {nomod, start_link, []}}]", type: "temporary")
        try root.register(["1.0.0"])
        let words = ": there is neither an executable nomod nor a nomod.sup in \(Self.ebin(root))"
        try await TestNode.with(root) { test async throws in
            let event = try await test.events.first("application_failed")
            #expect(event.message.hasSuffix(words), "\(event.message)")
            let told = await test.refusal {
                try await test.service.startApplication("fix", type: nil, peer: TestNode.peer)
            }
            #expect(told.hasPrefix("application_start_failed:") && told.hasSuffix(words), "\(told)")
        }
    }

    // MARK: Events

    @Test func aStartByHandThatFailsIsToldOnce() async throws {
        let root = try Self.root()
        let spec = "#{id => c2, start => {counter, start_link, [{init_throw, boom}]}}"
        try await TestNode.with(root) { test async throws in
            func told(_ worker: String) async -> [String] {
                await test.events.all.filter { $0.kind == "start_error" && $0.worker == worker }.map(\.message)
            }
            _ = await Self.start(spec, test)
            _ = try await test.events.first("start_error", worker: "fix/fix_sup/c2")
            #expect(await told("fix/fix_sup/c2") == ["fix/fix_sup/c2 failed to start: boom"])
            // A child that was there and does not come back; what marks the end of the events is one more start.
            let good = "#{id => c3, start => {os, start, [\"\(root.root)/once\"]}, notify => false, modules => []}"
            try root.write("once", "#!/bin/sh\nexec sleep 1000\n")
            chmod("\(root.root)/once", 0o755)
            _ = try await test.service.startChild(supervisor: "fix_sup", spec: good, peer: TestNode.peer)
            _ = try await test.service.terminateChild(supervisor: "fix_sup", id: "c3", peer: TestNode.peer)
            chmod("\(root.root)/once", 0o644)
            let refusal = await test.refusal {
                try await test.service.restartChild(supervisor: "fix_sup", id: "c3", peer: TestNode.peer)
            }
            #expect(refusal.hasPrefix("child_start_failed:"), "\(refusal)")
            _ = try await test.events.first("start_error", worker: "fix/fix_sup/c3")
            #expect(await told("fix/fix_sup/c3").count == 1)
        }
    }

    @Test func soIsThatOfADynamicChild() async throws {
        let root = try SupervisionProcessTests.oneVersion(
            children: TestRoot.oneCounter, flags: "#{strategy => simple_one_for_one}")
        try await TestNode.with(root) { test async throws in
            _ = await Self.start("[{init_throw, boom}]", test)
            let event = try await test.events.first("start_error", worker: "fix/fix_sup/1")
            #expect(event.message == "fix/fix_sup/1 failed to start: boom")
        }
    }

    // MARK: What does not run

    @Test func aSupervisorThatIsDownIsSaidToBe() async throws {
        let root = try Self.root(Self.inner)
        try root.write("lib/fix-1.0.0/ebin/bad_sup.sup", "{ok, {#{}, []}}.")
        try await TestNode.with(root) { test async throws in
            _ = try await test.service.terminateChild(supervisor: "fix_sup", id: "bad", peer: TestNode.peer)
            let sentence = """
                no_such_supervisor: fix/fix_sup/bad does not run: start it with `releasectl restart-child fix/fix_sup bad`
                """
            for name in ["bad_sup", "bad", "fix/fix_sup/bad"] {
                #expect(await test.refusal { try await test.service.whichChildren(supervisor: name) } == sentence)
            }
            _ = try await test.service.restartChild(supervisor: "fix/fix_sup", id: "bad", peer: TestNode.peer)
            #expect(try await test.service.whichChildren(supervisor: "bad").children.isEmpty)
        }
    }

    @Test func callsThatNobodyTakes() async throws {
        let root = try Self.root(
            """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => p1, start => {os, start, ["/bin/sleep", "1000"]}, modules => []},
             #{id => gone, start => {counter, start_link, [ignore]}}]
            """)
        try await TestNode.with(root) { test async throws in
            #expect(
                await test.refusal { try await test.call("get", of: "fix/fix_sup/p1") }
                    == "worker_error: fix/fix_sup/p1 is an unmodified program: it answers no calls")
            #expect(
                await test.refusal { try await test.call("get", of: "fix/fix_sup") }
                    == "no_such_worker: fix/fix_sup is a supervisor and no worker; see releasectl which-children fix/fix_sup"
            )
            #expect(
                await test.refusal { try await test.call("get", of: "fix/fix_sup/c9") }
                    == "no_such_worker: no worker fix/fix_sup/c9 in the tree; near it: fix/fix_sup/c1; see releasectl tree"
            )
            _ = try await test.service.terminateChild(supervisor: "fix_sup", id: "c1", peer: TestNode.peer)
            #expect(await test.refusal { try await test.call("get") } == "worker_error: fix/fix_sup/c1 does not run")
            let hanging = Task {
                await Self.start(
                    "#{id => c2, start => {counter, start_link, [init_hang]}, start_timeout => 600000}", test)
            }
            while await test.node.tree.place(named: "fix/fix_sup/c2") == nil { await Task.yield() }
            #expect(
                await test.refusal { try await test.call("get", of: "fix/fix_sup/c2") }
                    == "worker_error: fix/fix_sup/c2 does not run yet: it is being started")
            _ = try await test.service.stopApplication("fix", peer: TestNode.peer)
            _ = await hanging.value
        }
    }

    // MARK: Configuration

    @Test func anIncludeThatIsMissingIsToldWithWhoIncludesIt() async throws {
        let root = try Self.root()
        try root.write("releases/1.0.0/sys.config", "[\"more\"].")
        let directory = "\(root.root)/releases/1.0.0"
        #expect(
            try await TestNode.failingToBoot(root)
                == "\(directory)/sys.config: it includes \"more\", and there is no file \(directory)/more.config")
    }
}
