import Glibc
import Terms
import WorkerKit

/// A worker that does what a golden trace says of its starts, and writes down what it does.
///
/// Arguments: `{trace, Directory, Name, Plan}`, and under `simple_one_for_one` the name to take in place of Name. Each
/// event is a line `Term.` at the end of `Directory/log`; the starts of a name are counted in `Directory/starts-NAME`.
/// Call `{exit, Reason}`: it ends by itself.
final class TracedServer: TermServer {
    static let vsn: Term = .string("1.0.0")

    let state: Term = .nil
    private let directory: String
    private let name: Term
    private let count: Int
    private var endsByItself = false

    init(arguments: [Term], context: WorkerContext) throws {
        guard let trace = arguments.first?.asTuple, trace.count == 4, let directory = trace[1].asText,
            let plan = trace[3].asList, let last = arguments.last
        else { throw WorkerError("bad_argument", "\(arguments)") }
        self.directory = directory
        name = arguments.count > 1 ? last : trace[2]
        count = Self.append("start\n", to: "\(directory)/starts-\(name)") / "start\n".utf8.count
        let outcome = count <= plan.count ? plan[count - 1] : .ok
        if outcome == .atom("ignore") {
            note("ignored")
            throw StartIgnored()
        }
        if let failure = outcome.asTuple {
            note("start_failed")
            throw WorkerError(failure[1])
        }
        note("started")
    }

    init(state: Term, context: WorkerContext) throws { throw WorkerError("not_supported", "no handoff") }

    func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        guard let exit = request.asTuple, exit.count == 2 else { throw WorkerError("badarg", "\(request)") }
        note("exited", exit[1])
        endsByItself = true
        return .stop(reason: exit[1], reply: .ok)
    }

    func terminate(reason: Term, context: WorkerContext) {
        if !endsByItself { note("terminated", reason) }
    }

    private func note(_ what: Atom, _ reason: Term? = nil) {
        let event = Term.tuple([.atom(what), name, .integer(count)] + (reason.map { [$0] } ?? []))
        _ = Self.append("\(event).\n", to: "\(directory)/log")
    }

    /// Returns how many bytes the file has then.
    private static func append(_ text: String, to path: String) -> Int {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { trap() }
        return Int(lseek(descriptor, 0, SEEK_END))
    }
}
