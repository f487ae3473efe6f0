import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// Whoever may look only and asks on and on is in nobody's way: neither of who asks, nor of what the log has to say.
@Suite(.timeLimit(.minutes(15)), .enabled(if: geteuid() == 0, "other users can be had by root only"))
struct ReaderLoopTests {
    /// Asks so often on one connection, as fast as it is answered.
    private static let loop = """
        import socket, sys
        path, request, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        for _ in range(count):
            client.sendall(f"{request} HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 0\\r\\n\\r\\n".encode())
            answer = b""
            while b"\\r\\n\\r\\n" not in answer:
                answer += client.recv(65536)
            head, _, body = answer.partition(b"\\r\\n\\r\\n")
            length = int([line.split(b":")[1] for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length")][0])
            while len(body) < length:
                body += client.recv(65536)
        """

    private static let user = ["--reuid=65534", "--regid=65534", "--clear-groups"]

    private static func asks(_ request: String, _ count: Int, _ daemon: EndToEndDaemon) async throws {
        let command = ["/usr/bin/python3", "-c", loop, daemon.controlSocket, request, "\(count)"]
        let run = try await Program.run("/usr/bin/setpriv", user + command)
        try #require(run.exit == 0, "\(run)")
    }

    private static func root(_ children: String = TestRoot.oneCounter) throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", children: children)
        try root.register(["1.0.0"])
        chmod(root.directory, 0o755)
        return root
    }

    /// Each is in the audit log, and yet there are but a few lines; so over a re-execution, and at the end.
    @Test func refusedChangesAreSummedUpAndNoneIsLost() async throws {
        let root = try Self.root()
        defer { root.remove() }
        let ended = try await EndToEndDaemon.untilItsEnd(on: root) { daemon in
            try await Self.asks("POST /v1/releases/9/make-permanent", 140, daemon)
            try await daemon.ask("reexec")
            #expect(Self.audit(daemon).map(\.count).reduce(0, +) == 140, "\(daemon.program.complained)")
            try await Self.asks("POST /v1/releases/9/make-permanent", 5, daemon)
            daemon.program.signal(SIGTERM)
            _ = try await daemon.program.ended()
            return Self.audit(daemon)
        }
        #expect(ended.value.map(\.count).reduce(0, +) == 145, "\(ended.value)")
        #expect(ended.value.count == 4, "two beginnings, two sums: \(ended.value)")
        #expect(ended.value.allSatisfy { $0.line.hasSuffix("AUDIT=make-permanent UID=65534") }, "\(ended.value)")
    }

    /// The lines of what was refused, and how many changes each stands for.
    private static func audit(_ daemon: EndToEndDaemon) -> [(line: String, count: Int)] {
        daemon.program.complained.split(separator: "\n").map(String.init).filter { $0.contains("UID=65534") }.map {
            line in
            let words = line.split(separator: " ")
            let number = words.firstIndex(of: "refused").flatMap { Int(words[$0 + 1]) }
            return (line, number ?? 1)
        }
    }

    // MARK: Workers

    /// A worker that asks for what it may not is told as whom it is known, and so is whoever reads the log.
    @Test func aWorkerIsKnownAsSuch() async throws {
        let root = try TestRoot()
        let (client, control) = ("\(root.directory)/releasectl", "\(root.directory)/control.sock")
        try ProgramFile.put(Releasectl.path, at: client)
        chmod(client, 0o755)
        func asking(_ user: String) -> String {
            // Its own process has become another one's by then: it is known by its process group.
            "start => {os, start, [\"/bin/sh\", \"-c\", \"\(client) --socket \(control) remove-release 9; exec sleep 1000\"]}\(user)"
        }
        try root.install(vsn: "1.0.0")
        try root.release(
            "1.0.0",
            children: """
                [#{id => nobody, \(asking(", user => \"nobody\""))}, #{id => root, \(asking(""))},
                 #{id => bound, \(asking(", capabilities => []"))}, #{id => nnp, \(asking(", no_new_privs => true"))}]
                """)
        try root.register(["1.0.0"])
        chmod(root.directory, 0o755)
        try await EndToEndDaemon.with(root) { daemon in
            func line(_ text: String) async throws -> String {
                while true {
                    if let line = daemon.program.complained.split(separator: "\n").first(where: { $0.contains(text) }) {
                        return String(line)
                    }
                    await Task.yield()
                }
            }
            let refused = try await line("AUDIT=remove-release PEER_WORKER=fix/fix_sup/nobody UID=65534")
            #expect(refused.contains("(worker fix/fix_sup/nobody): forbidden"), "\(refused)")
            #expect(refused.contains("user 65534 (worker fix/fix_sup/nobody) may not change things here"), "\(refused)")
            // Root's right is not in question, and yet it is told whose process it was.
            let asRoot = try await line("(worker fix/fix_sup/root): no_such_release")
            #expect(asRoot.contains("PEER_WORKER=fix/fix_sup/root UID=0"), "\(asRoot)")
            // One that is confined would start others that are not.
            for name in ["bound", "nnp"] {
                let refused = try await line("AUDIT=remove-release PEER_WORKER=fix/fix_sup/\(name) UID=0")
                #expect(
                    refused.contains("user 0 (worker fix/fix_sup/\(name)) may not change things here"), "\(refused)")
                #expect(refused.contains("belongs to this service and is confined"), "\(refused)")
            }
            // Anybody of that user, and of root nobody else.
            let other = try await Program.run(
                "/usr/bin/setpriv", Self.user + [client, "--socket", control, "make-permanent", "9"])
            #expect(
                other.error.contains("user 65534 (the user of worker fix/fix_sup/nobody) may not change"), "\(other)")
            _ = try await daemon.releasectl("make-permanent", "8")
            let byHand = try await line("make-permanent 8 by uid=0")
            #expect(!byHand.contains("worker"), "\(byHand)")
        }
    }
}
