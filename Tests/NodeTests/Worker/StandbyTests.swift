import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Standbys that nobody needs, and probes of modules that nobody runs.
@Suite(.timeLimit(.minutes(15))) struct StandbyTests {
    @Test(arguments: ["temporary", "transient"]) func aStandbyEndsWithAWorkerThatIsNotStartedAgain(restart: String)
        async throws
    {
        let script = UpgradeDisturbanceTests.pausing(after: "{load_object_code, {fix, \"2.0.0\", [counter]}}")
        let root = try TestRoot.twoVersions(
            children: "[#{id => c1, start => {counter, start_link, []}, restart => \(restart)}]",
            relup: TestRoot.relup(up: script))
        try await TestNode.with(root) { test async throws in
            let old = try await test.pid()
            for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                guard case .progress(let step) = progress, step.text.hasPrefix("{apply,") else { continue }
                #expect(await test.pids().count == 2)
                // An orderly end, which a transient child is not started again after; a temporary one never is.
                if restart == "temporary" { kill(old, SIGKILL) } else { _ = try? await test.call("{stop, normal}") }
                while await !test.pids().isEmpty { await Task.yield() }
                await test.node.installer.upgrade?.wakeUp()
            }
        }
    }

    /// The user database is asked before its standby starts, too.
    @Test(.enabled(if: geteuid() == 0)) func aWorkerWithAUserIsHandedOver() async throws {
        let root = try TestRoot.twoVersions(
            children: "[#{id => c1, start => {counter, start_link, []}, user => \"0\"}]")
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("{add, 41}") == "41")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("{add, 1}") == "42")
        }
    }

    private static func probing(_ children: String, _ script: String) throws -> TestRoot {
        let up = "{load_object_code, {fix, \"2.0.0\", [extra]}}, point_of_no_return"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up))
        try root.write("lib/fix-2.0.0/ebin/fix_sup.sup", "{ok, {#{}, \(children)}}.")
        try root.write("lib/fix-2.0.0/ebin/extra", "#!/bin/sh\n\(script)\n")
        chmod("\(root.root)/lib/fix-2.0.0/ebin/extra", 0o755)
        chmod(root.directory, 0o1777)
        return root
    }

    @Test func aModuleThatNoSpecStartsIsNotRun() async throws {
        let root = try Self.probing(TestRoot.oneCounter, "touch \"$0.ran\"")
        try await TestNode.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            let note = try #require(result.instructions.first?.note)
            #expect(note == "no child spec starts extra: it is read, and not tried by a start")
            #expect(!FileManager.default.fileExists(atPath: "\(root.root)/lib/fix-2.0.0/ebin/extra.ran"))
        }
    }

    /// An unmodified program that a worker's spec starts: found long before the start timeout.
    @Test func aProbeThatIsNoWorkerIsNotWaitedFor() async throws {
        let children = "[#{id => x, start => {extra, start_link, []}, start_timeout => 600000}]"
        try await TestNode.with(try Self.probing(children, "exec sleep 1000")) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .refused)
            #expect(
                result.reason == """
                    new code of extra does not start: it has done nothing for 5 s and not read its first message, so it is \
                    no worker; the spec of an unmodified program has start => {os, start, [Program | Arguments]}
                    """)
        }
    }

    /// As its spec says, with no socket bound for it.
    @Test func aProbeRunsAsItsSpecSays() async throws {
        let children = """
            [#{id => x, start => {extra, start_link, []}, user => nobody, cwd => "/usr", env => [{"FOO", "bar"}],
               rlimits => #{nofile => 77}, sockets => [#{name => a, listen => "127.0.0.1:0"}]}]
            """
        let root = try Self.probing(
            children, "cd /; echo \"$(id -un) $OLDPWD $FOO $(ulimit -n) $LISTEN_FDS\" > OUT; exit 3")
        let out = "\(root.directory)/out"
        let file = "lib/fix-2.0.0/ebin/extra"
        let text = try String(contentsOfFile: "\(root.root)/\(file)", encoding: .utf8)
        try root.write(file, text.replacingOccurrences(of: "OUT", with: out))
        chmod("\(root.root)/\(file)", 0o755)
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .refused)
            #expect(try String(contentsOfFile: out, encoding: .utf8) == "nobody /usr bar 77 \n")
            #expect(await test.node.sockets.all.isEmpty)
        }
    }

    @Test func anotherUsersProcessGetsFewOfTheDaemonsVariables() {
        let others = WorkerEnvironment.inherited(forOtherUser: true)
        let known: Set<String> = ["PATH", "LANG", "LANGUAGE", "TZ"]
        #expect(others.keys.allSatisfy { known.contains($0) || $0.hasPrefix("LC_") })
        #expect(others["PATH"] != nil && WorkerEnvironment.inherited(forOtherUser: false).count > others.count)
    }
}
