import Foundation
import Glibc
import ReleaseHandling
import Testing
import Wire

@testable import TestSupport

/// What processes cost the daemon in descriptors, counted from outside; and what does not suffice is known beforehand.
@Suite(.timeLimit(.minutes(15))) struct EndToEndDescriptorTests {
    private static let workers = 8

    private static func root(relup: String? = nil) throws -> TestRoot {
        let children = (1...workers).map { "#{id => c\($0), start => {counter, start_link, []}}" }
        return try .twoVersions(children: "[\(children.joined(separator: ", "))]", relup: relup)
    }

    /// The daemon's descriptors beyond its own outputs, by kind: `pipe`, `socket`, `anon_inode` and so on.
    private static func descriptors(_ daemon: EndToEndDaemon) throws -> [String: Int] {
        let directory = "/proc/\(daemon.program.pid)/fd"
        let links = try FileManager.default.contentsOfDirectory(atPath: directory).filter {
            !["0", "1", "2"].contains($0)
        }.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)")
        }
        return Dictionary(grouping: links) { String($0.prefix { $0 != ":" }) }.mapValues(\.count)
    }

    /// The script stands still between its load_object_code and its suspend, with all standbys there.
    @Test func aPlaceWithAStandbyHasSix() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return, {apply, {io, format, ["here~n"]}},
            {apply, {timer, sleep, [60000]}}, {suspend, [counter]}, {load, {counter, brutal_purge, brutal_purge}},
            {code_change, up, [{counter, []}]}, {resume, [counter]}
            """
        let root = try Self.root(relup: TestRoot.relup(up: up))
        try await EndToEndDaemon.with(root) { daemon async throws in
            try await daemon.following { follower async throws in
                let one = try await daemon.workers().count
                #expect(one == Self.workers)
                let atRest = try Self.descriptors(daemon)
                // Two pipes, a channel and a transfer socket each.
                #expect(atRest["pipe"] == 2 * Self.workers)
                async let install = daemon.releasectl("install-release", "2.0.0")
                _ = try await follower.next("relup_output")
                let withStandbys = try Self.descriptors(daemon)
                #expect(try daemon.processes().count == 2 * Self.workers)
                #expect(withStandbys["pipe"] == atRest["pipe"])
                #expect(withStandbys["anon_inode"] == atRest["anon_inode"])
                // And the connection of the one who installs.
                let sockets = try #require(withStandbys["socket"]) - #require(atRest["socket"]) - 1
                #expect(sockets == StandbyRoom.descriptorsEach * Self.workers)
                daemon.program.signal(SIGTERM)
                _ = try await install
            }
        }
    }

    @Test func changesLeaveNothingOpen() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon async throws in
            let atRest = try Self.descriptors(daemon)
            for vsn in ["2.0.0", "1.0.0"] {
                try await daemon.ask("install-release", vsn)
                // Those that were handed over from end a moment later, and connections of who asked.
                while try daemon.processes().count > Self.workers { await Task.yield() }
                while try Self.descriptors(daemon).values.reduce(0, +) > atRest.values.reduce(0, +) {
                    await Task.yield()
                }
                let after = try Self.descriptors(daemon)
                #expect(after["pipe"] == atRest["pipe"])
                #expect(after["anon_inode"] == atRest["anon_inode"])
            }
        }
    }

    @Test func tooFewDescriptorsAreARefusalBeforehand() async throws {
        try await EndToEndDaemon.with(try Self.root(), shell: "ulimit -n 110 && exec \"$@\"") { daemon async throws in
            let before = try daemon.processes().sorted()
            let planned = try await daemon.releasectl("check-install-release", "2.0.0")
            let refused = try await daemon.releasectl("install-release", "2.0.0")
            for run in [planned, refused] {
                #expect(run.exit != 0)
                #expect(
                    run.error.contains(
                        "the standbys of 8 workers need 16 file descriptors of the daemon, which has "), "\(run)")
                #expect(run.error.contains(" of 110 open: raise LimitNOFILE= of its unit to "), "\(run)")
            }
            #expect(try daemon.processes().sorted() == before)
            #expect(try await daemon.call("{add, 5}") == "5")
        }
    }

    /// A real daemon that finds less memory in its /proc than its workers have.
    @Test(.enabled(if: geteuid() == 0, "only root may put a file in the place of /proc/meminfo"))
    func tooLittleMemoryIsARefusalBeforehand() async throws {
        let root = try Self.root()
        try root.write("meminfo", "MemTotal: 8192 kB\nMemAvailable: 1024 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        let inside = "mount --bind \(root.root)/meminfo /proc/meminfo && exec \"$@\""
        let shell = "exec unshare -m --propagation private sh -c '\(inside)' sh \"$@\""
        try await EndToEndDaemon.with(root, shell: shell) { daemon async throws in
            let before = try daemon.processes().sorted()
            let planned = try await daemon.releasectl("check-install-release", "2.0.0")
            let refused = try await daemon.releasectl("install-release", "2.0.0")
            for run in [planned, refused] {
                #expect(run.exit != 0)
                #expect(run.error.contains("the standbys of 8 workers need "), "\(run)")
                #expect(
                    run.error.contains(
                        """
                         MiB of memory, as much as the workers have for themselves, and 1 MiB are available on this machine: free \
                        memory, or change fewer workers at a time
                        """), "\(run)")
            }
            #expect(try daemon.processes().sorted() == before)
        }
    }

    /// What the refusal advises suffices; two more are for connections of who asked before.
    @Test func enoughDescriptorsAreNoRefusal() async throws {
        let root = try Self.root()
        let refused = try await EndToEndDaemon.again(on: root, shell: "ulimit -n 110 && exec \"$@\"") {
            daemon async throws in
            try await daemon.releasectl("install-release", "2.0.0")
        }
        let sentence = try #require(refused.error.firstMatch(of: /LimitNOFILE= of its unit to (\d+) or more/))
        let advised = try #require(Int(sentence.1))
        try await EndToEndDaemon.with(root, shell: "ulimit -n \(advised + 2) && exec \"$@\"") { daemon async throws in
            // One after the other: what the first has replaced may be on its way out when the next is asked for.
            for vsn in ["2.0.0", "1.0.0", "2.0.0"] {
                let installed = try await daemon.releasectl("install-release", vsn)
                #expect(installed.exit == 0, "\(installed)")
            }
        }
    }
}
