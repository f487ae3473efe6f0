import Terms
import WorkerKit

/// What the node and `releasectl call` can ask, besides what clients can:
///
/// | request | answer |
/// |---|---|
/// | `dbsize` | the number of keys |
/// | `{get, Key}` | `{ok, Value}` or `undefined` |
/// | `{set, Key, Value}` | `ok` |
/// | `info` | a map |
///
/// Keys and values are binaries or strings; values are answered as binaries.
extension RedisHandler {
    func answer(_ request: Term) -> Term {
        if request == .atom("dbsize") { return .integer(executor.store.count) }
        if request == .atom("info") {
            return .map([
                .atom("keys"): .integer(executor.store.count),
                .atom("expires"): .integer(executor.store.expiringCount),
                .atom("generation"): .integer(context.generation),
                .atom("release"): .text(context.release),
            ])
        }
        switch (request.asTuple?.first?.asAtom?.name, request.asTuple?.dropFirst().map(RedisHandler.bytes)) {
        case ("get", let arguments?):
            guard arguments.count == 1, let key = arguments[0] else { return badArgument(request) }
            guard let value = executor.store.value(of: key, now: wallClockMilliseconds()) else { return .undefined }
            return .tuple([.ok, .binary(value.array)])
        case ("set", let arguments?):
            guard arguments.count == 2, let key = arguments[0], let value = arguments[1] else {
                return badArgument(request)
            }
            executor.store.set(key, to: value)
            return .ok
        case _:
            return .tuple([.atom("error"), .tuple([.atom("unknown_call"), request])])
        }
    }

    private func badArgument(_ request: Term) -> Term {
        .tuple([.atom("error"), .tuple([.atom("badarg"), request])])
    }

    private static func bytes(_ term: Term) -> Bytes? {
        if let binary = term.asBinary { return Bytes(binary) }
        return term.asString.map { Bytes($0) }
    }
}
