/// The unit and the origin of an expiry argument.
enum ExpiryUnit: Sendable {
    case seconds, milliseconds, unixSeconds, unixMilliseconds

    /// The absolute time in ms, nil where it can't be represented.
    func absolute(_ amount: Int64, now: Int64) -> Int64? {
        let inMilliseconds: (partialValue: Int64, overflow: Bool)
        switch self {
        case .seconds, .unixSeconds: inMilliseconds = amount.multipliedReportingOverflow(by: 1000)
        case .milliseconds, .unixMilliseconds: inMilliseconds = (amount, false)
        }
        guard !inMilliseconds.overflow else { return nil }
        switch self {
        case .unixSeconds, .unixMilliseconds: return inMilliseconds.partialValue
        case .seconds, .milliseconds:
            let (sum, overflow) = inMilliseconds.partialValue.addingReportingOverflow(now)
            return overflow ? nil : sum
        }
    }
}

extension Command where Store == StoreV2 {
    /// The commands that 2.0.0 adds.
    static var expiry: [Command] {
        [
            Command("ttl", arity: 2, flags: ["readonly", "fast"], keys: .one) { store, call, reply in
                reply.integer(timeToLive(&store, call) { ($0 + 500) / 1000 })
            },
            Command("pttl", arity: 2, flags: ["readonly", "fast"], keys: .one) { store, call, reply in
                reply.integer(timeToLive(&store, call) { $0 })
            },
            Command("expire", arity: -3, flags: ["write", "fast"], keys: .one) {
                (store, call, reply) throws(CommandError) in
                try expire(&store, call, "expire", .seconds, &reply)
            },
            Command("pexpire", arity: -3, flags: ["write", "fast"], keys: .one) {
                (store, call, reply) throws(CommandError) in
                try expire(&store, call, "pexpire", .milliseconds, &reply)
            },
            Command("persist", arity: 2, flags: ["write", "fast"], keys: .one) { store, call, reply in
                let key = call.arguments[1]
                guard case .some(.some) = store.expiry(of: key, now: call.now) else {
                    reply.integer(0)
                    return
                }
                store.setExpiry(of: key, to: nil)
                reply.integer(1)
            },
        ]
    }

    /// -2: no such key; -1: it does not expire.
    private static func timeToLive(
        _ store: inout StoreV2, _ call: borrowing Invocation, _ rounded: (Int64) -> Int64
    ) -> Int64 {
        switch store.expiry(of: call.arguments[1], now: call.now) {
        case nil: -2
        case .some(nil): -1
        case .some(.some(let expiresAt)): rounded(expiresAt - call.now)
        }
    }

    /// `EXPIRE key seconds [NX | XX | GT | LT]`; a time that has passed deletes the key.
    private static func expire(
        _ store: inout StoreV2, _ call: borrowing Invocation, _ name: String, _ unit: ExpiryUnit,
        _ reply: inout RESPReply
    ) throws(CommandError) {
        let amount = try call.integer(at: 2)
        guard let expiresAt = unit.absolute(amount, now: call.now) else { throw .invalidExpireTime(of: name) }
        let condition = try ExpireCondition(call.arguments.dropFirst(3))
        let key = call.arguments[1]
        guard let current = store.expiry(of: key, now: call.now), condition.holds(current, expiresAt) else {
            reply.integer(0)
            return
        }
        if expiresAt <= call.now {
            _ = store.remove(key, now: call.now)
        } else {
            store.setExpiry(of: key, to: expiresAt)
        }
        reply.integer(1)
    }
}

/// When EXPIRE sets.
struct ExpireCondition {
    private var nx = false
    private var xx = false
    private var gt = false
    private var lt = false

    init(_ options: ArraySlice<Bytes>) throws(CommandError) {
        for option in options {
            switch option.lowercased.text {
            case "nx": nx = true
            case "xx": xx = true
            case "gt": gt = true
            case "lt": lt = true
            default: throw .unsupportedOption(option)
            }
        }
        guard !nx || !(xx || gt || lt) else { throw .expiryOptions(.nxWithOthers) }
        guard !(gt && lt) else { throw .expiryOptions(.gtWithLt) }
    }

    /// A key that stays counts as one that expires after all others.
    func holds(_ current: Int64?, _ new: Int64) -> Bool {
        if nx, current != nil { return false }
        if xx, current == nil { return false }
        if gt { return current.map { new > $0 } ?? false }
        if lt { return current.map { new < $0 } ?? true }
        return true
    }
}
