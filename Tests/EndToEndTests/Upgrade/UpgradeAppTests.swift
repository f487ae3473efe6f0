import Foundation
import Glibc
import Testing

@testable import TestSupport

/// One application changed without a release, as people do it: the daemon, releasectl, and a restart that forgets it.
@Suite(.timeLimit(.minutes(15))) struct UpgradeAppTests {
    @Test func upDownAndForgottenByARestart() async throws {
        let root = try TestRoot.twoVersions()
        defer { root.remove() }
        try root.register(["1.0.0"])
        let update = "[{update, counter, {advanced, []}}]"
        try root.write(
            "lib/fix-2.0.0/ebin/fix.appup", "{\"2.0.0\", [{\"1.0.0\", \(update)}], [{\"1.0.0\", \(update)}]}.")
        let new = "\(root.root)/lib/fix-2.0.0"
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            _ = try await daemon.call("{add, 41}")
            let up = try await daemon.ask("upgrade-app", "fix", new)
            #expect(up.hasSuffix("fix-1.0.0 -> fix-2.0.0: done\n"), "\(up)")
            #expect(try await daemon.call("{add, 1}") == "42")
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
            let status = try await daemon.ask("status")
            #expect(
                status.contains("application fix is 2.0.0, from lib/fix-2.0.0, and 1.0.0 in release 1.0.0"), "\(status)"
            )
            #expect(try await daemon.releaseStatuses() == ["1.0.0 permanent"])
            // Over the daemon's own re-execution it stays.
            try await daemon.ask("reexec")
            #expect(try await daemon.call("get") == "42")
            let down = try await daemon.ask("downgrade-app", "fix", "\(root.root)/lib/fix-1.0.0")
            #expect(down.hasSuffix("fix-2.0.0 -> fix-1.0.0: done\n"), "\(down)")
            #expect(try await daemon.call("get") == "42")
            try await daemon.ask("upgrade-app", "fix", new)
            let script = "[point_of_no_return, {purge, [counter]}]"
            let evaluated = try await daemon.ask("eval-appup-script", "fix", "2.0.0", new, script)
            #expect(evaluated.hasSuffix("fix-2.0.0 -> fix-2.0.0: done\n"), "\(evaluated)")
            #expect(try await daemon.ask("history").contains("application fix-2.0.0 runs, from"))
            try await daemon.stop(by: SIGKILL)
        }
        try await EndToEndDaemon.again(on: root) { daemon async throws in
            #expect(try await daemon.call("vsn") == "\"1.0.0\"")
            #expect(try await daemon.ask("status").contains("note:") == false)
        }
    }
}
