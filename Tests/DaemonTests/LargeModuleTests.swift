import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD

/// A module that takes long to read holds nobody up.
@Suite(.timeLimit(.minutes(2))) struct LargeModuleTests {
    /// 512 MiB on the way up, of which nothing but the first line is on disk.
    static func root() throws -> TestRoot {
        let up = "{load_object_code, {fix, \"2.0.0\", [large]}}, point_of_no_return"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up))
        try root.write("lib/fix-2.0.0/ebin/large", "#!/bin/sh\n")
        let file = "\(root.root)/lib/fix-2.0.0/ebin/large"
        try #require(truncate(file, 1 << 29) == 0)
        try #require(chmod(file, 0o755) == 0)
        return root
    }

    @Test func oneCheckAtATimeAndTheNodeAnswers() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let answers = await withTaskGroup(of: Result<InstallPlan, any Error>.self) { group in
                for _ in 1...2 {
                    group.addTask {
                        do {
                            return .success(try await test.service.checkInstallRelease(vsn: "2.0.0"))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            // The one that is turned down is answered while the other one reads.
            #expect(throws: ControlError(.busy, "another check of an install reads its files; wait for its end")) {
                _ = try answers[0].get()
            }
            #expect(try answers[1].get().instructions.count == 2)
        }
    }

    @Test func anInstallThatReadsIsOvertakenByTheStop() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            var progress = try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer).makeAsyncIterator()
            guard case .progress = await progress.next() else { throw Unexpected("no progress") }
            #expect(try await test.call("get") == "0")
            // Nothing came of the reading yet: no process of the new code was started.
            #expect(await test.node.upgrade != nil)
            #expect(await test.node.generations.count == 1)
            await test.node.stop(.stopped)
            guard case .result(let result) = await progress.next() else { throw Unexpected("no result") }
            #expect(result.outcome == .restarting)
            #expect(
                result.reason == """
                    the node was stopped before the upgrade's end; its permanent release boots when it is started again
                    """)
            _ = await test.node.ended()
            let events = await test.events.all
            #expect(!events.contains { $0.kind == "install_failed" })
            #expect(events.contains { $0.kind == "install_stopped" })
        }
    }
}
