import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// Upgrades by the real releasectl of the real daemon: what is told while they run, and how they end.
@Suite(.timeLimit(.minutes(15))) struct EndToEndUpgradeTests {
    @Test func eventsTellOfAnUpgrade() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            #expect(try await daemon.call("{add, 5}") == "5")
            let before = try #require(try await daemon.workers().first?.pid)
            try await daemon.following { follower in
                try await daemon.ask("install-release", "2.0.0")
                let began = try await follower.next("install_release")
                #expect(began.fields == ["from": "1.0.0", "to": "2.0.0"])
                let handedOff = try await follower.next("worker_handed_off")
                let installed = try await follower.next("release_installed")
                let after = try #require(try await daemon.workers().first?.pid)
                #expect(handedOff.worker == TestNode.c1)
                #expect(handedOff.fields == ["old_pid": "\(before)", "pid": "\(after)", "generation": "2"])
                #expect(installed.release == "2.0.0")
                #expect(installed.fields == ["from": "1.0.0", "to": "2.0.0"])
                #expect(began.sequence < handedOff.sequence && handedOff.sequence < installed.sequence)
            }
            #expect(try await daemon.call("get") == "5")
            #expect(try await daemon.call("changes") == "1")
        }
    }

    // MARK: Half-way failures

    /// Two groups, one after the other: alpha is resumed in new code before beta's conversion fails.
    static func twoGroups() throws -> TestRoot {
        let children = """
            [#{id => a1, start => {alpha, start_link, []}}, #{id => b1, start => {beta, start_link, []}}]
            """
        let group = { (module: String, extra: String) in
            """
            {suspend, [\(module)]}, {load, {\(module), brutal_purge, brutal_purge}},
            {code_change, up, [{\(module), \(extra)}]}, {resume, [\(module)]}
            """
        }
        let up = """
            {load_object_code, {fix, "2.0.0", [alpha, beta]}}, point_of_no_return,
            \(group("alpha", "[]")), {apply, {timer, sleep, [1]}}, \(group("beta", "throw"))
            """
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            for module in ["alpha", "beta"] { try root.install(as: module, vsn: vsn) }
        }
        try root.release("1.0.0", children: children)
        try root.release("2.0.0", children: children, relup: TestRoot.relup(up: up))
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    @Test func whatCannotBeUndoneRestartsTheNodeIntoThePermanentRelease() async throws {
        try await EndToEndDaemon.with(try Self.twoGroups()) { daemon async throws in
            let pid = try await daemon.status().pid
            let old = try await daemon.workers().map { ProcessExit(of: try #require($0.pid)) }
            #expect(try await daemon.call("{add, 9}", of: "fix/fix_sup/a1") == "9")

            let run = try await daemon.releasectl("install-release", "2.0.0", "--json")
            #expect(run.exit == 4)
            let last = try #require(run.output.split(separator: "\n").last)
            let line = try JSONDecoder().decode([String: InstallResult].self, from: Data(last.utf8))
            let result = try #require(line["result"])
            #expect(result.outcome == .restarting)
            #expect(result.failedInstruction?.text == "{code_change,up,[{beta,throw}]}")
            #expect(result.worker == "fix/fix_sup/b1")
            #expect(result.lost.map(\.worker) == ["fix/fix_sup/a1", "fix/fix_sup/b1"])
            #expect(
                run.error == """
                    releasectl: install-release 2.0.0: failed at instruction 10, {code_change,up,[{beta,throw}]} for \
                    fix/fix_sup/b1: code_change of beta failed in fix/fix_sup/b1: told_to_throw
                      It is not rolled back: the permanent release boots next.
                    lost:
                      fix/fix_sup/a1: state and connections: the node restarts
                      fix/fix_sup/b1: state and connections: the node restarts

                    """)

            // The same process, so the service manager sees no restart; all that it started is new.
            let said = try await daemon.untilReady()
            #expect(said.count == 1 && said[0].count == 2 && said[0][0] == "READY=1", "\(said)")
            #expect(
                said[0].last?.hasPrefix("STATUS=release 1.0.0 runs; release 2.0.0, which was being installed") == true)
            let status = try await daemon.status()
            #expect(status.pid == pid)
            #expect([status.release, status.permanent] == ["1.0.0", "1.0.0"])
            for worker in old { try await worker.passed("a worker of before") }
            let workers = try await daemon.workers()
            #expect(workers.map(\.vsn) == ["1.0.0", "1.0.0"])
            #expect(workers.map(\.generation) == [1, 1])
            #expect(Set(try daemon.processes()) == Set(workers.compactMap(\.pid)))
            #expect(try await daemon.call("get", of: "fix/fix_sup/a1") == "0")
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    @Test func theWatchdogGoesOnAfterARestartOfTheNode() async throws {
        try await EndToEndDaemon.with(try Self.twoGroups(), environment: ["WATCHDOG_USEC": "600000"]) { daemon in
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 4)
            try await daemon.untilReady()
            for _ in 1...3 { try await daemon.notify.next(with: "WATCHDOG=1") }
        }
    }

    @Test func aConversionThatThrowsIsRolledBack() async throws {
        try await EndToEndDaemon.with(try .twoVersions(extra: "throw")) { daemon async throws in
            #expect(try await daemon.call("{add, 5}") == "5")
            let before = try await daemon.workers().map(\.pid)
            let run = try await daemon.releasectl("install-release", "2.0.0")
            #expect(run.exit == 3)
            #expect(
                run.error == """
                    releasectl: install-release 2.0.0: failed at instruction 5, {code_change,up,[{counter,throw}]} for \
                    fix/fix_sup/c1: code_change of counter failed in fix/fix_sup/c1: told_to_throw
                      It was rolled back: 1.0.0 runs on as before.

                    """)
            #expect(try await daemon.workers().map(\.pid) == before)
            #expect(try await daemon.call("get") == "5")
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
        }
    }

    // MARK: Refusals and errors of use

    @Test func anInstallWithoutAMatchingRelupIsRefused() async throws {
        let root = try TestRoot.twoVersions(relup: "{\"2.0.0\", [{\"0.9.0\", [], []}], []}.")
        try await EndToEndDaemon.with(root) { daemon async throws in
            let before = try await daemon.workers().map(\.pid)
            #expect(
                try await daemon.releasectl("install-release", "2.0.0")
                    == Releasectl(
                        exit: 2, output: "",
                        error: """
                            releasectl: install-release 2.0.0: neither the relup of 2.0.0 nor that of 1.0.0 leads from \
                            1.0.0 to 2.0.0 (upgrade_refused)
                              Nothing was changed. Pack a release anew with a relup that leads from 1.0.0 to 2.0.0: \
                            `releasectl make-relup NEW.rel --outdir DIRECTORY --up-from OLD.rel --down-to OLD.rel`.

                            """))
            #expect(try await daemon.workers().map(\.pid) == before)
        }
    }

    @Test func aDaemonThatIsNotThere() async throws {
        let root = try TestRoot()
        defer { root.remove() }
        let socket = "\(root.directory)/nobody.sock"
        let run = try await Program.run(Releasectl.path, ["status", "--socket", socket])
        #expect(run.exit == 69)
        #expect(run.output == "")
        #expect(run.error.hasPrefix("releasectl: "), "\(run)")
        #expect(run.error.contains(socket), "\(run)")
    }

    @Test func aSecondDaemonOnTheSameRootGivesWay() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            let other = "\(daemon.root.directory)/other.sock"
            let run = try await Program.run(EndToEndDaemon.path, ["--root", daemon.root.root, "--socket", other])
            #expect(run.exit == 1)
            let sentence = "the release root \(daemon.root.root) is in use by another release-handlerd: stop it first"
            #expect(run.error.contains(sentence), "\(run)")
            #expect(run.error.split(separator: "\n").count == 1, "\(run)")
            #expect(access(other, F_OK) == -1)
            #expect(try await daemon.call("get") == "0")
        }
    }

    @Test func aSecondDaemonOnTheSameControlSocketGivesWay() async throws {
        let second = try TestRoot.twoVersions()
        defer { second.remove() }
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            let run = try await Program.run(
                EndToEndDaemon.path, ["--root", second.root, "--socket", daemon.controlSocket])
            #expect(run.exit == 1)
            let sentence = "another release-handlerd is listening: stop it or name another path"
            #expect(run.error.contains("\(daemon.controlSocket): \(sentence)"), "\(run)")
            #expect(try await daemon.status().root == daemon.root.root)
        }
    }

    @Test func aRootThatIsNotThere() async throws {
        let root = try TestRoot()
        defer { root.remove() }
        let run = try await Program.run(
            EndToEndDaemon.path, ["--root", "\(root.directory)/none", "--socket", "\(root.directory)/control.sock"])
        #expect(run.exit == 1)
        #expect(run.error.contains("\(root.directory)/none"), "\(run)")
        #expect(run.error.split(separator: "\n").count == 1, "\(run)")
        #expect(access("\(root.directory)/none", F_OK) == -1, "a root must not be made by a mistake")
    }

    @Test(arguments: [["--roof", "/tmp"], ["--log-level", "loud"], ["--readers", "nobody"], ["surplus"]])
    func aBadOptionOfTheDaemon(arguments: [String]) async throws {
        let run = try await Program.run(EndToEndDaemon.path, arguments)
        #expect(run.exit == 64)
        #expect(run.output == "")
        #expect(run.error.hasPrefix("Error: "), "\(run)")
        #expect(run.error.contains(try #require(arguments.last == "/tmp" ? arguments.first : arguments.last)), "\(run)")
    }

    @Test func aBootThatFails() async throws {
        let root = try TestRoot.twoVersions(
            children: "[#{id => c1, start => {counter, start_link, [{init_throw, {bad, config}}]}}]")
        defer { root.remove() }
        let notify = try NotifySocket(path: "\(root.directory)/notify")
        let run = try await Program.run(
            EndToEndDaemon.path, ["--root", root.root, "--socket", "\(root.directory)/control.sock"],
            environment: ["NOTIFY_SOCKET": notify.path])
        #expect(run.exit == 1)
        #expect(run.error.contains("{failed_to_start_child,c1,{bad,config}}"), "\(run)")
        #expect(!notify.drain().contains { $0.contains("READY=1") })
    }
}
