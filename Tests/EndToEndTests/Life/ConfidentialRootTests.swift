import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import TestSupport

/// What get-env and get-childspec show to root and the group only is not to be read in the root by everybody.
@Suite(.timeLimit(.minutes(15)), .enabled(if: geteuid() == 0, "other users can be had by root only"))
struct ConfidentialRootTests {
    private static let worker = "[#{id => c1, start => {counter, start_link, []}, user => \"nobody\"}]"

    /// 1.0.0 runs; everybody can come to the root.
    private static func root() throws -> TestRoot {
        let root = try TestRoot()
        try root.installPython(vsn: "1.0.0")
        try root.release("1.0.0", children: worker)
        try root.register(["1.0.0"])
        chmod(root.directory, 0o755)
        return root
    }

    private static func package(of vsn: String, for root: TestRoot) async throws -> String {
        let content = try TestRoot()
        defer { content.remove() }
        try content.installPython(vsn: vsn)
        try content.release(
            vsn, children: worker, config: "[{fix, [{password, \"x\"}]}].",
            relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()))
        try content.write("lib/fix-\(vsn)/priv/page.html", "for all")
        let package = "\(root.directory)/fix-\(vsn).tar.gz"
        _ = try await Releasectl.run(
            ["-czf", package, "-C", content.root, "lib", "releases"], executable: "/usr/bin/tar")
        return package
    }

    private static func status(_ path: String) throws -> stat {
        var status = stat()
        try #require(stat(path, &status) == 0, "\(path)")
        return status
    }

    private static func mode(_ path: String) throws -> String { String(try status(path).st_mode & 0o7777, radix: 8) }

    @Test func whatIsUnpackedAndWrittenIsForTheGroupOfReleases() async throws {
        let root = try Self.root()
        let package = try await Self.package(of: "2.0.0", for: root)
        try #require(chown("\(root.root)/releases", 0, 1) == 0 && chmod("\(root.root)/releases", 0o750) == 0)
        try await EndToEndDaemon.with(root) { daemon in
            try await daemon.ask("unpack-release", package)
            let closed = [
                "releases/2.0.0": "750", "releases/2.0.0/fix.rel": "640", "releases/2.0.0/sys.config": "640",
                "releases/2.0.0/relup": "640", "lib/fix-2.0.0/ebin/fix_sup.sup": "640",
                "lib/fix-2.0.0/ebin/fix.app": "640",
            ]
            for (path, mode) in closed {
                #expect(try Self.mode("\(root.root)/\(path)") == mode, "\(path)")
                #expect(try Self.status("\(root.root)/\(path)").st_gid == 1, "\(path)")
            }
            let open = [
                "lib/fix-2.0.0": "755", "lib/fix-2.0.0/ebin": "755", "lib/fix-2.0.0/ebin/counter": "755",
                "lib/fix-2.0.0/priv": "755", "lib/fix-2.0.0/priv/page.html": "644",
            ]
            for (path, mode) in open { #expect(try Self.mode("\(root.root)/\(path)") == mode, "\(path)") }
            #expect(try Self.mode("\(root.root)/releases/RELEASES") == "640")
            // A worker of another user needs nothing of what is closed, before the upgrade and after it.
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            try await daemon.ask("install-release", "2.0.0")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            #expect(try await daemon.call("{priv, 'page.html'}") == "\"for all\"")
            try await daemon.ask("make-permanent", "2.0.0")
            for file in ["RELEASES", "start_erl.data"] {
                #expect(try Self.mode("\(root.root)/releases/\(file)") == "640", "\(file)")
            }
        }
    }

    /// Nothing that was there before is changed behind anybody's back: it is said what to do.
    @Test func whatEverybodyCanReadIsWarnedOf() async throws {
        let root = try Self.root()
        let (path, lib) = ("\(root.root)/releases", "\(root.root)/lib")
        let warnings = [
            """
            \(path) is open to everybody, who can read in it what get-env shows to root and the group only: chmod o-rwx \(path)
            """,
            """
            \(lib)/fix-1.0.0/ebin/fix.app and 1 more can be read by everybody, who sees what get-env and get-childspec show to root and \
            the group only: chmod -f o-r \(lib)/*/ebin/*.sup \(lib)/*/ebin/*.app
            """,
        ]
        @Sendable func check() async throws -> String {
            let check = try await Releasectl.run(["check", root.root])
            return check.output + check.error
        }
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root) { daemon in
            let said = try await check()
            for warning in warnings {
                #expect(daemon.program.complained.contains(warning), "\(daemon.program.complained)")
                #expect(said.contains(warning), "\(said)")
            }
            #expect(try Self.mode(path) == "755")
        }
        // What it advises is the remedy.
        for warning in warnings {
            let command = try #require(warning.range(of: ": chmod ")).upperBound
            try Spawned.run("/bin/sh", ["-c", "chmod \(warning[command...])"])
        }
        let said = try await check()
        #expect(!said.contains("everybody"), "\(said)")
        try await EndToEndDaemon.again(on: root) { daemon in
            #expect(!daemon.program.complained.contains("everybody"), "\(daemon.program.complained)")
            let vsn = try await daemon.call("vsn")
            #expect(vsn == "\"1.0.0\"")
        }
    }

    /// Whoever can't come to the root can read nothing in it.
    @Test func aRootThatNobodyComesToIsNotWarnedOf() async throws {
        let root = try Self.root()
        chmod(root.directory, 0o700)
        defer { root.remove() }
        #expect(RootExposure.found(in: root.root) == [])
        chmod(root.directory, 0o755)
        #expect(RootExposure.found(in: root.root).map(\.path) == ["\(root.root)/releases", "\(root.root)/lib"])
    }
}
