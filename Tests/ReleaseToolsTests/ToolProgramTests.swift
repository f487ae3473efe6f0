import Foundation
import Host
import Testing

@testable import TestSupport

/// The tools as a person runs them: what the real `releasectl` prints, and how it exits.
@Suite(.timeLimit(.minutes(15))) struct ToolProgramTests {
    private let directory = ReleaseDirectory()

    private func releasectl(_ arguments: String...) throws -> Releasectl {
        try Releasectl.runNow(arguments, in: directory.path)
    }

    @Test func fromTwoVersionsToAPackageThatIsChecked() throws {
        for vsn in ["1.0.0", "2.0.0"] { try directory.whole(vsn) }
        let appup = try releasectl("make-appup", "lib/kv-1.0.0", "lib/kv-2.0.0", "--timeout-ms", "60000")
        #expect(appup.error == "")
        #expect(
            appup.output == """
                lib/kv-2.0.0/ebin/kv.appup: kv 2.0.0, up from and down to 1.0.0
                  up:
                    {update,server,{advanced,[]}}
                      server: an executable that differs; it says that it converts states
                  down:
                    {update,server,{advanced,[]}}
                      server: an executable that differs; it says that it converts states

                """)
        #expect(appup.exit == 0)

        let relup = try releasectl(
            "make-relup", "rel/kv-2.0.0.rel", "--outdir", "rel", "--strict", "--warnings-as-errors", "--up-from",
            "rel/kv-1.0.0.rel=faster", "--down-to", "rel/kv-1.0.0.rel")
        #expect(relup.error == "")
        #expect(relup.exit == 0)

        let tar = try releasectl("make-tar", "rel/kv-2.0.0.rel", "--outdir", ".")
        #expect(tar.error == "")
        #expect(tar.exit == 0)
        let package = directory.file("kv-2.0.0.tar.gz")
        #expect(
            tar.output == """
                ./kv-2.0.0.tar.gz: release kv 2.0.0, 9 files, \(try FileStatus(of: package).size) bytes
                  applications  kv-2.0.0
                  relup         rel/relup
                  sys.config    none
                  SHA-256       \(try FileDigest.sha256(package))

                """)
        let check = try releasectl("check", "kv-2.0.0.tar.gz")
        #expect(check.error == "")
        #expect(check.output == "kv-2.0.0.tar.gz: kv 2.0.0: nothing is wrong\n")
        #expect(check.exit == 0)
    }

    /// One older version after the other, and once more: each has its ways in the relup.
    @Test func twoOlderVersionsOneAfterTheOther() throws {
        for vsn in ["1.0.0", "1.5.0", "2.0.0"] { try directory.whole(vsn) }
        for old in ["1.0.0", "1.5.0"] {
            let made = try releasectl("make-appup", "lib/kv-\(old)", "lib/kv-2.0.0", "--timeout-ms", "60000")
            #expect(made.error == "")
            #expect(made.exit == 0)
        }
        let relup = try releasectl(
            "make-relup", "rel/kv-2.0.0.rel", "--noexec", "--strict", "--warnings-as-errors", "--up-from",
            "rel/kv-1.0.0.rel", "--up-from", "rel/kv-1.5.0.rel", "--down-to", "rel/kv-1.5.0.rel", "--down-to",
            "rel/kv-1.0.0.rel")
        #expect(relup.error == "")
        #expect(relup.exit == 0)
        let again = try releasectl("make-appup", "lib/kv-1.0.0", "lib/kv-2.0.0", "--timeout-ms", "60000")
        #expect(again.error == "")
        #expect(
            again.output == """
                lib/kv-2.0.0/ebin/kv.appup: kv 2.0.0, up from and down to 1.0.0
                  up: is there already
                  down: is there already

                """)
        #expect(again.exit == 0)
        let edited = try releasectl("make-appup", "lib/kv-1.0.0", "lib/kv-2.0.0", "--no-run", "--json")
        #expect(edited.output.contains("\"down_entry\":\"kept\"") && edited.output.contains("\"up_entry\":\"kept\""))
        #expect(
            edited.error.contains("kv.appup:11:3: warning: the entry for \"1.0.0\" on the way up has other"),
            "\(edited.error)")
    }

    @Test func nothingIsWrittenOnAMistake() throws {
        try directory.whole("2.0.0")
        try Directory.removeTree(directory.file("lib/kv-2.0.0/ebin/store.so"))
        let tar = try releasectl("make-tar", "rel/kv-2.0.0.rel")
        #expect(tar.output == "")
        #expect(
            tar.error == """
                lib/kv-2.0.0/ebin/kv.app: error: there is no lib/kv-2.0.0/ebin/store, lib/kv-2.0.0/ebin/store.so or \
                lib/kv-2.0.0/ebin/store.sup
                  Its modules list store: build it, or take it out of the list.

                """)
        #expect(tar.exit == 1)
        let appup = try releasectl("make-appup", "lib/kv-2.0.0", "lib/kv-2.0.0")
        #expect(appup.output == "")
        #expect(appup.exit == 1)
        #expect(Directory.names(directory.file("rel")) == ["kv-2.0.0.rel"])
        #expect(
            Directory.names(directory.file("lib/kv-2.0.0/ebin")) == ["kv.app", "kv_sup.sup", "server"])
    }

    @Test func aCheckOfWhatIsNoRoot() throws {
        let check = try releasectl("check", ".")
        #expect(check.output == ".: 1 error\n")
        #expect(
            check.error == """
                error: . is no release root: it has no directory releases
                  Give the root itself, such as /var/lib/release-handler, or a package.

                """)
        #expect(check.exit == 1)
    }

    @Test func warningsMayBeErrors() throws {
        try directory.whole("2.0.0")
        try directory.write("lib/kv-2.0.0/ebin/notes.txt", "")
        #expect(try releasectl("make-tar", "rel/kv-2.0.0").exit == 0)
        let check = try releasectl("check", "rel/kv-2.0.0.tar.gz")
        #expect(check.output == "rel/kv-2.0.0.tar.gz: kv 2.0.0: 1 warning\n")
        #expect(
            check.error == """
                lib/kv-2.0.0/ebin/kv.app: warning: lib/kv-2.0.0/ebin/notes.txt is no module of kv
                  No upgrade replaces it: add 'notes.txt' to its modules, or put it into priv.

                """)
        #expect(check.exit == 0)
        #expect(try releasectl("check", "--warnings-as-errors", "rel/kv-2.0.0.tar.gz").exit == 1)
    }

    @Test func jsonIsOneObject() throws {
        for vsn in ["1.0.0", "2.0.0"] { try directory.whole(vsn) }
        let appup = try releasectl("make-appup", "lib/kv-1.0.0", "lib/kv-2.0.0", "--json", "--no-run")
        #expect(
            appup.output == """
                {"application":"kv","diagnostics":[],"down":[{"instruction":"{update,server}","reasons":["server: an \
                executable that differs; soft, since it was not asked (--no-run)"]}],"down_entry":"added","file":\
                "lib/kv-2.0.0/ebin/kv.appup","old_vsn":"1.0.0","up":[{"instruction":"{update,server}","reasons":\
                ["server: an executable that differs; soft, since it was not asked (--no-run)"]}],"up_entry":"added",\
                "vsn":"2.0.0"}

                """)
        let tar = try releasectl("make-tar", "rel/kv-3.0.0.rel", "--json")
        #expect(
            tar.output == """
                {"diagnostics":[{"code":"not_found","severity":"error","text":\
                "File not found: \\"rel/kv-3.0.0.rel\\""}]}

                """)
        #expect(tar.exit == 1)
        let check = try releasectl("check", "none", "--json")
        #expect(
            check.output == """
                {"diagnostics":[{"advice":"Give a release root or a package (.tar.gz).","code":"unreadable",\
                "severity":"error","text":"none: stat: No such file or directory"}],"ok":false,"path":"none","releases":[]}

                """)
        #expect(check.exit == 1)
    }

    @Test func aWrongCommandLine() throws {
        #expect(try releasectl("make-appup", "lib/kv-1.0.0").exit == 64)
        #expect(try releasectl("make-appup", "a", "b", "--timeout-ms", "0").exit == 64)
        #expect(try releasectl("make-tar").exit == 64)
        #expect(try releasectl("check").exit == 64)
    }
}
