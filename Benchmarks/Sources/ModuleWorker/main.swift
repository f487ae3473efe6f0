import CModules
import Glibc
import Synchronization
import Terms
import WorkerKit

/// A worker whose threads call a functional module without pause, and which counts what they see. Its module is `bench`:
/// Benchmarks/modules/bench.c.
///
/// Arguments: `[Threads]`. Calls: `take`, what was seen since the last one, as a map; `{measure, Count}`, the nanoseconds that a call costs each way.
struct ModuleWorker: TermServer {
    static var vsn: Term { .string("1") }
    var state: Term { .nil }
    private let callers: [Caller]

    init(arguments: [Term], context: WorkerContext) throws {
        let count = arguments.first?.asInt ?? 4
        let function = try context.modules["bench"].function("version")
        callers = (0..<count).map { _ in Caller(function) }
    }

    init(state: Term, context: WorkerContext) throws { throw WorkerError("not_supported", "it is not handed off") }

    func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        if request == .atom("take") {
            let seen = callers.map { $0.take() }
            return .reply(
                .map([
                    .atom("calls"): .integer(seen.reduce(0) { $0 + $1.calls }),
                    .atom("failed"): .integer(seen.reduce(0) { $0 + $1.failed }),
                    .atom("mixed"): .integer(seen.reduce(0) { $0 + $1.mixed }),
                    .atom("changes"): .integer(seen.reduce(0) { $0 + $1.changes }),
                    .atom("longest_ns"): .integer(seen.map(\.longest).max() ?? 0),
                    .atom("longest_own_ns"): .integer(seen.map(\.longestOwn).max() ?? 0),
                    .atom("waits"): .integer(seen.reduce(0) { $0 + $1.waits }),
                ]))
        }
        if let fields = request.asTuple, fields.count == 2, fields[0] == .atom("measure"), let count = fields[1].asInt {
            return .reply(try CallCost.measure(count, context))
        }
        throw WorkerError(.tuple([.atom("bad_call"), request]))
    }
}

/// A thread that calls. What it has seen it puts down under a lock after each thousand calls.
private final class Caller: Sendable {
    struct Seen {
        var calls = 0
        /// Calls that threw.
        var failed = 0
        /// Calls that were in two versions.
        var mixed = 0
        /// How often the version was another than in the call before.
        var changes = 0
        /// The longest time between the ends of two calls.
        var longest = 0
        /// The same of those in which nobody else was given the thread's processor while it could have gone on.
        var longestOwn = 0
        /// How often it gave its processor up by itself, to wait for something, in calls.
        var waits = 0

        mutating func add(_ other: Seen) {
            calls += other.calls
            failed += other.failed
            mixed += other.mixed
            changes += other.changes
            longest = max(longest, other.longest)
            longestOwn = max(longestOwn, other.longestOwn)
            waits += other.waits
        }
    }

    /// From so many nanoseconds on it is looked what a gap was.
    private static let noted = 20_000

    private let function: ModuleFunction
    private let seen = Mutex(Seen())

    init(_ function: ModuleFunction) {
        self.function = function
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Caller>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
    }

    func take() -> Seen {
        seen.withLock { seen in
            defer { seen = Seen() }
            return seen
        }
    }

    private func run() {
        var last: Term?
        while true {
            var now = Seen()
            var switches = Switches()
            var ended = nanoseconds()
            for _ in 0..<1000 {
                now.calls += 1
                do {
                    let answer = try function.call()
                    if answer == .atom("mixed") { now.mixed += 1 }
                    if let last, last != answer { now.changes += 1 }
                    last = answer
                } catch {
                    now.failed += 1
                }
                let time = nanoseconds()
                let gap = time - ended
                ended = time
                now.longest = max(now.longest, gap)
                guard gap > Self.noted else { continue }
                let before = switches
                switches = Switches()
                now.waits += switches.own - before.own
                if switches.forced == before.forced { now.longestOwn = max(now.longestOwn, gap) }
                ended = nanoseconds()
            }
            seen.withLock { [now] in $0.add(now) }
        }
    }
}

/// How often a thread has left its processor.
private struct Switches {
    /// To wait.
    let own: Int
    /// For another thread, since its time was up.
    let forced: Int

    init() {
        var usage = rusage()
        // RUSAGE_THREAD, which Glibc has behind _GNU_SOURCE.
        getrusage(__rusage_who_t(1), &usage)
        own = usage.ru_nvcsw
        forced = usage.ru_nivcsw
    }
}

/// What a call costs beside one through a pointer, in the loader's own terms and in WorkerKit's.
private enum CallCost {
    static func measure(_ count: Int, _ context: WorkerContext) throws -> Term {
        // A loader of its own, for the pointers.
        guard let server = rhl_create(), let module = rhl_module_named(server, "bench") else {
            throw WorkerError(.atom("enomem"))
        }
        defer { rhl_destroy(server) }
        let path = context.environment["bench"]?.asText ?? ""
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var error = rhl_error()
        let identity = String(repeating: "0", count: 64)
        guard rhl_load(server, "bench", identity, descriptor, &error) == RHL_OK.rawValue else {
            throw WorkerError("bad_library", path)
        }
        let number = rhl_function_named(module, "nothing")
        var entry = rhl_entry()
        guard rhl_enter(module, number, &entry) == RHL_OK.rawValue, let function = entry.function else {
            throw WorkerError(.atom("undef"))
        }
        var call = rhm_call()
        let direct = time(count) { _ = function(&call) }
        rhl_leave(&entry)
        let external = time(count) {
            if rhl_enter(module, number, &entry) == RHL_OK.rawValue {
                _ = entry.function(&call)
                rhl_leave(&entry)
            }
        }
        let ours = try context.modules["bench"].function("nothing")
        let terms = time(count) { _ = try? ours.call() }
        return .map([
            .atom("direct_ns"): .float(direct), .atom("external_ns"): .float(external),
            .atom("terms_ns"): .float(terms),
        ])
    }

    private static func time(_ count: Int, _ body: () -> Void) -> Double {
        let began = nanoseconds()
        for _ in 0..<count { body() }
        return Double(nanoseconds() - began) / Double(count)
    }
}

private func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

WorkerMain.run(ModuleWorker.self)
