import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import TestSupport

/// Who may say what the daemon runs, and who may keep it from running.
@Suite(.timeLimit(.minutes(15))) struct TrustedRootTests {
    private static func root() throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0")
        try root.register(["1.0.0"])
        return root
    }

    private static func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(stat(path, &status) == 0, "\(path)")
        return status.st_mode & 0o7777
    }

    @Test(arguments: ["", "/releases", "/lib", "/lib/fix-1.0.0", "/releases/RELEASES", "/releases/1.0.0/fix.rel"])
    func aRootThatEverybodyCanWriteToIsNotUsed(place: String) async throws {
        let root = try Self.root()
        try await Self.isNotUsed(root, whereEverybodyCanWriteTo: root.root + place)
    }

    @Test func aRootWhosePathEverybodyCanWriteToIsNotUsed() async throws {
        let root = try Self.root()
        try await Self.isNotUsed(root, whereEverybodyCanWriteTo: root.directory)
    }

    /// Whoever can put another link in the place of that one chooses the root of the next start.
    @Test func norIsOneToWhichALinkOfEverybodysLeads() async throws {
        let root = try Self.root()
        defer { root.remove() }
        let (shared, link) = ("\(root.directory)/shared", "\(root.directory)/shared/root")
        try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: root.root)
        chmod(shared, 0o777)
        let control = "\(root.directory)/control.sock"
        let run = try await Program.run(EndToEndDaemon.path, ["--root", link, "--socket", control])
        #expect(run.exit == 1, "\(run)")
        #expect(run.error.contains("the release root can't be trusted: \(shared) is writable by everybody"), "\(run)")
    }

    private static func isNotUsed(_ root: TestRoot, whereEverybodyCanWriteTo path: String) async throws {
        defer { root.remove() }
        chmod(path, try mode(path) | S_IWOTH)
        let control = "\(root.directory)/control.sock"
        let run = try await Program.run(EndToEndDaemon.path, ["--root", root.root, "--socket", control])
        #expect(run.exit == 1, "\(run)")
        let sentence = "\(path) is writable by everybody, who could have the daemon run anything: chmod o-w \(path)"
        #expect(run.error.contains(sentence), "\(run)")
        let check = try await Releasectl.run(["check", root.root])
        #expect(check.exit != 0 && (check.output + check.error).contains(sentence), "\(check)")
        // What it advises is the remedy.
        try Spawned.run("/bin/chmod", ["o-w", path])
        let release = try await EndToEndDaemon.again(on: root) { daemon in try await daemon.status().release }
        #expect(release == "1.0.0")
    }

    /// What is run or read by its name, and what could take its place.
    @Test func whereCodeIsEverybodyIsLookedFor() throws {
        let root = try Self.root()
        defer { root.remove() }
        for name in ["bin/start", "erts-9/bin/release-handlerd", "lib/fix-1.0.0/priv/data"] { try root.write(name, "") }
        #expect(RootExposure.found(in: root.root).map(\.path) == [])
        let looked = [
            "bin", "bin/start", "erts-9", "erts-9/bin", "erts-9/bin/release-handlerd", "lib/fix-1.0.0/ebin",
            "lib/fix-1.0.0/priv", "releases/1.0.0", "releases/1.0.0/sys.config",
        ]
        for path in looked.map({ "\(root.root)/\($0)" }) {
            let mode = try Self.mode(path)
            chmod(path, mode | S_IWOTH)
            let found = RootExposure.found(in: root.root)
            #expect(found.map(\.path) == [path] && found.allSatisfy(\.isRefused), "\(path): \(found)")
            chmod(path, mode)
        }
        // As many as there may be are not looked at one by one.
        chmod("\(root.root)/lib/fix-1.0.0/priv/data", 0o666)
        #expect(RootExposure.found(in: root.root).map(\.path) == [])
    }

    /// A link to the root can be replaced where it is, and the root where that is.
    @Test func thePathToTheRootIsLookedAtAsItIsSpelledAndAsItIs() throws {
        let root = try Self.root()
        defer { root.remove() }
        let other = TemporaryDirectory()
        let link = other.file("link")
        try #require(symlink(root.root, link) == 0)
        func found(_ path: String) -> [String] { RootExposure.found(in: path).map(\.path) }
        #expect(found(root.root) == [] && found(link) == [])
        for directory in [root.directory, other.path] { chmod(directory, 0o702) }
        #expect(found(root.root) == [root.directory])
        #expect(found(link) == [root.directory, other.path].sorted())
        // As in /tmp, where all tests have theirs: nobody can rename what is another's.
        for directory in [root.directory, other.path] { chmod(directory, 0o1702) }
        #expect(found(root.root) == [] && found(link) == [])
        withExtendedLifetime(other) {}
    }

    @Test(.enabled(if: geteuid() == 0, "files of other users can be had by root only"))
    func whoOwnsAllOfATreeIsToldOfOnce() throws {
        let root = try Self.root()
        defer { root.remove() }
        let library = "\(root.root)/lib/fix-1.0.0"
        try root.write("lib/fix-1.0.0/priv/data", "")
        for path in [library, "\(library)/ebin", "\(library)/priv"] { try #require(chown(path, 65_534, 0) == 0) }
        #expect(RootExposure.found(in: root.root).map(\.path) == [library])
        try #require(chown(library, 0, 0) == 0)
        #expect(RootExposure.found(in: root.root).map(\.path) == ["\(library)/ebin", "\(library)/priv"])
        // Whose a sticky directory is can rename all that is in it.
        chmod(root.directory, 0o1700)
        try #require(chown(root.directory, 65_534, 0) == 0)
        #expect(RootExposure.found(in: root.root).first?.how == RootExposure.How.ownedBy(uid: 65_534))
    }

    /// What a crash has left, and what workers listen on: everybody may connect, and nothing of it is run.
    @Test func aSocketInTheRootIsNoDanger() async throws {
        let root = try Self.root()
        try StaleSocket.put(at: "\(root.root)/control.sock")
        chmod("\(root.root)/control.sock", 0o666)
        try await EndToEndDaemon.with(root) { daemon in
            let release = try await daemon.status().release
            #expect(release == "1.0.0")
        }
    }

    @Test func anotherOwnerIsWarnedOf() async throws {
        let root = try Self.root()
        let library = "\(root.root)/lib/fix-1.0.0"
        try #require(chown(library, 65_534, 65_534) == 0)
        try await EndToEndDaemon.with(root) { daemon in
            let sentence = "\(library) belongs to user 65534, who can have the daemon run anything"
            while !daemon.program.complained.contains(sentence) { await Task.yield() }
            let check = try await Releasectl.run(["check", root.root])
            #expect((check.output + check.error).contains(sentence), "\(check)")
        }
    }

    /// Whoever can open the file could hold the lock.
    @Test func theLockIsTheDaemonsAlone() async throws {
        let root = try Self.root()
        // As an earlier version left it.
        try root.write("releases/.lock", "")
        chmod("\(root.root)/releases/.lock", 0o644)
        try await EndToEndDaemon.with(root) { daemon in
            var status = stat()
            #expect(stat("\(root.root)/releases/.lock", &status) == 0 && status.st_mode & 0o777 == 0o600)
            let stranger = ["-c", "exec setpriv --reuid=65534 --regid=65534 --clear-groups flock -n \"$0\" true"]
            let lock = try await Program.run("/bin/sh", stranger + ["\(root.root)/releases/.lock"])
            #expect(lock.exit != 0 && lock.error.contains("ermission denied"), "\(lock)")
        }
    }

    private static func score(_ pid: pid_t) throws -> String {
        try String(contentsOfFile: "/proc/\(pid)/oom_score_adj", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Whether this machine lets a process be spared; a container's root may not.
    private static let maySpare: Bool = {
        let run = try? Releasectl.runNow(
            ["-c", "echo -500 > /proc/$$/oom_score_adj && grep -q -- -500 /proc/$$/oom_score_adj"],
            executable: "/bin/sh")
        return run?.exit == 0
    }()

    /// All workers follow a daemon that is killed: it is not to be the first.
    @Test(.enabled(if: maySpare, "oom_score_adj can't be lowered here"))
    func workersAreNotSparedWithTheDaemon() async throws {
        let shell = "echo -500 > /proc/$$/oom_score_adj; exec \"$@\""
        try await EndToEndDaemon.with(try Self.root(), shell: shell) { daemon in
            #expect(try Self.score(daemon.program.pid) == "-500")
            let worker = try #require(try await daemon.workers().first?.pid)
            #expect(try Self.score(worker) == "0")
            try await daemon.ask("reexec")
            #expect(try Self.score(daemon.program.pid) == "-500")
        }
    }

    @Test func workersHaveTheScoreThatTheDaemonWasGiven() async throws {
        try await EndToEndDaemon.with(try Self.root(), shell: "echo 200 > /proc/$$/oom_score_adj; exec \"$@\"") {
            daemon in
            let worker = try #require(try await daemon.workers().first?.pid)
            #expect(try Self.score(worker) == "200")
        }
    }

    // MARK: A product that is another

    private static func twoProducts() throws -> TestRoot {
        let root = try TestRoot.twoVersions()
        let file = "\(root.root)/releases/RELEASES"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = text.replacingOccurrences(
            of: #""fix",(\s*)"2\.0\.0""#, with: "\"mix\",$1\"2.0.0\"", options: .regularExpression)
        #expect(changed != text)
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        let rel = try String(contentsOfFile: "\(root.root)/releases/2.0.0/fix.rel", encoding: .utf8)
        try root.write(
            "releases/2.0.0/mix.rel",
            rel.replacing("{\"fix\", \"2.0.0\"}", with: "{\"mix\", \"2.0.0\"}", maxReplacements: 1))
        unlink("\(root.root)/releases/2.0.0/fix.rel")
        return root
    }

    @Test func aReleaseOfAnotherProductIsRefused() async throws {
        try await EndToEndDaemon.with(try Self.twoProducts()) { daemon in
            let sentence = "release 2.0.0 is of mix, and fix 1.0.0 runs: it would be gone."
            for command in ["check-install-release", "install-release"] {
                let refused = try await daemon.releasectl(command, "2.0.0")
                #expect(refused.exit == 2 && refused.error.contains(sentence), "\(refused)")
                #expect(refused.error.contains("install-release --rename"), "\(refused)")
            }
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            let renamed = try await daemon.releasectl("install-release", "--rename", "2.0.0")
            #expect(renamed.exit == 0, "\(renamed)")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
        }
    }

    /// The way back is the daemon's own: it asks nobody.
    @Test func itGoesBackToTheOldProduct() async throws {
        let root = try Self.twoProducts()
        try root.write("releases/2.0.0/sys.config", "[{release_handler, [{probation_restarts, 0}]}].")
        try await EndToEndDaemon.with(root) { daemon in
            #expect(try await daemon.releasectl("install-release", "--rename", "2.0.0").exit == 0)
            kill(try #require(try await daemon.workers().first?.pid), SIGKILL)
            while try await daemon.status().release != "1.0.0" { await Task.yield() }
            while try await daemon.call("vsn") != "\"1.0.0\"" { await Task.yield() }
        }
    }
}
