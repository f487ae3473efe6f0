import Foundation
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// The example server under real clients, while its release is replaced and put back.
@Suite(.timeLimit(.minutes(8))) struct EndToEndKeyValueTests {
    private struct Phase: Decodable {
        let name: String
        let requests, errors, dropped, lost, stale: Int
    }

    private struct Report: Decodable {
        let clean: Bool
        let phases: [Phase]
        let notes: [String]
    }

    @Test func clientsDoNotNoticeThreeChanges() async throws {
        let (root, package) = try await KeyValueRoot.make()
        try await EndToEndDaemon.with(root) { daemon async throws in
            let port = try await daemon.port(KeyValueRoot.worker)
            try await Self.expect(["-p", "\(port)"], "SET before \"a value\"", "OK")
            try await Self.expect(["-p", "\(port)"], "INCRBY count 41", "41")
            try await daemon.ask("unpack-release", package)
            let server = try #require(try await daemon.workers().first?.pid)

            let arguments = ["run", "--port", "\(port)", "--connections", "4"]
            try await Program.with(Project.product("kv-check"), arguments, streaming: .output) { checker in
                let load = Load(port: port)
                async let failure = load.run()
                for (index, vsn) in ["2.0.0", "1.0.0", "2.0.0"].enumerated() {
                    try await Self.begin("to \(vsn), change \(index + 1)", checker)
                    try await load.untilConnected()
                    try await daemon.ask("install-release", vsn)
                    try await Self.begin("\(vsn) runs, change \(index + 1)", checker)
                    try await Self.hasChanged(to: vsn, port)
                }
                try await daemon.ask("make-permanent", "2.0.0")
                load.stop()
                #expect(try await failure == nil)
                try await Self.stop(checker, changes: 3)
            }
            #expect(try await daemon.releaseStatuses() == ["2.0.0 permanent", "1.0.0 old"])
            let worker = try #require(try await daemon.workers().first)
            #expect(worker.generation == 4)
            #expect(worker.restarts == 0)
            #expect(worker.vsn == "2.0.0")
            #expect(worker.pid != server)
            #expect(try await daemon.port(KeyValueRoot.worker) == port)
        }
    }

    /// The release brings another version of the daemon, which evaluates its script.
    @Test func clientsDoNotNoticeAnotherEmulator() async throws {
        let (root, package) = try await KeyValueRoot.make(emulator: NewEmulatorTests.other)
        try await EndToEndDaemon.with(root) { daemon async throws in
            let port = try await daemon.port(KeyValueRoot.worker)
            try await Self.expect(["-p", "\(port)"], "SET before \"a value\"", "OK")
            try await daemon.ask("unpack-release", package)
            // The programs themselves, which would take a minute to pack.
            let bin = "\(root.root)/erts-\(NewEmulatorTests.other)/bin"
            try ProgramFile.put(EndToEndDaemon.path, at: "\(bin)/whole")
            try ProgramFile.put(Project.product("module-host"), at: "\(bin)/module-host")
            let arguments = ["run", "--port", "\(port)", "--connections", "4"]
            try await Program.with(Project.product("kv-check"), arguments, streaming: .output) { checker in
                let load = Load(port: port)
                async let failure = load.run()
                try await Self.begin("to 2.0.0", checker)
                try await load.untilConnected()
                try await daemon.ask("install-release", "2.0.0")
                #expect(try await daemon.status().erts == NewEmulatorTests.other)
                try await Self.begin("2.0.0 runs", checker)
                try await Self.hasChanged(to: "2.0.0", port)
                try await Self.begin("to the same again", checker)
                try await load.untilConnected()
                try await daemon.ask("reexec")
                try await daemon.ask("make-permanent", "2.0.0")
                load.stop()
                #expect(try await failure == nil)
                try await Self.stop(checker, changes: 2)
            }
            #expect(try await daemon.releaseStatuses() == ["2.0.0 permanent", "1.0.0 old"])
            #expect(try await daemon.workers().map(\.restarts) == [0])
            let started = try String(contentsOfFile: "\(root.root)/releases/start_erl.data", encoding: .utf8)
            #expect(started == "\(NewEmulatorTests.other) 2.0.0\n")
        }
    }

    /// The phase begins with kv-check's own word for it, so that no request of it is counted elsewhere.
    private static func begin(_ phase: String, _ checker: Program) async throws {
        try checker.write("phase \(phase)\n")
        #expect(try await checker.line() == "{\"phase\": \"\(phase)\"}")
    }

    private static func stop(_ checker: Program, changes: Int) async throws {
        try checker.write("stop\n")
        let line = try #require(try await checker.line())
        let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
        #expect(report.clean)
        #expect(report.notes == [])
        for phase in report.phases {
            #expect(phase.errors + phase.dropped + phase.lost + phase.stale == 0, "\(phase)")
        }
        // It was at work all the time, through each change.
        #expect(report.phases.filter { $0.name.hasPrefix("to ") && $0.requests > 0 }.count == changes, "\(line)")
        #expect(try await checker.ended() == .exit(0))
    }

    private static func hasChanged(to vsn: String, _ port: UInt16) async throws {
        let client = ["-p", "\(port)"]
        try await expect(client, "GET before", "a value")
        try await expect(client, "INCR count", nil)
        // Its functional modules, in C and in Swift, are those of the release, too.
        let drawn = try await Program.run("/usr/bin/redis-cli", client + ["LOLWUT", "4"]).output
        #expect(drawn.contains("kv_lolwut ver. \(vsn)"), "\(drawn)")
        try await expect(client, "TRANSFORM before upper reverse", "EULAV A")
        if vsn == "2.0.0" {
            try await expect(client, "SET short lived EX 600", "OK")
            try await expect(client, "EXPIRE short 500", "1")
            let left = try await Program.run("/usr/bin/redis-cli", client + ["TTL", "short"]).output
            #expect(Int(left.trimmingCharacters(in: .newlines)).map((1...500).contains) == true, "\(left)")
            try await expect(client, "TTL before", "-1")
            try await expect(client, "TRANSFORM before rot13", "n inyhr")
        } else {
            // What was to expire stays: 1.0.0 knows of no expiry.
            try await expect(client, "GET short", "lived")
            let unknown = "with args beginning with: 'short'"
            try await expect(client, "TTL short", "ERR unknown command 'TTL', \(unknown)")
            try await expect(client, "EXPIRE short 5", "ERR unknown command 'EXPIRE', \(unknown) '5'")
        }
    }

    /// Nobody is suspended, and no client sees anything but one version or the other: the libraries change under the server.
    @Test func modulesAreReplacedUnderTheServer() async throws {
        let root = try await KeyValueRoot.modulesOnly()
        try await EndToEndDaemon.with(root) { daemon async throws in
            let port = try await daemon.port(KeyValueRoot.worker)
            try await Self.expect(["-p", "\(port)"], "SET key value", "OK")
            let server = try #require(try await daemon.workers().first?.pid)
            let ending = Ending()
            async let transformed = Self.benchmark(port, ["TRANSFORM", "key", "upper"], until: ending)
            async let drawn = Self.benchmark(port, ["LOLWUT", "20"], until: ending)
            for (vsn, step) in Array(repeating: [("1.1.0", "inyhr"), ("1.0.0", nil)], count: 5).joined() {
                try await daemon.ask("install-release", vsn)
                try await Self.expect(["-p", "\(port)"], "LOLWUT 1", ".\nkv_lolwut ver. 1.0.0", where: vsn == "1.0.0")
                try await Self.expect(["-p", "\(port)"], "TRANSFORM key rot13", step ?? "", where: step != nil)
            }
            ending.isOver.withLock { $0 = true }
            #expect(try await transformed == nil)
            #expect(try await drawn == nil)
            #expect(try await daemon.workers().first?.pid == server)
            #expect(try await daemon.workers().first?.generation == 1)
        }
    }

    private final class Ending: Sendable { let isOver = Mutex(false) }

    /// One command over and over, by 10 connections; what redis-benchmark complained of, nil where all went well.
    private static func benchmark(
        _ port: UInt16, _ command: [String], until ending: Ending
    ) async throws -> String? {
        repeat {
            let arguments = ["-p", "\(port)", "-c", "10", "-n", "5000", "-q"] + command
            let run = try await Program.run("/usr/bin/redis-benchmark", arguments, seconds: 300)
            guard run.exit == 0, run.error == "", !run.output.contains("rror") else { return "\(run)" }
        } while !ending.isOver.withLock { $0 }
        return nil
    }

    private static func expect(
        _ client: [String], _ command: String, _ answer: String, where isExpected: Bool
    ) async throws {
        if isExpected { try await expect(client, command, answer) }
    }

    /// One command by redis-cli, split by the shell, and its answer; nil where any success will do.
    private static func expect(_ client: [String], _ command: String, _ answer: String?) async throws {
        let words = client.joined(separator: " ")
        let run = try await Program.run("/bin/sh", ["-c", "exec redis-cli \(words) \(command)"])
        #expect(run.exit == 0, "\(command): \(run)")
        if let answer { #expect(run.output.trimmingCharacters(in: .whitespacesAndNewlines) == answer, "\(command)") }
    }

    /// redis-benchmark with 50 connections, again and again until it is stopped; bounded.
    private final class Load: Sendable {
        private let port: UInt16
        private let isStopping = Mutex(false)

        init(port: UInt16) { self.port = port }

        func stop() { isStopping.withLock { $0 = true } }

        /// What it complained of; nil where all went well.
        func run() async throws -> String? {
            for _ in 0..<1000 where !isStopping.withLock({ $0 }) && !Task.isCancelled {
                let run = try await Program.run(
                    "/usr/bin/redis-benchmark",
                    ["-p", "\(port)", "-c", "50", "-n", "20000", "-t", "set,get,incr", "--csv"], seconds: 300)
                // A head and one row for each test; it ends with 1 at the first connection that is reset.
                let rows = run.output.split(separator: "\n")
                let isRight = run.exit == 0 && run.error == "" && rows.count == 4 && !run.output.contains("rror")
                guard isRight else { return "\(run)" }
            }
            return nil
        }

        /// Returns once its connections are there: the next round begins by itself where one has just ended.
        func untilConnected() async throws {
            for _ in 0..<1000 {
                let run = try await Program.run("/usr/bin/redis-cli", ["-p", "\(port)", "INFO", "clients"])
                let line = run.output.split(whereSeparator: \.isNewline).first { $0.hasPrefix("connected_clients:") }
                if let count = line?.split(separator: ":").last.flatMap({ Int($0) }), count > 50 { return }
            }
            throw Unexpected("redis-benchmark did not connect")
        }
    }
}
