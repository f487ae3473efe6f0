extension Command {
    /// Commands on values.
    static var strings: [Command] {
        [
            Command("get", arity: 2, flags: ["readonly", "fast"], keys: .one) { store, call, reply in
                reply.bulkOrNull(store.value(of: call.arguments[1], now: call.now))
            },
            Command("mget", arity: -2, flags: ["readonly", "fast"], keys: .all) { store, call, reply in
                reply.array(call.arguments.count - 1)
                for key in call.arguments.dropFirst() {
                    reply.bulkOrNull(store.value(of: key, now: call.now))
                }
            },
            Command("mset", arity: -3, flags: ["write", "denyoom"], keys: .pairs) {
                (store, call, reply) throws(CommandError) in
                guard call.arguments.count % 2 == 1 else { throw .wrongNumberOfArguments(of: "mset") }
                for index in stride(from: 1, to: call.arguments.count, by: 2) {
                    store.set(call.arguments[index], to: call.arguments[index + 1])
                }
                reply.simple("OK")
            },
            Command("incr", arity: 2, flags: ["write", "denyoom", "fast"], keys: .one) {
                (store, call, reply) throws(CommandError) in
                try increment(&store, call, by: 1, &reply)
            },
            Command("incrby", arity: 3, flags: ["write", "denyoom", "fast"], keys: .one) {
                (store, call, reply) throws(CommandError) in
                try increment(&store, call, by: try call.integer(at: 2), &reply)
            },
        ]
    }

    /// A key that is not there counts from 0; an expiry stays.
    private static func increment(
        _ store: inout Store, _ call: borrowing Invocation, by amount: Int64, _ reply: inout RESPReply
    ) throws(CommandError) {
        let key = call.arguments[1]
        var value: Int64 = 0
        if let stored = store.value(of: key, now: call.now) {
            guard let integer = stored.integer else { throw .notAnInteger }
            value = integer
        }
        let (sum, overflowed) = value.addingReportingOverflow(amount)
        guard !overflowed else { throw .overflow }
        store.update(key, to: Bytes(sum))
        reply.integer(sum)
    }

    /// `SET key value [NX | XX]`, all that 1.0.0 takes.
    static var plainSet: Command {
        Command("set", arity: -3, flags: ["write", "denyoom"], keys: .one) {
            (store, call, reply) throws(CommandError) in
            var condition: SetCondition?
            for option in call.arguments.dropFirst(3) {
                guard condition == nil, let named = SetCondition(option.lowercased) else { throw .syntax }
                condition = named
            }
            let key = call.arguments[1]
            if let condition {
                guard condition.holds(exists: store.value(of: key, now: call.now) != nil) else {
                    reply.null()
                    return
                }
            }
            store.set(key, to: call.arguments[2])
            reply.simple("OK")
        }
    }
}

/// When SET sets.
enum SetCondition: Sendable {
    case ifAbsent
    case ifPresent

    init?(_ lowercased: Bytes) {
        switch lowercased.text {
        case "nx": self = .ifAbsent
        case "xx": self = .ifPresent
        default: return nil
        }
    }

    func holds(exists: Bool) -> Bool {
        switch self {
        case .ifAbsent: !exists
        case .ifPresent: exists
        }
    }
}
