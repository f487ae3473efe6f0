import Foundation
import Glibc
import Host
import ReleaseHandling
import Testing
import Wire

@testable import TestSupport

/// `restart_new_emulator`: the real daemon becomes another version of itself in the middle of an upgrade, with its workers.
@Suite(.timeLimit(.minutes(15))) struct NewEmulatorTests {
    static let other = "0.2.0"

    /// The daemon, which is of the version that its directory says.
    private static let whole = "exec \"${0%/*}/whole\" \"$@\""

    /// Release 2.0.0 is for another emulator; `body` is what that one does.
    static func root(
        emulator body: String = whole, up: String = TestRoot.up(), config2: String = "[].",
        flags: String = TestRoot.usualFlags
    ) throws -> TestRoot {
        let root = try TestRoot.twoVersions(
            flags: flags,
            relup: TestRoot.relup(
                up: "restart_new_emulator, \(up)", down: "\(TestRoot.down()), restart_emulator"),
            config2: config2)
        try root.write(
            "releases/2.0.0/fix.rel", "{release, {\"fix\", \"2.0.0\"}, {erts, \"\(other)\"}, [{fix, \"2.0.0\"}]}.")
        let file = "\(root.root)/releases/RELEASES"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = text.replacingOccurrences(
            of: #"("2\.0\.0",\s*)"[^"]*"(,\s*\[)"#, with: "$1\"\(other)\"$2", options: .regularExpression)
        #expect(changed != text)
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        try lay(body, in: root)
        return root
    }

    private static func lay(_ body: String, in root: TestRoot) throws {
        let program = "erts-\(other)/bin/release-handlerd"
        try root.write(program, "#!/bin/sh\n\(body)\n")
        chmod("\(root.root)/\(program)", 0o755)
        try ProgramFile.put(EndToEndDaemon.path, at: "\(root.root)/erts-\(other)/bin/whole")
    }

    private static func startErlData(_ root: TestRoot) throws -> String {
        try String(contentsOfFile: "\(root.root)/releases/start_erl.data", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test func theWorkersAreKeptAndTheScriptGoesOn() async throws {
        let root = try Self.root()
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon in
            let old = try await daemon.status().erts
            _ = try await daemon.call("{add, 5}")
            let tail = try await EventTail.follow(daemon.controlSocket)
            let install = try await daemon.releasectl("install-release", "2.0.0")
            #expect(install.exit == 0, "\(install)")
            let status = try await daemon.status()
            let node = try #require(NodeName(status.node))
            guard case .installed("2.0.0", _) = NodeDirectory("\(root.directory)/nodes").record(of: node)?.state else {
                Issue.record("the other nodes do not know of it")
                return
            }
            #expect(status.erts == Self.other && status.release == "2.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(status.pid == daemon.program.pid)
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            #expect(try await daemon.call("get") == "5", "the state came over, by a handoff")
            #expect(try await daemon.workers().first?.restarts == 0)
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 current"])
            #expect(try Self.startErlData(root) == "\(old) 1.0.0")
            while !tail.all.contains(where: { $0.kind == "release_installed" }) { await Task.yield() }
            let kinds = tail.all.map(\.kind)
            #expect(kinds.contains("reexecuted") && !kinds.contains("worker_exited") && !kinds.contains("worker_lost"))
            tail.stop()
            // It goes on in the one way and the other.
            try await daemon.ask("reexec")
            #expect(try await daemon.status().erts == Self.other)
            try await daemon.ask("make-permanent", "2.0.0")
            #expect(try Self.startErlData(root) == "\(Self.other) 2.0.0")
            try await daemon.stop()
        }
        // What boots is executed by its own emulator, whoever is started.
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.erts == Self.other && status.release == "2.0.0" && status.permanent == "2.0.0", "\(status)")
            // And back, by the script down: OTP's restarts the emulator at its end.
            let back = try await daemon.releasectl("install-release", "1.0.0")
            #expect(back.output.contains("the node restarts"), "\(back)")
            try await daemon.untilReady()
            let after = try await daemon.status()
            #expect(after.erts != Self.other && after.release == "1.0.0" && after.permanent == "2.0.0", "\(after)")
        }
    }

    /// As in OTP.
    @Test func theWorkersAreStoppedWhereTheReleaseSaysSo() async throws {
        let config = "[{release_handler, [{emulator_restart, stop_workers}]}]."
        try await EndToEndDaemon.with(try Self.root(config2: config)) { daemon in
            _ = try await daemon.call("{add, 5}")
            _ = try await daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilReady()
            while try await daemon.status().release != "2.0.0" { await Task.yield() }
            let status = try await daemon.status()
            #expect(
                status.erts == Self.other && status.permanent == "1.0.0" && status.pid == daemon.program.pid,
                "\(status)")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            #expect(try await daemon.call("get") == "0", "started anew")
        }
    }

    /// One that can't read the state: the tree is stopped for it.
    @Test func theWorkersAreStoppedWhereTheOtherOneCanNotTakeThemOver() async throws {
        let body = "[ \"$1\" = --check-state ] && { echo not this state; exit 1; }\n\(Self.whole)"
        try await EndToEndDaemon.with(try Self.root(emulator: body)) { daemon in
            _ = try await daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilReady()
            while try await daemon.status().release != "2.0.0" { await Task.yield() }
            #expect(try await daemon.status().erts == Self.other)
            #expect(daemon.program.complained.contains("not this state"))
        }
    }

    /// What fails under the new emulator goes back under the old one, with the workers as they were.
    @Test func anInstallThatComesToNothingGoesBackToTheOldEmulator() async throws {
        try await EndToEndDaemon.with(try Self.root(up: TestRoot.up("throw"))) { daemon in
            let old = try await daemon.status().erts
            _ = try await daemon.call("{add, 5}")
            let worker = try #require(try await daemon.workers().first?.pid)
            let install = try await daemon.releasectl("install-release", "2.0.0")
            #expect(install.exit == 3, "\(install)")
            while try await daemon.status().erts != old { await Task.yield() }
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0" && status.pid == daemon.program.pid)
            #expect(try await daemon.workers().first?.pid == worker)
            #expect(try await daemon.call("get") == "5")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    @Test func oneThatIsNotThereIsRefusedBeforehand() async throws {
        let root = try Self.root()
        try FileManager.default.removeItem(atPath: "\(root.root)/erts-\(Self.other)")
        try await EndToEndDaemon.with(root) { daemon in
            for command in ["check-install-release", "install-release"] {
                let refused = try await daemon.releasectl(command, "2.0.0")
                #expect(refused.exit == 2, "\(refused)")
                #expect(refused.error.contains("release 2.0.0 is for erts 0.2.0, this daemon is "), "\(refused.error)")
                #expect(refused.error.contains("pack it with make-tar --erts"), "\(refused.error)")
            }
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    /// It passes its check, and then exits, or crashes after a while: as a crash of the daemon, which boots the permanent release under its own
    /// emulator.
    @Test(arguments: ["exit 3", "sleep 1; kill -SEGV $$"]) func oneThatFailsBehindIt(what: String) async throws {
        let root = try Self.root(emulator: "[ \"$1\" = --check-state ] || { \(what); }\n\(Self.whole)")
        defer { root.remove() }
        let (worker, ending) = try await EndToEndDaemon.untilItsEnd(on: root) { daemon in
            let worker = try #require(try await daemon.workers().first?.pid)
            _ = try await daemon.releasectl("install-release", "2.0.0")
            return worker
        }
        #expect(ending != .exit(0))
        while kill(worker, 0) == 0 { await Task.yield() }
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.erts != Self.other && status.release == "1.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    /// What restarts the daemon is what the configuration says, with the file that names what is to boot.
    @Test func startPrgIsHonoured() async throws {
        let root = try Self.root(config2: "[{release_handler, [{emulator_restart, stop_workers}]}].")
        try root.write("releases/1.0.0/sys.config", "[{sasl, [{start_prg, \"bin/start\"}]}].")
        let log = "\(root.directory)/started"
        try root.write(
            "bin/start",
            """
            #!/bin/sh
            echo "$1: $(cat "$1")" >> \(log)
            read erts vsn < "$1"
            shift
            exec \(root.root)/erts-$erts/bin/release-handlerd "$@"

            """)
        chmod("\(root.root)/bin/start", 0o755)
        try await EndToEndDaemon.with(root) { daemon in
            _ = try await daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilReady()
            while try await daemon.status().release != "2.0.0" { await Task.yield() }
            #expect(try await daemon.status().erts == Self.other)
            let started = try String(contentsOfFile: log, encoding: .utf8)
            #expect(started.hasPrefix("\(root.root)/releases/new_start_erl.data: \(Self.other) 2.0.0"), "\(started)")
        }
    }
}
