import Foundation
import Glibc
import Host
import Instructions
import Testing

@testable import ReleaseTools
@testable import TestSupport

@Suite(.timeLimit(.minutes(15))) struct TarToolTests {
    private let directory = ReleaseDirectory()

    private func run(
        _ release: String = "rel/kv-2.0.0.rel", path: String = "lib/*/ebin", outdir: String? = nil
    ) -> TarTool.Result {
        TarTool(
            TarTool.Options(
                release: directory.file(release), path: [directory.file(path)],
                outputDirectory: outdir.map(directory.file))
        ).run()
    }

    /// What a person reads, with the test's directory left out.
    private func told(_ result: TarTool.Result) -> [String] {
        result.diagnostics.map { $0.lines.joined(separator: "\n").replacing(directory.path, with: "DIR") }
    }

    private func bytes(_ name: String) throws -> [UInt8] { try FileContents.read(directory.file(name), limit: 1 << 24) }

    @Test func thePackageHasTheLayoutOfSystools() throws {
        try directory.whole("2.0.0")
        try directory.write("lib/kv-2.0.0/priv/data/keys.txt", "keys")
        try directory.write("lib/other-1.0.0/ebin/other.app", "not in the release")
        try directory.write("rel/2.0.0/relup", ReleaseDirectory.relup)
        try directory.write("rel/sys.config", "[\"more\"].")
        try directory.write("rel/more.config", "[{kv, [{port, 1}]}].")
        let result = run()
        #expect(told(result) == [])
        let package = try #require(result.package)
        #expect(package.path == directory.file("rel/kv-2.0.0.tar.gz"))
        #expect(
            package.files == [
                "lib/kv-2.0.0/ebin/kv.app", "lib/kv-2.0.0/ebin/kv_sup.sup", "lib/kv-2.0.0/ebin/server",
                "lib/kv-2.0.0/ebin/store.so", "lib/kv-2.0.0/priv/data/keys.txt", "releases/2.0.0/SHA256SUMS",
                "releases/2.0.0/kv.rel", "releases/2.0.0/more.config", "releases/2.0.0/relup",
                "releases/2.0.0/sys.config", "releases/kv-2.0.0.rel",
            ])
        #expect(package.applications == ["kv-2.0.0"])
        #expect(package.relup == directory.file("rel/2.0.0/relup"))
        #expect(package.config == directory.file("rel/sys.config"))
        #expect(package.sha256 == (try FileDigest.sha256(package.path)))

        let staged = try ReleaseArchive.stage(package.path, under: directory.file("unpacked"))
        defer { staged.discard() }
        #expect(try staged.checkManifest(vsn: "2.0.0"))
        // A link is packed as what it leads to, and stays executable.
        #expect(try FileStatus(ofLink: "\(staged.directory)/lib/kv-2.0.0/ebin/server").kind == .file)
        #expect(try FileStatus(of: "\(staged.directory)/lib/kv-2.0.0/ebin/server").permissions == 0o755)
        #expect(CheckTool(package.path).run().diagnostics == [])
    }

    @Test func theSameFilesGiveTheSameBytes() throws {
        try directory.whole("2.0.0")
        try directory.write("lib/kv-2.0.0/priv/b", "b")
        try directory.write("lib/kv-2.0.0/priv/a", "a")
        #expect(run().isSuccess)
        let first = try bytes("rel/kv-2.0.0.tar.gz")

        // Another order of making, other times, other modes, another place.
        let other = ReleaseDirectory()
        try other.write("lib/kv-2.0.0/priv/a", Array("a".utf8), permissions: 0o600)
        try other.write("lib/kv-2.0.0/priv/b", Array("b".utf8), permissions: 0o664)
        try other.whole("2.0.0")
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: other.file("lib/kv-2.0.0/priv/a"))
        let options = TarTool.Options(release: other.file("rel/kv-2.0.0"), path: [other.file("lib/*/ebin")])
        let again = try #require(TarTool(options).run().package)
        #expect(try FileContents.read(again.path, limit: 1 << 24) == first)
    }

    static let mistakes: [(spoil: @Sendable (ReleaseDirectory) throws -> Void, words: [String])] = [
        (
            { try $0.write("rel/2.0.0/relup", "{\"3.0.0\", [], []}.") },
            [
                "the relup is for 3.0.0, the release is 2.0.0\n"
                    + "  DIR/rel/2.0.0/relup: It is for 3.0.0: make that of 2.0.0 with make-relup, where something is upgraded to "
                    + "it, and move it: mkdir -p DIR/rel/3.0.0 && mv DIR/rel/2.0.0/relup DIR/rel/3.0.0/relup"
            ]
        ),
        (
            { try $0.write("rel/sys.config", "[{kv, [{port, }]}].") },
            ["expected a term, found '}'\n  at DIR/rel/sys.config:1:15"]
        ),
        (
            { try $0.write("rel/sys.config", "[\"../other\"].") },
            [
                "it includes \"../other\", which would lie outside the release's directory\n"
                    + "  DIR/rel/sys.config: Put the file beside sys.config."
            ]
        ),
        (
            { try Directory.removeTree($0.file("lib/kv-2.0.0/ebin/store.so")) },
            [
                "there is no lib/kv-2.0.0/ebin/store, lib/kv-2.0.0/ebin/store.so or lib/kv-2.0.0/ebin/store.sup\n"
                    + "  DIR/lib/kv-2.0.0/ebin/kv.app: Its modules list store: build it, or take it out of the list."
            ]
        ),
        (
            { try $0.link("lib/kv-2.0.0/priv/etc", to: "/etc") },
            [
                "DIR/lib/kv-2.0.0/priv/etc is a link to something else than a file\n"
                    + "  A package holds files: put them where the link is."
            ]
        ),
        (
            { try Directory.removeTree($0.file("lib/kv-2.0.0/ebin/kv.app")) },
            ["kv: File not found: \"kv.app\""]
        ),
        (
            {
                try $0.write("rel/kv-2.0.0.rel", "{release, {\"kv\", \"RELEASES\"}, {erts, \"1\"}, [{kv, \"2.0.0\"}]}.")
            },
            [
                "releases/RELEASES is a file of the release root's own; give it another version\n"
                    + "  at DIR/rel/kv-2.0.0.rel:1:18"
            ]
        ),
        (
            { try $0.write("rel/kv-2.0.0.rel", "{release, {\"kv\", \"R1A 2\"}, {erts, \"1\"}, [{kv, \"2.0.0\"}]}.") },
            [
                "expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), "
                    + "found \"R1A 2\"\n  at DIR/rel/kv-2.0.0.rel:1:18"
            ]
        ),
        (
            { try $0.write("rel/kv-2.0.0.rel", "{release, {\"k/v\", \"2\"}, {erts, \"1\"}, [{kv, \"2.0.0\"}]}.") },
            [
                "expected a release's name that can be a file's name (1 to 200 bytes without slashes and control characters, not \".\" or \"..\"), found \"k/v\"\n  at DIR/rel/kv-2.0.0.rel:1:12"
            ]
        ),
    ]

    @Test(arguments: mistakes.indices) func nothingIsWrittenOnAMistake(index: Int) throws {
        try directory.whole("2.0.0")
        try Self.mistakes[index].spoil(directory)
        try directory.write("rel/kv-2.0.0.tar.gz", "the one before")
        let result = run()
        #expect(told(result) == Self.mistakes[index].words)
        #expect(!result.isSuccess)
        #expect(try directory.text("rel/kv-2.0.0.tar.gz") == "the one before")
        #expect(!Directory.names(directory.file("rel")).contains { $0.hasPrefix(".") })
    }

    /// An empty one in its place would have a digest of each file that is left, and look whole.
    @Test func aDirectoryThatCantBeReadIsNotPackedAsAnEmptyOne() throws {
        try directory.whole("2.0.0")
        try directory.write("lib/kv-2.0.0/priv/secret/key", "k")
        let secret = directory.file("lib/kv-2.0.0/priv/secret")
        chmod(secret, 0)
        defer { chmod(secret, 0o755) }
        let result = withModesInForce { run() }
        #expect(
            told(result) == [
                "DIR/lib/kv-2.0.0/priv/secret: opendir: Permission denied\n  Nothing was written."
            ])
        #expect(!result.isSuccess && !FileNames.exists(directory.file("rel/kv-2.0.0.tar.gz")))
    }

    /// The first release is packed again when the next one's relup lies beside both: what is advised brings both packages.
    @Test func theNextReleasesRelupBesideABaseReleaseIsMovedToWhereItIsFoundForItAlone() throws {
        for vsn in ["1.0.0", "2.0.0"] { try directory.whole(vsn) }
        try directory.write("rel/relup", ReleaseDirectory.relup)
        #expect(
            told(run("rel/kv-1.0.0.rel")) == [
                "the relup is for 2.0.0, the release is 1.0.0\n"
                    + "  DIR/rel/relup: It is found for each release here, and 2.0.0 alone is to find it: move it: "
                    + "mkdir -p DIR/rel/2.0.0 && mv DIR/rel/relup DIR/rel/2.0.0/relup"
            ])
        let advice = try #require(run("rel/kv-1.0.0.rel").diagnostics.first?.advice)
        let command = try #require(advice.firstRange(of: "mkdir").map { advice[$0.lowerBound...] })
        try Spawned.run("/bin/sh", ["-c", String(command)])
        let base = run("rel/kv-1.0.0.rel")
        #expect(told(base) == [])
        #expect(base.package != nil && base.package?.relup == nil)
        #expect(run("rel/kv-2.0.0.rel").package?.relup == directory.file("rel/2.0.0/relup"))
    }

    @Test func whatAnotherMachineRunsMayBePacked() throws {
        try directory.whole("2.0.0")
        try directory.write("lib/kv-2.0.0/ebin/store.so", ObjectFile.library(machine: 8))
        let result = run(outdir: "lib")
        #expect(result.package?.path == directory.file("lib/kv-2.0.0.tar.gz"))
        #expect(result.diagnostics.map(\.severity) == [.warning])
        #expect(result.diagnostics.map(\.code) == ["other_machine"])
        #expect(told(result)[0].hasPrefix("DIR/lib/kv-2.0.0/ebin/store.so: built for MIPS, this machine is "))
        let check = CheckTool(directory.file("lib/kv-2.0.0.tar.gz")).run()
        #expect(check.diagnostics.map(\.severity) == [.error])
        #expect(check.diagnostics[0].text.hasPrefix("lib/kv-2.0.0/ebin/store.so: built for MIPS"))
    }

    @Test func aDirectoryThatIsNotThere() throws {
        try directory.whole("2.0.0")
        #expect(
            told(run(outdir: "none")) == [
                "--outdir DIR/none is no directory\n  Make it first, mkdir -p DIR/none, or name another."
            ])
        #expect(
            told(run(path: "nowhere/*/ebin")) == [
                "--path DIR/nowhere/*/ebin names no directory\n"
                    + "  Name the directories with the .app files as seen from here, such as --path 'lib/*/ebin'.",
                "kv: File not found: \"kv.app\"",
            ])
    }
}
