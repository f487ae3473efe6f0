import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import TestSupport

/// `--http` of the real daemon.
@Suite(.timeLimit(.minutes(15))) struct PageDaemonTests {
    /// Where the daemon's log says that it is served.
    private static func port(_ daemon: EndToEndDaemon) async throws -> UInt16 {
        while true {
            let match = daemon.program.complained.matches(of: /may look at http:\/\/127\.0\.0\.1:([0-9]+)\//).last
            if let match, let port = UInt16(match.1) { return port }
            await Task.yield()
        }
    }

    private static func get(_ path: String, at port: UInt16) async throws -> RawHTTP.Answer {
        try await offPool {
            let http = try RawHTTP(port: port)
            try http.send("GET", path)
            return try http.answer()
        }
    }

    @Test func itIsServedOnAndOnThroughReexecutions() async throws {
        try await EndToEndDaemon.with(try .twoVersions(), options: ["--http", "127.0.0.1:0"]) { daemon in
            let port = try await Self.port(daemon)
            #expect(try await Self.get("/", at: port).text.contains("<title>release-handlerd</title>"))
            let idle = try await offPool { try RawHTTP(port: port) }
            for _ in 0..<2 {
                try await daemon.ask("reexec")
                let status = try await Self.get("/v1/status", at: port)
                #expect(try JSONDecoder().decode(NodeStatus.self, from: Data(status.body)).pid == daemon.program.pid)
            }
            // Who was connected comes again.
            #expect(try await offPool { try idle.isAtEnd() })
            let metrics = try MetricText(try await Self.get("/metrics", at: port).text, .openMetrics)
            #expect(metrics.value("release_handler_control_requests_total", ["interface": "http"]) ?? 0 >= 1)
            // Workers have none of its sockets.
            let pid = try #require(try await daemon.workers().first?.pid)
            let sockets = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)")
            }
            let inode = try Self.listeningInode(port)
            #expect(!sockets.contains("socket:[\(inode)]"))
        }
    }

    private static func listeningInode(_ port: UInt16) throws -> String {
        let lines = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n")
        let ending = ":" + String(port, radix: 16, uppercase: true)
        let line = lines.map { $0.split(separator: " ") }.first {
            $0.count > 9 && $0[1].hasSuffix(ending) && $0[3] == "0A"
        }
        let fields = try #require(line)
        return String(fields[9])
    }

    /// However many come, whoever may change things is served; and of those that come some stay for questions.
    @Test func whoComesHereIsInNobodysWay() async throws {
        try await EndToEndDaemon.with(try .twoVersions(), options: ["--http", "127.0.0.1:0"]) { daemon in
            let port = try await Self.port(daemon)
            let followers = try await offPool {
                try (0..<16).map { _ in
                    let http = try RawHTTP(port: port)
                    try http.send("GET", "/v1/events")
                    #expect(try http.head().status == 200)
                    return http
                }
            }
            #expect(try await Self.get("/v1/events", at: port).status == 503)
            #expect(try await Self.get("/v1/status", at: port).status == 200)
            let others = try await offPool { try (0..<60).map { _ in try RawHTTP(port: port) } }
            #expect(try await daemon.status().release == "1.0.0")
            let text = try MetricText(try await daemon.ask("metrics"), .openMetrics)
            #expect(text.value("release_handler_control_connections", ["interface": "http"]) ?? 0 <= 32)
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            #expect(followers.count + others.count == 76)
        }
    }

    /// Nor is anything told there that a worker says.
    @Test func whatWorkersSayIsNotToldHere() async throws {
        try await EndToEndDaemon.with(try .twoVersions(), options: ["--http", "127.0.0.1:0"]) { daemon in
            let port = try await Self.port(daemon)
            let http = try await offPool {
                let http = try RawHTTP(port: port)
                try http.send("GET", "/v1/events")
                #expect(try http.head().status == 200)
                return http
            }
            _ = try await daemon.call("{log, <<\"a secret word\">>}")
            let line = try await offPool { String(decoding: try http.chunk() ?? [], as: UTF8.self) }
            let event = try JSONDecoder().decode(NodeEvent.self, from: Data(line.utf8))
            #expect(event.kind == "log" && !line.contains("secret") && event.fields.isEmpty, "\(line)")
        }
    }

    @Test func aSocketThatIsAFile() async throws {
        let root = try TestRoot.twoVersions()
        let path = "\(root.directory)/page.sock"
        defer { root.remove() }
        try await EndToEndDaemon.again(on: root, options: ["--http", "unix:\(path)"]) { daemon in
            while !daemon.program.complained.contains("may look at unix:\(path)") { await Task.yield() }
            for _ in 0..<2 {
                let answer = try await offPool {
                    let http = try RawHTTP(path: path)
                    try http.send("GET", "/v1/tree")
                    return try http.answer()
                }
                #expect(answer.status == 200)
                // A stranger even where it is root.
                let change = try await offPool {
                    let http = try RawHTTP(path: path)
                    try http.send("POST", "/v1/reload", body: [])
                    return try http.answer()
                }
                #expect(change.status == 405)
                try await daemon.ask("reexec")
            }
        }
        #expect(access(path, F_OK) != 0, "it is removed")
    }

    @Test func whereItCanNotListenTheNodeGoesOnWithoutIt() async throws {
        let port = try ReservedPort.take()
        let taken = try ListeningSocket.bind("127.0.0.1:\(port)")
        try await EndToEndDaemon.with(try .twoVersions(), options: ["--http", "127.0.0.1:\(port)"]) { daemon in
            while !daemon.program.complained.contains("the page is not served at http://127.0.0.1:\(port)/") {
                await Task.yield()
            }
            #expect(try await daemon.status().state == .running)
            try await daemon.ask("reexec")
            #expect(try await daemon.status().state == .running)
        }
        withExtendedLifetime(taken) {}
    }

    @Test func anAddressThatOthersComeToIsRefused() async throws {
        let run = try await Program.run(EndToEndDaemon.path, ["--http", "0.0.0.0:8080"])
        #expect(run.exit == 64)
        #expect(run.error.contains("'0.0.0.0:8080' is no address that only this machine comes to"), "\(run.error)")
    }
}
