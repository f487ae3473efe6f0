import Foundation
import Glibc
import Testing

@testable import TestSupport

/// What the offline commands advise, done as it stands in the message: it is the remedy.
@Suite(.timeLimit(.minutes(15))) struct OfflineAdviceTests {
    /// 1.0.0 and 2.0.0 of `fix` as a release root, and their `.rel` files beside `lib`, as where releases are built.
    private static func workshop() throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try root.installPython(vsn: vsn)
            try root.release(vsn, relup: vsn == "2.0.0" ? TestRoot.relup(up: TestRoot.up()) : nil)
            try FileManager.default.copyItem(
                atPath: "\(root.root)/releases/\(vsn)/fix.rel", toPath: "\(root.root)/fix-\(vsn).rel")
        }
        try root.register(["2.0.0"])
        return root
    }

    /// Runs an offline command in the root, and gives back all that it told.
    @discardableResult
    private static func run(_ root: TestRoot, _ arguments: String...) async throws -> String {
        let run = try Releasectl.runNow(arguments, in: root.root)
        return run.output + run.error
    }

    /// What the command told before is not told any more once it was followed.
    private static func isMended(
        _ pattern: String, _ root: TestRoot, by command: String..., placeholders: [String: String] = [:]
    ) async throws {
        let before = try Releasectl.runNow(command, in: root.root)
        let advice = try Advice(pattern, in: before.output + before.error, placeholders: placeholders)
        try await advice.follow(in: root.root)
        let after = try Releasectl.runNow(command, in: root.root)
        #expect(!(after.output + after.error).contains(advice.told), "\(advice.command): \(after)")
    }

    @Test(.enabled(if: geteuid() == 0, "files of other users can be had by root only"))
    func whatIsExposedIsClosed() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        chmod(root.directory, 0o755)
        try await Self.isMended("chmod -f o-r ◊/*/ebin/*.sup ◊/*/ebin/*.app", root, by: "check", root.root)
        chmod("\(root.root)/releases", 0o755)
        try await Self.isMended("chmod o-rwx ◊", root, by: "check", root.root)
        chmod("\(root.root)/lib", 0o777)
        try await Self.isMended("chmod o-w ◊", root, by: "check", root.root)
        chown("\(root.root)/lib", 65_534, 0)
        try await Self.isMended("chown root ◊", root, by: "check", root.root)
        chown("\(root.root)/lib", 0, 65_534)
        chmod("\(root.root)/lib", 0o775)
        try await Self.isMended("chmod g-w ◊", root, by: "check", root.root)
    }

    @Test func aChangedFileIsTakenOutOfThePackageAgain() async throws {
        let workshop = try Self.workshop()
        defer { workshop.remove() }
        try await Self.run(workshop, "make-tar", "fix-2.0.0.rel")
        let package = "\(workshop.root)/fix-2.0.0.tar.gz"
        let root = try TestRoot()
        defer { root.remove() }
        try Spawned.run("/bin/tar", ["-xzf", package, "-C", root.root])
        try root.register(["2.0.0"])
        try root.write("lib/fix-2.0.0/ebin/counter", "#!/bin/sh\n")
        try await Self.isMended(
            "tar -xzf PACKAGE.tar.gz -C ◊ ◊", root, by: "check", root.root, placeholders: ["PACKAGE.tar.gz": package])
    }

    @Test func theVersionOfTheInstalledDaemonIsTold() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        for file in ["releases/RELEASES", "releases/2.0.0/fix.rel"] {
            let text = try String(contentsOfFile: "\(root.root)/\(file)", encoding: .utf8)
            try root.write(file, text.replacing("\"0.1.0\"", with: "\"9\""))
        }
        let advice = try Advice("release-handlerd --version", in: try await Self.run(root, "check", root.root))
        #expect(try await advice.follow().output == "0.1.0\n")
    }

    @Test func aPackageWithoutARelIsMadeByMakeTar() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        let package = "\(root.root)/fix-2.0.0.tar.gz"
        try Spawned.run("/bin/tar", ["-czf", package, "-C", root.root, "lib/fix-2.0.0"])
        try await Self.isMended(
            "releasectl make-tar NAME.rel", root, by: "check", package, placeholders: ["NAME.rel": "fix-2.0.0.rel"])
    }

    @Test func anOutdirIsMade() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        try await Self.isMended("mkdir -p ◊", root, by: "make-relup", "fix-2.0.0.rel", "--outdir", "out/2.0.0")
    }

    /// Beside the `.rel` files it is found for both.
    @Test func theNextReleasesRelupIsMovedOrRemoved() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        let relup = TestRoot.relup(up: TestRoot.up())
        try root.write("relup", relup)
        try await Self.isMended("mkdir -p ◊ && mv ◊ ◊", root, by: "make-tar", "fix-1.0.0.rel")
        try root.write("relup", relup)
        try await Self.isMended("rm ◊", root, by: "make-tar", "fix-1.0.0.rel")
        #expect(try await Self.run(root, "make-tar", "fix-2.0.0.rel").contains("2.0.0/relup"))
    }

    // MARK: What the system refuses

    /// Runs make-relup in a mount namespace of its own, and gives back what it told.
    private static func makeRelup(_ root: TestRoot, after script: String, as prefix: String = "") async throws -> String
    {
        try root.write(
            "lib/fix-2.0.0/ebin/fix.appup", "{\"2.0.0\", [{\"1.0.0\", [{update, counter}]}], []}.")
        let command =
            "\(script); \(prefix) \(Releasectl.path) make-relup fix-2.0.0.rel --up-from fix-1.0.0.rel --outdir out"
        let run = try Releasectl.runNow(
            ["--mount", "--propagation", "private", "/bin/sh", "-c", "mkdir out; \(command)"],
            executable: "/usr/bin/unshare", in: root.root)
        #expect(run.exit == 1, "\(run)")
        return run.output + run.error
    }

    @Test(.enabled(if: BootFallbackTests.canMount)) func aFullDisk() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        let told = try await Self.makeRelup(
            root, after: "mount -t tmpfs -o size=4k none out; dd if=/dev/zero of=out/fill bs=4k count=1 status=none")
        #expect(told.contains("No space left on device"), "\(told)")
        let answer = try await Advice("df ◊", in: told).follow(in: root.root)
        #expect(answer.output.contains("Mounted on"), "\(answer)")
    }

    @Test(.enabled(if: BootFallbackTests.canMount)) func aReadOnlyDisk() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        let told = try await Self.makeRelup(root, after: "mount --bind out out; mount -o remount,bind,ro out")
        #expect(told.contains("Read-only file system"), "\(told)")
        try await Advice("findmnt -T ◊", in: told).follow(in: root.root)
    }

    @Test(.enabled(if: BootFallbackTests.canMount)) func aDirectoryOfSomebodyElse() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        chmod(root.directory, 0o755)
        let told = try await Self.makeRelup(
            root, after: "chmod 755 out", as: "setpriv --reuid=65534 --regid=65534 --clear-groups")
        #expect(told.contains("Permission denied") && told.contains("user 65534"), "\(told)")
        let answer = try await Advice("ls -ld ◊", in: told).follow(in: root.root)
        #expect(answer.output.hasPrefix("drwxr-xr-x"), "\(answer)")
    }

    /// Reading the memory at address 0 fails with EIO.
    @Test func aDiskThatFails() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        let told = try await Self.run(root, "check", "/proc/self/mem")
        #expect(told.contains("can't be read: read: Input/output error"), "\(told)")
        let advice = try Advice("journalctl -k", in: told)
        guard FileManager.default.fileExists(atPath: "/usr/bin/journalctl") else { return }
        try await advice.follow(expecting: nil)
    }

    // MARK: Helps

    /// The examples of the offline commands' helps are a whole, from two versions to a package that is checked.
    @Test func theExamplesOfHelpsWork() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        let directory = "\(root.directory)/work"
        for vsn in ["1.0.0", "2.0.0"] {
            for folder in ["lib/kv-\(vsn)/ebin", "releases"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
            }
            for (from, to) in [
                ("lib/fix-\(vsn)/ebin/fix.app", "lib/kv-\(vsn)/ebin/kv.app"),
                ("lib/fix-\(vsn)/ebin/fix_sup.sup", "lib/kv-\(vsn)/ebin/fix_sup.sup"),
                ("fix-\(vsn).rel", "releases/kv-\(vsn).rel"),
            ] {
                let text = try String(contentsOfFile: "\(root.root)/\(from)", encoding: .utf8)
                try text.replacing("{fix, \"", with: "{kv, \"").replacing("\"fix\"", with: "\"kv\"")
                    .replacing("application, fix", with: "application, kv")
                    .write(toFile: "\(directory)/\(to)", atomically: true, encoding: .utf8)
            }
            try FileManager.default.copyItem(
                atPath: "\(root.root)/lib/fix-\(vsn)/ebin/counter", toPath: "\(directory)/lib/kv-\(vsn)/ebin/counter")
        }
        let literals = try SourceLiterals.below("Sources/releasectl")
        for file in ["MakeAppup", "MakeRelup", "MakeTar", "Check", "ConvertTerm"] {
            let commands = literals.filter { $0.file.hasSuffix("/\(file).swift") }
                .flatMap { AdvisedCommands.lines(of: $0.text) }
            #expect(!commands.isEmpty, "\(file)")
            for command in commands where !command.contains("/var/lib/release-handler") {
                let run = try await Program.run(
                    "/bin/sh", ["-c", "cd \(directory) && \(command)"], environment: Advice.environment)
                #expect(run.exit == 0, "\(command): \(run)")
            }
        }
    }

    // MARK: RELEASES and start_erl.data

    @Test func releasesAreWrittenAnewOfWhatStands() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        for file in ["RELEASES", "start_erl.data"] { unlink("\(root.root)/releases/\(file)") }
        try await Self.isMended(
            "releasectl create-releases VSN --root ROOT", root, by: "check", root.root,
            placeholders: ["VSN": "1.0.0", "ROOT": root.root])
    }

    @Test func aReleaseThatIsListedIsMadePermanent() async throws {
        let root = try Self.workshop()
        defer { root.remove() }
        try root.write("releases/start_erl.data", "0.1.0 9\n")
        try await Self.isMended(
            "releasectl set-permanent VSN --root ROOT", root, by: "check", root.root,
            placeholders: ["VSN": "2.0.0", "ROOT": root.root])
    }

    @Test func aRootIsLaidOutWhereNothingStands() async throws {
        let workshop = try Self.workshop()
        defer { workshop.remove() }
        try await Self.run(workshop, "make-tar", "fix-2.0.0.rel")
        let root = try TestRoot()
        defer { root.remove() }
        try FileManager.default.removeItem(atPath: root.root)
        try FileManager.default.createDirectory(atPath: "\(root.root)/releases", withIntermediateDirectories: true)
        let told = try await Self.run(root, "create-releases", "--root", root.root)
        let advice = try Advice(
            "releasectl make-root PACKAGE DIR", in: told,
            placeholders: ["PACKAGE": "\(workshop.root)/fix-2.0.0.tar.gz", "DIR": "\(root.directory)/laid-out"])
        try await advice.follow(in: root.root)
        #expect(FileManager.default.fileExists(atPath: "\(root.directory)/laid-out/releases/RELEASES"))
    }

    @Test func signalsAreListed() async throws {
        let root = try TestRoot()
        defer { root.remove() }
        let advice = try Advice("kill -l", in: try await Self.run(root, "kill", "kv_server", "NONE"))
        #expect(try await advice.follow().output.contains("USR1"))
    }
}
