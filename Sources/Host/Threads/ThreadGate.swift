import Dispatch

/// What one thread waits at until another one opens it, once.
public final class ThreadGate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    public init() {}

    public func open() { semaphore.signal() }

    /// Blocks the calling thread.
    public func wait() { semaphore.wait() }
}
