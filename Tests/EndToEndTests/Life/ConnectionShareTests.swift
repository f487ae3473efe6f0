import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// Who may not change things is in nobody's way who may.
@Suite(.timeLimit(.minutes(15)), .enabled(if: geteuid() == 0, "other users can be had by root only"))
struct ConnectionShareTests {
    /// Opens that many connections, asks on each, says how many were answered with which status, and holds them. One that is turned away may
    /// be told nothing.
    private static let stranger = """
        import collections, socket, sys
        path, count = sys.argv[1], int(sys.argv[2])
        held, said = [], collections.Counter()
        for _ in range(count):
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            try:
                client.sendall(sys.argv[3].encode() + b" HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 0\\r\\n\\r\\n")
                answer = client.recv(65536)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            said[answer.split()[1].decode() if answer else "none"] += 1
            held.append(client)
        print(" ".join(f"{status}:{said[status]}" for status in sorted(said)), flush=True)
        sys.stdin.read()
        """

    private static func strangers(
        _ uid: Int, _ count: Int, _ daemon: EndToEndDaemon, asking request: String = "GET /v1/status",
        _ body: @Sendable (String) async throws -> Void
    ) async throws {
        let user = ["--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"]
        let command = ["/usr/bin/python3", "-c", stranger, daemon.controlSocket, "\(count)", request]
        try await Program.with("/usr/bin/setpriv", user + command, streaming: .output) { program in
            try await body(try #require(try await program.line()))
            program.signal(SIGTERM)
            try await program.ended()
        }
    }

    private static func root(connections: Int) throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", config: "[{release_handler, [{control_connections, \(connections)}]}].")
        try root.register(["1.0.0"])
        chmod(root.directory, 0o755)
        return root
    }

    @Test func aUserHasAShareAndRootTheRest() async throws {
        let root = try Self.root(connections: 16)
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.strangers(65_534, 40, daemon) { said in
                #expect(said == "200:2 503:2 none:36", "one user's share of 16")
                try await Self.strangers(65_533, 3, daemon) { said in
                    #expect(said == "200:2 none:1", "another one has its own")
                    // Root has all that is left, and is answered.
                    let open = try (0..<9).map { _ in try RawHTTP(path: daemon.controlSocket) }
                    for http in open {
                        try http.send("GET", "/v1/status")
                        #expect(try http.answer().status == 200)
                    }
                    #expect(try await daemon.status().release == "1.0.0")
                    // They go along, and count, over a re-execution.
                    try await daemon.ask("reexec")
                    try await Self.strangers(65_533, 1, daemon) { said in #expect(said == "503:1") }
                }
            }
            try await Self.strangers(65_534, 1, daemon) { said in #expect(said == "200:1", "once they are closed") }
        }
    }

    /// A change that is asked for is in the audit log, whatever it is refused for.
    @Test func whatIsRefusedForItIsAudited() async throws {
        let root = try Self.root(connections: 8)
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.strangers(65_534, 1, daemon) { said in
                #expect(said == "200:1")
                let change = "POST /v1/releases/9/make-permanent"
                try await Self.strangers(65_534, 1, daemon, asking: change) { said in #expect(said == "503:1") }
                while !daemon.program.complained.contains("AUDIT=make-permanent UID=65534") { await Task.yield() }
            }
        }
    }

    @Test func theAnswerSaysWhatToDo() async throws {
        let root = try Self.root(connections: 8)
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.strangers(65_534, 1, daemon) { said in
                #expect(said == "200:1")
                let user = ["--reuid=65534", "--regid=65534", "--clear-groups"]
                let client = try await Program.run(
                    "/usr/bin/setpriv",
                    user + ["curl", "-s", "--unix-socket", daemon.controlSocket, "http://x/v1/status"])
                let sentence = "user 65534 has 1 connections here, as many as one may: close one of them"
                #expect(client.output.contains(sentence), "\(client)")
            }
        }
    }
}
