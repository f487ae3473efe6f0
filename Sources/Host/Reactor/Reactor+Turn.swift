import CHost

extension Reactor {
    /// One registration's place: the generation tells an event of the present one from a stale one.
    struct Slot {
        var watch: Watch?
        var generation: UInt32
    }

    /// One turn: waits for descriptors or the next timer, then runs what is due.
    @HostActor
    func turn() {
        // What jobs deferred.
        runDeferred()
        if let idleHandler, isIdle { idleHandler() }
        let timeout = deferred.isEmpty ? timers.millisecondsToNext(now: Self.nowNanoseconds()) : 0
        let sleeps = timeout != 0 && fallAsleep()
        let buffer = events.events
        let count = chost_epoll_wait(epollDescriptor, buffer.baseAddress, Int32(buffer.count), sleeps ? timeout : 0)
        if sleeps { wakeUp() }
        if count > 0 {
            for index in 0..<Int(count) {
                dispatch(buffer[index])
                runDeferred()
            }
        }
        fireTimers()
    }

    @HostActor
    private func dispatch(_ event: chost_event) {
        let key = event.key
        guard key != Self.wakeUpKey else { return drainWakeUp() }
        let slot = slots[Int(key & 0xffff_ffff)]
        guard let watch = slot.watch, slot.generation == UInt32(key >> 32) else { return }
        watch.deliver(Readiness(rawValue: UInt8(event.ready)))
    }

    /// Timers that were due when this began: one that sets itself again for now waits for the next turn.
    @HostActor
    private func fireTimers() {
        guard !timers.isEmpty else { return }
        let now = Self.nowNanoseconds()
        let last = timers.lastSequence
        while let timer = timers.popDue(now: now, notAfter: last) {
            timer.fire()
            runDeferred()
        }
    }

    /// What these defer again waits for the next event, so that nobody can hold the reactor up that way.
    @HostActor
    private func runDeferred() {
        guard !deferred.isEmpty else { return }
        let handlers = deferred
        deferred = []
        for deferred in handlers { deferred.handler() }
    }

    /// Whether nothing waits for its turn but what its owner would begin again.
    @HostActor
    private var isIdle: Bool {
        deferred.allSatisfy(\.isRepeatable) && hasNoJobs && !timers.hasDue(now: Self.nowNanoseconds())
    }

    /// Calls `handler` at the beginning of each turn in which nothing waits for its own, until there is another one or none.
    @HostActor
    public func whenIdle(_ handler: (@HostActor () -> Void)?) { idleHandler = handler }

    /// Calls `handler` after `milliseconds` (0 and less: in the next turn), unless it is cancelled before.
    @HostActor
    @discardableResult
    public func schedule(
        afterMilliseconds milliseconds: Int, _ handler: @escaping @HostActor () -> Void
    ) -> ScheduledTimer {
        // A wait longer than a century is none that ends; bounding it keeps the sum from overflowing.
        let bounded = min(max(milliseconds, 0), 3_155_760_000_000)
        let timer = ScheduledTimer(deadline: Self.nowNanoseconds() + bounded * 1_000_000, handler: handler)
        timers.insert(timer)
        return timer
    }

    /// The same at a time of the monotonic clock.
    @HostActor
    @discardableResult
    public func schedule(
        atMilliseconds time: Int, _ handler: @escaping @HostActor () -> Void
    ) -> ScheduledTimer {
        schedule(afterMilliseconds: max(0, time - Self.nowMilliseconds()), handler)
    }

    struct Deferred {
        let isRepeatable: Bool
        let handler: @HostActor () -> Void
    }

    /// Calls `handler` once the event in hand is dealt with.
    ///
    /// - Parameter isRepeatable: whether what it does is written down elsewhere, by somebody who would ask for it again.
    @HostActor
    public func soon(isRepeatable: Bool = false, _ handler: @escaping @HostActor () -> Void) {
        deferred.append(Deferred(isRepeatable: isRepeatable, handler: handler))
    }
}
