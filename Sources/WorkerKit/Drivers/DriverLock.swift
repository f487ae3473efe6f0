import Glibc

/// A mutex with a condition that waiters share: `Synchronization` has no condition.
///
/// Sendable without a check: the two are never moved, and pthread's own calls are for any thread.
final class DriverLock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }

    /// With the lock held, which is let go of meanwhile. Whoever was woken looks again whether it may go on.
    func wait() { pthread_cond_wait(condition, mutex) }
    func wakeAll() { pthread_cond_broadcast(condition) }
}

/// An outcome that one thread waits for and another brings. Sendable without a check: it is looked at under the lock only.
final class DriverWait: @unchecked Sendable {
    private let lock = DriverLock()
    private var outcome: DriverOutcome?

    func set(_ outcome: DriverOutcome) {
        lock.lock()
        self.outcome = outcome
        lock.wakeAll()
        lock.unlock()
    }

    func get() -> DriverOutcome {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let outcome { return outcome }
            lock.wait()
        }
    }
}
