import Dispatch
import Synchronization

/// What is done by all processors at once while the caller waits for it.
public enum Processors {
    /// What `work` makes of each item, in their order. It takes no longer than the longest needs, and blocks the thread for as long.
    public static func map<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ work: @Sendable (Item) -> Value
    ) -> [Value] {
        let results = Mutex([Value?](repeating: nil, count: items.count))
        DispatchQueue.concurrentPerform(iterations: items.count) { index in
            let value = work(items[index])
            results.withLock { $0[index] = value }
        }
        return results.withLock { $0 }.compactMap(\.self)
    }
}
