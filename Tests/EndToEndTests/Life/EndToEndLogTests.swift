import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// A daemon whose log nobody reads supervises as ever, says afterwards what the log has lost, and ends when it is told to.
@Suite(.timeLimit(.minutes(15))) struct EndToEndLogTests {
    /// Together they say more than the log's queue holds; each stays within a worker's budget of bytes for a while only.
    private static let flooding = (1...8).map { "fix/fix_sup/f\($0)" }

    private static func root() throws -> TestRoot {
        // Half of a captured line's limit, 4 MB of it.
        let flood = "yes $(printf %04000d 7) | head -n 1000; exec sleep 1000"
        let children = flooding.map { name in
            """
            #{id => \(name.split(separator: "/")[2]), modules => [],
              start => {os, start, ["/bin/sh", "-c", "\(flood)"]}}
            """
        }
        return try .twoVersions(
            children: "[#{id => c1, start => {counter, start_link, []}}, \(children.joined(separator: ", "))]")
    }

    /// Returns once all that they had to say has been read, taken and dropped by the daemon.
    private static func untilFlooded(_ daemon: EndToEndDaemon) async throws {
        for worker in flooding {
            while true {
                let text = try await daemon.ask("statistics", worker, "--json")
                let found = try JSONDecoder().decode(WorkerStatistics.self, from: Data(text.utf8))
                if found.logged + found.dropped == 1000 { break }
            }
        }
    }

    @Test func aLogThatNobodyReadsHoldsUpNobody() async throws {
        try await EndToEndDaemon.with(try Self.root(), streaming: .error) { daemon async throws in
            try await Self.untilFlooded(daemon)
            for count in 1...3 { #expect(try await daemon.call("{add, 1}") == "\(count)") }
            _ = try await daemon.call("{log, \"heard\"}")
            try await daemon.ask("install-release", "2.0.0")
            #expect(try await daemon.call("get") == "3")

            // Read now, it says in the place of what is missing how much that is.
            var dropped = 0
            var order: [String] = []
            while true {
                let line = try #require(try await daemon.program.line())
                if line.contains(" EVENT=log_dropped") {
                    let field = try #require(line.split(separator: " ").first { $0.hasPrefix("DROPPED=") })
                    dropped += try #require(Int(field.dropFirst("DROPPED=".count)))
                    order.append("dropped")
                } else if line.contains(" NOTICE heard ") {
                    order.append("heard")
                    break
                }
            }
            #expect(dropped > 0)
            #expect(order.first == "dropped" && order.last == "heard", "\(order)")
            // From here on it is as it was.
            _ = try await daemon.call("{log, \"and on\"}")
            while let line = try await daemon.program.line() { if line.contains(" NOTICE and on ") { break } }
            try await daemon.stop()
        }
    }

    @Test func aDaemonWhoseLogNobodyReadsEndsWhenItIsTold() async throws {
        try await EndToEndDaemon.with(try Self.root(), streaming: .error) { daemon async throws in
            try await Self.untilFlooded(daemon)
            daemon.program.signal(SIGTERM)
            #expect(try await daemon.program.ended(seconds: 20) == .exit(0))
            #expect(try daemon.processes() == [])
        }
    }

    /// Not even the sentence that says why has room in a pipe that was full before.
    @Test func aBootThatFailsEndsWhereNobodyReadsWhy() async throws {
        let root = try TestRoot()
        defer { root.remove() }
        let command = """
            dd if=/dev/zero of=/dev/fd/3 bs=4096 count=4096 oflag=nonblock 3>&2 2> /dev/null; exec "$@"
            """
        try await Program.with(
            "/bin/sh",
            ["-c", command, "sh", EndToEndDaemon.path, "--root", root.root, "--socket", "\(root.directory)/control"],
            streaming: .error
        ) { program async throws in
            #expect(try await program.ended(seconds: 20) == .exit(1))
        }
    }
}
