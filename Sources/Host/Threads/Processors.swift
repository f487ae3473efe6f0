import Dispatch
import Glibc
import Synchronization

/// What is done by all processors at once while the caller waits for it.
public enum Processors {
    /// Of this machine.
    public static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// Beside the caller's.
    public static let threads = WorkThreads(max(1, count - 1), name: "processors")

    /// What `work` makes of each item, in their order. It takes no longer than the longest needs, and blocks the thread for as long.
    public static func map<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) -> Value
    ) -> [Value] {
        let round = Round(items, work)
        for _ in 0..<min(count, items.count) - 1 { threads.run { round.help() } }
        return round.finish()
    }

    private final class Round<Item: Sendable, Value: Sendable>: Sendable {
        private struct State {
            var next = 0
            var open: Int
            var values: [Value?]
        }

        private let items: [Item]
        private let work: @Sendable (Item) -> Value
        private let state: Mutex<State>
        private let done = DispatchSemaphore(value: 0)

        init(_ items: [Item], _ work: @escaping @Sendable (Item) -> Value) {
            self.items = items
            self.work = work
            state = Mutex(State(open: items.count, values: [Value?](repeating: nil, count: items.count)))
        }

        /// Does what nobody has taken. One that comes to it late finds nothing.
        func help() {
            while let index = take() {
                let value = work(items[index])
                let isLast = state.withLock { state in
                    state.values[index] = value
                    state.open -= 1
                    return state.open == 0
                }
                if isLast { done.signal() }
            }
        }

        func finish() -> [Value] {
            guard !items.isEmpty else { return [] }
            help()
            done.wait()
            return state.withLock { $0.values.compactMap(\.self) }
        }

        private func take() -> Int? {
            state.withLock { state in
                guard state.next < items.count else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }
    }
}
