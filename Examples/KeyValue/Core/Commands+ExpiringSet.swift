extension Command where Store == StoreV2 {
    /// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`.
    static var expiringSet: Command {
        Command("set", arity: -3, flags: ["write", "denyoom"], keys: .one) {
            (store, call, reply) throws(CommandError) in
            let options = try SetOptions(call)
            let key = call.arguments[1]
            let old = store.value(of: key, now: call.now)
            let sets = options.condition?.holds(exists: old != nil) ?? true
            if sets {
                switch options.expiry {
                case .keep:
                    store.update(key, to: call.arguments[2])
                case .none:
                    store.set(key, to: call.arguments[2])
                case .at(let expiresAt):
                    store.set(key, to: call.arguments[2])
                    store.setExpiry(of: key, to: expiresAt)
                }
            }
            if options.answersOldValue {
                reply.bulkOrNull(old)
            } else if sets {
                reply.simple("OK")
            } else {
                reply.null()
            }
        }
    }
}

/// The options of SET, checked against each other.
struct SetOptions {
    enum Expiry {
        case none
        case keep
        case at(Int64)
    }

    private(set) var condition: SetCondition?
    private(set) var expiry = Expiry.none
    private(set) var answersOldValue = false

    init(_ call: borrowing Invocation) throws(CommandError) {
        var index = 3
        while index < call.arguments.count {
            let option = call.arguments[index].lowercased
            index += 1
            if let named = SetCondition(option) {
                guard condition == nil else { throw .syntax }
                condition = named
                continue
            }
            switch option.text {
            case "get": answersOldValue = true
            case "keepttl":
                guard case .none = expiry else { throw .syntax }
                expiry = .keep
            case "ex": try setExpiry(call, &index, .seconds)
            case "px": try setExpiry(call, &index, .milliseconds)
            case "exat": try setExpiry(call, &index, .unixSeconds)
            case "pxat": try setExpiry(call, &index, .unixMilliseconds)
            default: throw .syntax
            }
        }
    }

    private mutating func setExpiry(
        _ call: borrowing Invocation, _ index: inout Int, _ unit: ExpiryUnit
    ) throws(CommandError) {
        guard case .none = expiry, index < call.arguments.count else { throw .syntax }
        let amount = try call.integer(at: index)
        index += 1
        guard amount > 0, let expiresAt = unit.absolute(amount, now: call.now) else {
            throw .invalidExpireTime(of: "set")
        }
        expiry = .at(expiresAt)
    }
}
