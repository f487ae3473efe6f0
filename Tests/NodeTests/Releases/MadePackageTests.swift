import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A release on its whole way: its appup, relup and package made by the real releasectl; unpacked, installed and taken
/// back by the real node.
@Suite(.timeLimit(.minutes(15))) struct MadePackageTests {
    /// Where releases are built: both versions, with workers that differ.
    private static func workshop() async throws -> TestRoot {
        let workshop = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try workshop.install(vsn: vsn)
            try workshop.release(vsn)
            try workshop.makeDistinct(vsn)
        }
        return workshop
    }

    private static func make(_ arguments: [String], in workshop: TestRoot) async throws -> String {
        let made = try await Releasectl.run(
            ["-c", "cd \"$1\"; shift; exec \"$@\"", "sh", workshop.root, Releasectl.path] + arguments,
            executable: "/bin/sh")
        try #require(made.exit == 0, "\(made.error)")
        #expect(made.error == "")
        return made.output
    }

    /// `fix-2.0.0.tar.gz` beside the workshop's root.
    private static func package(in workshop: TestRoot) async throws -> String {
        let appup = try await make(
            ["make-appup", "lib/fix-1.0.0", "lib/fix-2.0.0", "--timeout-ms", "60000"], in: workshop)
        #expect(appup.contains("{update,counter,{advanced,[]}}"))
        _ = try await make(
            [
                "make-relup", "releases/2.0.0/fix.rel", "--outdir", "releases/2.0.0", "--up-from",
                "releases/1.0.0/fix.rel=up", "--down-to", "releases/1.0.0/fix.rel=down", "--strict",
            ], in: workshop)
        _ = try await make(["make-tar", "releases/2.0.0/fix.rel", "--outdir", ".."], in: workshop)
        let check = try await make(["check", "../fix.tar.gz"], in: workshop)
        #expect(check == "../fix.tar.gz: fix 2.0.0: nothing is wrong\n")
        return "\(workshop.directory)/fix.tar.gz"
    }

    /// A root with 1.0.0 of the workshop.
    private static func root(_ workshop: TestRoot) throws -> TestRoot {
        let root = try TestRoot()
        try FileManager.default.createDirectory(atPath: "\(root.root)/lib", withIntermediateDirectories: true)
        for part in ["lib/fix-1.0.0", "releases/1.0.0"] {
            // Links and no copies: nobody may have a program open for writing while others fork.
            try FileManager.default.linkItem(atPath: "\(workshop.root)/\(part)", toPath: "\(root.root)/\(part)")
        }
        try root.register(["1.0.0"])
        return root
    }

    @Test func aMadePackageIsUnpackedInstalledAndTakenBackWithItsState() async throws {
        let workshop = try await Self.workshop()
        defer { workshop.remove() }
        let package = try await Self.package(in: workshop)
        try await TestNode.with(try Self.root(workshop)) { test async throws in
            let unpacked = try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            #expect(unpacked.status == .unpacked)
            _ = try await test.call("{add, 5}")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("get") == "5")
            #expect(await test.service.status().release == "2.0.0")
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.call("get") == "5")

            let check = try await Releasectl.run(["check", test.root.root])
            #expect(check.error.split(separator: "\n").allSatisfy { !$0.contains("error") }, "\(check.error)")
            #expect(check.exit == 0)
        }
    }

    /// The daemon that the release is for comes with it, and goes with it.
    @Test func aPackageBringsItsEmulator() async throws {
        let workshop = try TestRoot()
        defer { workshop.remove() }
        try workshop.install(vsn: "2.0.0")
        try workshop.release("2.0.0")
        try workshop.write(
            "releases/2.0.0/fix.rel", "{release, {\"fix\", \"2.0.0\"}, {erts, \"0.2.0\"}, [{fix, \"2.0.0\"}]}.")
        let tar = ["make-tar", "releases/2.0.0/fix.rel", "--outdir", ".."]
        let without = try await Releasectl.run(
            ["-c", "cd \"$1\"; shift; exec \"$@\"", "sh", workshop.root, Releasectl.path] + tar + ["--erts", "."],
            executable: "/bin/sh")
        #expect(without.exit == 1)
        #expect(
            without.error.contains(
                "the release is for erts 0.2.0, and there is no ./erts-0.2.0/bin/release-handlerd: name the directory"),
            "\(without)")
        let program = "erts-0.2.0/bin/release-handlerd"
        try workshop.write(program, "#!/bin/sh\nexit 1\n")
        chmod("\(workshop.root)/\(program)", 0o755)
        try workshop.write("erts-0.2.0/bin/releasectl", "#!/bin/sh\nexit 2\n")
        _ = try await Self.make(tar + ["--erts", "."], in: workshop)
        let package = "\(workshop.directory)/fix.tar.gz"
        try await TestNode.with(try TestRoot.twoVersions()) { test async throws in
            let root = test.root.root
            try FileManager.default.removeItem(atPath: "\(root)/releases/2.0.0")
            try FileManager.default.removeItem(atPath: "\(root)/lib/fix-2.0.0")
            _ = try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
            _ = try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            #expect(access("\(root)/\(program)", X_OK) == 0)
            #expect(FileManager.default.fileExists(atPath: "\(root)/erts-0.2.0/bin/releasectl"))
            // Another one of that version is no part of this package.
            _ = try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
            #expect(!FileManager.default.fileExists(atPath: "\(root)/erts-0.2.0"))
            try test.root.write(program, "#!/bin/sh\nexit 3\n")
            let refusal = await test.refusal {
                try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            }
            #expect(
                refusal.contains("erts-0.2.0 is in the release root with other contents"), "\(refusal)")
        }
    }

    @Test func aPackageThatWasChangedIsRefused() async throws {
        let workshop = try await Self.workshop()
        defer { workshop.remove() }
        let package = try await Self.package(in: workshop)
        let changed = "\(workshop.directory)/changed"
        try FileManager.default.createDirectory(atPath: changed, withIntermediateDirectories: true)
        let script = """
            cd "$1"; tar -xzf "$2"; printf '%%\\n' >> releases/2.0.0/relup; tar -czf "$2" *
            """
        let repacked = try await Releasectl.run(["-ec", script, "sh", changed, package], executable: "/bin/sh")
        try #require(repacked.exit == 0, "\(repacked.error)")
        try await TestNode.with(try Self.root(workshop)) { test async throws in
            let refusal = await test.refusal {
                try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            }
            #expect(
                refusal == """
                    package_invalid: \(package): releases/2.0.0/relup is not what releases/2.0.0/SHA256SUMS says: the \
                    package is damaged or was changed; fetch it again
                    """)
            #expect(await test.service.whichReleases().map(\.vsn) == ["1.0.0"])
        }
    }
}
