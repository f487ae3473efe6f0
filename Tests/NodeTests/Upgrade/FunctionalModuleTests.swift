import Glibc
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Functional modules in real workers: loaded at the start, replaced under them, held, purged, and back again.
@Suite(.timeLimit(.minutes(15))) struct FunctionalModuleTests {
    static let child = "[#{id => c1, start => {counter, start_link, []}, modules => [counter, format]}]"

    private static func load(_ vsn: String, pre: String = "soft_purge", post: String = "soft_purge") -> String {
        """
        {load_object_code, {fix, "\(vsn)", [format]}}, point_of_no_return, {load, {format, \(pre), \(post)}}
        """
    }

    /// Releases 1.0.0, 2.0.0 and, where asked for, 3.0.0, of which only the functional module differs.
    private func root(
        children: String = child, up: String? = nil, down: String? = nil, third: String? = nil,
        _ definitions: [String] = []
    ) throws -> TestRoot {
        let root = try TestRoot()
        let down = down ?? Self.load("1.0.0")
        try root.release("1.0.0", children: children, modules: ["counter", "format"])
        try root.release(
            "2.0.0", children: children, relup: TestRoot.relup(up: up ?? Self.load("2.0.0"), down: down),
            modules: ["counter", "format"])
        var vsns = ["1.0.0", "2.0.0"]
        if let third {
            let relup = """
                {"3.0.0", [{"2.0.0", [], [\(third)]}], [{"2.0.0", [], [\(Self.load("2.0.0"))]}]}.
                """
            try root.release("3.0.0", children: children, relup: relup, modules: ["counter", "format"])
            vsns.append("3.0.0")
        }
        for vsn in vsns {
            try root.install(vsn: vsn)
            try root.module(vsn: vsn, vsn == "2.0.0" ? definitions : [])
        }
        try root.register(vsns)
        return root
    }

    private static func version(_ test: TestNode) async throws -> String {
        try await test.call("{module, format, version}")
    }

    // MARK: Calls

    @Test func whatAFunctionAnswersIsTheCallsValue() async throws {
        try await TestNode.with(try root()) { test async throws in
            #expect(try await Self.version(test) == "<<\"1.0.0\">>")
            #expect(try await test.call("{module, format, echo, [1, {a, <<\"b\">>}]}") == "[1,{a,<<\"b\">>}]")
            #expect(try await test.call("{module, format, nothing}") == "ok")
            #expect(try await test.call("{module, format, fails}") == "{error,{no_room,7}}")
            #expect(try await test.call("{module, format, other}") == "{error,{undef,{format,other}}}")
            #expect(try await test.call("{module, none, other}") == "{error,{undef,{none,other}}}")
            #expect(try await test.call("{module, format, garbage}").hasPrefix("{error,{bad_answer,<<\"format:garbage"))
            #expect(try await test.call("{module, format, floods}").hasPrefix("{error,{answer_too_large,"))
        }
    }

    /// What crashes in a module is its worker's end, and its supervisor's to start again.
    @Test func oneThatCrashesEndsItsWorkerOnly() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []}, modules => [counter, format]},
             #{id => c2, start => {counter, start_link, [{count, 7}]}, modules => [counter, format]}]
            """
        try await TestNode.with(try root(children: children)) { test async throws in
            let error = await test.refusal { try await test.call("{module, format, crashes}") }
            #expect(error.contains("sigabrt"), "\(error)")
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: 0)
            #expect(try await test.call("{module, format, version}", of: "fix/fix_sup/c2") == "<<\"1.0.0\">>")
            #expect(try await test.ps("fix/fix_sup/c2").restarts == 0)
        }
    }

    // MARK: Load

    @Test func aLoadReplacesItUnderTheWorkerAndBack() async throws {
        try await TestNode.with(try root()) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{add, 5}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [] && up.lost == [], "\(up)")
            #expect(up.instructions.last?.workers == [TestNode.c1], "\(up)")
            #expect(try await Self.version(test) == "<<\"2.0.0\">>")
            #expect(try await test.call("module_versions") == "[{format,current,<<\"2.0.0\">>,0}]")
            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done && down.warnings == [], "\(down)")
            #expect(try await Self.version(test) == "<<\"1.0.0\">>")
            #expect(try await test.pid() == pid)
            #expect(try await test.call("get") == "5")
        }
    }

    /// A worker that is handed off takes what is current along; one that starts again loads it.
    @Test func theNextProcessHasWhatIsCurrent() async throws {
        let read = { (vsn: String) in
            "{load_object_code, {fix, \"\(vsn)\", [counter, format]}}, point_of_no_return, {suspend, [counter, format]}"
        }
        let load = { (module: String) in "{load, {\(module), brutal_purge, brutal_purge}}" }
        let change = { (mode: String) in "{code_change, \(mode), [{counter, []}, {format, []}]}" }
        let root = try root(
            up: "\(read("2.0.0")), \(load("format")), \(load("counter")), \(change("up")), {resume, [format, counter]}",
            down:
                "\(read("1.0.0")), \(change("down")), \(load("counter")), \(load("format")), {resume, [format, counter]}"
        )
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [], "\(up)")
            #expect(try await test.pid() != pid)
            #expect(try await Self.version(test) == "<<\"2.0.0\">>")
            _ = await test.refusal { try await test.call("crash") }
            while try await test.ps().state != .running { await Task.yield() }
            #expect(try await Self.version(test) == "<<\"2.0.0\">>")
            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done, "\(down)")
            #expect(try await Self.version(test) == "<<\"1.0.0\">>")
        }
    }

    /// What it began with ahead of others is nothing that stays: the next load reaches it.
    @Test func theNextProcessGetsWhatIsLoadedLater() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter, format]}}, point_of_no_return, {suspend, [counter, format]},
            {load, {format, soft_purge, soft_purge}}, {load, {counter, brutal_purge, brutal_purge}},
            {code_change, up, [{counter, []}]}, {resume, [format, counter]}
            """
        try await TestNode.with(try root(up: up, third: Self.load("3.0.0"))) { test async throws in
            let pid = try await test.pid()
            #expect(try await test.install("2.0.0").outcome == .done)
            let next = try await test.pid()
            #expect(next != pid)
            #expect(try await Self.version(test) == "<<\"2.0.0\">>")
            let third = try await test.install("3.0.0")
            #expect(third.outcome == .done && third.warnings == [], "\(third)")
            #expect(try await Self.version(test) == "<<\"3.0.0\">>")
            #expect(try await test.pid() == next)
        }
    }

    // MARK: Old code

    @Test func whatIsHeldStaysInItsVersionUntilItIsLetGo() async throws {
        try await TestNode.with(try root(third: Self.load("3.0.0"))) { test async throws in
            _ = try await test.call("{hold_module, format}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            #expect(try await test.call("{held, format, version}") == "<<\"1.0.0\">>")
            #expect(try await Self.version(test) == "<<\"2.0.0\">>")
            let shown = try await test.service.ask(
                Operations.node.modules, NoParameters(), NoBody(), peer: TestNode.peer
            ).modules.filter { $0.module == "format" }
            #expect(
                shown.map { "\($0.vsn) \($0.version) \($0.workers)" } == [
                    "2.0.0 current [\"\(TestNode.c1)\"]", "1.0.0 old [\"\(TestNode.c1)\"]",
                ])
            #expect(
                try await test.refusedBeforehand("3.0.0")
                    == "instruction 3, {load,{format,soft_purge,soft_purge}}: \(TestNode.c1) still runs old code of "
                    + "format, which the script purges softly; restart it or use brutal_purge")
            _ = try await test.call("let_go")
            let third = try await test.install("3.0.0")
            #expect(third.outcome == .done, "\(third)")
            #expect(try await Self.version(test) == "<<\"3.0.0\">>")
        }
    }

    /// The third version ends who still runs the first: a thread that never returns can't be ended otherwise.
    @Test func aThirdVersionEndsWhoRunsTheFirst() async throws {
        try await TestNode.with(try root(third: Self.load("3.0.0", pre: "brutal_purge"))) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{module_thread, format, hangs}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            #expect(try await test.pid() == pid)
            let third = try await test.install("3.0.0")
            #expect(third.outcome == .done, "\(third)")
            #expect(third.lost.map(\.worker) == [TestNode.c1], "\(third)")
            #expect(try await test.pid() != pid)
            #expect(try await Self.version(test) == "<<\"3.0.0\">>")
        }
    }

    @Test func purgeEndsWhoIsInOldCode() async throws {
        let root = try root(up: "\(Self.load("2.0.0")), {purge, [format]}")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{module_thread, format, hangs}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            #expect(up.lost.map(\.worker) == [TestNode.c1], "\(up)")
            #expect(try await test.call("module_versions") == "[{format,current,<<\"2.0.0\">>,0}]")
        }
    }

    @Test func whenTheReleaseIsPermanentBrutalPurgeEndsItsUsers() async throws {
        let root = try root(up: Self.load("2.0.0", post: "brutal_purge"))
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{hold_module, format}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done, "\(up)")
            let sequence = await test.events.last
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: sequence)
            #expect(try await test.pid() != pid)
        }
    }

    @Test func whatIsDeletedIsNotThereAnyMore() async throws {
        let up = "point_of_no_return, {remove, {format, soft_purge, soft_purge}}"
        try await TestNode.with(try root(up: up)) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(try await Self.version(test) == "{error,{undef,{format,version}}}")
            #expect(try await test.call("module_versions") == "[]")
        }
    }

    // MARK: What goes wrong

    /// The load was done in all workers when the script fails: they have the old one again.
    @Test func anAbortLoadsWhatWasThere() async throws {
        let root = try root(up: "\(Self.load("2.0.0")), {apply, {fail, now, []}}")
        try root.write("lib/fix-2.0.0/ebin/fail", "#!/bin/sh\nexit 3\n")
        chmod("\(root.root)/lib/fix-2.0.0/ebin/fail", 0o755)
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(try await Self.version(test) == "<<\"1.0.0\">>")
            #expect(try await test.pid() == pid)
        }
    }

    @Test(arguments: [
        (["NO_INFO"], "it exports neither rhm_module_info, as a functional module does"),
        (["OTHER_ABI"], "99"),
        (["CRASHES_AT_LOAD"], "it was loaded to try it, and the process was ended by SIGABRT"),
        (["NAME=\"other\""], "other"),
    ]) func whatCanNotBeLoadedIsRefusedBeforehand(definitions: [String], sentence: String) async throws {
        let root = try root()
        let others = definitions.contains { $0.hasPrefix("NAME") } ? [] : ["NAME=\"format\""]
        try ModuleLibrary.build(
            ["VSN=\"2.0.0\""] + others + definitions, at: "\(root.root)/lib/fix-2.0.0/ebin/format.so")
        try await TestNode.with(root) { test async throws in
            let refusal = try await test.refusedBeforehand()
            #expect(refusal.contains("object code of format: ") && refusal.contains(sentence), "\(refusal)")
            #expect(try await Self.version(test) == "<<\"1.0.0\">>")
        }
    }

    @Test func aWorkerThatListsWhatItCanNotLoadSaysSoAtItsStart() async throws {
        let root = try root()
        try ModuleLibrary.build(
            ["VSN=\"1.0.0\"", "NAME=\"other\""], at: "\(root.root)/lib/fix-1.0.0/ebin/format.so")
        let reason = try await TestNode.failingToBoot(root)
        #expect(reason.contains("load_failed"), "\(reason)")
    }

    /// One of before functional modules runs on, and the log says that it has none.
    @Test func anOlderWorkerThatListsOneIsToldOf() async throws {
        let root = try root()
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try await TestNode.with(root) { test async throws in
            let event = try await test.events.first("modules_not_loaded", worker: TestNode.c1)
            #expect(event.message.hasPrefix("\(TestNode.c1) has not loaded format: "), "\(event)")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.instructions.last?.note == "no worker has loaded format", "\(up)")
        }
    }

    // MARK: Asked for

    @Test func aWorkerMayAskForOneThatItDoesNotList() async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}, modules => dynamic}]"
        try await TestNode.with(try root(children: children)) { test async throws in
            #expect(try await Self.version(test) == "{error,{undef,{format,version}}}")
            #expect(try await test.call("{want_module, format}") == "{ok,\"1.0.0\"}")
            #expect(try await test.call("{want_module, none}") == "{error,{undef,none}}")
            #expect(try await test.call("{want_module, counter}").hasPrefix("{error,{badfile,"))
            #expect(try await Self.version(test) == "<<\"1.0.0\">>")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.instructions.last?.workers == [TestNode.c1], "\(up)")
            #expect(try await Self.version(test) == "<<\"2.0.0\">>")
        }
    }
}
