import Terms
import WorkerKit

/// Counts.
@main struct Counter: TermServer {
    static var vsn: Term { .string("1.0.0") }

    var state: Term

    init(arguments: [Term], context: WorkerContext) { state = 0 }
    init(state: Term, context: WorkerContext) { self.state = state }

    mutating func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        guard let count = state.asInt, let step = request.asInt else {
            throw WorkerError("badarg", "expected Number, found \(request)")
        }
        state = .integer(count + step)
        return .reply(state)
    }

    static func main() { WorkerMain.run(Counter.self) }
}
