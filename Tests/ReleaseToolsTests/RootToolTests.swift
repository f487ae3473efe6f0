import Foundation
import Glibc
import Host
import Instructions
import Testing

@testable import ReleaseTools
@testable import TestSupport

/// make-root: a package becomes a root that boots, or nothing of it is there.
@Suite(.timeLimit(.minutes(15))) struct RootToolTests {
    private let directory = ReleaseDirectory()

    /// A package of 2.0.0, which is for erts 0.1.0.
    private func package(erts: String? = nil) throws -> String {
        if !FileNames.exists(directory.file("rel")) { try directory.whole("2.0.0") }
        try directory.write("rel/sys.config", "[{kv, [{password, \"x\"}]}].")
        let tar = TarTool(
            TarTool.Options(
                release: directory.file("rel/kv-2.0.0.rel"), path: [directory.file("lib/*/ebin")],
                emulatorDirectory: erts.map(directory.file))
        ).run()
        return try #require(tar.package?.path, "\(tar.diagnostics)")
    }

    /// A directory of programs as a build has it, among others.
    private func programs(_ name: String = "build", says vsn: String = "0.1.0") throws {
        for program in ["release-handlerd", "releasectl", "another"] {
            try directory.program("\(name)/\(program)", "#!/bin/sh\necho \(vsn)\n")
        }
    }

    private func run(
        _ package: String, root: String = "root", erts: String? = nil, places: [String] = ["build"]
    ) -> RootTool.Result {
        var options = RootTool.Options(
            package: package, directory: directory.file(root), emulatorDirectory: erts.map(directory.file))
        options.places = places.map(directory.file)
        return RootTool(options).run()
    }

    private func told(_ result: RootTool.Result) -> [String] {
        result.diagnostics.map { $0.lines.joined(separator: "\n").replacing(directory.path, with: "DIR") }
    }

    private func mode(_ name: String) throws -> String {
        String(try FileStatus(of: directory.file(name)).permissions, radix: 8)
    }

    @Test func aPackageBecomesARoot() throws {
        try programs()
        let result = run(try package())
        #expect(told(result) == [])
        let root = try #require(result.root)
        #expect(root.name == "kv" && root.vsn == "2.0.0" && root.ertsVsn == "0.1.0")
        #expect(root.emulatorDirectory == directory.file("build"))
        #expect(Directory.names(directory.file("root")) == ["bin", "erts-0.1.0", "lib", "releases"])
        #expect(Directory.names(directory.file("root/erts-0.1.0/bin")) == ["release-handlerd", "releasectl"])
        #expect(try directory.text("root/releases/start_erl.data") == "0.1.0 2.0.0\n")
        let releases = try ReleasesFile.parse(Array(directory.text("root/releases/RELEASES").utf8), file: "")
        #expect(releases.releases.map(\.status) == [.permanent])
        #expect(releases.permanent?.libraries.map(\.directory) == ["lib/kv-2.0.0"])
        let closed = [
            "releases": "750", "releases/2.0.0": "750", "releases/RELEASES": "640", "releases/start_erl.data": "640",
        ]
        let open = [
            "": "755", "bin": "755", "bin/start": "755", "erts-0.1.0/bin/release-handlerd": "755", "lib": "755",
        ]
        for (name, expected) in closed.merging(open, uniquingKeysWith: { $1 }) {
            #expect(try mode("root/\(name)") == expected, "\(name)")
        }
        #expect(try mode("root/releases/2.0.0/sys.config") == "640" && mode("root/lib/kv-2.0.0/ebin/kv.app") == "640")
        #expect(CheckTool(directory.file("root")).run().diagnostics == [])
    }

    /// What `--erts` names, in each of its forms; and the package's own comes first.
    @Test func theEmulatorIsFound() throws {
        try programs()
        for name in ["release-handlerd", "more/data"] { try directory.write("em/erts-0.1.0/bin/\(name)", name) }
        for (number, place) in ["em", "em/erts-0.1.0", "em/erts-0.1.0/bin"].enumerated() {
            let result = run(try package(), root: "root\(number)", erts: place)
            #expect(told(result) == [], "\(place)")
            #expect(try directory.text("root\(number)/erts-0.1.0/bin/release-handlerd") == "release-handlerd")
        }
        let packed = try package(erts: "em/erts-0.1.0")
        let own = run(packed, root: "own", places: [])
        #expect(told(own) == [] && own.root != nil && own.root?.emulatorDirectory == nil)
        #expect(try directory.text("own/erts-0.1.0/bin/more/data") == "more/data")
        // A directory of programs is packed without what else is in it.
        let built = try ReleaseArchive.stage(
            try package(erts: "build"), under: directory.file("look"), isForALook: true)
        defer { built.discard() }
        #expect(Directory.names("\(built.directory)/erts-0.1.0/bin") == ["release-handlerd", "releasectl"])
    }

    @Test func noEmulatorLeavesNothing() throws {
        let package = try package()
        #expect(
            told(run(package, places: ["build", "other"])) == [
                """
                the package brings no emulator, and no release-handlerd 0.1.0, which the release is for, is in DIR/build, DIR/other
                  Name its directory with --erts, or pack it with make-tar --erts.
                """
            ])
        #expect(
            told(run(package, erts: "none")) == [
                """
                the release is for erts 0.1.0, and there is no DIR/none/erts-0.1.0/bin/release-handlerd: name the directory that has \
                erts-0.1.0, or one of programs
                """
            ])
        try programs("newer", says: "0.2.0")
        #expect(
            told(run(package, erts: "newer")) == [
                """
                the release is for erts 0.1.0, and DIR/newer/release-handlerd is 0.2.0
                  Name the directory with that version, or make the release for this one, in its .rel.
                """
            ])
        #expect(run(package, places: ["newer"]).root == nil)
        #expect(!FileNames.exists(directory.file("root")))
        // A directory that was there stays, and stays empty.
        try Directory.make(directory.file("root"))
        #expect(run(package, places: []).root == nil)
        #expect(Directory.names(directory.file("root")) == [])
    }

    @Test func aDirectoryThatIsNotEmptyIsLeftAlone() throws {
        try programs()
        let package = try package()
        for name in ["a", "b", "c", "d", "lib/e", "releases/RELEASES"] { try directory.write("root/\(name)", name) }
        let before = try FileManager.default.subpathsOfDirectory(atPath: directory.file("root")).sorted()
        #expect(
            told(run(package)) == [
                """
                DIR/root is not empty: it has a, b, c, d, lib and 1 more
                  A first release is laid out in an empty directory. Where this is a root already, unpack-release brings it further \
                releases, and create-releases writes its RELEASES anew.
                """
            ])
        #expect(try FileManager.default.subpathsOfDirectory(atPath: directory.file("root")).sorted() == before)
        #expect(
            run(package, root: "build/another").diagnostics.first?.text.hasSuffix("is there and is no directory")
                == true)
        // A file system of its own.
        try Directory.make(directory.file("mounted/lost+found"))
        #expect(run(package, root: "mounted").isSuccess)
        try Directory.make(directory.file("shared"))
        chmod(directory.file("shared"), 0o777)
        #expect(
            run(package, root: "shared").diagnostics.first?.text.contains("chmod o-w \(directory.file("shared"))")
                == true)
        #expect(run(package, root: "shared/new").diagnostics.first?.text.contains("chmod o-w") == true)
        #expect(Directory.names(directory.file("shared")) == [])
    }

    @Test func whatCantBeReadIsNotTakenForEmpty() throws {
        let package = try package()
        try programs("em/erts-0.1.0/bin")
        try directory.write("root/a", "a")
        for name in ["root", "em/erts-0.1.0/bin"] {
            let path = directory.file(name)
            chmod(path, 0o300)
            defer { chmod(path, 0o755) }
            let result = withModesInForce { run(package, root: name == "root" ? name : "new", erts: "em") }
            let text = result.diagnostics.first?.text
            #expect(result.root == nil && text == "\(path): opendir: Permission denied", "\(told(result))")
        }
        #expect(Directory.names(directory.file("root")) == ["a"])
        #expect(!FileNames.exists(directory.file("new")))
    }

    /// Killed at any moment: it is no root yet, and the next run begins anew; or it is one, and stays it.
    @Test func whatWasCutShortIsBegunAnew() throws {
        try programs()
        let package = try package()
        try directory.write("root/.make-root", "")
        for name in [".unpacking-1-1/lib/x", "bin/start", "erts-9/bin/release-handlerd", "lib/other-1/ebin/other.app"] {
            try directory.write("root/\(name)", "left")
        }
        do {
            let lock = try FileLock(directory.file("root/.make-root"))
            #expect(told(run(package)) == ["another make-root is at work in DIR/root\n  Wait for its end."])
            withExtendedLifetime(lock) {}
        }
        #expect(FileNames.exists(directory.file("root/lib/other-1")))
        let result = run(package)
        #expect(told(result) == [] && result.isSuccess)
        #expect(Directory.names(directory.file("root")) == ["bin", "erts-0.1.0", "lib", "releases"])
        #expect(Directory.names(directory.file("root/lib")) == ["kv-2.0.0"])
        try directory.write("root/.make-root", "")
        #expect(told(run(package)).first?.hasPrefix("DIR/root is not empty: it has ") == true)
        #expect(CheckTool(directory.file("root")).run().diagnostics == [])
    }

    @Test func aBadPackageLeavesNothing() throws {
        try programs()
        try directory.write("none.tar.gz", "no package")
        #expect(run(directory.file("none.tar.gz")).diagnostics.first?.code == "bad_package")
        try directory.write("bad/lib/kv-2.0.0/ebin/kv.app", "{application")
        try directory.write(
            "bad/releases/kv.rel", "{release, {\"kv\", \"2.0.0\"}, {erts, \"0.1.0\"}, [{kv, \"2.0.0\"}]}.")
        let made = try Releasectl.runNow(
            ["-czf", directory.file("bad.tar.gz"), "-C", directory.file("bad"), "lib", "releases"],
            executable: "/bin/tar")
        try #require(made.exit == 0, "\(made.error)")
        let result = run(directory.file("bad.tar.gz"))
        #expect(result.root == nil && result.diagnostics.contains { $0.code == "bad_application" }, "\(told(result))")
        #expect(!FileNames.exists(directory.file("root")))
    }

    @Test func theStartScriptIsTheProjects() throws {
        let script = try String(contentsOf: Project.root.appending(path: "scripts/start"), encoding: .utf8)
        #expect(StartScript.text == script)
    }
}
