import Synchronization
import Testing

@testable import ReleaseHandlerD

/// The end of a server does not wait for a connection that nothing wakes.
@Suite(.timeLimit(.minutes(15))) struct ServedConnectionsTests {
    @Test func whatCantBeWokenIsAbandoned() async {
        let served = ServedConnections()
        let stuck = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let begun = AsyncStream.makeStream(of: Void.self)
        served.add {
            await withCheckedContinuation { continuation in
                stuck.withLock { $0 = continuation }
                begun.continuation.yield()
            }
        }
        for await _ in begun.stream { break }
        async let ended: Void = served.ended()
        #expect(served.abandon() == 1)
        await ended
        stuck.withLock { $0 }?.resume()
    }

    @Test func allThatEndAreAwaited() async {
        let served = ServedConnections()
        let count = Mutex(0)
        for _ in 0..<100 { served.add { count.withLock { $0 += 1 } } }
        await served.ended()
        #expect(count.withLock { $0 } == 100)
        #expect(served.abandon() == 0)
    }
}
