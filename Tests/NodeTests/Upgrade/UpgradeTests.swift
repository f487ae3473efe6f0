import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Upgrades of real workers, from the first suspend to the last resume.
@Suite(.timeLimit(.minutes(15))) struct UpgradeTests {
    static let served =
        "[#{id => c1, start => {counter, start_link, []}, sockets => [#{name => lines, listen => \"127.0.0.1:0\"}]}]"

    @Test func theStateIsConvertedUpAndDown() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            _ = try await test.call("{add, 41}")
            let before = try await test.pid()
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done)
            #expect(up.warnings == [])
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("{add, 1}") == "42")
            #expect(try await test.call("changes") == "1")
            let after = try await test.ps()
            #expect(after.pid != before)
            #expect(after.generation == 2)
            #expect(after.vsn == "2.0.0")
            #expect(after.restarts == 0)

            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done)
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.call("get") == "42")
            #expect(try await test.ps().generation == 3)
        }
    }

    @Test func theResultSaysWhatEachInstructionDidToWhom() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.instructions.map(\.text).first == "{load_object_code,{fix,\"2.0.0\",[counter]}}")
            #expect(result.instructions.map(\.index) == [0, 1, 2, 3, 4, 5])
            #expect(result.instructions[2].workers == [TestNode.c1])
            #expect(result.instructions[4].workers == [TestNode.c1])
            #expect(result.instructions[5].workers == [TestNode.c1])
            #expect(try #require(result.suspendToResumeMicroseconds) > 0)
        }
    }

    @Test func connectionsKeepTheirUnreadAndHalfReadBytes() async throws {
        try await TestNode.with(try .twoVersions(children: Self.served)) { test async throws in
            let port = try await test.port()
            let client = try LineClient(port: port)
            #expect(try await client.ask("mark hello") == "ok")
            #expect(try await client.ask("add 5") == "5")
            // Half a request is in the worker when it is suspended; the other half comes to its successor.
            try client.send("ge")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done)
            try client.send("t\nvsn\n")
            #expect(try await client.line() == "5")
            #expect(try await client.line() == "2.0.0")
            #expect(try await client.ask("marked") == "hello")
            // And a new connection is served by the same listening socket.
            let other = try LineClient(port: port)
            #expect(try await other.ask("generation") == "2")
        }
    }

    @Test func manyConnectionsAreHandedOver() async throws {
        try await TestNode.with(try .twoVersions(children: Self.served)) { test async throws in
            let port = try await test.port()
            var clients: [LineClient] = []
            for index in 0..<300 {
                let client = try LineClient(port: port)
                #expect(try await client.ask("mark m\(index)") == "ok")
                clients.append(client)
            }
            #expect(try await test.install("2.0.0").outcome == .done)
            for (index, client) in clients.enumerated() { #expect(try await client.ask("marked") == "m\(index)") }
        }
    }

    @Test func aCallThatWasNotAnsweredIsAnsweredByTheNextGeneration() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            async let held = test.call("hold")
            // The call is in the worker's hands once the worker says so.
            while try await test.call("waiting") == "[]" {}
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("{release, from_the_new_one}") == "ok")
            #expect(try await held == "from_the_new_one")
        }
    }

    @Test func callsThatComeDuringTheHandoffAreAnsweredInTheNewCode() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let client = Task {
                var answers: [Int] = []
                while !Task.isCancelled { answers.append(Int(try await test.call("{add, 1}")) ?? -1) }
                return answers
            }
            for vsn in ["2.0.0", "1.0.0", "2.0.0"] { #expect(try await test.install(vsn).outcome == .done) }
            client.cancel()
            let answers = try await client.value
            #expect(answers == Array(1...max(answers.count, 1)))
        }
    }

    @Test func aSoftUpdateHandsTheStateOverAsItIs() async throws {
        let soft = """
            {load_object_code, {fix, "1.1.0", [counter]}}, point_of_no_return, {suspend, [counter]},
            {load, {counter, soft_purge, soft_purge}}, {resume, [counter]}
            """
        let root = try TestRoot()
        for vsn in ["1.0.0", "1.1.0"] { try root.install(vsn: vsn) }
        try root.release("1.0.0")
        try root.release(
            "1.1.0", relup: "{\"1.1.0\", [{\"1.0.0\", [], [\(soft)]}], []}.")
        try root.register(["1.0.0", "1.1.0"])
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 7}")
            #expect(try await test.install("1.1.0").outcome == .done)
            #expect(try await test.call("vsn") == "\"1.1.0\"")
            #expect(try await test.call("get") == "7")
        }
    }

    @Test func aStaticModuleConvertsDownInTheOlderCode() async throws {
        let down = """
            {load_object_code, {fix, "1.0.0", [counter]}}, point_of_no_return, {suspend, [counter]},
            {load, {counter, brutal_purge, brutal_purge}}, {code_change, down, [{counter, []}]}, {resume, [counter]}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: TestRoot.up(), down: down))
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 3}")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.call("get") == "3")
        }
    }

    @Test func allWorkersOfAModuleChangeTogether() async throws {
        let children = (1...20).map { "#{id => c\($0), start => {counter, start_link, [{count, \($0)}]}}" }
        let root = try TestRoot.twoVersions(children: "[\(children.joined(separator: ","))]")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.instructions[2].workers.count == 20)
            for index in 1...20 {
                #expect(try await test.call("get", of: "fix/fix_sup/c\(index)") == "\(index)")
                #expect(try await test.call("vsn", of: "fix/fix_sup/c\(index)") == "\"2.0.0\"")
            }
        }
    }

    @Test func aPythonWorkerIsChangedByTheProtocolAlone() async throws {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try root.release("1.0.0")
        try root.release("2.0.0", relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()))
        try root.register(["1.0.0", "2.0.0"])
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("{add, 5}") == "5")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("get") == "5")
            #expect(try await test.ps().vsn == "2.0.0")
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.call("get") == "5")
        }
    }

    @Test func stopAndStartReplaceAProgramThatKnowsNothingOfUs() async throws {
        let children = """
            [#{id => p1, start => {os, start, ["priv/program"]}, modules => [program], shutdown => 2000}]
            """
        let script = """
            {load_object_code, {fix, "2.0.0", []}}, point_of_no_return, {stop, [program]}, {start, [program]}
            """
        let root = try TestRoot()
        try root.release("1.0.0", children: children)
        try root.release("2.0.0", children: children, relup: TestRoot.relup(up: script))
        try root.register(["1.0.0", "2.0.0"])
        for vsn in ["1.0.0", "2.0.0"] {
            try root.write("lib/fix-\(vsn)/priv/program", "#!/bin/sh\necho program \(vsn)\nexec sleep 1000\n")
            chmod("\(root.root)/lib/fix-\(vsn)/priv/program", 0o755)
        }
        try await TestNode.with(root) { test async throws in
            let first = try await test.pid("fix/fix_sup/p1")
            _ = try await test.events.first { $0.kind == "output" && $0.message == "program 1.0.0" }
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.events.first { $0.kind == "output" && $0.message == "program 2.0.0" }
            #expect(try await test.pid("fix/fix_sup/p1") != first)
        }
    }

    @Test func anApplicationsChangedEnvironmentIsToldToItsWorkers() async throws {
        let root = try TestRoot.twoVersions(config2: "[{fix, [{greeting, goodbye}, {more, 1}]}].")
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("{env, greeting}") == "hello")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("{env, greeting}") == "goodbye")
            #expect(try await test.call("{env, more}") == "1")
        }
    }

    @Test func theBuiltInFunctionsOfApplyAreCalled() async throws {
        let script = """
            {apply, {io, format, ["about to change"]}}, point_of_no_return, {apply, {timer, sleep, [1]}},
            {apply, {supervisor, terminate_child, [fix_sup, c1]}}, {apply, {supervisor, restart_child, [fix_sup, c1]}},
            {apply, {supervisor, start_child, [fix_sup, #{id => c2, start => {counter, start_link, [{count, 9}]}}]}},
            {apply, {application, stop, [fix]}}, {apply, {application, start, [fix]}}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: script))
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            _ = try await test.events.first { $0.kind == "relup_output" && $0.message == "about to change" }
            #expect(try await test.pid() != before)
        }
    }
}
