import ArgumentParser
import BarrierTool
import Glibc
import Host
import ReleaseHandling
import Terms

/// What the daemon runs for `sync_nodes` where the release's `sys.config` names no other program.
struct Barrier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "barrier",
        abstract: "Wait until other nodes of this machine are at the same point of their upgrades.",
        discussion: """
            The daemon runs it for an instruction {sync_nodes, Id, Nodes}. It reads {sync_nodes, Id, Node, Nodes, Options}. from \
            standard input, answers ok. or {error, Reason}., and watches the nodes until the end of its input: \
            docs/nodes.md. It asks no daemon.
            """)

    @Option(
        help: ArgumentHelp(
            "Where the nodes of this machine are registered (default: \(NodeDirectory.variable), else \(NodeDirectory.standardPath)).",
            valueName: "path"))
    var nodesDirectory: String?

    func run() async throws {
        let input = BarrierInput()
        guard let line = input.line(),
            let term = try? TermText.parseTerm(line.hasSuffix(".") ? String(line.dropLast()) : line),
            let request = BarrierRequest(term)
        else {
            throw Failure(
                .usage, "barrier: standard input has no {sync_nodes, Id, Node, Nodes, Options}.",
                advice: "The daemon runs it; see docs/nodes.md for its protocol.")
        }
        let directory = NodeDirectory(nodesDirectory ?? Self.variable ?? NodeDirectory.standardPath)
        do {
            try await Self.meet(request, directory, input)
        } catch {
            throw Failure(.failure, "barrier: \(error)")
        }
    }

    private static var variable: String? {
        getenv(NodeDirectory.variable).flatMap { $0.pointee == 0 ? nil : String(cString: $0) }
    }

    /// Returns when all is said.
    @HostActor
    private static func meet(
        _ request: BarrierRequest, _ directory: NodeDirectory, _ input: BarrierInput
    ) async throws {
        let tool = BarrierTool(request, in: directory) { Terminal.standardOutput.write(bytes: Array($0.line.utf8)) }
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        try tool.start { continuation.finish() }
        let watch = try Reactor.shared.watch(STDIN_FILENO, .read) { _ in
            if input.hasEnded() { tool.inputEnded() }
        }
        for await _ in ended {}
        watch.cancel()
    }
}

/// Standard input, read without a buffer of the C library's.
final class BarrierInput: Sendable {
    /// The first line; nil where there is none of a size that a request may have.
    func line() -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < Self.lineBytes {
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(validating: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }

    /// Whether it is over; what comes behind the request means nothing. Only where something can be read.
    func hasEnded() -> Bool {
        var room = [UInt8](repeating: 0, count: 4_096)
        return read(STDIN_FILENO, &room, room.count) == 0
    }

    private static let lineBytes = 64 * 1024
}
