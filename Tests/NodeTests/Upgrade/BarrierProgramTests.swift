import Foundation
import Glibc
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `sync_nodes` with a barrier program of the release's own: what it is told, what it may say, and what it can't do.
@Suite(.timeLimit(.minutes(15))) struct BarrierProgramTests {
    static let others = "['b@h', 'c@h']"

    /// Two versions of the counter; `bin/barrier` is a script, and nobody is suspended before it has answered.
    private static func root(
        _ script: String, sync: String = "{sync_nodes, {step, 1}, \(others)}", timeout: Int = 60_000,
        config: String? = nil, members: String? = nil
    ) throws -> TestRoot {
        let root = try TestRoot()
        let config = config ?? "{sync_nodes, {\"bin/barrier\", [\"-q\"], \(timeout)}}"
        let up = TestRoot.up().replacing("{suspend, [counter]}", with: "\(sync), {suspend, [counter]}")
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, config: "[{release_handler, [\(config)]}].",
                relup: vsn == "2.0.0" ? TestRoot.relup(up: up, down: TestRoot.down()) : nil)
            try root.installPython(vsn: vsn)
        }
        try root.write("bin/barrier", "#!/bin/sh\n\(script)\n")
        chmod("\(root.root)/bin/barrier", 0o755)
        if let members {
            try root.write("lib/fix-2.0.0/ebin/members", "#!/bin/sh\n\(members)\n")
            chmod("\(root.root)/lib/fix-2.0.0/ebin/members", 0o755)
        }
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    /// Whatever comes of it, the worker has what it had, and where it is not done its very process.
    private func installed(
        _ root: TestRoot, _ body: (@Sendable (TestNode) async throws -> Void)? = nil
    ) async throws -> InstallResult {
        try await TestNode.with(root) { test async throws in
            await test.limitLastWords(to: 500)
            _ = try await test.call("{add, 5}")
            let pid = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(try await test.call("get") == "5", "\(result)")
            let isDone = result.outcome == .done
            #expect(try await test.call("vsn") == (isDone ? "\"2.0.0\"" : "\"1.0.0\""))
            if !isDone {
                #expect(result.outcome == .aborted && result.lost == [], "\(result)")
                #expect(try await test.pid() == pid)
            }
            // Nothing of a barrier outlives its upgrade.
            while await test.node.processes.otherCount > 0 { await Task.yield() }
            try await body?(test)
            return result
        }
    }

    private func failure(_ root: TestRoot) async throws -> String {
        let result = try await installed(root)
        #expect(result.outcome == .aborted, "\(result)")
        let prefix = "nodes could not be synchronised: "
        let reason = try #require(result.reason)
        try #require(reason.hasPrefix(prefix), "\(reason)")
        return String(reason.dropFirst(prefix.count)).replacing(root.root, with: "ROOT")
    }

    private func warnings(_ script: String) async throws -> [String] {
        let root = try Self.root(script)
        let result = try await installed(root)
        #expect(result.outcome == .done, "\(result)")
        return result.warnings.map { $0.replacing(root.root, with: "ROOT") }
    }

    @Test func itIsToldWhatItNeedsAndHearsOfTheEnd() async throws {
        let root = try Self.root(
            "read -r asked; echo \"$asked $1 $RELEASE_VSN $PWD\" > got; echo ok.; cat > /dev/null; echo end >> got")
        let (path, file) = (root.root, "\(root.root)/got")
        let result = try await installed(root) { test in
            let node = await test.service.status().node
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let told =
                #/\{sync_nodes,\{step,1\},(.*),\[b@h,c@h\],\[\{from,"1.0.0"\},\{to,"2.0.0"\},\{began,\d+\},\{timeout,54000\}\]\}\. (.*)/#
            let lines = text.split(separator: "\n")
            let match = try #require(try told.wholeMatch(in: lines[0]), "\(text)")
            #expect(match.1.replacing("'", with: "") == node)
            #expect(match.2 == "-q 2.0.0 \(path)")
            #expect(lines.dropFirst() == ["end"])
        }
        #expect(result.outcome == .done && result.warnings == [], "\(result)")
    }

    @Test func itMayEndWithItsAnswer() async throws { #expect(try await warnings("echo ok.") == []) }

    @Test func whatItSaysOfTheOthersAfterwardsIsInTheResult() async throws {
        let script = "echo ok.; cat > /dev/null; echo \"{nodedown, ['c@h']}.\"; echo \"{nodedown, ['x@h', 'c@h']}.\""
        #expect(
            try await warnings(script) == [
                "{nodedown, c@h}: went down, or failed its upgrade, after all were at the barrier {step,1}"
            ])
    }

    /// All were there; that nobody watched is told.
    @Test(arguments: [
        ("echo ok.; exit 3", "ROOT/bin/barrier exited with status 3: nobody watched the nodes any more"),
        (
            "echo ok.; cat > /dev/null; kill -9 $$",
            "ROOT/bin/barrier was ended by SIGKILL: nobody watched the nodes any more"
        ),
        ("echo ok.; cat > /dev/null; echo ok.", "ROOT/bin/barrier answered a second time: ok."),
        (
            "echo ok.; cat > /dev/null; echo what.",
            "ROOT/bin/barrier, after its ok: expected ok, {error, Reason} or {nodedown, [Node]}, found what."
        ),
        (
            "echo ok.; exec sleep 1000",
            "ROOT/bin/barrier did not end within 500 ms of the upgrade's end, and was killed"
        ),
    ])
    func whatItDoesWrongAfterItsAnswerIsAWarning(script: String, warning: String) async throws {
        #expect(try await warnings(script) == [warning])
    }

    @Test func aFloodAfterItsAnswerEndsIt() async throws {
        let node = "{nodedown, ['b@h']}."
        let warnings = try await warnings("echo ok.; cat > /dev/null; exec yes \"\(node)\"")
        #expect(
            warnings.last == "ROOT/bin/barrier said more than 65536 bytes after its ok, and was ended", "\(warnings)")
    }

    @Test(arguments: [
        ("echo '{error, {nodedown, b@h}}.'", "{sync_error,{nodedown,b@h}}"),
        ("echo '{error, no_quorum}.'; exec sleep 1000", "{sync_error,no_quorum}"),
        ("exit 0", "{sync_error,{bad_answer,<<\"ROOT/bin/barrier ended without an answer\">>}}"),
        (
            "echo no quorum >&2; exit 3",
            "{sync_error,{{exit_status,3},<<\"ROOT/bin/barrier exited with status 3: no quorum\">>}}"
        ),
        ("kill -9 $$", "{sync_error,{{signal,sigkill},<<\"ROOT/bin/barrier was ended by SIGKILL\">>}}"),
        (
            "exec yes",
            "{sync_error,{bad_answer,<<\"expected ok, {error, Reason} or {nodedown, [Node]}, found y\">>}}"
        ),
        (
            "echo \"{nodedown, ['b@h']}.\"",
            "{sync_error,{bad_answer,<<\"nodes are down before all were there: {nodedown, ['b@h']}.\">>}}"
        ),
    ])
    func whatItAnswersFailsTheUpgrade(script: String, reason: String) async throws {
        #expect(try await failure(try Self.root(script)) == reason)
    }

    @Test(arguments: ["exec yes | tr -d '\\n'", "echo '{ok,'"])
    func garbageFailsTheUpgrade(script: String) async throws {
        let reason = try await failure(try Self.root(script))
        #expect(reason.hasPrefix("{sync_error,{bad_answer,<<\"") && reason.contains(" is no term: "), "\(reason)")
    }

    @Test func oneThatHangsIsEndedWithAllThatItStarted() async throws {
        let root = try Self.root("sleep 1000 & echo $! > pids; echo $$ >> pids; wait", timeout: 2_000)
        let file = "\(root.root)/pids"
        let result = try await installed(root) { _ in
            let pids = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { pid_t($0) }
            #expect(pids.count == 2)
            for pid in pids { while kill(pid, 0) == 0 { await Task.yield() } }
        }
        #expect(result.reason == "nodes could not be synchronised: {sync_error,{timeout,2000}}", "\(result)")
    }

    @Test func whatItSaysOnStandardErrorIsTold() async throws {
        _ = try await installed(try Self.root("echo waiting for b >&2; echo ok.")) { test in
            let event = try await test.events.first("relup_output")
            #expect(event.message == "barrier: waiting for b")
        }
    }

    /// The node's end does not wait for it, and leaves it nowhere.
    @Test func theNodesEndEndsIt() async throws {
        let root = try Self.root("echo $$ > pid; exec sleep 1000")
        let file = "\(root.root)/pid"
        let installing = try await TestNode.with(root) { test async throws in
            let installing = Task { try? await test.install("2.0.0") }
            while (try? String(contentsOfFile: file, encoding: .utf8))?.hasSuffix("\n") != true { await Task.yield() }
            return installing
        }
        _ = await installing.value
    }

    // MARK: Nobody else

    @Test(arguments: ["{sync_nodes, s, []}", "{sync_nodes, s, ['me@h', 'me@h']}"])
    func withNobodyElseNothingIsRun(sync: String) async throws {
        let root = try Self.root("exit 3", sync: sync.replacing("me@h", with: "fix@\(NodeOptions.shortHost)"))
        unlink("\(root.root)/bin/barrier")
        let result = try await installed(root)
        #expect(result.outcome == .done && result.warnings == [], "\(result)")
    }

    @Test(arguments: [
        (others, ["waits for b@h, c@h, 60000 ms at the most"]),
        ("['fix@HOST']", ["there is no other node to wait for"]),
    ])
    func thePlanSaysWhoIsWaitedFor(nodes: String, notes: [String]) async throws {
        let nodes = nodes.replacing("HOST", with: NodeOptions.shortHost)
        try await TestNode.with(try Self.root("exit 0", sync: "{sync_nodes, s, \(nodes)}")) { test async throws in
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            let instruction = try #require(plan.instructions.first { $0.text.hasPrefix("{sync_nodes,") })
            #expect(instruction.notes == notes)
        }
    }

    // MARK: Nodes that a program names

    @Test func aProgramNamesThem() async throws {
        let root = try Self.root(
            "read -r asked; echo \"$asked\" > got; echo ok.", sync: "{sync_nodes, s, {members, list, [1]}}",
            members: "read -r call; [ \"$call\" = '{list,[1]}.' ] && echo \"['b@h', 'b@h', 'd@h'].\"")
        let file = "\(root.root)/got"
        let result = try await installed(root) { _ in
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(text.contains(",[b@h,d@h],"))
        }
        #expect(result.outcome == .done, "\(result)")
    }

    @Test(arguments: [
        ("echo many.", "{sync_error,{bad_answer,<<\"members:list/0 answered many, which is no list of nodes\">>}}"),
        ("echo '[b].'", "{sync_error,{bad_node,b}}"),
        ("echo '[\"b@h\"].'", "{sync_error,{bad_node,\"b@h\"}}"),
        ("exit 4", "{sync_error,{{exit_status,4},<<\"ROOT/lib/fix-2.0.0/ebin/members exited with status 4\">>}}"),
        (
            "seq -s, -f 'n%g@h' 101 | sed \"s/[^,]*/'&'/g; s/^/[/; s/$/]./\"",
            "{sync_error,{system_limit,<<\"a barrier is for at most 100 other nodes\">>}}"
        ),
    ])
    func whatNamesNoNodesFailsTheUpgrade(members: String, reason: String) async throws {
        let root = try Self.root("echo ok.", sync: "{sync_nodes, s, {members, list, []}}", members: members)
        #expect(try await failure(root) == reason)
    }

    // MARK: Known before

    private static let syncNodes = "nodes could not be synchronised: "
    static let refusals: [(sync: String, config: String?, sentence: String)] = [
        (
            "{sync_nodes, s, ['b@h', 'c/d@h']}", nil,
            "'c/d@h' is no node's name, which is name@host: letters, digits, _ and - (behind the @ also . and :), 200 at most"
        ),
        (
            "{sync_nodes, s, {nobody, list, []}}", nil,
            "nobody:list/0 is no built-in function, and the release has no program or library ebin/nobody"
        ),
        (
            "{sync_nodes, s, {counter, list, []}}", nil,
            "counter:list/0 can't be called: ROOT/lib/fix-2.0.0/ebin/counter is a worker's program"
        ),
        (
            "{sync_nodes, s, \(others)}", "{sync_nodes, {\"bin/none\", [], 1}}",
            syncNodes + "bin/none, which sys.config names for sync_nodes, is not there"
        ),
        (
            "{sync_nodes, s, \(others)}", "{sync_nodes, {\"lib\", [], 1}}",
            syncNodes + "lib, which sys.config names for sync_nodes, is no program that can be run"
        ),
        (
            "{sync_nodes, s, \(others)}", "{sync_nodes, {\"releases/RELEASES\", [], 1}}",
            syncNodes + "releases/RELEASES, which sys.config names for sync_nodes, is no program that can be run"
        ),
        (
            "{sync_nodes, s, \(others)}", "{sync_nodes, none}",
            "sync_nodes: expected {Program, [Arg], Timeout}, all strings but the timeout, which is 1 to 3600000 ms, found none"
        ),
        ("{sync_nodes, s, \(others)}", "{other, 1}", "it is told no directory of nodes"),
    ]

    @Test(arguments: refusals) func whatCanNotSucceedIsKnownBefore(
        sync: String, config: String?, sentence: String
    ) async throws {
        let root = try Self.root("echo ok.", sync: sync, config: config)
        // What runs can be read all the same.
        try root.write("releases/1.0.0/sys.config", "[].")
        let sentence = sentence.replacing("ROOT", with: root.root)
        try await TestNode.with(root) { test async throws in
            let refused = try await test.refusedBeforehand()
            #expect(refused.contains(sentence), "\(refused)")
        }
    }
}
