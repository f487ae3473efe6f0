import Terms
import WorkerKit

/// Counts. 1.0.0's state was the bare number; 2.0.0 also remembers who counted last.
@main struct Counter: TermServer {
    static var vsn: Term { .string("2.0.0") }

    var state: Term

    init(arguments: [Term], context: WorkerContext) { state = .tuple([0, .atom("nobody")]) }
    init(state: Term, context: WorkerContext) { self.state = state }

    mutating func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        guard case .tuple(let count) = state, case .tuple(let add) = request, add.count == 2,
            let old = count[0].asInt, let step = add[0].asInt
        else { throw WorkerError("badarg", "expected {Number, Who}, found \(request)") }
        state = .tuple([.integer(old + step), add[1]])
        return .reply(.integer(old + step))
    }

    static func codeChange(from vsn: FromVsn, state: Term, extra: Term) -> Term { .tuple([state, .atom("nobody")]) }
    func codeChange(downTo vsn: Term, extra: Term) -> Term { state.asTuple?[0] ?? 0 }

    static func main() { WorkerMain.run(Counter.self) }
}
