import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The real daemon on roots whose files are not as they should be, and on one that was just made.
@Suite(.timeLimit(.minutes(15))) struct RootFilesTests {
    /// With an emulator of its own, and `bin/start`.
    private static func installed(_ root: TestRoot, erts: String = Emulator.vsn) throws {
        try root.write(
            "bin/start", try String(contentsOf: Project.root.appending(path: "scripts/start"), encoding: .utf8))
        try emulator(root, erts)
    }

    private static func emulator(_ root: TestRoot, _ vsn: String) throws {
        let bin = "\(root.root)/erts-\(vsn)/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        try ProgramFile.put(EndToEndDaemon.path, at: "\(bin)/release-handlerd")
    }

    /// The unit's ExecStart= in the place of the daemon; the root is what that makes of its own place.
    private static func start(_ root: TestRoot) -> String { "shift 3; exec /bin/sh \(root.root)/bin/start \"$@\"" }

    private static let damages = [
        "rm RELEASES", ": > RELEASES", "echo '[{release, ' > RELEASES", ": > start_erl.data", "rm start_erl.data",
        "printf '\\0\\0\\0' > start_erl.data", "rm RELEASES; echo '9.9 1.0.0' > start_erl.data",
    ]

    @Test(arguments: damages) func binStartBootsWhatStands(damage: String) async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        try Self.installed(root)
        try Spawned.run("/bin/sh", ["-ec", "cd \(root.root)/releases; \(damage)"])
        try await EndToEndDaemon.again(on: root, shell: Self.start(root)) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.notices?.map(\.kind) == [.rootRepaired], "\(status)")
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
            #expect(daemon.program.complained.contains("written anew"), "\(daemon.program.complained)")
            // It is told for as long as this daemon runs, in whichever program.
            try await daemon.ask("reexec")
            #expect(try await daemon.status().notices?.map(\.kind) == [.rootRepaired])
            #expect(try await daemon.ask("history").contains("written anew"))
        }
        try await EndToEndDaemon.again(on: root, shell: Self.start(root)) { daemon in
            let (status, releases) = (try await daemon.status(), try await daemon.releaseStatuses())
            #expect(
                status.notices == [] && releases.sorted() == ["1.0.0 permanent", "2.0.0 unpacked"],
                "\(status) \(releases)")
        }
    }

    /// Nothing says which emulator it is until the daemon has found out which release boots.
    @Test func theEmulatorOfWhatBootsIsExecuted() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        try root.write(
            "releases/1.0.0/fix.rel", "{release, {\"fix\", \"1.0.0\"}, {erts, \"0.1.9\"}, [{fix, \"1.0.0\"}]}.")
        try Self.installed(root, erts: "0.1.9")
        try Self.emulator(root, "0.2.0")
        try Spawned.run(
            "/bin/sh", ["-ec", "cd \(root.root); rm releases/RELEASES releases/start_erl.data; rm -r releases/2.0.0"])
        try await EndToEndDaemon.again(on: root, shell: Self.start(root)) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.erts == "0.1.9", "\(status)")
            #expect(status.pid == daemon.program.pid)
        }
    }

    @Test(.enabled(if: BootFallbackTests.canMount)) func aReadOnlyRootBootsByWhatStands() async throws {
        let root = try TestRoot.twoVersions()
        let path = root.root
        try root.write("releases/RELEASES", "[{release, ")
        let shell =
            "exec unshare --mount --propagation private /bin/sh -ec 'mount --bind \(path) \(path); mount -o remount,bind,ro \(path); exec \"$@\"' sh \"$@\""
        try await EndToEndDaemon.with(root, shell: shell) { daemon in
            let status = try await daemon.status()
            #expect(
                status.release == "1.0.0" && status.notices?.map(\.kind) == [.rootRepaired, .rootUnwritable],
                "\(status)")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
            let text = try String(contentsOfFile: "\(path)/releases/RELEASES", encoding: .utf8)
            #expect(text == "[{release, ")
        }
    }

    // MARK: By a command

    /// From a package to a daemon that runs and takes the next package, with nothing written by hand.
    @Test func aMadeRootBootsAndIsUpgraded() async throws {
        let (workshop, made) = (try TestRoot.twoVersions(), try TestRoot())
        defer {
            workshop.remove()
            made.remove()
        }
        try FileManager.default.removeItem(atPath: made.root)
        // As an installation has them, and small.
        try workshop.write("programs/release-handlerd", "#!/bin/sh\nexec \(EndToEndDaemon.path) \"$@\"\n")
        chmod("\(workshop.root)/programs/release-handlerd", 0o755)
        for vsn in ["1.0.0", "2.0.0"] {
            let tar = try await Program.run(
                Releasectl.path,
                [
                    "make-tar", "\(workshop.root)/releases/\(vsn)/fix.rel", "--path", "\(workshop.root)/lib/*/ebin",
                    "--outdir",
                    "\(workshop.root)/releases/\(vsn)",
                ])
            try #require(tar.exit == 0, "\(tar)")
        }
        let arguments = [
            "make-root", "\(workshop.root)/releases/1.0.0/fix.tar.gz", made.root, "--erts", "\(workshop.root)/programs",
        ]
        let run = try await Program.run(Releasectl.path, arguments)
        #expect(
            run
                == Releasectl(
                    exit: 0, output: "\(made.root): release fix 1.0.0 is permanent, with erts-\(Emulator.vsn)\n"))
        let again = try await Program.run(Releasectl.path, arguments)
        #expect(again.exit == 1 && again.error.contains("is not empty: it has bin, "), "\(again)")
        try await EndToEndDaemon.again(on: made, shell: "shift 3; exec \(made.root)/bin/start \"$@\"") { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.notices == [] && status.root == made.root, "\(status)")
            try await daemon.ask("unpack-release", "\(workshop.root)/releases/2.0.0/fix.tar.gz")
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            // By hand only while nobody uses the root.
            let refused = try await Program.run(Releasectl.path, ["create-releases", "--root", made.root])
            #expect(refused.exit == 1 && refused.error.contains("is in use by a release-handlerd"), "\(refused)")
        }
        let created = try await Program.run(Releasectl.path, ["create-releases", "2.0.0", "--root", made.root])
        #expect(created.output == "2.0.0 is permanent\n1.0.0 is old\n", "\(created)")
        try await EndToEndDaemon.again(on: made) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "2.0.0")
        }
    }
}
