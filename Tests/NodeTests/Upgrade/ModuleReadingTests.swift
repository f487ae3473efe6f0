import Host
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Modules are read away from the node's thread: a file may be as large as it likes and holds nobody up.
@Suite(.timeLimit(.minutes(15))) struct ModuleReadingTests {
    @Test func oneCheckReadsAtATime() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let (first, second) = await Self.checkTwice(test.node)
            // The one that came second is turned down while the first one reads.
            #expect(throws: ControlError(.busy, "another check of an install reads its files; wait for its end")) {
                _ = try second.get()
            }
            #expect(try first.get().instructions.count == 6)
            #expect(try await test.service.checkInstallRelease(vsn: "2.0.0").instructions.count == 6)
        }
    }

    /// A reader's check that does not come to its end keeps root from nothing: neither from a check, nor from a change or an install.
    @Test func aReadersCheckIsInNobodysWay() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let held = ThreadGate()
            let isFirst = Mutex(true)
            await { @HostActor in
                test.node.store.beforeDiskWork = {
                    let isReader = isFirst.withLock { isFirst in
                        defer { isFirst = false }
                        return isFirst
                    }
                    if isReader { held.wait() }
                }
            }()
            let reader = Task { try await test.node.plan("2.0.0", for: .look) }
            while isFirst.withLock({ $0 }) { await Task.yield() }
            let error = await #expect(throws: ControlError.self) { _ = try await test.node.plan("2.0.0", for: .look) }
            #expect(error?.code == .tooManyRequests && error?.retryAfterSeconds == 1, "one at a time")
            #expect(try await test.node.plan("2.0.0", for: .change).instructions.count == 6)
            let refusal = await test.refusal {
                try await test.service.removeRelease(vsn: "9", peer: TestNode.peer)
            }
            #expect(refusal.hasPrefix("no_such_release"))
            #expect(try await test.install("2.0.0").outcome == .done)
            held.open()
            // Of what runs by now there is none.
            await #expect(throws: ControlError.self) { _ = try await reader.value }
        }
    }

    /// Both are asked for in one turn of the reactor, so that the second one comes before any file of the first is read.
    @HostActor
    private static func checkTwice(
        _ node: Node
    ) async -> (Result<InstallPlan, ControlError>, Result<InstallPlan, ControlError>) {
        @HostActor func check() async -> Result<InstallPlan, ControlError> {
            do throws(ControlError) {
                return .success(try await node.plan("2.0.0"))
            } catch {
                return .failure(error)
            }
        }
        let first = Task { await check() }
        let second = Task { await check() }
        return (await first.value, await second.value)
    }

    @Test func anInstallThatReadsIsOvertakenByTheStop() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let (progress, processes) = try await Self.stopWhileItReads(test.node)
            #expect(processes == 1, "nothing can have come of the reading yet")
            var last: InstallProgress?
            for await step in progress { last = step }
            guard case .result(let result) = last else { throw Unexpected("no result") }
            #expect(result.outcome == .restarting)
            #expect(
                result.reason == """
                    the node was stopped before the upgrade's end; its permanent release boots when it is started again
                    """)
            #expect(await test.node.ended() == .stopped)
            // They come to the log by a task of its own, which ends with the node's.
            let stopped = try await test.events.first("install_stopped")
            _ = try await test.events.first("stopped", after: stopped.sequence)
            #expect(await !test.events.all.contains { $0.kind == "install_failed" })
        }
    }

    /// The script begins in the turn after `install`, and what is deferred here comes right behind it.
    @HostActor
    private static func stopWhileItReads(_ node: Node) async throws -> (AsyncStream<InstallProgress>, Int) {
        let progress = try await node.installWhenNothingChanges("2.0.0")
        let processes = await withCheckedContinuation { continuation in
            Reactor.shared.soon {
                let processes = node.processes.generations.count
                node.stop(.stopped)
                continuation.resume(returning: processes)
            }
        }
        return (progress, processes)
    }
}
