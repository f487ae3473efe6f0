import Terms
import Testing

@testable import WorkerKit

struct TimerQueueTests {
    @Test func timersFireInOrder() {
        var queue = TimerQueue()
        for deadline in [50, 10, 40, 20, 30] { _ = queue.add(deadline: deadline, .message(.integer(deadline))) }
        #expect(queue.timeout(now: 0) == 10)
        #expect(queue.timeout(now: 15) == 0)
        #expect(fired(&queue, now: 9) == [])
        #expect(fired(&queue, now: 30) == [10, 20, 30])
        #expect(fired(&queue, now: 100) == [40, 50])
        #expect(queue.timeout(now: 100) == -1)
    }

    @Test func cancelledTimersDoNotFire() {
        var queue = TimerQueue()
        let first = queue.add(deadline: 10, .message(10))
        _ = queue.add(deadline: 20, .message(20))
        queue.cancel(first)
        #expect(queue.timeout(now: 0) == 20)
        #expect(fired(&queue, now: 100) == [20])
    }

    @Test func timersThatCameOverKeepTheirNames() {
        var queue = TimerQueue()
        queue.insert(id: 7, deadline: 10, .message(1))
        #expect(queue.add(deadline: 20, .message(2)) == 8)
        queue.cancel(7)
        #expect(fired(&queue, now: 100) == [2])
    }

    private func fired(_ queue: inout TimerQueue, now: Int) -> [Int] {
        var found: [Int] = []
        while let action = queue.next(now: now) {
            if case .message(let message) = action, let value = message.asInt { found.append(value) }
        }
        return found
    }
}
