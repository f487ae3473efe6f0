import Dispatch
import Foundation
import Host
import Logging
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The disk of the releases, held up at a point, and who waits for it.
@Suite(.timeLimit(.minutes(15))) struct ReleaseStoreTests {
    /// A disk that hangs until it is let go.
    final class HeldDisk: Sendable {
        private let isHeld = Mutex(true)
        private let gate = DispatchSemaphore(value: 0)
        private let reached = Atomic(0)

        func wait() {
            reached.add(1, ordering: .relaxed)
            guard isHeld.withLock({ $0 }) else { return }
            gate.wait()
            gate.signal()
        }

        func letGo() {
            isHeld.withLock { $0 = false }
            gate.signal()
        }

        func untilReached() async { while reached.load(ordering: .relaxed) == 0 { await Task.yield() } }
    }

    static func hold(_ test: TestNode) async -> HeldDisk {
        let disk = HeldDisk()
        await { @HostActor in test.node.store.beforeDiskWork = { disk.wait() } }()
        return disk
    }

    static func untilWaiting(_ count: Int, _ test: TestNode) async {
        while await { @HostActor in test.node.store.line.waitingCount }() < count { await Task.yield() }
    }

    /// A release of `fix` with the library `shared-1`, whose contents are `text`.
    static func package(_ test: TestNode, _ vsn: String, shared text: String) async throws -> String {
        let content = try TestRoot()
        defer { content.remove() }
        try content.install(vsn: vsn)
        try content.release(vsn)
        let rel = """
            {release, {"fix", "\(vsn)"}, {erts, "\(Emulator.vsn)"}, [{fix, "\(vsn)"}, {shared, "1"}]}.
            """
        try content.write("releases/\(vsn)/fix.rel", rel)
        try content.write(
            "lib/shared-1/ebin/shared.app",
            """
            {application, shared, [{vsn, "1"}, {description, "\(text)"}, {modules, []}, {registered, []},
                                   {applications, []}]}.
            """)
        let package = "\(test.root.directory)/fix-\(vsn).tar.gz"
        _ = try await Releasectl.run(
            ["-czf", package, "-C", content.root, "lib", "releases"], executable: "/usr/bin/tar")
        return package
    }

    static func unpack(_ package: String, _ test: TestNode) -> Task<String, Never> {
        Task {
            do {
                return try await test.service.unpackRelease(package: package, peer: TestNode.peer).vsn
            } catch {
                return "\(error)"
            }
        }
    }

    static func shared(_ test: TestNode) throws -> String {
        try String(contentsOfFile: "\(test.root.root)/lib/shared-1/ebin/shared.app", encoding: .utf8)
    }

    /// Whoever stops a node that waits for the disk to boot from does not wait with it.
    @Test func aStopDoesNotWaitForTheDiskOfABoot() async throws {
        let root = try PackageTests.oneVersion()
        defer { root.remove() }
        try await Permits.nodes.with {
            let node = try await Node(
                root: ReleaseRoot(path: root.root), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let disk = HeldDisk()
            await { @HostActor in node.store.beforeDiskWork = { disk.wait() } }()
            defer { disk.letGo() }
            let boot = Task { try await node.boot() }
            await disk.untilReached()
            await node.stop(.stopped)
            #expect(await node.ended() == .stopped)
            await #expect(throws: BootError.self) { try await boot.value }
        }
    }

    @Test func ofTwoPackagesWithOtherContentsOfALibraryTheSecondIsRefused() async throws {
        try await TestNode.with(try PackageTests.oneVersion()) { test async throws in
            let first = try await Self.package(test, "2.0.0", shared: "first")
            let second = try await Self.package(test, "3.0.0", shared: "second")
            let disk = await Self.hold(test)
            let unpacking = Self.unpack(first, test)
            await disk.untilReached()
            let other = Self.unpack(second, test)
            await Self.untilWaiting(1, test)
            disk.letGo()
            #expect(await unpacking.value == "2.0.0")
            #expect(
                await other.value == """
                    package_invalid: \(second): lib/shared-1 is in the release root with other contents; give the \
                    changed application another version
                    """)
            #expect(try Self.shared(test).contains("first"))
            #expect(await test.service.whichReleases().map(\.vsn) == ["2.0.0", "1.0.0"])
        }
    }

    /// The library that the package shares goes with the release that is removed before its turn: it brings its own.
    @Test func aLibraryThatIsRemovedBeforeTheTurnIsBrought() async throws {
        try await TestNode.with(try PackageTests.oneVersion()) { test async throws in
            let first = try await Self.package(test, "2.0.0", shared: "same")
            let second = try await Self.package(test, "3.0.0", shared: "same")
            _ = try await test.service.unpackRelease(package: first, peer: TestNode.peer)
            let disk = await Self.hold(test)
            let removal = Task { try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer) }
            await disk.untilReached()
            let unpacking = Self.unpack(second, test)
            await Self.untilWaiting(1, test)
            disk.letGo()
            try await removal.value
            #expect(await unpacking.value == "3.0.0")
            #expect(try Self.shared(test).contains("same"))
        }
    }

    @Test func whoDoesNotWaitForTheDiskIsAnswered() async throws {
        try await TestNode.with(try PackageTests.oneVersion()) { test async throws in
            let package = try await Self.package(test, "2.0.0", shared: "x")
            let disk = await Self.hold(test)
            let unpacking = Self.unpack(package, test)
            await disk.untilReached()
            #expect(await test.service.whichReleases().map(\.vsn) == ["1.0.0"])
            #expect(await test.service.status().state == .running)
            #expect(try await test.call("get") == "0")
            let waiting = (0..<ChangeLine.maxWaiting).map { _ in
                Task { await test.refusal { try await test.service.removeRelease(vsn: "9", peer: TestNode.peer) } }
            }
            await Self.untilWaiting(ChangeLine.maxWaiting, test)
            #expect(
                await test.refusal { try await test.service.removeRelease(vsn: "9", peer: TestNode.peer) }
                    == "busy: unpack-release \(package) is under way and 16 others wait for it; try again later")
            disk.letGo()
            #expect(await unpacking.value == "2.0.0")
            for one in waiting {
                #expect(
                    await one.value
                        == "no_such_release: there is no release 9; which-releases lists those that are unpacked")
            }
        }
    }

    @Test func aChangeThatWaitedIsRefusedWhereTheNodeStopped() async throws {
        try await TestNode.with(try PackageTests.oneVersion()) { test async throws in
            let disk = await Self.hold(test)
            let first = Task {
                await test.refusal { try await test.service.removeRelease(vsn: "8", peer: TestNode.peer) }
            }
            await disk.untilReached()
            let second = Task {
                await test.refusal { try await test.service.removeRelease(vsn: "9", peer: TestNode.peer) }
            }
            await Self.untilWaiting(1, test)
            await test.node.stop(.stopped)
            disk.letGo()
            #expect(await first.value.hasPrefix("no_such_release: "))
            #expect(await second.value == "unavailable: the node is stopping")
        }
    }

    // MARK: Names that lead to the same

    @Test(arguments: ["ROOT/lib/fix-1.0.0", "lib/fix-1.0.0/", "./lib//fix-1.0.0", "LINK/lib/fix-1.0.0", "lib/linked"])
    func aLibraryThatReleasesSpellsOtherwiseStays(_ spelling: String) async throws {
        let root = try PackageTests.oneVersion()
        let link = "\(root.directory)/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: root.root)
        try FileManager.default.createSymbolicLink(
            atPath: "\(root.root)/lib/linked", withDestinationPath: "fix-1.0.0")
        let directory = spelling.replacingOccurrences(of: "ROOT", with: root.root)
            .replacingOccurrences(of: "LINK", with: link)
        let file = try String(contentsOfFile: "\(root.root)/releases/RELEASES", encoding: .utf8)
        try root.write("releases/RELEASES", file.replacingOccurrences(of: "lib/fix-1.0.0", with: directory))
        let rel = "{release, {\"fix\", \"2.0.0\"}, {erts, \"\(Emulator.vsn)\"}, [{fix, \"1.0.0\"}]}."
        try await TestNode.with(root) { test async throws in
            let content = try TestRoot()
            defer { content.remove() }
            try content.write("releases/2.0.0/fix.rel", rel)
            let package = "\(test.root.directory)/fix-2.0.0.tar.gz"
            _ = try await Releasectl.run(
                ["-czf", package, "-C", content.root, "releases"], executable: "/usr/bin/tar")
            _ = try await test.service.unpackRelease(package: package, peer: TestNode.peer)
            try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
            #expect(FileManager.default.fileExists(atPath: "\(test.root.root)/lib/fix-1.0.0/ebin/fix.app"))
            let written = try String(contentsOfFile: "\(test.root.root)/releases/RELEASES", encoding: .utf8)
            let expected = spelling == "lib/linked" ? spelling : "lib/fix-1.0.0"
            #expect(written.contains("\"\(expected)\""), "\(written)")
        }
    }

    // MARK: Programs

    /// A script of no module, with its working directory elsewhere: its interpreter is what the kernel shows.
    @Test func aReleaseThatAProgramRunsFromIsNotRemoved() async throws {
        let root = try TestRoot.twoVersions(children: "[]")
        let script = "\(root.root)/lib/fix-2.0.0/priv/run"
        try root.write("lib/fix-2.0.0/priv/run", "#!/bin/sh\nwhile :; do sleep 1000; done\n")
        chmod(script, 0o755)
        try await TestNode.with(root) { test async throws in
            let spec = "#{id => run, start => {os, start, [\"\(script)\"]}, shutdown => brutal_kill}"
            _ = try await test.service.startChild(supervisor: "fix/fix_sup", spec: spec, peer: TestNode.peer)
            #expect(
                await test.refusal { try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer) } == """
                    busy: release 2.0.0 can't be removed: fix/fix_sup/run runs from lib/fix-2.0.0; it is free once \
                    that has ended or started again
                    """)
            _ = try await test.service.terminateChild(supervisor: "fix/fix_sup", id: "run", peer: TestNode.peer)
            try await test.service.removeRelease(vsn: "2.0.0", peer: TestNode.peer)
        }
    }
}
