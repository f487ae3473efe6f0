import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What fails in an upgrade leaves the running release as it was: same process, same state, and an answer that says
/// which instruction failed, for which worker, and why.
@Suite(.timeLimit(.minutes(15))) struct UpgradeFailureTests {
    /// Installs 2.0.0, which must fail, and shows that nothing changed.
    static func failing(
        _ root: TestRoot, _ outcome: InstallResult.Outcome, armed: String? = nil
    ) async throws -> InstallResult {
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            if let armed { _ = try await test.call("{arm, \(armed)}") }
            let before = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == outcome, "\(result)")
            #expect(try await test.pid() == before)
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.call("get") == "5")
            #expect(try await test.ps().restarts == 0)
            #expect(await test.service.whichReleases().map(\.status) == [.permanent, .unpacked])
            #expect(await test.service.status().release == "1.0.0")
            // No standby is left, and the next try is not in its way.
            try await test.untilOneProcessIsLeft()
            return result
        }
    }

    @Test(arguments: ["throw", "trap"])
    func aCodeChangeThatFailsIsAborted(how: String) async throws {
        let result = try await Self.failing(try .twoVersions(extra: how), .aborted)
        #expect(result.failedInstruction?.text == "{code_change,up,[{counter,\(how)}]}")
        #expect(result.worker == TestNode.c1)
        let reason = try #require(result.reason)
        #expect(reason.hasPrefix("code_change of counter failed in fix/fix_sup/c1: "), "\(reason)")
    }

    @Test func aCodeChangeThatHangsIsAbortedAtItsLimit() async throws {
        let root = try TestRoot.twoVersions(extra: "hang")
        let result = try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            await test.limitCodeChange(to: 300)
            let result = try await test.install("2.0.0")
            #expect(try await test.call("get") == "5")
            return result
        }
        #expect(result.outcome == .aborted)
        #expect(result.reason == "code_change of counter failed in fix/fix_sup/c1: {timeout,300}")
    }

    @Test(arguments: ["export_throw", "import_throw", "import_trap"])
    func aHandoffThatFailsIsAborted(knob: String) async throws {
        let result = try await Self.failing(try .twoVersions(), .aborted, armed: knob)
        #expect(result.failedInstruction?.text == "{code_change,up,[{counter,[]}]}")
        #expect(result.worker == TestNode.c1)
    }

    @Test func aWorkerThatCrashesInItsExportIsStartedAgain() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            _ = try await test.call("{arm, export_trap}")
            let result = try await test.install("2.0.0")
            // It died, so it is started in the new code: there is no state left that an abort could keep.
            #expect(result.outcome == .done, "\(result)")
            _ = try await test.events.first("worker_restart", worker: TestNode.c1)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("get") == "0")
        }
    }

    @Test func aWorkerThatHangsIsTerminatedAndStartedInTheNewCode() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}, shutdown => brutal_kill},
             #{id => c2, start => {counter, start_link, [{count, 2}]}}]
            """
        let up = TestRoot.up().replacingOccurrences(of: "{suspend, [counter]}", with: "{suspend, [{counter, 300}]}")
        let root = try TestRoot.twoVersions(children: children, relup: TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            // The worker is in it when it is to be suspended.
            let hung = await test.hang()
            let before = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            _ = try await test.events.first("worker_hung", worker: TestNode.c1)
            #expect(try await test.pid() != before)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("get", of: "fix/fix_sup/c2") == "2")
            await #expect(throws: ControlError.self) { try await hung.value }
        }
    }

    // MARK: Found before the point of no return

    static let badModules: [(name: String, spoil: @Sendable (TestRoot, String) throws -> Void, words: String)] = [
        ("missing", { root, file in try FileManager.default.removeItem(atPath: file) }, "no such file"),
        (
            "not executable",
            { root, file in
                try FileManager.default.removeItem(atPath: file)
                try root.write("lib/fix-2.0.0/ebin/counter", "#!/bin/sh\n")
            },
            "not executable; set its executable bit (chmod +x) before the release is packed"
        ),
        (
            "for another machine",
            { root, file in
                var bytes = [UInt8](try Data(contentsOf: URL(filePath: file)).prefix(4096))
                bytes[18] = 40
                bytes[19] = 0
                try FileManager.default.removeItem(atPath: file)
                try Data(bytes).write(to: URL(filePath: file))
                chmod(file, 0o755)
            },
            "built for ARM, this machine is x86-64"
        ),
        (
            "a script without its interpreter",
            { root, file in
                try FileManager.default.removeItem(atPath: file)
                try root.write("lib/fix-2.0.0/ebin/counter", "#!/no/such/interpreter\n")
                chmod(file, 0o755)
            },
            "its interpreter /no/such/interpreter does not exist here"
        ),
    ]

    @Test(arguments: badModules.indices)
    func aModulesFileThatCannotRunIsRefused(index: Int) async throws {
        let (_, spoil, words) = Self.badModules[index]
        let root = try TestRoot.twoVersions()
        try spoil(root, "\(root.root)/lib/fix-2.0.0/ebin/counter")
        let file = "\(root.root)/lib/fix-2.0.0/ebin/counter"
        try await TestNode.with(root) { test async throws in
            let refusal = try await test.refusedBeforehand()
            let instruction = "instruction 1, {load_object_code,{fix,\"2.0.0\",[counter]}}"
            #expect(
                refusal.hasPrefix("\(instruction): object code of counter: \(file): \(words)"), "\(refusal)")
        }
    }

    @Test(arguments: ["crash_at_start", "exit_at_start", "garbage_at_start", "oversize_at_start"])
    func newCodeThatCannotStartIsRefused(knob: String) async throws {
        let root = try TestRoot.twoVersions()
        try root.write("lib/fix-2.0.0/priv/knobs", knob)
        let result = try await Self.failing(root, .refused)
        #expect(result.failedInstruction?.index == 0)
        #expect(result.worker == TestNode.c1)
        let reason = try #require(result.reason)
        #expect(reason.hasPrefix("new code of counter does not start for fix/fix_sup/c1: "), "\(reason)")
    }

    @Test(arguments: ["hang_at_start", "close_channel_at_start"])
    func newCodeThatNeverAcknowledgesIsRefused(knob: String) async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, start_timeout => 2000}]"
        let root = try TestRoot.twoVersions(children: children)
        try root.write("lib/fix-2.0.0/priv/knobs", knob)
        let result = try await Self.failing(root, .refused)
        #expect(result.worker == TestNode.c1)
    }

    @Test func oldCodeThatIsStillRunRefusesASoftPurge() async throws {
        // 2.0.0 loads without a suspend: its worker goes on in old code, so a third version can't come softly.
        let careless = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {load, {counter, soft_purge, soft_purge}}
            """
        let careful = """
            {load_object_code, {fix, "3.0.0", [counter]}}, point_of_no_return, {suspend, [counter]},
            {load, {counter, soft_purge, soft_purge}}, {code_change, up, [{counter, []}]}, {resume, [counter]}
            """
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0", "3.0.0"] { try root.install(vsn: vsn) }
        // The same bytes are the same code: make them differ.
        for vsn in ["2.0.0", "3.0.0"] { try root.makeDistinct(vsn) }
        try root.release("1.0.0")
        try root.release("2.0.0", relup: TestRoot.relup(up: careless))
        try root.release("3.0.0", relup: "{\"3.0.0\", [{\"2.0.0\", [], [\(careful)]}], []}.")
        try root.register(["1.0.0", "2.0.0", "3.0.0"])
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.pid() == pid)
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(
                try await test.refusedBeforehand("3.0.0") == """
                    instruction 4, {load,{counter,soft_purge,soft_purge}}: fix/fix_sup/c1 still runs old code of counter, which the script purges softly; restart it or use \
                    brutal_purge
                    """)
            #expect(try await test.pid() == pid)
        }
    }
}
