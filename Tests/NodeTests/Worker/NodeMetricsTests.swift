import Foundation
import Glibc
import Host
import ReleaseHandling
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The metrics of a real node against what it is otherwise known to be.
@Suite(.timeLimit(.minutes(15))) struct NodeMetricsTests {
    private static let children = """
        [#{id => c1, start => {counter, start_link, []}}, #{id => c2, start => {counter, start_link, []}},
         #{id => "o\\"1\\\\", start => {os, start, ["/bin/sleep", "1000"]}, modules => []}]
        """

    @Test func theyTellWhatTheNodeIs() async throws {
        let root = try TestRoot.twoVersions(children: Self.children, flags: "#{intensity => 5, period => 60}")
        try await TestNode.with(root) { test in
            for _ in 0..<3 { _ = try await test.call("{add, 1}") }
            await { @HostActor in test.node.tree.place(named: "fix/fix_sup/c2")?.end(reason: .atom("enough")) }()
            _ = try await test.events.first("worker_restart", worker: "fix/fix_sup/c2")
            while try await test.ps("fix/fix_sup/c2").state != .running { await Task.yield() }
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(await test.refusal { try await test.install("9") }.isEmpty == false)

            let texts = try await test.service.metrics()
            let open = try MetricText(texts.text(.openMetrics), .openMetrics)
            let old = try MetricText(texts.text(.prometheus), .prometheus)
            #expect(open.samples == old.samples)
            #expect(Set(open.types.keys) == Set(Metrics.all.map(\.name)))

            let info = try #require(open.samples.first { $0.name == "release_handler_info" })
            #expect(info.labels["version"] == "2.0.0" && info.labels["emulator"] == Emulator.vsn)
            #expect(open.value("release_handler_node_state", ["state": "running"]) == 1)
            let status = "release_handler_release_status"
            #expect(open.value(status, ["release": "1.0.0", "status": "permanent"]) == 1)
            #expect(open.value(status, ["release": "2.0.0", "status": "current"]) == 1)
            #expect(open.value(status, ["release": "2.0.0", "status": "permanent"]) == 0)
            #expect(open.value("release_handler_probation_active") == 1)
            #expect(open.value("release_handler_probation_remaining_seconds") ?? 0 > 0)
            #expect(open.value("release_handler_upgrades_total", ["outcome": "done"]) == 1)
            #expect(open.value("release_handler_upgrades_total", ["outcome": "aborted"]) == 0)
            #expect(open.value("release_handler_upgrade_pause_seconds_count") == 1)
            #expect(open.value("release_handler_upgrade_pause_seconds_sum") ?? 0 > 0)

            let c1 = ["worker": TestNode.c1]
            #expect(open.value("release_handler_worker_restarts_total", c1) == 0)
            #expect(open.value("release_handler_worker_restarts_total", ["worker": "fix/fix_sup/c2"]) == 1)
            #expect(open.value("release_handler_worker_state", c1.merging(["state": "running"]) { $1 }) == 1)
            #expect(open.value("release_handler_worker_state", c1.merging(["state": "suspended"]) { $1 }) == 0)
            let generation = try await test.ps().generation.map { Double($0) }
            #expect(open.value("release_handler_worker_generation", c1) == generation)
            let statistics = try await test.service.statistics(worker: TestNode.c1)
            #expect(open.value("release_handler_worker_calls_total", c1) == Double(statistics.messagesIn))
            #expect(open.value("release_handler_worker_replies_total", c1) == Double(statistics.messagesOut))
            #expect(open.value("release_handler_worker_mailbox_messages", c1) == 0)
            #expect(open.value("release_handler_worker_memory_bytes", c1) ?? 0 > 100_000)
            #expect(open.value("release_handler_worker_cpu_seconds_total", c1) != nil)
            let start = try #require(open.value("release_handler_worker_start_time_seconds", c1))
            #expect(abs(start - Date().timeIntervalSince1970) < 600)
            #expect(open.samples.contains { $0.labels["worker"] == #"fix/fix_sup/"o\"1\\""# }, "an id as text, escaped")
            #expect(open.value("process_open_fds") ?? 0 > 3)
            let began = try #require(open.value("process_start_time_seconds"))
            #expect(began < Date().timeIntervalSince1970 && began > Date().timeIntervalSince1970 - 86_400)
        }
    }

    @Test func whatAWorkerHasInHandIsCounted() async throws {
        try await TestNode.with(try .twoVersions()) { test in
            let open = await test.hang()
            let text = try MetricText(try await test.service.metrics().text(.openMetrics), .openMetrics)
            #expect(text.value("release_handler_worker_open_calls", ["worker": TestNode.c1]) == 1)
            await { @HostActor in test.node.tree.place(named: TestNode.c1)?.end(reason: .atom("enough")) }()
            await #expect(throws: ControlError.self) { try await open.value }
        }
    }

    /// However many scrape.
    @Test func whoAsksMeanwhileGetsWhatIsRead() async throws {
        try await TestNode.with(try .twoVersions()) { test in
            let reader = NodeMetricsReader(test.node, [], droppedLogLines: { 7 })
            let texts = await withTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { await reader.read().text(.openMetrics) } }
                return await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(texts.count < 20)
            #expect(texts.allSatisfy { $0.contains("release_handler_log_lines_dropped_total 7\n") })
        }
    }

    /// The next program counts on.
    @Test func whatUpgradesCameToIsHandedOn() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            let (written, counts) = await { @HostActor in
                while true {
                    // What is under way of the install's end comes to its own end.
                    if let state = try? test.node.state() { return (state.upgrades, test.node.installer.counts) }
                    await Task.yield()
                }
            }()
            #expect(written == counts)
            #expect(counts.count(.done) == 1 && counts.pauses.count == 1)
        }
    }
}
