import Terms
import Host
import Logging
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What is posted while workers are not served is told afterwards: all of it, in its order, with the time that it had.
@Suite(.timeLimit(.minutes(5))) struct HeldEventsTests {
    private static let worker = ChildAddress(application: "fix", path: [.atom("fix_sup"), .atom("c1")])

    private static func event(_ pid: Int32) -> Event { .worker(.started(worker, pid: pid, generation: 1)) }

    @Test func whatWasHeldComesFirst() async throws {
        let told = await { @HostActor () -> AsyncStream<NodeEvent> in
            let hub = EventHub(logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
            let events = hub.follow().events
            hub.post(Self.event(1))
            hub.hold()
            for pid in 2...300 { hub.post(Self.event(Int32(pid))) }
            hub.letGo()
            // Told in pieces: what comes in between waits behind them.
            hub.post(Self.event(301))
            hub.finish()
            return events
        }()
        var pids: [String] = []
        var sequences: [Int] = []
        for await event in told {
            pids.append(event.fields["pid"] ?? "")
            sequences.append(event.sequence)
        }
        #expect(pids == (1...301).map(String.init))
        #expect(sequences == Array(1...301))
    }

    /// An upgrade of thirty workers: its events come after it, and each old process ends.
    @Test func eachHandoffIsTold() async throws {
        let children = (1...30).map { "#{id => c\($0), start => {counter, start_link, []}}" }.joined(separator: ", ")
        try await TestNode.with(try .twoVersions(children: "[\(children)]")) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            var handedOff: Set<String> = []
            var last = 0
            while handedOff.count < 30 {
                let event = try await test.events.first("worker_handed_off", after: last)
                #expect(event.sequence > last)
                last = event.sequence
                handedOff.insert(event.worker ?? "")
            }
            // Each old process was let go, too.
            while await test.node.processes.generations.count > 30 { await Task.yield() }
        }
    }
}
