import Foundation
import Glibc
import Host
import Instructions
import Terms
import Testing

@testable import ReleaseTools
@testable import TestSupport

@Suite(.timeLimit(.minutes(15))) struct CheckToolTests {
    private let directory = ReleaseDirectory()

    /// A root with 1.0.0, which is permanent, and 2.0.0.
    private func root(relup: String = ReleaseDirectory.relup) throws {
        for vsn in ["1.0.0", "2.0.0"] {
            try directory.whole(vsn)
            try directory.write("releases/\(vsn)/kv.rel", try directory.text("rel/kv-\(vsn).rel"))
        }
        try directory.write("releases/2.0.0/relup", relup)
        try directory.write("releases/start_erl.data", "0.1.0 1.0.0\n")
        try directory.write("erts-0.1.0/bin/release-handlerd", "")
        try directory.write(
            "releases/RELEASES",
            """
            [{release, "kv", "1.0.0", "0.1.0", [{kv, "1.0.0", "lib/kv-1.0.0"}], permanent},
             {release, "kv", "2.0.0", "0.1.0", [{kv, "2.0.0", "lib/kv-2.0.0"}], unpacked}].
            """)
    }

    private func told(_ result: CheckTool.Result) -> [String] {
        result.diagnostics.map {
            "\($0.severity) \($0.code): \($0.lines.joined(separator: "\n"))".replacing("\(directory.path)/", with: "")
                .replacing(directory.path, with: "DIR")
        }
    }

    private func check(_ name: String = "") -> CheckTool.Result {
        CheckTool(name.isEmpty ? directory.path : directory.file(name)).run()
    }

    @Test func aGoodRoot() throws {
        try root()
        let result = check()
        #expect(told(result) == [])
        #expect(result.releases.map(\.vsn) == ["1.0.0", "2.0.0"])
        #expect(result.releases.map(\.status) == [.permanent, .unpacked])
    }

    /// Files that workers read count as much as their programs.
    @Test func anotherPrivThatNoInstructionBringsToAWorkerIsToldOf() throws {
        try root(relup: "{\"2.0.0\", [{\"1.0.0\", [], [point_of_no_return]}], []}.")
        for vsn in ["1.0.0", "2.0.0"] {
            try Directory.removeTree(directory.file("lib/kv-\(vsn)/ebin/server"))
            try directory.program("lib/kv-\(vsn)/ebin/server", "#!/bin/sh\n")
            try directory.write("lib/kv-\(vsn)/priv/page", "page \(vsn)")
        }
        #expect(
            told(check()) == [
                """
                error uncovered_change: up from 1.0.0: priv/page differs, and no instruction loads a program of kv that may \
                read it
                  releases/2.0.0/relup: Its workers would run on with the files of the release that is left: update those \
                that read them, of server, in the .appup, and make the relup anew.
                """
            ])
        try directory.write("releases/2.0.0/relup", ReleaseDirectory.relup)
        #expect(told(check()) == [])
    }

    @Test func allIsToldAtOnce() throws {
        try root(
            relup: """
                {"2.0.0",
                 [{"1.0.0", [],
                   [{load_object_code, {kv, "3.0.0", [server]}},
                    point_of_no_return,
                    {suspend, [server]},
                    {load, {store, brutal_purge, brutal_purge}},
                    {resume, [server]}]}],
                 []}.
                """)
        try directory.write("releases/1.0.0/sys.config", "[{release_handler, [{make_permanent, often}]}].")
        try directory.write("releases/2.0.0/sys.config", "[{kv, [{a, 1}, {a, 2}]}].")
        try Directory.removeTree(directory.file("lib/kv-1.0.0/ebin/store.so"))
        try directory.write("lib/kv-1.0.0/ebin/store.so", "text")
        try directory.write(
            "lib/kv-2.0.0/ebin/kv_sup.sup",
            """
            {ok, {#{}, [#{id => a, start => {serve, start_link, []}}, #{id => b, start => {store, start_link, []}},
                        #{id => c, start => {os, run, ["priv/none"]}}]}}.
            """)
        try Directory.removeTree(directory.file("erts-0.1.0"))
        try directory.write("lib/old-1.0.0/ebin/old.app", "")
        #expect(
            told(check()) == [
                """
                error bad_config: release_handler, make_permanent: expected manual or {auto, Seconds} with 1 to 86400 \
                seconds, found often
                  at releases/1.0.0/sys.config
                """,
                """
                error bad_object_code: lib/kv-1.0.0/ebin/store.so: not a shared library (no ELF file)
                """,
                """
                warning no_emulator: release 1.0.0 needs erts-0.1.0, which is not in the root
                  releases/1.0.0/kv.rel: It boots only where the installed daemon is of that version: \
                release-handlerd --version.
                """,
                "error bad_config: expected each key once, found a\n  at releases/2.0.0/sys.config:1:17",
                """
                error no_such_module: child a is started by serve, which no application of the release lists
                  lib/kv-2.0.0/ebin/kv_sup.sup: It would fail to start: add the module to the modules of its .app.
                """,
                """
                error wrong_module_kind: child b is a worker, but its module store is a library
                  lib/kv-2.0.0/ebin/kv_sup.sup: A worker's module is an executable.
                """,
                """
                error no_program: child c runs lib/kv-2.0.0/priv/none, which is not there
                  lib/kv-2.0.0/ebin/kv_sup.sup: Put it there, or correct it.
                """,
                """
                error bad_script: instruction 4: expected a load_object_code that names store before its load, found none
                  releases/2.0.0/relup:6:5: The install would be refused: correct the .appup, and make the relup anew.
                """,
                """
                error no_such_library: the script reads kv-3.0.0, and release 2.0.0 has kv-2.0.0
                  releases/2.0.0/relup:3:5: The relup was made for other applications: make it anew.
                """,
                """
                error uncovered_change: up from 1.0.0: kv_sup differs between kv-1.0.0 and kv-2.0.0, and no \
                instruction loads or removes it
                  releases/2.0.0/relup: Its workers would run on in the code of the release that is left: name it in \
                the .appup, and make the relup anew.
                """,
                """
                error uncovered_change: up from 1.0.0: server differs between kv-1.0.0 and kv-2.0.0, and no \
                instruction loads or removes it
                  releases/2.0.0/relup: Its workers would run on in the code of the release that is left: name it in \
                the .appup, and make the relup anew.
                """,
                """
                warning no_emulator: release 2.0.0 needs erts-0.1.0, which is not in the root
                  releases/2.0.0/kv.rel: It boots only where the installed daemon is of that version: \
                release-handlerd --version.
                """,
                """
                warning unknown_directory: lib/old-1.0.0 belongs to no release
                  lib/old-1.0.0: Nothing uses it: remove it, or bring its release with unpack-release.
                """,
            ])
    }

    @Test func whatTheDaemonStartsFrom() throws {
        try root()
        try directory.write("releases/start_erl.data", "0.1.0 2.0.0\n")
        #expect(
            told(check()) == [
                """
                warning repaired: release 2.0.0 was made permanent, and RELEASES did not say so yet
                  The daemon repairs it when it starts.
                """
            ])
        try directory.write("releases/start_erl.data", "0.1.0 3.0.0\n")
        #expect(
            told(check()) == [
                """
                error bad_releases: releases/start_erl.data names release 3.0.0, which releases/RELEASES does not list; \
                releasectl set-permanent VSN --root ROOT makes one permanent that it lists, releasectl create-releases VSN --root ROOT lists what stands
                  releases: The daemon does not start with it.
                """
            ])
        try directory.write("releases/RELEASES", "[")
        #expect(
            told(check()).first?.hasPrefix("error bad_releases: releases/RELEASES is damaged (line 1, column 2: ")
                == true)
        try directory.write("releases/start_erl.data", "0.1.0 1.0.0\n")
        let repair = try #require(told(check()).first)
        #expect(repair.hasPrefix("warning repaired: releases/RELEASES was damaged (line 1, column 2: "), "\(repair)")
        #expect(
            repair.hasSuffix("1.0.0 permanent, 2.0.0 unpacked\n  The daemon repairs it when it starts."), "\(repair)")
        #expect(check().releases.map(\.status) == [.permanent, .unpacked])
        // Nothing is changed by looking.
        #expect(try directory.text("releases/RELEASES") == "[")
    }

    @Test func whatWasChangedSinceItWasUnpacked() throws {
        try root()
        let server = try FileDigest.sha256(directory.file("lib/kv-2.0.0/ebin/store.so"))
        try directory.write(
            "releases/2.0.0/SHA256SUMS",
            """
            \(server)  lib/kv-2.0.0/ebin/gone.so
            \(server)  lib/kv-2.0.0/ebin/kv.app
            \(server)  lib/kv-2.0.0/ebin/store.so
            \(server)  releases/kv-2.0.0.rel

            """)
        #expect(
            told(check()) == [
                """
                error changed_file: lib/kv-2.0.0/ebin/gone.so is gone, though the package brought it
                  lib/kv-2.0.0/ebin/gone.so: releases/2.0.0/SHA256SUMS has its digest. Take the file out of the package \
                again: tar -xzf PACKAGE.tar.gz -C DIR lib/kv-2.0.0/ebin/gone.so
                """,
                """
                error changed_file: lib/kv-2.0.0/ebin/kv.app is not what the package brought: it was changed since
                  lib/kv-2.0.0/ebin/kv.app: releases/2.0.0/SHA256SUMS has its digest. Take the file out of the package \
                again: tar -xzf PACKAGE.tar.gz -C DIR lib/kv-2.0.0/ebin/kv.app
                """,
            ])
    }

    /// What is advised for a file that was changed, done.
    @Test func aChangedFileIsTakenOutOfThePackageAgain() throws {
        try root()
        let tar = TarTool(
            TarTool.Options(release: directory.file("rel/kv-2.0.0.rel"), path: [directory.file("lib/*/ebin")])
        ).run()
        let package = try #require(tar.package?.path)
        func extract(_ names: [String]) throws {
            let tar = try Releasectl.runNow(["-xzf", package, "-C", directory.path] + names, executable: "/bin/tar")
            try #require(tar.exit == 0, "\(tar.error)")
        }
        try extract(["releases/2.0.0/SHA256SUMS"])
        try directory.write("lib/kv-2.0.0/ebin/store.so", ObjectFile.library(mark: "other"))
        let advice = try #require(check().diagnostics.first { $0.code == "changed_file" }?.advice)
        let words = advice.split(separator: " ")
        #expect(words.contains("PACKAGE.tar.gz") && words.dropLast().last == directory.path[...])
        try extract([String(words[words.count - 1])])
        #expect(!check().diagnostics.contains { $0.code == "changed_file" })
    }

    /// What is advised for a root in which nothing says which release is permanent, done.
    @Test func releasesIsWrittenAnewFromWhatStands() throws {
        try root()
        for file in ["RELEASES", "start_erl.data"] { try Directory.removeTree(directory.file("releases/\(file)")) }
        let text = try #require(check().diagnostics.first { $0.code == "bad_releases" }?.text)
        let command = text[try #require(text.firstRange(of: "releasectl ")).upperBound...].prefix { $0 != ";" }
        let words = command.prefix(upTo: try #require(command.firstRange(of: " makes")).lowerBound).split(
            separator: " "
        )
        .map { $0 == "VSN" ? "1.0.0" : $0 == "ROOT" ? directory.path : String($0) }
        let made = try Releasectl.runNow(words, in: directory.path)
        #expect(made == Releasectl(exit: 0, output: "1.0.0 is permanent\n2.0.0 is unpacked\n"))
        #expect(told(check()) == [])
        #expect(check().releases.map(\.status) == [.permanent, .unpacked])
    }

    /// The daemon boots with none of them, and stops at the first; here each kind is looked for.
    @Test func allThatTheDaemonReadsOfItselfIsRead() throws {
        try root()
        try directory.write(
            "releases/2.0.0/sys.config",
            "[{release_handler, [{sync_nodes, often}, {make_permanent, often}, {boot_fallback, often}]}].")
        let keys = check().diagnostics.map { String($0.text.split(separator: ":")[0]) }
        #expect(
            keys == [
                "release_handler, make_permanent", "release_handler, sync_nodes", "release_handler, boot_fallback",
            ])
    }

    @Test func aRootThatThisUserMayNotReadIsNotToldToBeWrong() throws {
        try root()
        let words = "Run check as root, or as the root's owner."
        for name in ["releases/RELEASES", "releases/start_erl.data"] {
            chmod(directory.file(name), 0)
            defer { chmod(directory.file(name), 0o644) }
            let result = withModesInForce { check() }
            #expect(
                told(result) == [
                    """
                    error unreadable: user \(geteuid()), as whom this runs, may not read it
                      \(name): \(words)
                    """
                ])
        }
        chmod(directory.path, 0)
        defer { chmod(directory.path, 0o755) }
        let result = withModesInForce { check() }
        #expect(
            told(result) == [
                """
                error unreadable: user \(geteuid()), as whom this runs, may not read it
                  releases: \(words)
                """
            ])
    }

    // MARK: Packages

    private func package(_ spoil: (ReleaseDirectory) throws -> Void = { _ in }) throws -> CheckTool.Result {
        try directory.whole("2.0.0")
        try directory.write("releases/kv-2.0.0.rel", try directory.text("rel/kv-2.0.0.rel"))
        try spoil(directory)
        let made = try Releasectl.runNow(
            ["-czhf", "kv.tar.gz", "lib", "releases"], executable: "/bin/tar", in: directory.path)
        try #require(made.exit == 0, "\(made.error)")
        let result = check("kv.tar.gz")
        #expect(result.diagnostics.allSatisfy { !"\($0)".contains("/releasectl-") })
        return result
    }

    private let noManifest = """
        warning no_manifest: the package has no releases/2.0.0/SHA256SUMS
          Nothing tells whether it arrived whole: make-tar writes one.
        """

    @Test func aPackageOfTar() throws {
        let result = try package()
        #expect(told(result) == [noManifest])
        #expect(result.isSuccess)
        #expect(result.releases == [CheckTool.Release(name: "kv", vsn: "2.0.0", status: nil)])
    }

    @Test func mistakesAreNamedAsInThePackage() throws {
        let result = try package {
            try $0.app("2.0.0", modules: "kv_sup, server", more: ", {env, 1}")
            try $0.write("releases/2.0.0/relup", "{\"2.0.0\", [{\"1.0.0\", [], [{load, server}]}], []}.")
        }
        #expect(
            told(result) == [
                noManifest,
                "error bad_application: expected a list of {Key, Value}, found 1\n"
                    + "  at lib/kv-2.0.0/ebin/kv.app:2:67",
                "error bad_relup: expected {Module, PrePurge, PostPurge}, found server\n"
                    + "  at releases/2.0.0/relup:1:34",
            ])
    }

    @Test func aPackageThatIsDamaged() throws {
        let whole = try package { directory in
            var files = ["kv_sup.sup", "server", "store.so"].map { "lib/kv-2.0.0/ebin/\($0)" }
            files.append("releases/kv-2.0.0.rel")
            var sums = String(repeating: "0", count: 64) + "  lib/kv-2.0.0/ebin/kv.app\n"
            for file in files { sums += "\(try FileDigest.sha256(directory.file(file)))  \(file)\n" }
            try directory.write("releases/2.0.0/SHA256SUMS", sums)
        }
        #expect(
            told(whole) == [
                """
                error bad_manifest: lib/kv-2.0.0/ebin/kv.app is not what releases/2.0.0/SHA256SUMS says: the package is \
                damaged or was changed; fetch it again
                """
            ])
        let bytes = try FileContents.read(directory.file("kv.tar.gz"), limit: 1 << 20)
        try directory.write("cut.tar.gz", Array(bytes.prefix(bytes.count / 2)))
        #expect(told(check("cut.tar.gz")).first?.hasPrefix("error bad_package: cut.tar.gz: ") == true)
    }

    @Test func whatIsNeither() throws {
        try directory.write("text", "no package")
        #expect(
            told(check("text")) == [
                """
                error bad_package: text: not a readable .tar.gz: Unrecognized archive format
                  unpack-release would refuse it.
                """
            ])
        #expect(
            told(check("none")) == [
                "error unreadable: none: stat: No such file or directory\n  Give a release root or a package (.tar.gz)."
            ])
        #expect(
            told(check()) == [
                """
                error no_root: DIR is no release root: it has no directory releases
                  Give the root itself, such as /var/lib/release-handler, or a package.
                """
            ])
    }
}
