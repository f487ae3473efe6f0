import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// A row of the failure matrix, played by the real daemon, with a client of each worker.
struct FailureRun {
    let row: FailureRow
    let daemon: EndToEndDaemon
    let events: EventTail
    let before: [String: WorkerSummary]
    let failing: LineClient
    let other: LineClient

    /// Plays it, and returns how it differs from the table, in sentences.
    static func play(_ row: FailureRow, _ worker: FailingWorker) async throws -> [String] {
        let root = try FailureRoot.make(row, worker)
        let found = try await EndToEndDaemon.with(root) { daemon async throws in
            let events = try await EventTail.follow(daemon.controlSocket)
            defer { events.stop() }
            let failing = try LineClient(port: try await daemon.port(FailureRoot.failing))
            let other = try LineClient(port: try await daemon.port(FailureRoot.other))
            try #require(try await failing.ask("add 5") == "5")
            try #require(try await other.ask("add 7") == "7")
            let workers = Dictionary(uniqueKeysWithValues: try await daemon.workers().map { ($0.address, $0) })
            let run = FailureRun(
                row: row, daemon: daemon, events: events, before: workers, failing: failing, other: other)
            return try await run.play()
        }
        let left = try marked(root)
        return found + (left.isEmpty ? [] : ["processes are left when the daemon has ended: \(left)"])
    }

    private func play() async throws -> [String] {
        let call = row.callback == "call" && !row.phase.isAfter ? try await hangingCall() : nil
        let run = try await install()
        var found = try check(run)
        // What hangs may go on; of whom nobody waits any more, that is his last.
        try Data().write(to: URL(filePath: "\(daemon.root.directory)/go"))
        _ = try await call?.value
        if row.phase.isAfter { try await fail() }
        if row.ends == "restarting" || found.contains(Self.restarts) { try await daemon.untilReady() }
        found += try await untilAsExpected()
        // The connections are looked at once: who is served by nobody waits for ever.
        if found.isEmpty { found += try await checkClients() }
        return found
    }

    /// A call that the worker has, and does not answer.
    private func hangingCall() async throws -> Task<Releasectl, any Error> {
        let daemon = daemon
        let call = Task { try await daemon.releasectl("call", FailureRoot.failing, "boom") }
        try await untilItHangs()
        return call
    }

    private func install() async throws -> Releasectl {
        let (daemon, vsn) = (daemon, row.to)
        let run = Task { try await daemon.releasectl("install-release", vsn, "--json") }
        if row.fault == "serves" {
            try await untilItHangs()
            try #require(try await failing.ask("get") == "5")
        }
        return try await run.value
    }

    private func untilItHangs() async throws {
        let directory = daemon.root.directory
        for _ in 0..<600 {
            if access("\(directory)/hangs", F_OK) == 0 { return }
            try await events.more(than: .max, milliseconds: 50)
        }
        throw Unexpected("the worker did not come to where it hangs")
    }

    // MARK: In the probation

    /// The worker fails in a call, as often as the row says.
    private func fail() async throws {
        for _ in 0..<(row.phase == .once ? 1 : 2) {
            let seen = events.count
            _ = try await daemon.releasectl("call", FailureRoot.failing, "boom")
            guard row.lost != .nothing else { return }
            try await awaitEvent("worker_exited", after: seen)
            if row.phase == .once { try await awaitEvent("worker_started", after: seen) }
            // The second time is the one that is too often: what starts then may be of the older release.
            let isLast = events.all.filter { $0.kind == "worker_exited" && $0.worker == FailureRoot.failing }.count > 1
            if row.phase != .once, !isLast { try await awaitEvent("worker_started", after: seen) }
        }
    }

    private func awaitEvent(_ kind: String, after count: Int) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            let seen = events.count
            let new = events.all.dropFirst(count)
            if new.contains(where: { $0.kind == kind && $0.worker == FailureRoot.failing }) { return }
            try await events.more(than: seen, milliseconds: 1000)
        }
        throw Unexpected("no \(kind) of \(FailureRoot.failing) after \(events.all.map(\.kind))")
    }

    // MARK: What is told

    /// No install of the matrix may do that; one that takes a release back may.
    private static let restarts = "the node restarts"

    /// The install's answer. In the probation it is that of an install that was well.
    private func check(_ run: Releasectl) throws -> [String] {
        let ends = row.phase.isAfter ? "done" : row.ends
        let exit = row.phase.isAfter ? 0 : row.exit
        let lost = row.phase.isAfter ? .nothing : row.lost
        let last = run.output.split(separator: "\n").last.map { Data($0.utf8) } ?? Data()
        var found: [String] = []
        if run.exit != exit { found.append("releasectl exits with \(run.exit), \(exit) is expected") }
        guard case .result(let result)? = try? JSONDecoder().decode(InstallProgress.self, from: last) else {
            let isRefused = ends == "refused" && run.error.contains(row.told ?? "")
            return isRefused ? found : found + ["no result: \(run)"]
        }
        if result.outcome.rawValue != ends { found.append("\(result.outcome.rawValue), \(ends) is expected") }
        if result.outcome == .restarting { found.append(Self.restarts) }
        let named = result.lost.map(\.worker)
        if named != (lost == .nothing ? [] : [FailureRoot.failing]) { found.append("lost is \(result.lost)") }
        let words = ([result.reason ?? ""] + result.warnings + result.lost.map(\.why)).joined(separator: "\n")
        if let told = row.told, !row.phase.isAfter, !words.contains(told) {
            found.append("`\(told)` is not told in: \(words)")
        }
        if !found.isEmpty { found.append("told: \(result.reason ?? "nothing"); \(result.warnings)") }
        return found
    }

    // MARK: What lives

    /// There is another look with each event, for a while: a restart may still be under way.
    private func untilAsExpected() async throws -> [String] {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let seen = events.count
            let found = try await checkWorkers()
            if found.isEmpty || ContinuousClock.now > end { return found }
            try await events.more(than: seen, milliseconds: 200)
        }
    }

    private func checkWorkers() async throws -> [String] {
        let workers = Dictionary(uniqueKeysWithValues: try await daemon.workers().map { ($0.address, $0) })
        guard let worker = workers[FailureRoot.failing], let other = workers[FailureRoot.other], worker.pid != nil
        else {
            return ["a worker does not run: \(workers)"]
        }
        var found: [String] = []
        let vsn = row.runs == .new ? row.to : row.from
        if worker.vsn != vsn { found.append("it runs \(worker.vsn ?? "nothing"), \(vsn) is expected") }
        if other.vsn != vsn { found.append("the other runs \(other.vsn ?? "nothing"), \(vsn) is expected") }
        let isSame = worker.pid == before[FailureRoot.failing]?.pid
        if isSame != (row.runs == .old) { found.append("it is \(isSame ? "" : "not ")the process of before") }
        // A restart is a loss, too.
        if row.lost != .everything, other.restarts != 0 { found.append("the other was restarted") }
        let processes = try Self.marked(daemon.root).count
        let expected = row.leavesChild ? 3 : 2
        if processes != expected { found.append("\(processes) processes, \(expected) are expected") }
        return found
    }

    private func checkClients() async throws -> [String] {
        let isLost = row.lost != .nothing
        var found = try await check(failing, of: FailureRoot.failing, isLost: isLost, had: "5")
        found += try await check(other, of: FailureRoot.other, isLost: row.lost == .everything, had: "7")
        return found
    }

    private func check(_ client: LineClient, of worker: String, isLost: Bool, had: String) async throws -> [String] {
        guard isLost else {
            let answer = try? await client.ask("get")
            return answer == had ? [] : ["\(worker)'s connection says \(answer ?? "nothing more")"]
        }
        var found: [String] = []
        // A reset is an end.
        if let answer = try? await client.ask("get") { found.append("\(worker) still says \(answer)") }
        let again = try await LineClient(port: try await daemon.port(worker)).ask("get")
        if again != "0" { found.append("\(worker) says \(again ?? "nothing") to a new client, 0 is expected") }
        return found
    }

    /// The workers of a root, and all that they left behind.
    private static func marked(_ root: TestRoot) throws -> [pid_t] {
        let mark = Data("\(FailureRoot.mark)=\(root.directory)\0".utf8)
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { pid in
            guard let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else { return false }
            return environment.range(of: mark) != nil
        }
    }
}
