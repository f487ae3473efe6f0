import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// unpack_release, remove_release and make_permanent on real packages and a real root.
@Suite(.timeLimit(.minutes(15))) struct PackageTests {
    /// A package made with tar(1) from a second root, laid out as `systools:make_tar` does.
    static func package(_ test: TestNode, spoil: (TestRoot) throws -> Void = { _ in }) async throws -> String {
        let content = try TestRoot()
        try content.install(vsn: "2.0.0")
        try content.release("2.0.0", relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()))
        try FileManager.default.copyItem(
            atPath: "\(content.root)/releases/2.0.0/fix.rel", toPath: "\(content.root)/releases/fix-2.0.0.rel")
        try spoil(content)
        let package = "\(test.root.directory)/fix-2.0.0.tar.gz"
        _ = try await Releasectl.run(
            ["-czf", package, "-C", content.root, "lib", "releases"], executable: "/usr/bin/tar")
        content.remove()
        return package
    }

    static func oneVersion() throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0")
        try root.register(["1.0.0"])
        return root
    }

    @Test func aPackageIsUnpackedInstalledMadePermanentAndTheOldOneRemoved() async throws {
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let package = try await Self.package(test)
            let unpacked = try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            #expect(unpacked.status == .unpacked)
            #expect(unpacked.applications == [ApplicationVersion(name: "fix", vsn: "2.0.0")])
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.direction == .up)
            #expect(plan.instructions[2].workers == [TestNode.c1])
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(await test.service.whichReleases().map(\.status) == [.current, .permanent])
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            #expect(await test.service.whichReleases().map(\.status) == [.permanent, .old])
            let data = try String(contentsOfFile: "\(test.root.root)/releases/start_erl.data", encoding: .utf8)
            #expect(data == "\(Emulator.vsn) 2.0.0\n")
            try await test.untilOneProcessIsLeft()
            try await test.service.removeRelease(vsn: "1.0.0", peer: TestNode.peer)
            #expect(!FileManager.default.fileExists(atPath: "\(test.root.root)/lib/fix-1.0.0"))
            #expect(!FileManager.default.fileExists(atPath: "\(test.root.root)/releases/1.0.0"))
            #expect(await test.service.whichReleases().map(\.vsn) == ["2.0.0"])
        }
    }

    @Test func aReleaseWhoseFilesAWorkerRunsFromIsNotRemoved() async throws {
        let careless = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {load, {counter, soft_purge, soft_purge}}
            """
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: careless))) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            let refusal = await test.refusal {
                try await test.service.removeRelease(vsn: "1.0.0", peer: TestNode.peer)
            }
            #expect(
                refusal == """
                    busy: release 1.0.0 can't be removed: fix/fix_sup/c1 runs from lib/fix-1.0.0; it is free once \
                    that has ended or started again
                    """)
            #expect(try await test.call("get") == "0")
        }
    }

    static let badPackages: [(spoil: @Sendable (TestRoot) throws -> Void, words: String)] = [
        ({ try $0.write("releases/2.0.0/relup", "{\"2.0.0\", [") }, "releases/2.0.0/relup:1:"),
        (
            { try $0.write("releases/2.0.0/relup", "{\"3.0.0\", [], []}.") },
            "releases/2.0.0/relup is for 3.0.0, the release is 2.0.0"
        ),
        (
            { root in
                let rel = "{release, {\"fix\", \"2.0.0\"}, {erts, \"\(Emulator.vsn)\"}, [{other, \"1\"}]}."
                try root.write("releases/fix-2.0.0.rel", rel)
                try root.write("releases/2.0.0/fix.rel", rel)
            },
            "lib/other-1/ebin/other.app: No such file or directory"
        ),
        (
            { root in
                try root.write("releases/fix-2.0.0.rel", "{release, {\"fix\", \"2.0.0\"}, {erts, \"9\"}, []}.")
            },
            "it needs erts-9, which is neither in the package nor in the release root; this daemon is erts-"
        ),
        (
            { root in
                try FileManager.default.removeItem(atPath: "\(root.root)/releases/2.0.0/fix.rel")
                let rel = "{release, {\"../../../fix\", \"2.0.0\"}, {erts, \"\(Emulator.vsn)\"}, []}."
                try root.write("releases/fix-2.0.0.rel", rel)
            },
            "releases/fix-2.0.0.rel:1:12: expected a release's name that can be a file's name (1 to 200 bytes without slashes and control characters, not \".\" or \"..\"), found \"../../../fix\""
        ),
        (
            { root in
                let rel = "{release, {\"fix\", \"RELEASES\"}, {erts, \"\(Emulator.vsn)\"}, []}."
                try root.write("releases/fix-2.0.0.rel", rel)
            },
            "releases/RELEASES is a file of the release root's own; give it another version"
        ),
        (
            { try FileManager.default.removeItem(atPath: "\($0.root)/lib/fix-2.0.0/ebin/fix.app") },
            "lib/fix-2.0.0/ebin/fix.app: No such file or directory"
        ),
        (
            { root in
                let link = "\(root.root)/lib/fix-2.0.0/out"
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/etc")
            },
            "lib/fix-2.0.0/out"
        ),
    ]

    @Test(arguments: badPackages.indices)
    func aBadPackageLeavesNothingBehind(index: Int) async throws {
        let (spoil, words) = Self.badPackages[index]
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let package = try await Self.package(test, spoil: spoil)
            // One level above the root too: nothing is written outside it either.
            let before = try FileManager.default.subpathsOfDirectory(atPath: test.root.directory).sorted()
            let refusal = await test.refusal {
                try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            }
            #expect(refusal.hasPrefix("package_invalid: \(package): "), "\(refusal)")
            #expect(refusal.contains(words), "\(refusal)")
            #expect(try FileManager.default.subpathsOfDirectory(atPath: test.root.directory).sorted() == before)
            #expect(await test.service.whichReleases().map(\.vsn) == ["1.0.0"])
        }
    }

    @Test func aChangedApplicationNeedsAnotherVersion() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
            try test.root.write("lib/fix-2.0.0/ebin/fix.app", "something else")
            let package = try await Self.package(test)
            let refusal = await test.refusal {
                try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            }
            #expect(
                refusal == """
                    package_invalid: \(package): lib/fix-2.0.0 is in the release root with other contents; no release uses \
                    it: remove it, rm -r \(test.root.root)/lib/fix-2.0.0, or give the changed application another version
                    """)
        }
    }

    @Test func whoWantsToKnowIsToldHowFarItIs() async throws {
        try await TestNode.with(try Self.oneVersion()) { test async throws in
            let package = try await Self.package(test)
            let told = try await test.service.progress(
                of: Operations.releases.unpack, NoParameters(), UnpackRequest(package: package))
            var texts: [String] = []
            for case .progress(let step) in told where texts.last != step.text { texts.append(step.text) }
            #expect(texts == ["reading the package", "unpacking", "writing it to the disk", "checking it"])
            guard case .result(let release)? = told.last else { throw ControlError(.internalError, "\(told)") }
            #expect(release.status == .unpacked)
            let removed = try await test.service.progress(
                of: Operations.releases.remove, OfRelease(release.vsn), NoBody())
            guard case .progress(let step)? = removed.first else { throw ControlError(.internalError, "\(removed)") }
            #expect(step.text.hasPrefix("removing ") && step.unit == .files && step.total == nil, "\(step)")
            #expect(removed.last == .result(RemovedRelease(removed: release.vsn)))
            let none = try await test.service.progress(of: Operations.releases.remove, OfRelease("9.9.9"), NoBody())
            guard case .error(let error)? = none.first else { throw ControlError(.internalError, "\(none)") }
            #expect(none.count == 1 && error.code == .noSuchRelease)
        }
    }

    @Test func aRestartBootsThePermanentRelease() async throws {
        let root = try TestRoot.twoVersions()
        // The first node's root is kept for the second.
        let copy = try TestRoot()
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            try FileManager.default.removeItem(atPath: copy.root)
            try FileManager.default.copyItem(atPath: root.root, toPath: copy.root)
        }
        try await TestNode.with(copy) { test async throws in
            #expect(await test.service.status().release == "1.0.0")
            #expect(await test.service.whichReleases().map(\.status) == [.permanent, .unpacked])
        }
    }
}
