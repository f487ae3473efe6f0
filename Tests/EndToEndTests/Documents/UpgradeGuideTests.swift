import Foundation
import Testing

@testable import TestSupport

/// docs/upgrade-from-scratch.md does what it says.
@Suite(.timeLimit(.minutes(15))) struct UpgradeGuideTests {
    @Test func theGuideLeadsToAnUpgrade() async throws {
        let root = try TestRoot()
        defer { root.remove() }
        // The reader makes it.
        try FileManager.default.removeItem(atPath: root.root)
        let programs = URL(filePath: Releasectl.path).deletingLastPathComponent().path
        let environment = [
            "BIN": programs, "PATH": "\(programs):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")",
        ]
        let (before, after) = try Guide("upgrade-from-scratch.md").split(at: "root/bin/start --socket")
        let start = try await before.followed(in: root.directory, environment: environment)
        let end = try await EndToEndDaemon.again(on: root) { daemon async throws in
            try await after.followed(
                in: root.directory,
                environment: environment.merging(["RELEASE_HANDLER_SOCKET": daemon.controlSocket]) { $1 })
        }
        try Guide.joined(start, end).rewrite()
    }
}
