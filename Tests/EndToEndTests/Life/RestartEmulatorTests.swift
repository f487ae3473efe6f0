import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `restart_emulator`, the last instruction of a script: the real daemon stops its tree and goes on as another run of itself, in
/// the new release, which has everything to prove.
@Suite(.timeLimit(.minutes(15))) struct RestartEmulatorTests {
    private static let up = "point_of_no_return, restart_emulator"

    private static func root(flags: String = TestRoot.usualFlags, config2: String = "[].") throws -> TestRoot {
        try TestRoot.twoVersions(flags: flags, relup: TestRoot.relup(up: up, down: up), config2: config2)
    }

    private static func restarted(_ daemon: EndToEndDaemon) async throws {
        let install = try await daemon.releasectl("install-release", "2.0.0")
        // The workers' states are gone with the tree: that is told as a loss.
        #expect(install.exit == 4, "\(install)")
        #expect(install.output.contains("1.0.0 -> 2.0.0: the node restarts"), "\(install)")
        try await daemon.untilReady()
    }

    @Test func theNextRunBootsTheNewReleaseUnderTheSamePid() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            try await Self.restarted(daemon)
            let status = try await daemon.status()
            #expect(status.release == "2.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(status.pid == daemon.program.pid)
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 current"])
            try await daemon.ask("make-permanent", "2.0.0")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 old", "2.0.0 permanent"])
        }
    }

    private static let startProgram = "[{sasl, [{start_prg, \"bin/start\"}]}]."

    /// It is looked for before anybody is stopped.
    @Test func aStartProgramThatIsNotThereIsRefused() async throws {
        try await EndToEndDaemon.with(try Self.root(config2: Self.startProgram)) { daemon in
            let worker = try await daemon.workers().first?.pid
            let refused = try await daemon.releasectl("install-release", "2.0.0")
            #expect(refused.exit == 2)
            #expect(
                refused.error.contains("its start_prg, \(daemon.root.root)/bin/start, can't be executed: No such file"),
                "\(refused)")
            #expect(try await daemon.workers().first?.pid == worker)
        }
    }

    /// One that can't be executed though it may be is found when the tree is down: the permanent release is better than none.
    @Test func aStartProgramThatIsNoneIsFollowedByThePermanentRelease() async throws {
        let root = try Self.root(config2: Self.startProgram)
        try root.write("bin/start", "no program\n")
        chmod("\(root.root)/bin/start", 0o755)
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.restarted(daemon)
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.pid == daemon.program.pid, "\(status)")
            #expect(daemon.program.complained.contains("Exec format error; the permanent release boots"))
        }
    }

    /// Any other end of the run than its own restart leads to the permanent release.
    @Test func aCrashOfTheNewRunBootsThePermanentRelease() async throws {
        let root = try Self.root()
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon in
            try await Self.restarted(daemon)
            #expect(try await daemon.status().release == "2.0.0")
            try await daemon.stop(by: SIGKILL)
        }
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    @Test func oneThatDoesNotProveItselfIsLeftAgain() async throws {
        try await EndToEndDaemon.with(try Self.root(flags: "#{intensity => 0, period => 60}")) { daemon in
            try await Self.restarted(daemon)
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            try await daemon.untilReady()
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0", "\(status)")
        }
    }

    @Test func oneThatProvesItselfBecomesPermanent() async throws {
        let config = "[{release_handler, [{make_permanent, {auto, 1}}]}]."
        try await EndToEndDaemon.with(try Self.root(config2: config)) { daemon in
            try await Self.restarted(daemon)
            while try await daemon.status().permanent != "2.0.0" { await Task.yield() }
        }
    }

    @Test func oneThatCanNotBootIsLeftToThePermanentRelease() async throws {
        let root = try Self.root()
        try root.write("lib/fix-2.0.0/ebin/counter", "#!/bin/sh\nexit 3\n")
        chmod("\(root.root)/lib/fix-2.0.0/ebin/counter", 0o755)
        try await EndToEndDaemon.with(root) { daemon in
            _ = try await daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilReady()
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
        }
    }

    @Test func anotherEmulatorsReleaseIsRefused() async throws {
        let root = try Self.root()
        let other = "{release, {\"fix\", \"2.0.0\"}, {erts, \"9.9\"}, [{fix, \"2.0.0\"}]}."
        try root.write("releases/2.0.0/fix.rel", other)
        let file = "\(root.root)/releases/RELEASES"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = text.replacingOccurrences(
            of: #"("2\.0\.0",\s*)"[^"]*"(,\s*\[)"#, with: #"$1"9.9"$2"#, options: .regularExpression)
        #expect(changed != text)
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        try await EndToEndDaemon.with(root) { daemon in
            let refused = try await daemon.releasectl("install-release", "2.0.0")
            #expect(refused.exit == 2)
            #expect(
                refused.error.contains("is for erts 9.9, this daemon is \(Emulator.vsn), and there is no "),
                "\(refused)")
        }
    }
}
