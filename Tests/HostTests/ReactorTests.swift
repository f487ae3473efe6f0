import CHost
import Glibc
import Testing

@testable import Host
@testable import TestSupport

@Suite(.timeLimit(.minutes(15)))
struct ReactorTests {
    @Test @HostActor func `timers fire by deadline, equal ones in the order they were made`() async {
        var fired: [String] = []
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            Reactor.shared.schedule(afterMilliseconds: 30) {
                fired.append("last")
                done.resume()
            }
            Reactor.shared.schedule(afterMilliseconds: 10) { fired.append("first") }
            Reactor.shared.schedule(afterMilliseconds: 0) { fired.append("at once") }
            Reactor.shared.schedule(afterMilliseconds: -5) { fired.append("late already") }
        }
        #expect(fired == ["at once", "late already", "first", "last"])
    }

    @Test @HostActor func `a cancelled timer never fires`() async {
        var fired: [String] = []
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let cancelled = Reactor.shared.schedule(afterMilliseconds: 1) { fired.append("cancelled") }
            #expect(cancelled.isScheduled)
            cancelled.cancel()
            #expect(!cancelled.isScheduled)
            Reactor.shared.schedule(afterMilliseconds: 5) { done.resume() }
        }
        #expect(fired.isEmpty)
    }

    @Test @HostActor func `what is deferred runs after the event in hand, before the next`() async {
        var order: [String] = []
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            Reactor.shared.soon {
                Reactor.shared.soon {
                    order.append("deferred by it")
                    done.resume()
                }
                order.append("first")
            }
            Reactor.shared.soon { order.append("second") }
            order.append("now")
        }
        #expect(order == ["now", "first", "second", "deferred by it"])
    }

    @Test @HostActor func `a watch tells what is readable, until it is cancelled`() async throws {
        let (readEnd, writeEnd) = try OwnedDescriptor.pipe()
        var read: [UInt8] = []
        var watch: Watch?
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            do {
                watch = try Reactor.shared.watch(readEnd.raw, .read) { readiness in
                    #expect(readiness == .readable)
                    var byte: UInt8 = 0
                    #expect(Glibc.read(readEnd.raw, &byte, 1) == 1)
                    read.append(byte)
                    if read.count == 3 {
                        watch?.cancel()
                        done.resume()
                    }
                }
            } catch {
                Issue.record(error)
                done.resume()
            }
            // Level triggered: one byte is read at a time, and the rest comes again. The fourth stays.
            #expect(write(writeEnd.raw, [1, 2, 3, 4] as [UInt8], 4) == 4)
        }
        #expect(read == [1, 2, 3])
        #expect(watch?.isCancelled == true)
    }

    @Test @HostActor func `what can't be watched is an error`() throws {
        let directory = TemporaryDirectory()
        let file = try OwnedDescriptor.open(try directory.write("file", "x"), O_RDONLY)
        #expect(throws: SystemError("epoll_ctl", EPERM)) {
            try Reactor.shared.watch(file.raw, .read) { _ in }
        }
    }

    @Test func `jobs from many threads all run, on one thread`() async {
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<500 { group.addTask { await counter.add() } }
        }
        #expect(await counter.count == 500)
        #expect(await counter.threads.count == 1)
    }

    @Test @HostActor func `the heap gives timers back by deadline, whatever is removed`() {
        var heap = TimerHeap()
        var generator = SystemRandomNumberGenerator()
        let timers = (0..<200).map { _ in
            ScheduledTimer(deadline: Int.random(in: 0..<50, using: &generator)) {}
        }
        for timer in timers { heap.insert(timer) }
        let removed = Set((0..<200).filter { $0 % 3 == 0 })
        for index in removed { heap.remove(timers[index]) }
        var popped: [Int] = []
        while let timer = heap.popDue(now: 50, notAfter: heap.lastSequence) { popped.append(timer.deadline) }
        #expect(popped == (0..<200).filter { !removed.contains($0) }.map { timers[$0].deadline }.sorted())
        #expect(heap.isEmpty)
    }

    @Test @HostActor func `the wait for the next timer is rounded up`() {
        var heap = TimerHeap()
        #expect(heap.millisecondsToNext(now: 0) == -1)
        heap.insert(ScheduledTimer(deadline: 1_000_001) {})
        #expect(heap.millisecondsToNext(now: 0) == 2)
        #expect(heap.millisecondsToNext(now: 1_000_000) == 1)
        #expect(heap.millisecondsToNext(now: 2_000_000) == 0)
    }
}

@HostActor
private final class Counter {
    private(set) var count = 0
    private(set) var threads: Set<pthread_t> = []

    nonisolated init() {}

    func add() {
        count += 1
        threads.insert(pthread_self())
    }
}
