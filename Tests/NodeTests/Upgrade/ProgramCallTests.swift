import Foundation
import Glibc
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `apply` of a program of the release, with real processes: what it is given, what becomes of its answer, and what it can't do.
@Suite(.timeLimit(.minutes(15))) struct ProgramCallTests {
    static let call = "{apply, {migrate, run, [\"2.0.0\", {a, <<\"b c\">>}]}}"

    /// Two versions of the counter; the script up has the call where it is said.
    private func root(_ script: String, up: (String) -> String = { "\($0), \(call)" }, timeout: Int = 60_000) throws
        -> TestRoot
    {
        let root = try TestRoot()
        let config = "[{release_handler, [{apply_timeout, \(timeout)}]}]."
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, config: config,
                relup: vsn == "2.0.0" ? TestRoot.relup(up: up(TestRoot.up()), down: TestRoot.down()) : nil)
            try root.installPython(vsn: vsn)
        }
        try root.write("lib/fix-2.0.0/ebin/migrate", "#!/bin/sh\n\(script)\n")
        chmod("\(root.root)/lib/fix-2.0.0/ebin/migrate", 0o755)
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private func installed(_ root: TestRoot, _ body: (@Sendable (TestNode, InstallResult) async throws -> Void)? = nil)
        async throws -> InstallResult
    {
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let pid = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(try await test.call("get") == "5", "\(result)")
            if result.outcome != .done { #expect(try await test.pid() == pid, "\(result)") }
            try await body?(test, result)
            return result
        }
    }

    @Test func itGetsFunctionAndArguments() async throws {
        let root = try root(
            "cat > got; echo \"$1 $RELEASE_VSN $PWD\" >> got; echo something on the way >&2; echo '{ok, 1}.'")
        let got = "\(root.root)/got"
        _ = try await installed(root) { test, result in
            #expect(result.outcome == .done && result.warnings == [], "\(result)")
            let text = try String(contentsOfFile: got, encoding: .utf8)
            #expect(text == "{run,[\"2.0.0\",{a,<<\"b c\">>}]}.\nrun 2.0.0 \(test.root.root)\n")
        }
    }

    @Test func nothingIsOk() async throws {
        let result = try await installed(try root("exit 0"))
        #expect(result.outcome == .done && result.warnings == [], "\(result)")
    }

    /// After the point of no return it is told, and the upgrade is done.
    @Test func anErrorItAnswersIsAWarning() async throws {
        let result = try await installed(try root("echo '{error, no_room}'"))
        #expect(result.outcome == .done, "\(result)")
        #expect(result.warnings == ["migrate:run answered {error,no_room}"])
    }

    /// Nobody is resumed before it: the old processes go on, and no node restarts.
    @Test(arguments: [
        ("echo broken >&2; exit 3", "{{exit_status,3},<<\"PATH exited with status 3: broken\">>}"),
        ("kill -9 $$", "{{signal,sigkill},<<\"PATH was ended by SIGKILL\">>}"),
        ("echo '{ok,'", "{bad_answer,<<\"its answer is no term: "),
        ("yes 0123456789 | head -c 100000", "{bad_answer,<<\"its answer is over the limit of 65536 bytes\">>}"),
        (
            "head -c 20000 /dev/zero | tr '\\0' x",
            "{bad_answer,<<\"a line of its answer is over the limit of 8188 bytes\">>}"
        ),
    ]) func oneThatBreaksOffIsAborted(script: String, reason: String) async throws {
        let before: (String) -> String = {
            $0.replacing("{suspend, [counter]}", with: "\(Self.call), {suspend, [counter]}")
        }
        let root = try root(script, up: before)
        let reason = reason.replacing("PATH", with: "\(root.root)/lib/fix-2.0.0/ebin/migrate")
        let result = try await installed(root)
        #expect(result.outcome == .aborted && result.lost == [], "\(result)")
        #expect(result.reason?.contains(reason) == true, "\(result)")
        #expect(result.warnings.contains("what migrate may have done before it failed is not taken back"), "\(result)")
    }

    /// Where the workers were resumed already, they go back by the script for the other direction.
    @Test func afterACommitTheWayBackIsTaken() async throws {
        try await TestNode.with(try root("exit 3")) { test async throws in
            _ = try await test.call("{add, 5}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(try await test.call("get") == "5")
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.ps().restarts == 0)
        }
    }

    @Test func oneThatTakesTooLongIsEndedWithAllThatItStarted() async throws {
        let before: (String) -> String = {
            $0.replacing("{suspend, [counter]}", with: "\(Self.call), {suspend, [counter]}")
        }
        let root = try root("sleep 1000 & echo $! > pids; echo $$ >> pids; wait", up: before, timeout: 3_000)
        let file = "\(root.root)/pids"
        let result = try await installed(root) { _, _ in
            let pids = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { pid_t($0) }
            #expect(pids.count == 2)
            for pid in pids { while kill(pid, 0) == 0 { await Task.yield() } }
        }
        #expect(result.outcome == .aborted, "\(result)")
        #expect(result.reason?.contains("{timeout,3000}") == true, "\(result)")
    }

    /// As a worker's is: `touch` and `cp` change no program.
    @Test func theSameBytesPutBackAreCalled() async throws {
        let root = try root("exit 0")
        let gate = try Gate(in: root)
        try root.installPython(
            "counter", vsn: "2.0.0",
            edits: [
                TestRoot.Edit(
                    vsn: "2.0.0", what: "    def import_state(self, ref, announced):\n",
                    with: "    def import_state(self, ref, announced):\n        \(gate.line)\n")
            ])
        let program = "\(root.root)/lib/fix-2.0.0/ebin/migrate"
        try await TestNode.with(root) { test async throws in
            async let installed = test.install("2.0.0")
            try await gate.reached()
            try FileManager.default.copyItem(atPath: program, toPath: program + ".copy")
            #expect(rename(program + ".copy", program) == 0)
            gate.open()
            let result = try await installed
            #expect(result.outcome == .done && result.warnings == [], "\(result)")
        }
    }

    /// Before the point of no return it is of the release that runs, and refuses what comes after it.
    @Test func beforeThePointOfNoReturnAnErrorRefuses() async throws {
        let early: (String) -> String = {
            $0.replacing("point_of_no_return", with: "\(Self.call), point_of_no_return")
        }
        let root = try root("exit 0", up: early)
        try root.write("lib/fix-1.0.0/ebin/migrate", "#!/bin/sh\necho '{error, not_today}'\n")
        chmod("\(root.root)/lib/fix-1.0.0/ebin/migrate", 0o755)
        let result = try await installed(root)
        #expect(result.outcome == .refused && result.reason?.contains("not_today") == true, "\(result)")
    }

    @Test(arguments: [
        (
            "{apply, {counter, run, []}}",
            "counter:run/0 can't be called: ROOT/lib/fix-2.0.0/ebin/counter is a worker's program"
        ),
        (
            "{apply, {fix_sup, run, []}}",
            "fix_sup:run/0 can't be called: ROOT/lib/fix-2.0.0/ebin/fix_sup.sup is no program"
        ),
        (
            "{apply, {nobody, run, []}}",
            "nobody:run/0 is no built-in function, and the release has no program or library ebin/nobody"
        ),
    ]) func whatCanNotBeCalledIsKnownBefore(call: String, sentence: String) async throws {
        let root = try root("exit 0", up: { "\($0), \(call)" })
        let sentence = sentence.replacing("ROOT", with: root.root)
        try await TestNode.with(root) { test async throws in
            #expect(try await test.refusedBeforehand().contains(sentence))
        }
    }

    /// The node does not wait for it, and leaves it nowhere.
    @Test func theNodesEndEndsIt() async throws {
        let root = try root("echo $$ > pid; exec sleep 1000")
        let file = "\(root.root)/pid"
        let installing = try await TestNode.with(root) { test async throws in
            let installing = Task { try? await test.install("2.0.0") }
            while (try? String(contentsOfFile: file, encoding: .utf8))?.hasSuffix("\n") != true { await Task.yield() }
            return installing
        }
        _ = await installing.value
    }
}
