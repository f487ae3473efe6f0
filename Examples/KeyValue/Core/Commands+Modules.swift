import Terms
import WorkerKit

/// Commands whose work is done by functional modules: libraries of the release that an upgrade replaces under the server.
extension Command {
    static var modules: [Command] {
        [
            // As in Redis a drawing and a version; by kv_lolwut, in C.
            Command("lolwut", arity: -1, flags: ["readonly", "fast"]) { (_, call, reply) throws(CommandError) in
                let width = call.arguments.dropFirst().prefix(1).map { Term.binary($0.array) }
                reply.bulk(try call.ask("kv_lolwut", "lolwut", width))
            },
            // TRANSFORM key step [step ...]: the value after these steps; by kv_transform, in Swift.
            Command("transform", arity: -3, flags: ["readonly"], keys: .one) {
                (store, call, reply) throws(CommandError) in
                guard let value = store.value(of: call.arguments[1], now: call.now) else { return reply.null() }
                let steps = call.arguments.dropFirst(2).map { Term.binary($0.lowercased.array) }
                reply.bulk(try call.ask("kv_transform", "transform", [.binary(value.array), .list(steps)]))
            },
        ]
    }
}

extension Invocation {
    /// What a function of a module answers, which is a binary.
    fileprivate func ask(_ module: Atom, _ function: String, _ arguments: [Term]) throws(CommandError) -> Bytes {
        guard let modules else { throw .module(module.name, "no functional modules here") }
        do {
            guard let answer = try modules[module].call(function, arguments).asBinary else {
                throw WorkerError("bad_answer", "no binary")
            }
            return Bytes(answer)
        } catch {
            throw .module(module.name, "\(error)")
        }
    }
}
