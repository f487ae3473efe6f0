import Foundation
import Host
import ReleaseHandling
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What an upgrade that failed did is in a file, and a fresh machine that is given the same does the same.
@Suite(.timeLimit(.minutes(15))) struct UpgradeTraceTests {
    private static func recorded(_ path: String) throws -> MachineTrace.Recorded {
        try MachineTrace.parse(Array(Data(contentsOf: URL(filePath: path))), file: path)
    }

    @Test func anAbortedUpgradeIsReplayed() async throws {
        try await TestNode.with(try .twoVersions(extra: "throw")) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted)
            let path = try #require(result.trace)
            #expect(path.hasPrefix("\(test.root.root)/log/upgrade-") && path.hasSuffix("-2.0.0.trace"), "\(path)")
            #expect(try await test.events.first("trace_written").fields["file"] == path)
            #expect(try FileStatus(of: path).permissions == 0o600)

            let recorded = try Self.recorded(path)
            #expect(recorded.cutCount == 0)
            #expect(recorded.beginning.fromRelease == "1.0.0")
            #expect(recorded.replayed() == recorded.actions)
            let end = try #require(recorded.actions.last?.asTuple?.last?.asTuple)
            #expect(end[0] == .atom("aborted"))
            // Where, why, and the sentence that the answer has.
            let failure = try #require(end[1].asTuple)
            #expect(failure[0].asInt == result.failedInstruction?.index)
            let sentence = try #require(failure[2].asText)
            #expect(sentence.hasSuffix(try #require(result.reason)), "\(sentence)")
        }
    }

    @Test func anUpgradeThatIsDoneOrRefusedLeavesNone() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.trace == nil)
            #expect(!FileManager.default.fileExists(atPath: "\(test.root.root)/log"))
        }
    }

    @Test func theOldestTracesGo() throws {
        let root = try TestRoot()
        defer { root.remove() }
        let machine = RelupMachine(script: [], fromRelease: "1", toRelease: "2", libraries: [])
        let trace = MachineTrace(of: machine, code: CodeTable())
        let release = ReleaseRoot(path: root.root)
        let first = try UpgradeTraces.write(trace, in: release)
        // Older than any that is written now.
        for number in 0..<UpgradeTraces.keptCount {
            try Data().write(to: URL(filePath: "\(root.root)/log/upgrade-19990101T0000\(10 + number).000Z-2.trace"))
        }
        try Data().write(to: URL(filePath: "\(root.root)/log/other"))
        let last = try UpgradeTraces.write(trace, in: release)
        let names = Directory.names("\(root.root)/log")
        #expect(names.count == UpgradeTraces.keptCount + 1)
        #expect(names.contains("other"))
        for path in [first, last] { #expect(FileManager.default.fileExists(atPath: path)) }
        #expect(!names.contains("upgrade-19990101T000010.000Z-2.trace"))
    }

    /// Said before the service manager acts, and what the upgrade did so far is kept: a restart forgets it.
    @Test func anUpgradeThatDoesNotComeOnStarvesTheWatchdog() async throws {
        try await TestNode.with(try .twoVersions(extra: "hang")) { test async throws in
            // The node's stop ends it.
            for await progress in try await test.service.installRelease(vsn: "2.0.0", peer: TestNode.peer) {
                if case .progress(let step) = progress, step.text.hasPrefix("{code_change") { break }
            }
            let watchdog = await Watchdog(
                node: test.node, heartbeat: Heartbeat(), intervalMilliseconds: 10, isWedged: { _ in true })
            let starved = try await test.events.first("watchdog_starved")
            #expect(
                starved.message.hasPrefix("the upgrade to 2.0.0 does not come on: its step takes longer "),
                "\(starved.message)")
            #expect(
                starved.message.hasSuffix(
                    "the service manager ends the daemon in 20 ms, and the permanent release boots"))
            let written = try await test.events.first("trace_written", after: starved.sequence)
            let path = try #require(written.fields["file"])
            await watchdog.stop()
            let recorded = try Self.recorded(path)
            #expect(recorded.replayed() == recorded.actions)
            #expect(recorded.actions.last?.asTuple?.first == .atom("hand_off"))
        }
    }

    @Test func aControlServerThatStandsStillStarvesTheWatchdog() async throws {
        try await TestNode.with(try .twoVersions()) { test async throws in
            // It never beats.
            let watchdog = await Watchdog(node: test.node, heartbeat: Heartbeat(), intervalMilliseconds: 1)
            let starved = try await test.events.first("watchdog_starved")
            await watchdog.stop()
            #expect(
                starved.message.hasPrefix("the control server's event loop has not turned for "), "\(starved.message)")
        }
    }
}
