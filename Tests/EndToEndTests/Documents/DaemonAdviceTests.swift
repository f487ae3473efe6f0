import Foundation
import Glibc
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What a refusal by the running daemon advises, done as it stands in the message: it leads on.
@Suite(.timeLimit(.minutes(15))) struct DaemonAdviceTests {
    /// Asks for what is refused, and does as it is told.
    @discardableResult
    private static func follow(
        _ pattern: String, _ daemon: EndToEndDaemon, after arguments: [String], in directory: String = "/",
        placeholders: [String: String] = [:]
    ) async throws -> Releasectl {
        let refused = try await Program.run(
            Releasectl.path, arguments, environment: ["RELEASE_HANDLER_SOCKET": daemon.controlSocket])
        #expect(refused.exit != 0, "\(arguments): \(refused)")
        return try await Advice(pattern, in: refused.error, placeholders: placeholders)
            .follow(in: directory, environment: ["RELEASE_HANDLER_SOCKET": daemon.controlSocket])
    }

    private static func root(_ vsns: [String], relup: String? = nil) throws -> TestRoot {
        let root = try TestRoot()
        let children = """
            [#{id => c1, start => {counter, start_link, []}},
             #{id => sub, start => {sub_sup, start_link, []}, type => supervisor}]
            """
        for vsn in vsns {
            try root.installPython(vsn: vsn)
            try root.release(
                vsn, children: children,
                relup: vsn == "2.0.0" ? relup ?? TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()) : nil,
                modules: ["sub_sup", "counter"])
            try root.write(
                "lib/fix-\(vsn)/ebin/sub_sup.sup", "{ok, {#{}, [#{id => s1, start => {counter, start_link, []}}]}}.")
        }
        try root.register(vsns)
        return root
    }

    @Test func namesThatAreNotThere() async throws {
        try await EndToEndDaemon.with(try Self.root(["1.0.0"])) { daemon in
            let workers = try await Self.follow("releasectl ps", daemon, after: ["call", "nobody", "x"])
            #expect(workers.output.contains(TestNode.c1))
            let children = try await Self.follow(
                "releasectl which-children ◊", daemon, after: ["call", "fix/fix_sup", "x"])
            #expect(children.output.contains("c1"))
            let tree = try await Self.follow("releasectl tree", daemon, after: ["which-children", "none"])
            #expect(tree.output.contains("sub"))
            let applications = try await Self.follow(
                "releasectl which-applications", daemon, after: ["start-application", "none"])
            #expect(applications.output.contains("fix"))
            let releases = try await Self.follow("releasectl which-releases", daemon, after: ["make-permanent", "9"])
            #expect(releases.output.contains("1.0.0"))
        }
    }

    @Test func aSupervisorThatDoesNotRun() async throws {
        try await EndToEndDaemon.with(try Self.root(["1.0.0"])) { daemon in
            try await daemon.ask("terminate-child", "fix/fix_sup", "sub")
            try await Self.follow(
                "releasectl restart-child ◊ ◊", daemon, after: ["which-children", "fix/fix_sup/sub"])
            #expect(try await daemon.ask("which-children", "fix/fix_sup/sub").contains("s1"))
        }
    }

    @Test func aRootThatADaemonUses() async throws {
        try await EndToEndDaemon.with(try Self.root(["1.0.0", "2.0.0"])) { daemon in
            let arguments = ["set-permanent", "2.0.0", "--root", daemon.root.root]
            try await Self.follow("releasectl install-release ◊", daemon, after: arguments)
            try await Self.follow("releasectl make-permanent ◊", daemon, after: arguments)
            #expect(Set(try await daemon.releaseStatuses()) == ["2.0.0 permanent", "1.0.0 old"])
        }
    }

    @Test func aRootWhoseReleaseWouldNotBoot() async throws {
        let root = try Self.root(["1.0.0"])
        defer { root.remove() }
        try root.write("lib/fix-1.0.0/ebin/fix.app", "{nonsense")
        let refused = try await Releasectl.run(["set-permanent", "1.0.0", "--root", root.root])
        let check = try await Advice("releasectl check ◊", in: refused.error).follow(expecting: 1)
        #expect(check.error.contains("fix.app"), "\(check)")
    }

    /// Nothing else boots: the message is the event's.
    @Test func aReleaseThatNeverCameThroughItsBoots() async throws {
        let root = try Self.root(["2.0.0", "1.0.0"])
        let event = Event.release(.found(.noFallback(release: "2.0.0", boots: 2, reason: "it is removed")))
        let advice = try Advice(
            "releasectl set-permanent VSN", in: event.entry.message, placeholders: ["VSN": "1.0.0 --root \(root.root)"])
        try await advice.follow()
        try await EndToEndDaemon.with(root) { daemon in
            let release = try await daemon.status().release
            #expect(release == "1.0.0")
        }
    }

    private static func package(for root: TestRoot) async throws -> String {
        let content = try Self.root(["2.0.0"])
        defer { content.remove() }
        let package = "\(root.directory)/fix-2.0.0.tar.gz"
        try Spawned.run(
            "/bin/tar", ["-czf", package, "-C", content.root, "lib", "releases/2.0.0"])
        return package
    }

    @Test func aPackageThatIsNotThereYetOrAlready() async throws {
        let root = try Self.root(["1.0.0"])
        let package = try await Self.package(for: root)
        let (path, unpack) = (root.root, ["unpack-release", package])
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.follow(
                "releasectl unpack-release PACKAGE", daemon, after: ["install-release", "2.0.0"],
                placeholders: ["PACKAGE": package])
            // A file that the worker's interpreter has made is no reason to give it another version.
            try root.write("lib/fix-2.0.0/ebin/made", "by hand")
            let twice = try await daemon.releasectl("unpack-release", package)
            #expect(
                twice
                    == Releasectl(
                        exit: 2, output: "",
                        error: """
                            releasectl: unpack-release \(package): release 2.0.0 is in the release root already, and is \
                            unpacked; to unpack it anew, remove it first: releasectl remove-release 2.0.0 (bad_status)
                              Nothing was changed.

                            """))
            try await Self.follow("releasectl remove-release ◊", daemon, after: unpack)
            try root.write("lib/fix-2.0.0/ebin/made", "by hand")
            try await Self.follow("rm -r ◊", daemon, after: unpack)
            try await daemon.ask("unpack-release", package)

            try FileManager.default.removeItem(atPath: "\(path)/releases/2.0.0")
            let gone = try await daemon.releasectl("check-install-release", "2.0.0")
            #expect(gone.error.contains("\(path)/releases/2.0.0, the directory of release 2.0.0, is gone"), "\(gone)")
            try await Self.follow("releasectl remove-release ◊", daemon, after: ["install-release", "2.0.0"])
            try await daemon.ask("unpack-release", package)
            try await daemon.ask("install-release", "2.0.0")

            try FileManager.default.removeItem(atPath: "\(path)/releases/2.0.0")
            try await Self.follow(
                "tar -xzf PACKAGE.tar.gz -C ◊ releases/◊", daemon, after: ["install-release", "1.0.0"],
                placeholders: ["PACKAGE.tar.gz": package])
            try await daemon.ask("install-release", "1.0.0")
            // One that runs is not to be removed.
            try await daemon.ask("install-release", "2.0.0")
            let runs = try await daemon.releasectl("unpack-release", package)
            #expect(runs.error.contains("and is current; give what was changed in it a release of another version"))
        }
    }

    @Test func aRelupThatDoesNotLeadThere() async throws {
        let root = try Self.root(["1.0.0", "2.0.0"], relup: "{\"2.0.0\", [{\"1.0.0\", [], [nonsense]}], []}.")
        try await EndToEndDaemon.with(root) { daemon in
            let refused = try await daemon.releasectl("install-release", "2.0.0")
            let check = try Advice("releasectl check-install-release ◊", in: refused.error)
            let socket = ["RELEASE_HANDLER_SOCKET": daemon.controlSocket]
            try await check.follow(environment: socket, expecting: 2)
            try root.write("releases/2.0.0/relup", TestRoot.relup(up: TestRoot.up()))
            try await check.follow(environment: socket)

            try root.write("releases/2.0.0/relup", "{\"2.0.0\", [], []}.")
            try root.write(
                "lib/fix-2.0.0/ebin/fix.appup",
                "{\"2.0.0\", [{\"1.0.0\", [{update, counter, {advanced, []}}]}], "
                    + "[{\"1.0.0\", [{update, counter, {advanced, []}}]}]}.")
            try await Self.follow(
                "releasectl make-relup NEW.rel --outdir DIRECTORY --up-from OLD.rel --down-to OLD.rel", daemon,
                after: ["install-release", "2.0.0"], in: root.root,
                placeholders: [
                    "NEW.rel": "releases/2.0.0/fix.rel", "OLD.rel": "releases/1.0.0/fix.rel",
                    "DIRECTORY": "releases/2.0.0",
                ])
            try await daemon.ask("install-release", "2.0.0")
        }
    }

    /// The change is waited for by what shows it; what tells that the node stops, by what tells once it is back.
    @Test func aChangeThatIsUnderWay() async throws {
        let root = try TestRoot.twoVersions(
            relup: TestRoot.relup(up: "{apply, {timer, sleep, [60000]}}, \(TestRoot.up())"))
        defer { root.remove() }
        let stopped = try await EndToEndDaemon.again(on: root) { daemon async throws -> String in
            let socket = ["RELEASE_HANDLER_SOCKET": daemon.controlSocket]
            return try await Program.with(
                Releasectl.path, ["install-release", "2.0.0"], environment: socket, streaming: .output
            ) { install async throws -> String in
                try await daemon.untilUpgrading()
                let refused = try await daemon.releasectl("make-permanent", "1.0.0")
                let advice = try Advice("releasectl events --follow", in: refused.error)
                return try await Program.with(
                    "/bin/sh", ["-c", "exec \(advice.command)"],
                    environment: Advice.environment.merging(socket) { $1 }, streaming: .output
                ) { events async throws -> String in
                    async let heard = events.line()
                    for _ in 0..<100 where !events.hasStreamed {
                        _ = try await daemon.call("{log, \"do you hear me\"}")
                    }
                    try #require(try await heard != nil)
                    try await daemon.stop()
                    _ = try await events.ended()
                    return events.complained
                }
            }
        }
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await Advice("releasectl status", in: stopped)
                .follow(environment: ["RELEASE_HANDLER_SOCKET": daemon.controlSocket])
            #expect(status.output.contains("1.0.0"), "\(status)")
        }
    }

    // MARK: What the system refuses

    private static func mounted(_ script: String) -> String {
        "exec unshare --mount --propagation private /bin/sh -ec '\(script); exec \"$@\"' sh \"$@\""
    }

    @Test func whatIsNoFaultOfThePackage() async throws {
        let root = try Self.root(["1.0.0"])
        try await EndToEndDaemon.with(root) { daemon in
            let missing = try await daemon.releasectl("unpack-release", "/nowhere/fix.tar.gz")
            #expect(
                missing
                    == Releasectl(
                        exit: 2, output: "",
                        error: """
                            releasectl: unpack-release /nowhere/fix.tar.gz: /nowhere/fix.tar.gz: can't be read: open: No such \
                            file or directory; a daemon whose unit has ProtectHome or PrivateTmp does not see /home, /root, \
                            /tmp and /var/tmp: put the package where it sees it, such as /srv (package_unreadable)
                              Nothing was changed.

                            """))
            let broken = try await daemon.releasectl("unpack-release", "/proc/self/mem")
            #expect(
                broken.exit == 2 && broken.error.contains("/proc/self/mem: can't be read: read: Input/output error; "))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "another user can be had by root only"))
    func aPackageThatTheDaemonMayNotRead() async throws {
        let root = try Self.root(["1.0.0"])
        let first = try await Self.package(for: root)
        let package = "\(root.directory)/closed/fix.tar.gz"
        try Spawned.run(
            "/bin/sh",
            [
                "-ec",
                """
                cd \(root.directory); chmod 755 .; mkdir closed; mv \(first) \(package); chmod 600 \(package); chmod 700 closed
                chown -R 65534:65534 root; chown 65534:65534 .
                """,
            ])
        let shell = "chmod 777 \"$NOTIFY_SOCKET\"; exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\""
        try await EndToEndDaemon.with(root, shell: shell) { daemon in
            let unpack = ["unpack-release", package]
            try await Self.follow("chmod o+x ◊", daemon, after: unpack)
            try await Self.follow("chmod o+r ◊", daemon, after: unpack)
            try await daemon.ask("unpack-release", package)
        }
    }

    @Test(.enabled(if: BootFallbackTests.canMount)) func aPackageThatTheDiskDoesNotTake() async throws {
        let root = try Self.root(["1.0.0"])
        let package = try await Self.package(for: root)
        let (path, copy) = (root.root, "\(root.directory)/copy")
        let full = Self.mounted(
            "cp -a \(path) \(copy); mount -t tmpfs -o size=4m none \(path); cp -a \(copy)/. \(path)/; rm -r \(copy)")
        try await EndToEndDaemon.again(on: root, shell: full) { daemon in
            let fill =
                "dd if=/dev/zero of=\(path)/fill bs=4k status=none; dd if=/dev/zero of=\(path)/rest bs=1 status=none"
            let filled = try await Program.run(
                "/usr/bin/nsenter", ["--target", "\(daemon.program.pid)", "--mount", "/bin/sh", "-c", fill],
                environment: [:])
            #expect(filled.error.contains("No space left on device"), "\(filled)")
            let refused = try await daemon.releasectl("unpack-release", package)
            #expect(refused.exit == 2, "\(refused)")
            #expect(refused.error.contains("\(package): can't be unpacked: \(path)/"), "\(refused)")
            let words = """
                No space left on device: make room on its file system: df \(path) shows how full that is; nothing of it stays \
                (disk_full)
                """
            #expect(refused.error.contains(words), "\(refused)")
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent"])
        }
        let readOnly = Self.mounted("mount --bind \(path) \(path); mount -o remount,bind,ro \(path)")
        try await EndToEndDaemon.with(root, shell: readOnly) { daemon in
            let refused = try await daemon.releasectl("unpack-release", package)
            #expect(refused.exit == 2 && refused.error.contains("(disk_read_only)"), "\(refused)")
            try await Advice("findmnt -T ◊", in: refused.error).follow()
        }
    }
}
