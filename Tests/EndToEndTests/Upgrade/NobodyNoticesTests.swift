import Foundation
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport
import Wire

/// Two servers with all their clients, changed in one script: 200 clients of one in C, 40 of one in Python.
///
/// A conversion fails, and then none does; no client notices anything of either.
///
/// One after the other: four times 240 connections at once would take this process past 1,024 descriptors, where
/// Foundation's `Process` crashes, which other tests start programs with.
@Suite(.serialized, .timeLimit(.minutes(15))) struct NobodyNoticesTests {
    private static let lines = "fix/fix_sup/lines"
    private static let http = "fix/fix_sup/http"
    private static let modules = ["lines", "store"]
    private static let children = """
        [#{id => lines, start => {lines, start_link, []}, sockets => [#{name => lines, listen => "127.0.0.1:0"}]},
         #{id => http, start => {store, start_link, []}, sockets => [#{name => http, listen => "127.0.0.1:0"}]}]
        """
    private static let sleep = "{apply, {timer, sleep, [1]}}"

    private static func relup(up groups: [String], down: [String]) -> String {
        TestRoot.relup(
            up: TestRoot.script("2.0.0", modules, groups), down: TestRoot.script("1.0.0", modules, down))
    }

    private static func root(_ relup: String) throws -> TestRoot {
        let root = try TestRoot()
        // The scripts are to say when time is up, not a machine that runs hundreds of other tests.
        let config =
            "[{release_handler, [{code_change_timeout, 60000}, {suspend_timeout, 60000}, {suspend_grace, 60000}]}]."
        for vsn in ["1.0.0", "2.0.0"] {
            try root.install("c-worker", as: "lines", vsn: vsn)
            try root.makeDistinct(vsn, module: "lines")
            try root.installPython("store", vsn: vsn)
            try root.release(
                vsn, children: children, config: config, relup: vsn == "1.0.0" ? nil : relup, modules: modules)
        }
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    /// A script that fails, then one that does not, while all clients ask; no one of them has anything to complain of.
    private static func expectNobodyNotices(
        _ failing: String, at instruction: String, rest: String = " as before", then good: String
    ) async throws {
        try await EndToEndDaemon.with(try root(failing)) { daemon async throws in
            let load = try ConnectionLoad([
                (try await daemon.port(lines), 200, .lines), (try await daemon.port(http), 40, .http),
            ])
            #expect(await load.untilAllAreAnswered())
            #expect(load.versions == ["1.0.0": 240])

            let failed = try await daemon.releasectl("install-release", "2.0.0")
            #expect(failed.exit == 3, "\(failed)")
            #expect(failed.error.contains(instruction), "\(failed)")
            #expect(failed.error.contains("It was rolled back: 1.0.0 runs on\(rest)."), "\(failed)")
            #expect(await load.untilAllAreAnswered())
            #expect(load.versions == ["1.0.0": 240])

            try daemon.root.write("releases/2.0.0/relup", good)
            let done = try await daemon.releasectl("install-release", "2.0.0")
            #expect(done.exit == 0, "\(done)")
            #expect(await load.untilAllAreAnswered())
            #expect(load.versions == ["2.0.0": 240])

            #expect(await load.stop() == [])
            for worker in [lines, http] { #expect(try await daemon.call("changes", of: worker) == "1") }
            #expect(try await daemon.workers().map(\.restarts) == [0, 0])
        }
    }

    private static let down = [TestRoot.downGroup("store"), TestRoot.downGroup("lines")]
    private static let good = relup(up: [TestRoot.upGroup("lines"), TestRoot.upGroup("store")], down: down)

    @Test func ofASecondConversionThatFails() async throws {
        let up = [TestRoot.upGroup("lines"), TestRoot.upGroup("store", extra: "fail")]
        try await Self.expectNobodyNotices(
            Self.relup(up: up, down: Self.down), at: "{code_change,up,[{store,fail}]}", then: Self.good)
    }

    @Test func ofASecondConversionThatFailsInC() async throws {
        let up = [TestRoot.upGroup("store"), TestRoot.upGroup("lines", extra: "fail")]
        try await Self.expectNobodyNotices(
            Self.relup(up: up, down: Self.down), at: "{code_change,up,[{lines,fail}]}", then: Self.good)
    }

    /// What the first group changed is committed before the second one fails, and is taken back by the down instructions.
    @Test(arguments: [modules, modules.reversed()])
    func ofWhatIsTakenBackAfterACommit(order: [String]) async throws {
        let up = [TestRoot.upGroup(order[0]), Self.sleep, TestRoot.upGroup(order[1], extra: "fail")]
        let down = [TestRoot.downGroup(order[1]), Self.sleep, TestRoot.downGroup(order[0])]
        let good = [TestRoot.upGroup(order[0]), Self.sleep, TestRoot.upGroup(order[1])]
        try await Self.expectNobodyNotices(
            Self.relup(up: up, down: down), at: "{code_change,up,[{\(order[1]),fail}]}",
            rest: ", with all that it had: states were converted back", then: Self.relup(up: good, down: down))
    }
}
