import Terms
import WorkerKit

/// Sends each line back to the client that sent it. Clients stay connected while the code changes.
@main struct Echo: GenServer {
    static var vsn: Term { .string("1.0.0") }

    let lines: Lines

    init(arguments: [Term], context: WorkerContext) throws {
        try self.init(count: 0, context: context)
    }

    private init(count: Int, context: WorkerContext) throws {
        lines = Lines(count: count)
        try context.serve(socket: "echo", with: lines)
    }

    mutating func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        guard request == .atom("count") else { throw WorkerError("badarg", "expected count, found \(request)") }
        return .reply(.integer(lines.count))
    }

    func exportState(into writer: inout ExternalTermWriter) {
        writer.integer(lines.count)
    }

    static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> Echo {
        try Echo(count: state.integer(), context: context)
    }

    static func main() { WorkerMain.run(Echo.self) }
}

/// What all connections share.
final class Lines: ConnectionHandler {
    private(set) var count: Int

    init(count: Int) { self.count = count }

    func receive(_ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]) -> Int {
        guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else { return 0 }
        output.append(contentsOf: input[...end])
        count += 1
        return end + 1
    }
}
