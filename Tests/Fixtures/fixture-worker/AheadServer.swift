import Terms
import WorkerKit

/// A worker of the simplest kind, whose state is copied ahead because it is a term.
///
/// Its state is `[Conversion..., Entry...]` as it came over, newest first. Calls: `{put, Term}`, `state`, `{later, Ms}` (puts
/// `late` then), `starts` (how often a state was taken over in this process).
struct AheadServer: TermServer {
    static var vsn: Term { .string(FixturePlace.vsn) }
    nonisolated(unsafe) private static var starts = 0

    var state: Term

    init(arguments: [Term], context: WorkerContext) {
        state = .list([])
        for name in context.listeningSockets.keys { _ = try? context.serve(socket: name, with: Silent()) }
    }

    init(state: Term, context: WorkerContext) throws {
        self.state = state
        Self.starts += 1
        for name in context.listeningSockets.keys { _ = try context.serve(socket: name, with: Silent()) }
    }

    mutating func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        let fields = request.asTuple ?? [request]
        switch fields[0].asAtom?.name {
        case "put": put(fields[1])
        case "state": return .reply(state)
        case "starts": return .reply(.integer(Self.starts))
        case "later": context.schedule(afterMilliseconds: fields[1].asInt ?? 0, message: .atom("late"))
        default: throw WorkerError("bad_request", "\(request)")
        }
        return .reply(.ok)
    }

    mutating func handleInfo(_ message: Term, context: WorkerContext) -> CastResult {
        put(message)
        return .noReply
    }

    private mutating func put(_ entry: Term) { state = .list([entry] + (state.asList ?? [])) }

    static func codeChange(from vsn: FromVsn, state: Term, extra: Term) throws -> Term {
        .list([.atom("up")] + (state.asList ?? []))
    }

    func codeChange(downTo vsn: Term, extra: Term) -> Term { .list([.atom("down")] + (state.asList ?? [])) }

    /// Says nothing to its clients.
    private final class Silent: ConnectionHandler {
        func receive(
            _ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]
        ) -> Int { input.count }
    }
}
