import Terms
import Host
import Logging
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What is posted while workers are not served is told afterwards: all of it, in its order, with the time that it had.
@Suite(.timeLimit(.minutes(15))) struct HeldEventsTests {
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

    /// Who may look only is told that a worker spoke, and not what it said.
    @Test func whatWorkersSayIsForThoseWhoMayChangeThings() async throws {
        let (all, some) = await { @HostActor () -> (AsyncStream<NodeEvent>, AsyncStream<NodeEvent>) in
            let hub = EventHub(logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
            let (all, some) = (hub.follow().events, hub.follow(hearingWorkers: false).events)
            hub.post(.output(.line(Self.worker, pid: 7, .stdout, "the password is secret")))
            let message = WorkerLogMessage("secret", [.atom("key"): .string("secret")])
            hub.post(.output(.log(Self.worker, pid: 7, .notice, message)))
            hub.post(Self.event(7))
            hub.finish()
            return (all, some)
        }()
        var heard: [NodeEvent] = []
        for await event in all { heard.append(event) }
        var seen: [NodeEvent] = []
        for await event in some { seen.append(event) }
        #expect(heard.map(\.message).prefix(2) == ["the password is secret", "secret"])
        #expect(seen.map(\.kind) == heard.map(\.kind) && seen.map(\.sequence) == heard.map(\.sequence))
        #expect(!"\(seen)".contains("secret"), "\(seen)")
        #expect(seen[0].worker == "\(Self.worker)" && seen[0].fields == [:])
        #expect(seen[2] == heard[2])
    }

    /// What a flood says is not told to them line for line: that would be nothing, many times.
    @Test func thatWorkersSpeakIsToldAFewTimesASecond() async throws {
        let count = 1_000
        let (all, some) = await { @HostActor () -> (AsyncStream<NodeEvent>, AsyncStream<NodeEvent>) in
            let hub = EventHub(logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
            let (all, some) = (hub.follow().events, hub.follow(hearingWorkers: false).events)
            for _ in 1..<count { hub.post(.output(.line(Self.worker, pid: 7, .stdout, "again"))) }
            hub.post(Self.event(7))
            hub.finish()
            return (all, some)
        }()
        var heard = 0
        for await _ in all { heard += 1 }
        var seen: [NodeEvent] = []
        for await event in some { seen.append(event) }
        #expect(heard == count)
        // It may take some seconds; what is no worker's word comes whatever was before it.
        #expect(seen.count < count / 2 && seen.count > 1, "\(seen.count)")
        #expect(seen.last?.fields["pid"] == "7")
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
