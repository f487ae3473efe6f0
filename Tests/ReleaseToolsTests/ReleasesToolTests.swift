import Host
import Instructions
import Terms
import Testing

@testable import ReleaseTools
@testable import TestSupport

/// create-releases and set-permanent, on roots whose files are not as they should be.
@Suite(.timeLimit(.minutes(15))) struct ReleasesToolTests {
    private let directory = ReleaseDirectory()

    /// 1.0.0, 2.0.0 and what is left of 3.0.0; RELEASES has the first two.
    private func root() throws {
        for vsn in ["1.0.0", "2.0.0"] {
            try directory.whole(vsn)
            try directory.write("releases/\(vsn)/kv.rel", try directory.text("rel/kv-\(vsn).rel"))
        }
        try directory.write(
            "releases/3.0.0/kv.rel", "{release, {\"kv\", \"3.0.0\"}, {erts, \"0.1.0\"}, [{kv, \"3.0.0\"}]}.")
        try directory.write("releases/start_erl.data", "0.1.0 1.0.0\n")
        try directory.write(
            "releases/RELEASES",
            """
            [{release, "kv", "1.0.0", "0.1.0", [{kv, "1.0.0", "lib/kv-1.0.0"}], permanent},
             {release, "kv", "0.9.0", "0.1.0", [{kv, "0.9.0", "lib/kv-0.9.0"}], old}].
            """)
    }

    private func run(_ vsn: String? = nil, force: Bool = false) throws(ToolError) -> ReleasesTool.Result {
        try ReleasesTool(vsn, root: directory.path, isForced: force).run()
    }

    private func refusal(_ vsn: String? = nil) -> String {
        do throws(ToolError) {
            _ = try run(vsn)
            return "none"
        } catch {
            return error.description.replacing(directory.path, with: "DIR")
        }
    }

    @Test func allThatStandsIsListed() throws {
        try root()
        let result = try run("2.0.0")
        #expect(result.releases.map { "\($0.vsn) \($0.status.atom.name)" } == ["2.0.0 permanent", "1.0.0 old"])
        #expect(
            result.omitted.map { "\($0.vsn): \($0.reason)" } == [
                "3.0.0: lib/kv-3.0.0/ebin/kv.app is missing", "0.9.0: there is no releases/0.9.0",
            ])
        #expect(result.kept == [])
        #expect(try directory.text("releases/start_erl.data") == "0.1.0 2.0.0\n")
        #expect(try FileStatus(of: directory.file("releases/RELEASES")).permissions == 0o640)
        let checked = CheckTool(directory.path).run()
        #expect(checked.releases.map(\.status) == [.permanent, .old])
        #expect(!checked.diagnostics.contains { $0.code == "repaired" || $0.code == "bad_releases" })
    }

    @Test func whatIsDamagedIsKept() throws {
        try root()
        try directory.write("releases/RELEASES", "[{release, ")
        let result = try run()
        #expect(result.releases.map { "\($0.vsn) \($0.status.atom.name)" } == ["1.0.0 permanent", "2.0.0 unpacked"])
        #expect(result.kept == ["releases/RELEASES.damaged"])
        #expect(try directory.text("releases/RELEASES.damaged") == "[{release, ")
    }

    @Test func itIsRefused() throws {
        #expect(
            refusal() == """
                DIR is no release root: it has no directory releases
                Give the root with --root, such as /var/lib/release-handler.
                """)
        try root()
        #expect(
            refusal("3.0.0") == """
                release 3.0.0 does not stand in the root: lib/kv-3.0.0/ebin/kv.app is missing
                releasectl check DIR tells what there is.
                """)
        try Directory.removeTree(directory.file("lib/kv-2.0.0/ebin/store.so"))
        #expect(refusal("2.0.0").hasPrefix("release 2.0.0 would not boot as it is: "))
        let forced = try run("2.0.0", force: true)
        #expect(forced.releases.first?.vsn == "2.0.0")
        let lock = try #require(try FileLock(directory.file("releases/.lock")))
        #expect(
            refusal("1.0.0") == """
                the release root DIR is in use by a release-handlerd
                It has RELEASES in its memory and writes it itself: stop it first: systemctl stop release-handlerd.socket release-handlerd.service
                """)
        withExtendedLifetime(lock) {}
    }

    /// The other command that helps by hand sees the root as a start does.
    @Test func setPermanentFindsWhatStands() throws {
        try root()
        try directory.write("releases/RELEASES", "[{release, ")
        let result = try PermanentTool("2.0.0", root: directory.path).run()
        #expect(result.vsn == "2.0.0" && result.former == "1.0.0")
        #expect(try directory.text("releases/RELEASES.damaged") == "[{release, ")
        #expect(CheckTool(directory.path).run().releases.map(\.status) == [.old, .permanent])
    }
}
