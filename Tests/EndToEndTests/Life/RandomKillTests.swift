import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Ten thousand kills of workers that nobody could foresee; the seed is always the same.
@Suite(.timeLimit(.minutes(15))) struct RandomKillTests {
    static let kills = 10_000
    /// Killed before the tree may come to rest again.
    private static let burst = 25

    /// Programs that start fast, in supervisors of every strategy, and workers that speak the protocol among them.
    private static func root() throws -> TestRoot {
        func programs(_ prefix: String, _ count: Int) -> [String] {
            (1...count).map { "#{id => \(prefix)\($0), start => {os, start, [\"/bin/sleep\", \"100000\"]}}" }
        }
        let sub = ["all", "rest"].map { "#{id => \($0), start => {\($0)_sup, start_link, []}, type => supervisor}" }
        let counters = (1...2).map { "#{id => c\($0), start => {counter, start_link, []}}" }
        let flags = "intensity => 1000000, period => 3600"
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0", children: "[\((programs("p", 30) + sub + counters).joined(separator: ", "))]",
            flags: "#{\(flags)}")
        for (name, strategy, start) in [("all", "one_for_all", "parallel"), ("rest", "rest_for_one", "sequential")] {
            try root.write(
                "lib/fix-1.0.0/ebin/\(name)_sup.sup",
                """
                {ok, {#{strategy => \(strategy), start => \(start), \(flags)},
                      [\(programs(name, 4).joined(separator: ", "))]}}.
                """)
        }
        let modules = "[fix_sup, all_sup, rest_sup, counter]"
        try root.write(
            "lib/fix-1.0.0/ebin/fix.app",
            """
            {application, fix, [{vsn, "1.0.0"}, {description, ""}, {modules, \(modules)}, {registered, []},
                                {applications, []}, {mod, {fix_sup, []}}]}.
            """)
        try root.register(["1.0.0"])
        return root
    }

    @Test func theTreeSurvives() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon async throws in
            let before = try await atRest(daemon, without: [])
            let descriptors = try openDescriptors(daemon.program.pid)
            var random = SeededGenerator(seed: 4)
            var workers = before
            var killed = 0
            while killed < Self.kills {
                let victims = Set(workers.compactMap(\.pid).shuffled(using: &random).prefix(Self.burst))
                for pid in victims where parent(of: pid) == daemon.program.pid && kill(pid, SIGKILL) == 0 {
                    killed += 1
                }
                workers = try await atRest(daemon, without: victims)
            }
            #expect(workers.map(\.address) == before.map(\.address))
            #expect(workers.map(\.restarts).reduce(0, +) >= Self.kills)
            // No zombie and no orphan: the daemon's children are the workers, each once.
            #expect(try children(of: daemon.program.pid).sorted() == workers.compactMap(\.pid).sorted())
            #expect(try openDescriptors(daemon.program.pid) == descriptors)
            #expect(try await daemon.call("get", of: "fix/fix_sup/c1") == "0")
        }
    }

    /// All workers, once each of them runs in a process that was not killed.
    private func atRest(_ daemon: EndToEndDaemon, without killed: Set<Int32>) async throws -> [WorkerSummary] {
        for _ in 0..<10_000 {
            let workers = try await daemon.workers()
            let isAtRest = workers.allSatisfy { worker in
                worker.state == .running && worker.pid.map { !killed.contains($0) } == true
            }
            if isAtRest, workers.count == 40 { return workers }
        }
        throw Unexpected("the tree does not come to rest")
    }

    private func parent(of pid: Int32) -> Int32? { status(pid).flatMap { $0.count > 1 ? Int32($0[1]) : nil } }

    /// The fields behind the name: the state, the parent, ... Source: proc(5).
    private func status(_ pid: Int32) -> [Substring]? {
        guard let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = line.lastIndex(of: ")")
        else { return nil }
        return line[name...].dropFirst().split(separator: " ")
    }

    private func children(of pid: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .filter { parent(of: $0) == pid }
    }

    private func openDescriptors(_ pid: Int32) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
