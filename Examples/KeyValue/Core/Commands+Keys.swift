extension Command {
    /// Commands on keys, whatever their values.
    static var keys: [Command] {
        [
            Command("del", arity: -2, flags: ["write"], keys: .all) { store, call, reply in
                var removed: Int64 = 0
                for key in call.arguments.dropFirst() where store.remove(key, now: call.now) { removed += 1 }
                reply.integer(removed)
            },
            Command("exists", arity: -2, flags: ["readonly", "fast"], keys: .all) { store, call, reply in
                var found: Int64 = 0
                for key in call.arguments.dropFirst() where store.value(of: key, now: call.now) != nil { found += 1 }
                reply.integer(found)
            },
            Command("keys", arity: 2, flags: ["readonly", "sort_for_script"]) { store, call, reply in
                let keys = store.keys(matching: call.arguments[1], now: call.now)
                reply.array(keys.count)
                for key in keys { reply.bulk(key) }
            },
            Command("dbsize", arity: 1, flags: ["readonly", "fast"]) { store, _, reply in
                reply.integer(Int64(store.count))
            },
            Command("flushall", arity: -1, flags: ["write"]) { (store, call, reply) throws(CommandError) in
                guard call.arguments.count <= 2 else { throw .syntax }
                if call.arguments.count == 2 {
                    let mode = call.arguments[1].lowercased.text
                    guard mode == "async" || mode == "sync" else { throw .syntax }
                }
                store.removeAll()
                reply.simple("OK")
            },
        ]
    }
}
