import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Releases that were put in place by hand: registered, given files, installed, forgotten.
@Suite(.timeLimit(.minutes(15))) struct RegisteredReleaseTests {
    /// 1.0.0 runs; what 2.0.0 consists of is there, its application outside of the root, and nothing of it is registered.
    private static func root() throws -> TestRoot {
        let root = try TestRoot.twoVersions()
        try root.register(["1.0.0"])
        let (files, manager) = (root.root, FileManager.default)
        try manager.createDirectory(atPath: "\(root.directory)/opt", withIntermediateDirectories: true)
        try manager.moveItem(atPath: "\(files)/lib/fix-2.0.0", toPath: "\(root.directory)/opt/fix-2.0.0")
        try manager.moveItem(atPath: "\(files)/releases/2.0.0", toPath: "\(root.directory)/brought")
        return root
    }

    private static func opt(_ test: TestNode) -> [SetUnpackedRequest.ApplicationDirectory] {
        [.init(name: "fix", vsn: "2.0.0", directory: "\(test.root.directory)/opt")]
    }

    @Test func whatWasBroughtByHandIsInstalledAndForgotten() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let brought = "\(test.root.directory)/brought"
            let release = try await test.service.setUnpacked("\(brought)/fix.rel", Self.opt(test))
            #expect(release.vsn == "2.0.0" && release.status == .unpacked)
            let refused = await test.refusal { try await test.install("2.0.0") }
            #expect(refused.contains("neither the relup of 2.0.0 nor that of 1.0.0 leads from 1.0.0 to 2.0.0"))
            for name in ["relup", "sys.config"] {
                let file = try await test.service.installFile("\(brought)/\(name)", in: "2.0.0")
                #expect(file == "releases/2.0.0/\(name)")
            }
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            let running = await test.refusal { try await test.service.setRemoved(vsn: "2.0.0") }
            #expect(running.contains("release 2.0.0 is current: it runs; install another one first"), "\(running)")
            let fixed = await test.refusal {
                try await test.service.installFile("\(brought)/relup", in: "2.0.0")
            }
            #expect(fixed.hasPrefix("bad_status: "), "\(fixed)")
            #expect(try await test.install("1.0.0").outcome == .done)
            try await test.service.setRemoved(vsn: "2.0.0")
            #expect(await test.service.whichReleases().map(\.vsn) == ["1.0.0"])
            #expect(FileManager.default.fileExists(atPath: "\(test.root.directory)/opt/fix-2.0.0/ebin/fix.app"))
            #expect(FileManager.default.fileExists(atPath: "\(test.root.root)/releases/2.0.0/relup"))
            let kinds = try await test.node.history.records().map(\.kind).filter {
                ["unpacked", "removed", "file_installed"].contains($0)
            }
            #expect(kinds == ["unpacked", "file_installed", "file_installed", "removed"])
        }
    }

    @Test func whatIsWrongWithARelFileIsRefusedAsInOTP() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let directory = test.root.directory
            func reason(
                _ file: String, _ applications: [SetUnpackedRequest.ApplicationDirectory] = []
            ) async -> String {
                do {
                    _ = try await test.service.setUnpacked(file, applications)
                    return "taken"
                } catch let error as ControlError {
                    return "\(error.code.rawValue) \(error.details["reason"] ?? "-")"
                } catch {
                    return "\(error)"
                }
            }
            try "{release, {\"fix\"".write(toFile: "\(directory)/cut.rel", atomically: true, encoding: .utf8)
            #expect(await reason("\(directory)/none.rel") == "bad_file {enoent,\"\(directory)/none.rel\"}")
            #expect(await reason("\(directory)/cut.rel") == "bad_file {bad_rel_file,\"\(directory)/cut.rel\"}")
            #expect(await reason(directory) == "bad_file {eisdir,\"\(directory)\"}")
            let rel = "\(directory)/brought/fix.rel"
            #expect(await reason(rel) == "bad_file {no_such_directory,\"\(test.root.root)/lib/fix-2.0.0\"}")
            #expect(
                await reason(rel, [.init(name: "fix", vsn: "2.0.0", directory: "/nowhere")])
                    == "bad_file {no_such_directory,\"/nowhere/fix-2.0.0\"}")
            #expect(await reason(rel, [.init(name: "fix", vsn: "3", directory: "/opt")]) == "bad_request -")
            #expect(
                await reason("\(test.root.root)/releases/1.0.0/fix.rel") == "bad_status {existing_release,\"1.0.0\"}")
            // What everybody can change is run for nobody.
            chmod("\(directory)/opt/fix-2.0.0/ebin", 0o777)
            #expect(
                await reason(rel, Self.opt(test)) == "bad_file {eacces,\"\(directory)/opt/fix-2.0.0/ebin\"}")
            chmod("\(directory)/opt/fix-2.0.0/ebin", 0o755)
            #expect(await reason(rel, Self.opt(test)) == "taken")
            #expect(await reason(rel, Self.opt(test)) == "bad_status {existing_release,\"2.0.0\"}")
        }
    }

    @Test func whatTheDaemonCouldNotReadIsNotInstalled() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let brought = "\(test.root.directory)/brought"
            _ = try await test.service.setUnpacked("\(brought)/fix.rel", Self.opt(test))
            func refused(_ name: String, _ text: String) async throws -> String {
                try text.write(toFile: "\(brought)/\(name)", atomically: true, encoding: .utf8)
                return await test.refusal { try await test.service.installFile("\(brought)/\(name)", in: "2.0.0") }
            }
            let other = try await refused("relup", "{\"3.0.0\", [], []}.")
            #expect(other.hasSuffix("relup: it is for release 3.0.0, and the release is 2.0.0"), "\(other)")
            let cut = try await refused("sys.config", "[{fix")
            #expect(cut.hasPrefix("bad_file: \(brought)/sys.config:1:"), "\(cut)")
            let text = "{release, {\"fix\", \"2.0.0\"}, {erts, \"\(Emulator.vsn)\"}, []}."
            let rel = try await refused("fix.rel", text)
            #expect(rel.contains("it does not say what release 2.0.0 was registered with"), "\(rel)")
            let hidden = try await refused(".lock", "")
            #expect(hidden.hasPrefix("bad_request: "), "\(hidden)")
            let none = await test.refusal { try await test.service.installFile("\(brought)/none", in: "2.0.0") }
            #expect(none == "bad_file: \(brought)/none can't be read: No such file or directory")
            let unknown = await test.refusal { try await test.service.installFile("\(brought)/none", in: "9") }
            #expect(unknown.hasPrefix("no_such_release: "), "\(unknown)")
            // What it does not read itself it takes as it is.
            try "more".write(toFile: "\(brought)/notes", atomically: true, encoding: .utf8)
            #expect(try await test.service.installFile("\(brought)/notes", in: "2.0.0") == "releases/2.0.0/notes")
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(test.root.root)/releases/2.0.0")
            #expect(left.sorted() == ["fix.rel", "notes"])
        }
    }

    /// What can't boot stays an old release, and nobody is stopped for it.
    @Test func anOldReleaseThatCouldNotBootIsNotRebootedInto() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let unpacked = await test.refusal { try await test.service.rebootOldRelease(vsn: "2.0.0") }
            #expect(unpacked.contains("only one that ran before, an old one, is rebooted into"), "\(unpacked)")
            #expect(try await test.install("2.0.0").outcome == .done)
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            let app = "\(test.root.root)/lib/fix-1.0.0/ebin/fix.app"
            try FileManager.default.moveItem(atPath: app, toPath: "\(app).away")
            let refused = await test.refusal { try await test.service.rebootOldRelease(vsn: "1.0.0") }
            #expect(refused.hasPrefix("upgrade_refused: release 1.0.0 could not boot: \(app): "), "\(refused)")
            #expect(await test.service.status().state == .running)
            #expect(
                await test.service.whichReleases().map { "\($0.vsn) \($0.status)" }.sorted() == [
                    "1.0.0 old", "2.0.0 permanent",
                ])
        }
    }
}
