import Foundation
import Glibc
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `apply` of a function of a functional module, with real processes: what it is given, what becomes of its answer, and who is lost where
/// it fails.
@Suite(.timeLimit(.minutes(15))) struct LibraryCallTests {
    static func call(_ function: String, _ arguments: String = "", of module: String = "format") -> String {
        "{apply, {\(module), \(function), [\(arguments)]}}"
    }

    /// Before anybody is suspended, behind the point of no return.
    static func early(_ call: String) -> String {
        TestRoot.up().replacing("{suspend, [counter]}", with: "\(call), {suspend, [counter]}")
    }

    static func late(_ call: String) -> String { "\(TestRoot.up()), \(call)" }

    /// Before the point of no return.
    static func first(_ call: String) -> String {
        TestRoot.up().replacing("point_of_no_return", with: "\(call), point_of_no_return")
    }

    /// Two versions of the counter, whose worker has nothing to do with the module that is called.
    private func root(
        up: String, down: String = TestRoot.down(), timeout: Int = 60_000, _ definitions: [String] = []
    ) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try root.install(vsn: vsn)
            try root.release(
                vsn, config: "[{release_handler, [{apply_timeout, \(timeout)}]}].",
                relup: vsn == "2.0.0" ? TestRoot.relup(up: up, down: down) : nil,
                modules: ["counter", "format"])
            try root.module(vsn: vsn, vsn == "2.0.0" ? definitions : [])
        }
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private func installed(
        _ root: TestRoot, _ body: (@Sendable (TestNode, InstallResult) async throws -> Void)? = nil
    ) async throws -> InstallResult {
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let pid = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(try await test.call("get") == "5", "\(result)")
            #expect(try await test.ps().restarts == 0, "\(result)")
            #expect(result.lost == [], "\(result)")
            if result.outcome != .done, result.wasTakenBack != true {
                #expect(try await test.pid() == pid, "\(result)")
            }
            try await body?(test, result)
            return result
        }
    }

    // MARK: Its answer

    @Test(arguments: ["version", "echo", "nothing", "says"])
    func whatItAnswersIsTheCallsValue(function: String) async throws {
        let call = Self.call(function)
        let up = Self.late(call).replacing("point_of_no_return", with: "\(call), point_of_no_return, \(call)")
        let result = try await installed(try root(up: up))
        #expect(result.outcome == .done && result.warnings == [], "\(result)")
    }

    /// What it answered is in the file that tells of a failed upgrade.
    @Test func theArgumentsArrive() async throws {
        let echo = Self.call("echo", "1, {a, <<\"b c\">>}, \"text\"")
        let up = Self.early(Self.call("fails")).replacing("point_of_no_return", with: "\(echo), point_of_no_return")
        let result = try await installed(try root(up: up)) { _, result async throws in
            let path = try #require(result.trace)
            let trace = try String(contentsOfFile: path, encoding: .utf8)
            #expect(trace.contains("{applied,[1,{a,<<\"b c\">>},\"text\"]}"), "\(trace)")
        }
        #expect(result.outcome == .aborted, "\(result)")
    }

    /// After the point of no return it is told, and the upgrade is done.
    @Test func anErrorItAnswersIsAWarning() async throws {
        let result = try await installed(try root(up: Self.late(Self.call("refuses", "no_room, 7"))))
        #expect(result.outcome == .done, "\(result)")
        #expect(result.warnings == ["format:refuses answered {error,[no_room,7]}"])
    }

    /// Before the point of no return it is of the release that runs, after it of the one that is gone to.
    @Test func whatItPrintsIsTold() async throws {
        let call = Self.call("place")
        let up = Self.late("\(Self.call("says")), \(call)")
        let root = try root(
            up: up.replacing("point_of_no_return", with: "\(call), point_of_no_return"),
            down: "\(TestRoot.down()), \(call)")
        let place = "of \(root.root) in \(root.root)"
        try await TestNode.with(root) { test async throws in
            for vsn in ["2.0.0", "1.0.0"] {
                let result = try await test.install(vsn)
                #expect(result.outcome == .done && result.warnings == [], "\(result)")
            }
            let told = await test.events.all.filter { $0.kind == "relup_output" }.map(\.message)
            #expect(
                told == [
                    "format: 1.0.0 for 2.0.0 \(place)", "format: something on the way",
                    "format: 2.0.0 for 2.0.0 \(place)", "format: 1.0.0 for 1.0.0 \(place)",
                ])
        }
    }

    // MARK: What goes wrong

    static let failures = [
        ("fails", "format:fails/0 failed: {no_room,7}"),
        ("crashes", "format:crashes/0 failed: {{signal,sigabrt},<<\"PATH was ended by SIGABRT\">>}"),
        ("garbage", "format:garbage/0 failed: {bad_answer,<<\"its answer is no term: "),
        ("floods", "format:floods/0 failed: {bad_answer,<<\"its answer is over 16777216 bytes\">>}"),
    ]

    /// Nobody is resumed before it: the old processes go on, and no node restarts.
    @Test(arguments: failures)
    func oneThatFailsIsAborted(function: String, reason: String) async throws {
        let root = try root(up: Self.early(Self.call(function)))
        let reason = reason.replacing("PATH", with: "\(root.root)/lib/fix-2.0.0/ebin/format.so")
        let result = try await installed(root)
        #expect(result.outcome == .aborted, "\(result)")
        #expect(result.reason?.hasPrefix(reason) == true, "\(result)")
        #expect(result.warnings.contains("what format may have done before it failed is not taken back"), "\(result)")
    }

    /// Where the workers were resumed already, they go back by the script for the other direction.
    @Test func afterACommitTheWayBackIsTaken() async throws {
        let result = try await installed(try root(up: Self.late(Self.call("crashes")))) { test, _ async throws in
            #expect(try await test.call("vsn") == "\"1.0.0\"")
        }
        #expect(result.outcome == .aborted && result.wasTakenBack == true, "\(result)")
    }

    /// Before the point of no return it is of the release that runs, and an error it answers refuses, too.
    @Test(arguments: failures + [("refuses", "format:refuses/0 failed: {error,[]}")])
    func beforeThePointOfNoReturnItIsRefused(function: String, reason: String) async throws {
        let root = try root(up: Self.first(Self.call(function)))
        let reason = reason.replacing("PATH", with: "\(root.root)/lib/fix-1.0.0/ebin/format.so")
        let result = try await installed(root) { test, _ async throws in
            #expect(await test.service.status().state == .running)
        }
        #expect(result.outcome == .refused, "\(result)")
        #expect(result.reason?.hasPrefix(reason) == true, "\(result)")
    }

    @Test(arguments: [true, false]) func oneThatTakesTooLongIsKilled(isEarly: Bool) async throws {
        let call = Self.call("waits")
        let root = try root(up: isEarly ? Self.first(call) : Self.early(call), timeout: 1_000)
        let result = try await installed(root) { test, _ async throws in
            let told = try await test.events.first { $0.message.hasPrefix("format: process ") }
            let pid = try #require(told.message.split(separator: " ").last.flatMap { pid_t($0) })
            while kill(pid, 0) == 0 { await Task.yield() }
        }
        #expect(result.outcome == (isEarly ? InstallResult.Outcome.refused : .aborted), "\(result)")
        #expect(result.reason == "format:waits/0 failed: {timeout,1000}", "\(result)")
    }

    /// A library that is called only was not loaded before, as one that the script loads is.
    @Test(arguments: [
        (["CRASHES_AT_LOAD"], "{{signal,sigabrt},<<\"PATH was ended by SIGABRT\">>}"),
        (["NAME=\"other\""], "format.so says that its name is other"),
    ]) func oneThatCanNotBeLoadedIsAborted(definitions: [String], reason: String) async throws {
        let root = try root(up: Self.early(Self.call("nothing")))
        let library = "\(root.root)/lib/fix-2.0.0/ebin/format.so"
        let name = definitions[0].hasPrefix("NAME") ? [] : ["NAME=\"format\""]
        try ModuleLibrary.build(["VSN=\"2.0.0\""] + name + definitions, at: library)
        let result = try await installed(root)
        #expect(result.outcome == .aborted, "\(result)")
        #expect(result.reason == "format:nothing/0 failed: \(reason.replacing("PATH", with: library))", "\(result)")
    }

    /// The node does not wait for it, and leaves it nowhere.
    @Test func theNodesEndEndsIt() async throws {
        let root = try root(up: Self.late(Self.call("waits")))
        let (installing, pid) = try await TestNode.with(root) { test async throws in
            let installing = Task { try? await test.install("2.0.0") }
            let told = try await test.events.first { $0.message.hasPrefix("format: process ") }
            return (installing, try #require(told.message.split(separator: " ").last.flatMap { pid_t($0) }))
        }
        _ = await installing.value
        while kill(pid, 0) == 0 { await Task.yield() }
    }

    // MARK: What is known before

    @Test(arguments: [
        (
            late(call("other")),
            "format:other/0 can't be called: ROOT/lib/fix-2.0.0/ebin/format.so has no function other; it has crashes, "
        ),
        (
            first(call("other", "1, 2")),
            "format:other/2 can't be called: ROOT/lib/fix-1.0.0/ebin/format.so has no function other; it has crashes, "
        ),
        (
            late(call("control", of: "tally")),
            "tally:control/0 can't be called: ROOT/lib/fix-2.0.0/ebin/tally.so is a driver"
        ),
    ]) func whatCanNotBeCalledIsRefusedBeforehand(up: String, sentence: String) async throws {
        let root = try root(up: up)
        try root.driver("tally", vsn: "2.0.0")
        let sentence = sentence.replacing("ROOT", with: root.root)
        try await TestNode.with(root) { test async throws in
            let refusal = try await test.refusedBeforehand()
            #expect(refusal.contains(sentence), "\(refusal)")
        }
    }
}
