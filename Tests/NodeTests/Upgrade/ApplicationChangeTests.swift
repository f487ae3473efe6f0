import Foundation
import Glibc
import Host
import Instructions
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `upgrade-app`, `downgrade-app` and `eval-appup-script`: real workers, and a release that stays what it is.
@Suite(.timeLimit(.minutes(15))) struct ApplicationChangeTests {
    static let update = "{update, counter, {advanced, []}}"

    /// Release 1.0.0 runs; the next version of its application lies outside of the root, and no release has it.
    static func root(
        up: String = update, down: String = update, env: String? = nil, flags: String = TestRoot.usualFlags
    ) throws -> TestRoot {
        let root = try TestRoot.twoVersions(flags: flags)
        try root.register(["1.0.0"])
        let appup = "{\"2.0.0\", [{<<\"1\\\\..*\">>, [\(up)]}], [{\"1.0.0\", [\(down)]}]}."
        try root.write("lib/fix-2.0.0/ebin/fix.appup", appup)
        if let env {
            let app = "\(root.root)/lib/fix-2.0.0/ebin/fix.app"
            let text = try String(contentsOfFile: app, encoding: .utf8)
            try text.replacing("{greeting, hello}", with: env).write(toFile: app, atomically: true, encoding: .utf8)
        }
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(root.directory)/opt", withIntermediateDirectories: true)
        try manager.moveItem(atPath: "\(root.root)/lib/fix-2.0.0", toPath: new(root))
        return root
    }

    static func new(_ root: TestRoot) -> String { "\(root.directory)/opt/fix-2.0.0" }
    static func old(_ root: TestRoot) -> String { "\(root.root)/lib/fix-1.0.0" }

    private static func notices(_ test: TestNode) async -> [String] {
        (await test.service.status().notices ?? []).map(\.message)
    }

    @Test func theWorkersAreChangedUpAndDownAndTheReleaseStays() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let file = "\(test.root.root)/releases/RELEASES"
            let releases = try String(contentsOfFile: file, encoding: .utf8)
            _ = try await test.call("{add, 41}")
            let up = try await test.upgradeApp(Self.new(test.root))
            #expect(up.outcome == .done, "\(up)")
            #expect(up.from == "fix-1.0.0" && up.to == "fix-2.0.0" && up.reply == "{ok,[]}")
            #expect(up.warnings == [] && up.lost == [])
            #expect(
                up.instructions.map(\.text) == [
                    "{load_object_code,{fix,\"2.0.0\",[counter]}}", "point_of_no_return", "{suspend,[counter]}",
                    "{load,{counter,brutal_purge,brutal_purge}}", "{code_change,up,[{counter,[]}]}",
                    "{resume,[counter]}",
                ])
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("{add, 1}") == "42")
            let status = await test.service.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0")
            #expect(
                await Self.notices(test) == [
                    """
                    application fix is 2.0.0, from \(Self.new(test.root)), and 1.0.0 in release 1.0.0: a restart boots the \
                    permanent release as it is on disk
                    """
                ])
            #expect(await test.service.whichApplications().applications.first?.vsn == "2.0.0")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == releases)
            // What is started again is started from there.
            _ = try? await test.call("crash")
            _ = try await test.events.first("worker_restart", worker: TestNode.c1)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            _ = try await test.call("{add, 7}")
            let down = try await test.downgradeApp(Self.old(test.root))
            #expect(down.outcome == .done && down.from == "fix-2.0.0" && down.to == "fix-1.0.0", "\(down)")
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            #expect(try await test.call("get") == "7")
            #expect(await Self.notices(test) == [])
            let kinds = try await test.node.history.records().map(\.kind)
            #expect(kinds == ["boot", "upgrade_app", "app_upgraded", "upgrade_app", "app_upgraded"])
        }
    }

    // MARK: Refused

    private static func reason(_ change: () async throws -> InstallResult) async -> String {
        do {
            return "\(try await change().outcome)"
        } catch let error as ControlError {
            return "\(error.code.rawValue) \(error.details["reason"] ?? error.message)"
        } catch {
            return "\(error)"
        }
    }

    /// With OTP's reasons, and before anything runs.
    @Test func whatIsKnownBeforehandIsRefused() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let (new, old) = (Self.new(test.root), Self.old(test.root))
            func upgrade(_ directory: String, of application: String = "fix") async -> String {
                let body = UpgradeApplicationRequest(directory: directory)
                return await Self.reason { try await test.change(.upgrade(body), of: application) }
            }
            func write(_ name: String, _ text: String) throws {
                try text.write(toFile: "\(new)/ebin/\(name)", atomically: true, encoding: .utf8)
            }
            let before = try await test.pid()
            #expect(await upgrade(new, of: "other") == "upgrade_refused {app_not_running,other}")
            #expect(await upgrade(new, of: "kernel") == "upgrade_refused {app_not_running,kernel}")
            #expect(await upgrade("/nowhere") == "bad_file {no_such_directory,\"/nowhere\"}")
            #expect(await upgrade(old) == "upgrade_refused no_appup_found")
            chmod("\(new)/ebin", 0o777)
            #expect(await upgrade(new) == "bad_file {eacces,\"\(new)/ebin\"}")
            chmod("\(new)/ebin", 0o755)
            let appup = try String(contentsOfFile: "\(new)/ebin/fix.appup", encoding: .utf8)
            try write("fix.appup", "{\"2.0.0\", [{\"0.9\", []}], []}.")
            #expect(await upgrade(new) == "upgrade_refused {version_not_in_appup,\"1.0.0\"}")
            try write("fix.appup", "{\"2.0.0\", [{\"1.0.0\", [restart_new_emulator]}], []}.")
            #expect(await upgrade(new) == "upgrade_refused restart_new_emulator")
            try write("fix.appup", "{\"2.0.0\", [{\"1.0.0\", [{update, nobody, {advanced, []}}]}], []}.")
            #expect(await upgrade(new) == "upgrade_refused {no_such_module,nobody}")
            // As an install is, by the same look at what the script would do.
            try write("fix.appup", "{\"2.0.0\", [{\"1.0.0\", [{apply, {io, nonsense, []}}]}], []}.")
            let call = await upgrade(new)
            #expect(call.hasPrefix("upgrade_refused {"), "\(call)")
            try write("fix.appup", appup)
            let app = try String(contentsOfFile: "\(new)/ebin/fix.app", encoding: .utf8)
            try FileManager.default.removeItem(atPath: "\(new)/ebin/fix.app")
            #expect(await upgrade(new) == "upgrade_refused {no_app_found,\"2.0.0\",\"\(new)\"}")
            try write("fix.app", app)
            let unknown = await Self.reason { try await test.downgradeApp("\(test.root.directory)/opt") }
            #expect(unknown == "upgrade_refused {unknown_version,fix}")
            let noAppup = await Self.reason { try await test.downgradeApp(old, vsn: "1.0.0") }
            #expect(noAppup == "upgrade_refused no_appup_found")
            #expect(try await test.pid() == before)
            #expect(await upgrade(new) == "done")
            let older = await Self.reason { try await test.downgradeApp(old, vsn: "0.9.0") }
            #expect(older == "upgrade_refused {version_not_in_appup,\"0.9.0\"}")
        }
    }

    @Test func oneThatDoesNotRunIsRefused() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            _ = try await test.service.stopApplication("fix", peer: TestNode.peer)
            let refused = await Self.reason { try await test.upgradeApp(Self.new(test.root)) }
            #expect(refused == "upgrade_refused {app_not_running,fix}")
        }
    }

    /// A release that proves itself is left as it was installed, and while one is installed nothing else is changed.
    @Test func notWhileAReleaseProvesItself() async throws {
        let root = try TestRoot.twoVersions()
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let refused = await test.refusal { try await test.downgradeApp(Self.old(test.root)) }
            #expect(
                refused == """
                    busy: release 2.0.0 is on probation, which proves what was installed: wait for its end, or make it permanent
                    """)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            let after = await Self.reason { try await test.downgradeApp(Self.old(test.root)) }
            #expect(after == "upgrade_refused no_appup_found")
        }
    }

    // MARK: Failed

    @Test func aConversionThatFailsLeavesAllAsItWas() async throws {
        let root = try Self.root(
            up: "{apply, {application, set_env, [fix, greeting, changed]}}, {update, counter, {advanced, throw}}")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            _ = try await test.service.setEnv("fix", key: "greeting", value: "set", peer: TestNode.peer)
            let before = try await test.pid()
            let result = try await test.upgradeApp(Self.new(test.root))
            #expect(result.outcome == .aborted, "\(result)")
            #expect(result.failedInstruction?.text == "{code_change,up,[{counter,throw}]}")
            #expect(result.reply?.hasPrefix("{error,") == true, "\(result)")
            #expect(result.lost == [])
            let trace = try #require(result.trace)
            #expect(trace.hasSuffix("-fix-2.0.0.trace"), "\(trace)")
            #expect(try await test.pid() == before)
            #expect(try await test.call("get") == "5")
            #expect(try await test.service.getEnv("fix", key: "greeting").value == "set")
            #expect(await Self.notices(test) == [])
            #expect(await test.service.whichApplications().applications.first?.vsn == "1.0.0")
            // And the next try is not in its way.
            try await test.untilOneProcessIsLeft()
        }
    }

    /// What was committed goes back by the script of the same file for the other direction; where it has none, the node restarts.
    @Test(arguments: [true, false])
    func whatWasCommittedIsTakenBackByTheSameAppup(hasWayBack: Bool) async throws {
        let (both, children) = (TransactionTests.both, TransactionTests.children)
        let sleep = "{apply, {timer, sleep, [1]}}"
        func updates(_ modules: [String], _ last: String) -> String {
            "[{update, \(modules[0]), {advanced, []}}, \(sleep), {update, \(modules[1]), {advanced, \(last)}}]"
        }
        let root = try TestRoot.modules(both, children: children, up: "")
        try root.register(["1.0.0"])
        let down = hasWayBack ? "[{\"1.0.0\", \(updates(["store", "counter"], "[]"))}]" : "[]"
        try root.write(
            "lib/fix-2.0.0/ebin/fix.appup",
            "{\"2.0.0\", [{\"1.0.0\", \(updates(["counter", "store"], "fail"))}], \(down)}.")
        let (result, end) = try await TestNode.with(root) { test async throws -> (InstallResult, NodeEnd?) in
            for worker in [TestNode.c1, TransactionTests.store] { _ = try await test.call("{add, 5}", of: worker) }
            let result = try await test.upgradeApp("\(root.root)/lib/fix-2.0.0")
            guard hasWayBack else { return (result, await test.node.ended()) }
            for worker in [TestNode.c1, TransactionTests.store] {
                #expect(try await test.call("get", of: worker) == "5")
                #expect(try await test.call("vsn", of: worker) == "\"1.0.0\"")
            }
            #expect(await Self.notices(test) == [])
            return (result, nil)
        }
        #expect(result.reason == "code_change of store failed in fix/fix_sup/s1: told_to_fail")
        #expect(result.reply?.hasPrefix("{error,") == true, "\(result)")
        if hasWayBack {
            #expect(result.outcome == .aborted && result.wasTakenBack == true && result.lost == [], "\(result)")
        } else {
            #expect(result.outcome == .restarting, "\(result)")
            #expect(result.warnings.last?.hasSuffix("it has no script to fix-1.0.0") == true, "\(result)")
            let restarts = if case .restart = end { true } else { false }
            #expect(restarts, "\(String(describing: end))")
        }
    }

    // MARK: Environments, and what else goes by the release

    @Test func theEnvironmentIsThatOfTheNewVersion() async throws {
        try await TestNode.with(try Self.root(env: "{greeting, welcome}, {more, 1}")) { test async throws in
            _ = try await test.service.setEnv("fix", key: "greeting", value: "set", peer: TestNode.peer)
            #expect(try await test.call("{env, greeting}") == "set")
            #expect(try await test.upgradeApp(Self.new(test.root)).outcome == .done)
            #expect(try await test.call("{env, greeting}") == "welcome")
            #expect(try await test.call("{env, more}") == "1")
            // A reload takes the version that runs.
            let reload: ReloadedConfiguration = try await test.service.ask(
                Operations.node.reload, NoParameters(), NoBody(), peer: TestNode.peer)
            #expect(reload.failures == [])
            #expect(await test.service.whichApplications().applications.first?.vsn == "2.0.0")
            #expect(try await test.call("{env, more}") == "1")
            // So does a daemon that goes on in this one's place.
            await test.node.history.written()
            let libraries = try await { @HostActor in try test.node.state().release.record.libraries.map(\.vsn) }()
            #expect(libraries == ["2.0.0"])
        }
    }

    /// An application that was changed is still what an install comes from, which is told.
    @Test func anInstallOverItWarns() async throws {
        let root = try Self.root()
        try await TestNode.with(root) { test async throws in
            #expect(try await test.upgradeApp(Self.new(test.root)).outcome == .done)
            let opt = [
                SetUnpackedRequest.ApplicationDirectory(name: "fix", vsn: "2.0.0", directory: "\(root.directory)/opt")
            ]
            _ = try await test.service.setUnpacked("\(root.root)/releases/2.0.0/fix.rel", opt)
            let warning = """
                application fix runs as 2.0.0 from \(Self.new(root)), and the relup is for what release 1.0.0 has of it
                """
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.warnings == [warning])
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done && result.warnings == [warning], "\(result)")
            #expect(await Self.notices(test).contains { $0.contains("application fix") } == false)
        }
    }

    /// Its directory may be that of a release, which then stays.
    @Test func theReleaseWhoseDirectoryItHasIsNotRemoved() async throws {
        let root = try TestRoot.twoVersions()
        let appup = "{\"2.0.0\", [{\"1.0.0\", []}], []}."
        try root.write("lib/fix-2.0.0/ebin/fix.appup", appup)
        try await TestNode.with(root) { test async throws in
            // Nobody runs from it, as the script loads nothing.
            #expect(try await test.upgradeApp("\(root.root)/lib/fix-2.0.0").outcome == .done)
            let refused = await test.refusal {
                try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
            }
            #expect(refused.contains("application fix runs from lib/fix-2.0.0"), "\(refused)")
        }
    }

    // MARK: A script of one's own

    private static func evaluate(_ script: String, vsn: String = "2.0.0", _ test: TestNode) async throws
        -> InstallResult
    {
        try await test.change(
            .evaluate(EvalAppupScriptRequest(vsn: vsn, directory: new(test.root), script: script)))
    }

    @Test func aScriptIsEvaluated() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            _ = try await test.call("{add, 3}")
            let result = try await Self.evaluate("[\(TestRoot.up())]", test)
            #expect(result.outcome == .done && result.reply == "{ok,[]}", "\(result)")
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("get") == "3")
            let restarts = try await Self.evaluate("[point_of_no_return, restart_emulator]", test)
            #expect(restarts.outcome == .done && restarts.reply == "restart_emulator", "\(restarts)")
            #expect(
                restarts.warnings == [
                    """
                    its script ends with restart_emulator, which is left to you: a restart boots the permanent release, without \
                    fix-2.0.0
                    """
                ])
            #expect(await test.service.status().state == .running)
        }
    }

    @Test func aScriptThatCanNotBeEvaluatedIsRefused() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            func reason(_ script: String, vsn: String = "2.0.0") async -> String {
                await Self.reason { try await Self.evaluate(script, vsn: vsn, test) }
            }
            let cut = await reason("[odd")
            #expect(cut.hasPrefix("bad_request the script is no term: 1:"), "\(cut)")
            let unknown = await reason("[odd]")
            #expect(unknown.hasPrefix("bad_request the script: expected a known instruction, found odd"), "\(unknown)")
            #expect(await reason("[restart_new_emulator]") == "upgrade_refused restart_new_emulator")
            let order = await reason("[{load, {counter, brutal_purge, brutal_purge}}]")
            #expect(order.hasPrefix("upgrade_refused the script: "), "\(order)")
            let other = await reason("[point_of_no_return]", vsn: "3.0.0")
            #expect(other.hasSuffix("fix.app: expected application fix-3.0.0, found fix-2.0.0"), "\(other)")
        }
    }
}
