import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The real daemon, started again and again: a permanent release that does not boot is left, and what a restart dropped is told.
@Suite(.timeLimit(.minutes(15))) struct BootFallbackTests {
    /// 2.0.0 is permanent, and was never booted.
    private static func permanent(config2: String = "[].") async throws -> TestRoot {
        let root = try TestRoot.twoVersions(config2: config2)
        try await EndToEndDaemon.again(on: root) { daemon in
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            try await daemon.ask("make-permanent", "2.0.0")
        }
        return root
    }

    private static func damage(_ root: TestRoot, _ vsn: String) throws {
        try root.write("lib/fix-\(vsn)/ebin/counter", "#!/bin/sh\nexit 3\n")
        chmod("\(root.root)/lib/fix-\(vsn)/ebin/counter", 0o755)
    }

    @Test func aPermanentReleaseThatDoesNotBootIsLeftForTheOneBefore() async throws {
        let root = try await Self.permanent()
        defer { root.remove() }
        try Self.damage(root, "2.0.0")
        let first = try await EndToEndDaemon.ended(on: root)
        #expect(first.ending == .exit(1), "\(first.log)")
        // The second boot in vain is the last: the daemon executes itself again, and nobody else has to.
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0", "\(status)")
            #expect(status.pid == daemon.program.pid)
            #expect(status.notices?.map(\.kind) == [.bootFallback], "\(status)")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 old"])
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            let log = daemon.program.complained
            #expect(log.contains("boot 2 of 2 that release 2.0.0 has as the permanent one"), "\(log)")
            #expect(log.contains("did not come through 2 boots, and release 1.0.0"), "\(log)")
            #expect(try await daemon.ask("status").contains("note:       release 2.0.0, which had become permanent"))
        }
        // It stays told, and nothing else happens.
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.notices?.map(\.kind) == [.bootFallback], "\(status)")
        }
    }

    /// The release before is for another emulator than the one that could not boot: that one is executed for it.
    @Test func theReleaseBeforeBootsUnderItsOwnEmulator() async throws {
        let root = try NewEmulatorTests.root()
        defer { root.remove() }
        let first = "\(root.root)/erts-\(Emulator.vsn)/bin"
        try FileManager.default.createDirectory(atPath: first, withIntermediateDirectories: true)
        try ProgramFile.put(EndToEndDaemon.path, at: "\(first)/release-handlerd")
        let erts = try await EndToEndDaemon.again(on: root) { daemon in
            let erts = try await daemon.status().erts
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            try await daemon.ask("make-permanent", "2.0.0")
            return erts
        }
        try Self.damage(root, "2.0.0")
        let boot = try await EndToEndDaemon.ended(on: root)
        #expect(boot.ending == .exit(1), "\(boot.log)")
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0" && status.erts == erts, "\(status)")
            #expect(status.pid == daemon.program.pid)
            #expect(status.notices?.map(\.kind) == [.bootFallback], "\(status)")
        }
        let data = try String(contentsOfFile: "\(root.root)/releases/start_erl.data", encoding: .utf8)
        #expect(data == "\(erts) 1.0.0\n")
    }

    /// One that is not even read.
    @Test func aPermanentReleaseThatCanNotBeReadIsLeft() async throws {
        let root = try await Self.permanent(config2: "[{release_handler, [{boot_fallback, 1}]}].")
        defer { root.remove() }
        try root.write("releases/2.0.0/sys.config", "[{fix, [")
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0", "\(status)")
        }
    }

    @Test func whereItIsSwitchedOffNothingElseBoots() async throws {
        let root = try await Self.permanent(config2: "[{release_handler, [{boot_fallback, false}]}].")
        defer { root.remove() }
        try Self.damage(root, "2.0.0")
        for _ in 0..<3 {
            let run = try await EndToEndDaemon.ended(on: root)
            #expect(run.ending == .exit(1), "\(run.log)")
        }
        let data = try String(contentsOfFile: "\(root.root)/releases/start_erl.data", encoding: .utf8)
        #expect(data.hasSuffix(" 2.0.0\n"), "\(data)")
    }

    @Test func aBootThatComesThroughIsTheProof() async throws {
        let root = try await Self.permanent(config2: "[{release_handler, [{make_permanent, {auto, 1}}]}].")
        defer { root.remove() }
        let file = "\(root.root)/releases/boot_assessment"
        #expect(FileManager.default.fileExists(atPath: file))
        try await EndToEndDaemon.again(on: root) { daemon in
            while FileManager.default.fileExists(atPath: file) { _ = try await daemon.status() }
        }
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    // MARK: By hand

    @Test func anotherReleaseIsMadePermanentWhileNoDaemonRuns() async throws {
        let root = try await Self.permanent()
        defer { root.remove() }
        let arguments = ["set-permanent", "1.0.0", "--root", root.root]
        try await EndToEndDaemon.again(on: root) { _ in
            let refused = try await Program.run(Releasectl.path, arguments)
            #expect(refused.exit == 1)
            #expect(refused.error.contains("is in use by a release-handlerd"), "\(refused)")
        }
        let done = try await Program.run(Releasectl.path, arguments)
        #expect(done.output == "release 1.0.0 is permanent; before it was 2.0.0\n", "\(done)")
        try await EndToEndDaemon.again(on: root) { daemon in
            let statuses = try await daemon.releaseStatuses().sorted()
            #expect(statuses == ["1.0.0 permanent", "2.0.0 old"])
        }
        let again = try await Program.run(Releasectl.path, arguments)
        #expect(again.output == "release 1.0.0 is permanent already\n", "\(again)")

        let unknown = try await Program.run(Releasectl.path, ["set-permanent", "9", "--root", root.root])
        #expect(unknown.exit == 1 && unknown.error.contains("The releases of \(root.root) are"), "\(unknown)")
        try root.write("lib/fix-2.0.0/ebin/fix.app", "{nonsense")
        let damaged = ["set-permanent", "2.0.0", "--root", root.root]
        let broken = try await Program.run(Releasectl.path, damaged)
        #expect(broken.exit == 1 && broken.error.contains("release 2.0.0 would not boot as it is"), "\(broken)")
        let forced = try await Program.run(Releasectl.path, damaged + ["--force"])
        #expect(forced.exit == 0, "\(forced)")
        let nowhere = try await Program.run(Releasectl.path, ["set-permanent", "1", "--root", "/nowhere"])
        #expect(nowhere.exit == 1 && nowhere.error.contains("/nowhere is no release root"), "\(nowhere)")
    }

    // MARK: While nobody looked

    @Test(arguments: [SIGKILL, SIGTERM])
    func whatARestartDroppedIsTold(signal: Int32) async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon in
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            let status = try await daemon.status()
            #expect(status.notices?.map(\.kind) == [.probation], "\(status)")
            try await daemon.stop(by: signal)
        }
        let why = signal == SIGKILL ? "the daemon ended without a word" : "it was stopped"
        for _ in 0..<2 {
            try await EndToEndDaemon.again(on: root) { daemon in
                let status = try await daemon.status()
                #expect(status.release == "1.0.0")
                #expect(status.notices?.map(\.kind) == [.releaseDropped], "\(status)")
                let notice = try #require(status.notices?.first)
                #expect(
                    notice.message.hasPrefix("release 2.0.0, which was being installed or on probation, was dropped"))
                #expect(notice.message.contains(why), "\(notice)")
            }
        }
        // Another install is begun: what is past is past.
        try await EndToEndDaemon.again(on: root) { daemon in
            #expect(!daemon.program.complained.contains("EVENT=release_dropped"))
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            let status = try await daemon.status()
            #expect(status.notices?.map(\.kind) == [.probation], "\(status)")
        }
    }

    // MARK: Disks

    /// In a mount namespace of its own, so that nobody else sees it.
    private static func mounted(_ script: String) -> String {
        "exec unshare --mount --propagation private /bin/sh -ec '\(script); exec \"$@\"' sh \"$@\""
    }

    @Test(.enabled(if: canMount)) func aReadOnlyRootBootsAndSaysThatNothingCanBeChanged() async throws {
        let root = try TestRoot.twoVersions()
        let path = root.root
        let shell = Self.mounted("mount --bind \(path) \(path); mount -o remount,bind,ro \(path)")
        try await EndToEndDaemon.with(root, shell: shell) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.notices?.map(\.kind) == [.rootUnwritable], "\(status)")
            #expect(daemon.program.complained.contains("the release root can't be written to:"))
            let refused = try await daemon.releasectl("remove-release", "2.0.0")
            #expect(refused.exit == 2 && refused.error.contains("Read-only file system"), "\(refused)")
            #expect(refused.error.hasSuffix("(disk_read_only)\n  Nothing was changed.\n"), "\(refused)")
            // What it runs it can replace, and can't keep.
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            #expect(try await daemon.releasectl("make-permanent", "2.0.0").exit == 2)
        }
    }

    /// What makes room has to be written down first.
    @Test(.enabled(if: canMount)) func aReleaseIsRemovedFromAFullDisk() async throws {
        let root = try TestRoot.twoVersions()
        let (path, copy) = (root.root, "\(root.directory)/copy")
        let shell = Self.mounted(
            """
            cp -a \(path) \(copy); mount -t tmpfs -o size=300m none \(path); cp -a \(copy)/. \(path)/; rm -r \(copy)
            """)
        try await EndToEndDaemon.with(root, shell: shell) { daemon in
            #expect(try await daemon.status().notices == [])
            let fill =
                "dd if=/dev/zero of=\(path)/fill bs=64k status=none; dd if=/dev/zero of=\(path)/rest bs=1 status=none"
            let filled = try await Program.run(
                "/usr/bin/nsenter", ["--target", "\(daemon.program.pid)", "--mount", "/bin/sh", "-c", fill],
                environment: [:])
            #expect(filled.error.contains("No space left on device"), "\(filled)")
            try await daemon.ask("remove-release", "2.0.0")
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent"])
        }
    }

    static let canMount: Bool = {
        (try? Spawned.run("/bin/sh", ["-c", "unshare --mount mount -t tmpfs none /mnt 2>/dev/null"])) != nil
    }()
}
