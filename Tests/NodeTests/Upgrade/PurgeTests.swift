import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Old code that goes when its release is made permanent.
@Suite(.timeLimit(.minutes(15))) struct PurgeTests {
    static let children = """
        [#{id => c1, start => {counter, start_link, []}},
         #{id => slow, start => {other, start_link, []}, modules => dynamic}]
        """
    static let slow = "fix/fix_sup/slow"

    /// 2.0.0 is loaded without a suspend, so that its worker goes on in old code; on the way down `other` is only
    /// suspended and resumed.
    static func root() throws -> TestRoot {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return,
            {load, {counter, brutal_purge, brutal_purge}}
            """
        let down = """
            {apply, {timer, sleep, [60000]}}, point_of_no_return, {suspend, [other]}, {resume, [other]}
            """
        let root = try TestRoot.twoVersions(children: children, relup: TestRoot.relup(up: up, down: down))
        for vsn in ["1.0.0", "2.0.0"] { try root.install(as: "other", vsn: vsn) }
        try root.makeDistinct("2.0.0")
        return root
    }

    @Test func aPurgeThatIsDueWaitsForTheEndOfAnUpgrade() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("vsn") == "\"1.0.0\"")
            let old = try await test.pid()
            let fifo = "\(test.root.root)/go"
            #expect(mkfifo(fifo, 0o600) == 0)

            // The purge waits for a start, which comes to its end in the middle of the upgrade. (As a restart would be it: one
            // by hand would keep the install from beginning.)
            let waiting = "#{id => c9, start => {counter, start_link, [{init_wait, \"\(fifo)\"}]}}"
            let start = Task { try await test.node.supervisors.startChild("fix_sup", waiting) }
            while await test.service.ps().count < 3 { await Task.yield() }
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            var result: InstallResult?
            for await progress in try await test.service.installRelease(vsn: "1.0.0", peer: TestNode.peer) {
                if case .result(let last) = progress { result = last }
                guard case .progress(let step) = progress, step.text.hasPrefix("{apply,") else { continue }
                try await offPool { try "x".write(toFile: fifo, atomically: false, encoding: .utf8) }
                _ = try await start.value
                // It was asked which modules it uses before this.
                _ = try await test.call("get", of: Self.slow)
                await test.node.installer.upgrade?.wakeUp()
            }
            #expect(result?.outcome == .done, "\(String(describing: result))")

            let installed = try await test.events.first { $0.kind == "release_installed" && $0.release == "1.0.0" }
            let purged = try await test.events.first("purged", worker: TestNode.c1)
            #expect(purged.sequence > installed.sequence, "the upgrade's workers were ended under it")
            _ = try await test.events.first("worker_restart", worker: TestNode.c1, after: purged.sequence)
            while await test.service.ps().first?.state != .running { await Task.yield() }
            #expect(try await test.pid() != old)
        }
    }
}
