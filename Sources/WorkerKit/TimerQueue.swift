import Terms

/// Timers by deadline (CLOCK_MONOTONIC milliseconds, which all processes of a machine share).
struct TimerQueue {
    enum Action {
        case message(Term)
        /// Accepting was paused for want of descriptors.
        case accept(TCPServer)
    }

    private var actions: [Int: (deadline: Int, action: Action)] = [:]
    /// A binary heap; cancelled timers stay until they come to its top.
    private var heap: [(deadline: Int, id: Int)] = []
    private var nextID = 0

    mutating func add(deadline: Int, _ action: Action) -> Int {
        insert(id: nextID, deadline: deadline, action)
        return nextID - 1
    }

    /// A timer that came over in a handoff, under the id that it had.
    mutating func insert(id: Int, deadline: Int, _ action: Action) {
        nextID = max(nextID, id + 1)
        actions[id] = (deadline, action)
        heap.append((deadline, id))
        var child = heap.count - 1
        while child > 0, heap[child].deadline < heap[(child - 1) / 2].deadline {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    var isEmpty: Bool { actions.isEmpty }

    /// Timers that are added from here on have ids of at least this.
    mutating func reserveIDs(from id: Int) { nextID = max(nextID, id) }

    mutating func cancel(_ id: Int) {
        actions[id] = nil
        if actions.isEmpty { heap.removeAll() }
    }

    mutating func removeAll() {
        actions.removeAll()
        heap.removeAll()
    }

    /// Milliseconds until the next deadline, -1 where there is none.
    mutating func timeout(now: Int) -> Int {
        while let top = heap.first, actions[top.id] == nil { removeTop() }
        guard let top = heap.first else { return -1 }
        return max(0, top.deadline - now)
    }

    /// The first timer that is due, taken out.
    mutating func next(now: Int) -> Action? {
        guard timeout(now: now) == 0, let top = heap.first else { return nil }
        removeTop()
        return actions.removeValue(forKey: top.id)?.action
    }

    /// What travels in a handoff: the messages.
    var messages: [(id: Int, deadline: Int, message: Term)] {
        actions.compactMap { id, timer in
            switch timer.action {
            case .message(let message): return (id, timer.deadline, message)
            case .accept: return nil
            }
        }
    }

    private mutating func removeTop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
