import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Included applications with real processes: their environment, their start phases, and being started by themselves.
@Suite(.timeLimit(.minutes(15))) struct IncludedApplicationTests {
    /// `fix` includes `inc`, whose supervisor and worker are in its tree.
    private static func root(
        mod: String = "{application_starter, [fix_sup, []]}", incPhases: String = "[{last, 20}, {other, 400}]",
        config: String = "[]."
    ) throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        let children = """
            [#{id => c1, start => {counter, start_link, []}, start_phases => [first, last]},
             #{id => inc_sup, start => {inc_sup, start_link, []}, type => supervisor, shutdown => infinity}]
            """
        try root.release("1.0.0", children: children, config: config)
        try root.write(
            "lib/fix-1.0.0/ebin/fix.app",
            """
            {application, fix, [{vsn, "1.0.0"}, {description, ""}, {modules, [fix_sup, counter]}, {registered, []},
                                {applications, []}, {included_applications, [inc]}, {env, [{greeting, hello}]},
                                {mod, \(mod)}, {start_phases, [{first, 1}, {last, 2}]}]}.
            """)
        try root.write(
            "lib/inc-1.0.0/ebin/inc.app",
            """
            {application, inc, [{vsn, "1.0.0"}, {description, ""}, {modules, [inc_sup]}, {registered, []},
                                {applications, []}, {env, [{greeting, inner}, {workers, w1}]},
                                {mod, {inc_sup, []}}, {start_phases, \(incPhases)}]}.
            """)
        try root.write(
            "lib/inc-1.0.0/ebin/inc_sup.sup",
            """
            {ok, {#{}, [#{id => {'$env', workers, none}, start => {counter, start_link, []},
                          start_phases => [first, last, other]}]}}.
            """)
        try root.write(
            "releases/1.0.0/fix.rel",
            """
            {release, {"fix", "1.0.0"}, {erts, "\(Emulator.vsn)"}, [{fix, "1.0.0"}, {inc, "1.0.0"}]}.
            """)
        try root.write(
            "releases/RELEASES",
            """
            [{release, "fix", "1.0.0", "\(Emulator.vsn)",
              [{fix, "1.0.0", "lib/fix-1.0.0"}, {inc, "1.0.0", "lib/inc-1.0.0"}], permanent}].
            """)
        return root
    }

    private static let inner = "fix/fix_sup/inc_sup/w1"

    @Test func itHasAnEnvironmentOfItsOwn() async throws {
        let config = "[{inc, [{more, {'$env', greeting, none}}]}, {fix, [{workers, w9}]}]."
        try await TestNode.with(try Self.root(config: config)) { test async throws in
            // The supervisor's '$env', and what its worker and the one of the including application have.
            #expect(try await test.call("{env, greeting}", of: Self.inner) == "inner")
            #expect(try await test.call("{env, more}", of: Self.inner) == "inner")
            #expect(try await test.call("{env, greeting}") == "hello")
            #expect(try await test.call("{env, workers}") == "w9")
            // Who is told is who has it.
            _ = try await test.service.setEnv("inc", key: "greeting", value: "changed", peer: TestNode.peer)
            #expect(try await test.call("{env, greeting}", of: Self.inner) == "changed")
            #expect(try await test.call("{env, greeting}") == "hello")
            _ = try await test.service.setEnv("fix", key: "greeting", value: "outer", peer: TestNode.peer)
            #expect(try await test.call("{env, greeting}", of: Self.inner) == "changed")
            #expect(try await test.call("{env, greeting}") == "outer")
        }
    }

    @Test func itTakesPartInThePhasesThatItsIncluderHasToo() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            #expect(try await test.call("get") == "12")
            #expect(try await test.call("get", of: Self.inner) == "20")
        }
    }

    @Test func withoutTheApplicationStarterItTakesNoPart() async throws {
        try await TestNode.with(try Self.root(mod: "{fix_sup, []}")) { test async throws in
            #expect(try await test.call("get") == "12")
            #expect(try await test.call("get", of: Self.inner) == "0")
        }
    }

    @Test func withoutPhasesOfItsOwnTheStartFails() async throws {
        let failure = try await TestNode.failingToBoot(try Self.root(incPhases: "undefined"))
        #expect(failure.contains("{application_start_failure,fix,{start_phases_undefined,inc}}"), "\(failure)")
    }

    /// OTP starts an included application that is asked for like any other, beside the one in its includer's tree.
    @Test func itMayBeStartedByItself() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            #expect(await test.service.whichApplications().applications.map(\.state) == [.running, .loaded])
            let answer = try await test.service.startApplication("inc", type: "temporary", peer: TestNode.peer)
            #expect(answer.reply == "ok")
            #expect(try await test.call("{env, greeting}", of: "inc/inc_sup/w1") == "inner")
            #expect(try await test.call("get", of: "inc/inc_sup/w1") == "600")
            #expect(try await test.call("get", of: Self.inner) == "20")
        }
    }
}
