import Synchronization

/// The connections that are served, each by a task of its own, until the last of them has ended.
///
/// No task group, which waits for each of its tasks whatever happens: one that can't be woken, by a fault of ours or of a library, would keep
/// the daemon from its end.
final class ServedConnections: Sendable {
    private struct State {
        var tasks: [Int: Task<Void, Never>] = [:]
        var count = 0
        var isAbandoned = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func add(_ serve: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.count += 1
            let number = state.count
            state.tasks[number] = Task {
                await serve()
                self.remove(number)
            }
        }
    }

    /// Suspends until none is served, or they are abandoned. Once.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = state.tasks.isEmpty || state.isAbandoned
                if !isOver { state.waiting = continuation }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }

    func cancel() {
        for task in state.withLock({ $0.tasks.values }) { task.cancel() }
    }

    /// Nobody waits for them any more.
    ///
    /// - Returns: how many there are.
    func abandon() -> Int {
        cancel()
        let (count, waiting) = state.withLock { state in
            state.isAbandoned = true
            defer { state.waiting = nil }
            return (state.tasks.count, state.waiting)
        }
        waiting?.resume()
        return count
    }

    private func remove(_ number: Int) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.tasks[number] = nil
            guard state.tasks.isEmpty else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}
