/// A handler that is called once, later.
@HostActor
public final class ScheduledTimer {
    /// Nanoseconds of the monotonic clock.
    let deadline: Int
    /// The order in which timers were made: equal deadlines fire in it.
    fileprivate(set) var sequence = 0
    fileprivate var index: Int?
    private var handler: (@HostActor () -> Void)?

    init(deadline: Int, handler: @escaping @HostActor () -> Void) {
        self.deadline = deadline
        self.handler = handler
    }

    /// Milliseconds of the monotonic clock.
    public var deadlineMilliseconds: Int { deadline / 1_000_000 }

    /// Whether it is still to fire.
    public var isScheduled: Bool { index != nil }

    public func cancel() {
        handler = nil
        guard index != nil else { return }
        Reactor.shared.timers.remove(self)
    }

    func fire() {
        let handler = self.handler
        self.handler = nil
        handler?()
    }
}

/// Timers by deadline: a binary heap whose members know their place, so that a cancelled one leaves at once.
///
/// Most timers are time limits that never fire; kept until they are due they would pile up.
@HostActor
struct TimerHeap {
    private var heap: [ScheduledTimer] = []
    private(set) var lastSequence = 0

    nonisolated init() {}

    var isEmpty: Bool { heap.isEmpty }
    var count: Int { heap.count }

    /// Milliseconds until the first is due, rounded up, as epoll_wait(2) takes them; -1 where there is none.
    func millisecondsToNext(now: Int) -> Int32 {
        guard let first = heap.first else { return -1 }
        guard first.deadline > now else { return 0 }
        return Int32(min((first.deadline - now + 999_999) / 1_000_000, Int(Int32.max)))
    }

    func hasDue(now: Int) -> Bool { heap.first.map { $0.deadline <= now } ?? false }

    mutating func insert(_ timer: ScheduledTimer) {
        lastSequence += 1
        timer.sequence = lastSequence
        timer.index = heap.count
        heap.append(timer)
        siftUp(heap.count - 1)
    }

    /// Takes out the first timer if it is due at `now` and was made no later than `notAfter`.
    mutating func popDue(now: Int, notAfter: Int) -> ScheduledTimer? {
        guard let first = heap.first, first.deadline <= now, first.sequence <= notAfter else { return nil }
        remove(first)
        return first
    }

    mutating func remove(_ timer: ScheduledTimer) {
        guard let index = timer.index else { return }
        timer.index = nil
        let last = heap.removeLast()
        guard last !== timer else { return }
        place(last, at: index)
        siftUp(index)
        siftDown(index)
    }

    private mutating func place(_ timer: ScheduledTimer, at index: Int) {
        heap[index] = timer
        timer.index = index
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let left = heap[left]
        let right = heap[right]
        return (left.deadline, left.sequence) < (right.deadline, right.sequence)
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        let timer = heap[left]
        place(heap[right], at: left)
        place(timer, at: right)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0, precedes(index, (index - 1) / 2) {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var first = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && precedes(child, first) {
                first = child
            }
            guard first != index else { return }
            swap(index, first)
            index = first
        }
    }
}
