import Foundation
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What comes between: a worker that is busy, starts, ends or lies while its functional modules are replaced.
@Suite(.timeLimit(.minutes(15))) struct FunctionalModuleRaceTests {
    private static let load = """
        {load_object_code, {fix, "2.0.0", [format]}}, point_of_no_return, {load, {format, soft_purge, soft_purge}}
        """

    private func root(
        children: String = FunctionalModuleTests.child, up: String = load, _ definitions: [String] = [],
        worker: (TestRoot, String) throws -> Void = { try $0.install(vsn: $1) }
    ) throws -> TestRoot {
        let root = try TestRoot()
        let down = Self.load.replacing("2.0.0", with: "1.0.0")
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, children: children, relup: vsn == "2.0.0" ? TestRoot.relup(up: up, down: down) : nil,
                modules: ["counter", "format"])
            try worker(root, vsn)
            try root.module(vsn: vsn, vsn == "2.0.0" ? definitions : [])
        }
        try root.write("lib/fix-2.0.0/ebin/fails", "#!/bin/sh\nexit 3\n")
        chmod("\(root.root)/lib/fix-2.0.0/ebin/fails", 0o755)
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private func version(_ test: TestNode, of worker: String = TestNode.c1) async throws -> String {
        try await test.call("{module, format, version}", of: worker)
    }

    private func fifo(_ root: TestRoot) -> String {
        let path = "\(root.directory)/fifo"
        #expect(mkfifo(path, 0o600) == 0)
        return path
    }

    private func letGo(_ fifo: String) async throws {
        try await offPool { try Data([1]).write(to: URL(filePath: fifo)) }
    }

    /// The load is given up, and what it would have loaded comes to nothing, however late the worker comes to it.
    @Test func oneThatIsBusyForTooLongGoesBackWhenItComesToIt() async throws {
        let root = try root()
        let fifo = fifo(root)
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            async let busy = test.call("{wait, <<\"\(fifo)\">>}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(
                result.warnings.contains { $0.contains("goes back to its modules when it comes to it") }, "\(result)")
            try await letGo(fifo)
            #expect(try await busy == "ok")
            #expect(try await version(test) == "<<\"1.0.0\">>")
            #expect(try await test.pid() == pid)
        }
    }

    /// It was started with what was current then, and acknowledges when another version is.
    @Test func oneThatIsBeingStartedGetsWhatHasBecomeCurrent() async throws {
        let up =
            Self.load.replacing("{load, ", with: "{apply, {kills, it, []}}, {load, ")
            + ", {apply, {application, get_env, [fix, greeting]}}"
        let directory = TemporaryDirectory.make()
        let (fifo, mark) = ("\(directory)/fifo", "\(directory)/mark")
        #expect(mkfifo(fifo, 0o600) == 0)
        let children = """
            [#{id => c1, start => {counter, start_link, [{init_touch, <<"\(mark)">>}, {init_wait, <<"\(fifo)">>}]},
               modules => [counter, format]}]
            """
        let root = try root(children: children, up: up)
        // Done when the next process stands in its init.
        let script = """
            #!/bin/sh
            rm "\(mark)"; kill -9 "$(cat "\(directory)/pid")"
            until [ -e "\(mark)" ]; do sleep 0.01; done
            """
        try root.write("lib/fix-2.0.0/ebin/kills", script)
        chmod("\(root.root)/lib/fix-2.0.0/ebin/kills", 0o755)
        let first = Task { try await letGo(fifo) }
        try await TestNode.with(root) { test async throws in
            try await first.value
            try "\(try await test.pid())".write(toFile: "\(directory)/pid", atomically: true, encoding: .utf8)
            // It is let go when the load is behind: the install's end waits for it.
            for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                switch progress {
                case .progress(let step) where step.text.contains("get_env"): try await letGo(fifo)
                case .result(let result): #expect(result.outcome == .done, "\(result)")
                default: continue
                }
            }
            while try await test.ps().state != .running { await Task.yield() }
            #expect(try await version(test) == "<<\"2.0.0\">>")
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// A process that dies of a load is told as lost, and starts again in what was there.
    @Test func oneThatDiesOfALoadIsToldAsLost() async throws {
        try await TestNode.with(try root(["DIES_IN_WORKERS"])) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost.map(\.worker) == [TestNode.c1], "\(result)")
            while try await test.ps().state != .running { await Task.yield() }
            #expect(try await version(test) == "<<\"1.0.0\">>")
        }
    }

    @Test func aLibraryThatEndsTheProcessAsItIsTriedIsRefused() async throws {
        try await TestNode.with(try root(["EXITS_AT_LOAD"])) { test async throws in
            let refusal = try await test.refusedBeforehand()
            #expect(refusal.contains("it was loaded to try it, and ended the process"), "\(refusal)")
        }
    }

    /// Its group was resumed: what fails later goes back by the script for the other direction, and nobody loses anything.
    @Test func whoConvertedAndWentOnIsCommitted() async throws {
        let up =
            Self.load.replacing("{load, ", with: "{suspend, [format]}, {load, ")
            + ", {code_change, up, [{format, []}]}, {resume, [format]}, {apply, {fails, now, []}}"
        try await TestNode.with(try root(up: up)) { test async throws in
            let pid = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(try await version(test) == "<<\"1.0.0\">>")
            #expect(try await test.pid() == pid)
        }
    }

    @Test func thePlanSaysWhoLoadsItAndWhomThePurgeEnds() async throws {
        let root = try root(up: "\(Self.load), {purge, [format]}")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{hold_module, format}")
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.instructions.suffix(2).map(\.workers) == [[TestNode.c1], [TestNode.c1]], "\(plan)")
            let result = try await test.install("2.0.0")
            #expect(result.lost.map(\.worker) == [TestNode.c1], "\(result)")
        }
    }

    /// Who holds the version that comes back has it still, and is no user of old code then.
    @Test func whoHoldsWhatIsGoneBackToIsNotInTheWay() async throws {
        try await TestNode.with(try root()) { test async throws in
            _ = try await test.call("{hold_module, format}")
            #expect(try await test.install("2.0.0").outcome == .done)
            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done && down.lost == [], "\(down)")
            #expect(try await test.call("{held, format, version}") == "<<\"1.0.0\">>")
        }
    }

    // MARK: Workers that lie, or ask for too much

    private func liar(_ says: String) throws -> TestRoot {
        try root { root, vsn in
            let ack = "Atom(\"protocol\"): 1, Atom(\"code_change\"): Atom(\"true\")"
            let modules = "Atom(\"protocol\"): 4, Atom(\"modules\"): {Atom(\"format\"): Atom(\"none\")}"
            let unknown = "        if handler is None:\n"
            let lie =
                "        if name == \"get_versions\":\n            return self.send((Atom(\"ok\"), ref, \(says)))\n"
            try root.installPython(
                "counter", vsn: vsn,
                edits: [
                    TestRoot.Edit(vsn: vsn, what: ack, with: modules),
                    TestRoot.Edit(vsn: vsn, what: unknown, with: lie + unknown),
                ])
        }
    }

    /// What a worker says of itself ends nobody but itself.
    @Test(arguments: [
        "[{Atom('module'): Atom('format'), Atom('identity'): b'0' * 64, Atom('vsn'): 1, Atom('state'): Atom('old'), "
            + "Atom('calls'): 2**63 - 1, Atom('holds'): 2**63 - 1}]",
        "[Atom('nonsense')]", "7",
    ]) func whatNoVersionCanBeEndsItsWorker(says: String) async throws {
        try await TestNode.with(try liar(says)) { test async throws in
            let list = try await test.service.ask(
                Operations.node.modules, NoParameters(), NoBody(), peer: TestNode.peer)
            #expect(!list.modules.isEmpty)
            let exit = try await test.events.first("worker_exited", worker: TestNode.c1)
            #expect(exit.fields["reason"]?.contains("protocol_error") == true, "\(exit)")
            #expect(await test.service.status().state == .running)
        }
    }

    /// A name is a name, whatever path could be made of it, and nothing is kept for one that is no library's.
    @Test func whatIsWantedIsLookedForByItsNameOnly() async throws {
        try await TestNode.with(try root()) { test async throws in
            for name in ["'../ebin/format'", "'./format'", "'/etc/passwd'", "'..'", "''", "counter", "fix_sup"] {
                #expect(try await test.call("{want_module, \(name)}").hasPrefix("{error,"), "\(name)")
            }
            let list = try await test.service.ask(
                Operations.node.modules, NoParameters(), NoBody(), peer: TestNode.peer)
            #expect(list.modules.map(\.module) == ["counter", "fix_sup", "format"])
        }
    }

    /// A plain library or a data file that a spec lists keeps nobody from starting.
    @Test func aListedFileThatIsNoModuleIsLeftOut() async throws {
        let root = try root()
        try ModuleLibrary.build(["VSN=\"1\"", "NO_INFO"], at: "\(root.root)/lib/fix-1.0.0/ebin/format.so")
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("module_versions") == "[]")
        }
    }

    /// A node that stops does not wait for a library that never comes back.
    @Test func aNodeThatStopsEndsWhatIsTried() async throws {
        let root = try root(["HANGS_AT_LOAD"])
        try await TestNode.with(root) { test async throws in
            async let refusal = test.refusal { try await test.service.checkInstallRelease(vsn: "2.0.0") }
            while await test.node.processes.otherCount == 0 { await Task.yield() }
            await test.node.stop(.stopped)
            _ = await test.node.ended()
            #expect(await refusal.contains("was ended by SIGKILL"))
        }
    }
}
