import CHost

/// What of a descriptor is waited for.
public struct Interest: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let read = Interest(rawValue: 1)
    public static let write = Interest(rawValue: 2)
    /// What is exceptional: that a file of a control group has changed. Source: poll(2), POLLPRI.
    public static let priority = Interest(rawValue: 16)
}

/// What a descriptor is ready for. A hang-up or an error counts as readable and writable: the next call tells.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let readable = Readiness(rawValue: 1)
    public static let writable = Readiness(rawValue: 2)
    public static let hangUp = Readiness(rawValue: 4)
    public static let error = Readiness(rawValue: 8)
    public static let priority = Readiness(rawValue: 16)
}

/// A descriptor that the reactor waits on. Cancel it before the descriptor is closed.
@HostActor
public final class Watch {
    private let reactor: Reactor
    private let descriptor: Int32
    private let slot: Int
    private let generation: UInt32
    public private(set) var interest: Interest = []
    private var handler: (@HostActor (Readiness) -> Void)?

    init(
        reactor: Reactor, descriptor: Int32, slot: Int, generation: UInt32,
        handler: @escaping @HostActor (Readiness) -> Void
    ) {
        self.reactor = reactor
        self.descriptor = descriptor
        self.slot = slot
        self.generation = generation
        self.handler = handler
    }

    public var isCancelled: Bool { handler == nil }

    /// Waits for `interest` from now on; for nothing, not even a hang-up, where it is empty.
    public func update(_ interest: Interest) throws(SystemError) {
        guard !isCancelled, interest != self.interest else { return }
        let status = chost_epoll_change(
            reactor.epollDescriptor, descriptor, UInt32(self.interest.rawValue), UInt32(interest.rawValue),
            UInt64(generation) << 32 | UInt64(slot))
        guard status == 0 else { throw SystemError("epoll_ctl", -status) }
        self.interest = interest
    }

    /// Ends it: the handler is not called again, not even for what is already ready in this turn.
    public func cancel() {
        guard !isCancelled else { return }
        if !interest.isEmpty {
            _ = chost_epoll_change(reactor.epollDescriptor, descriptor, UInt32(interest.rawValue), 0, 0)
        }
        handler = nil
        reactor.release(slot: slot)
    }

    func deliver(_ readiness: Readiness) {
        handler?(readiness)
    }
}

extension Reactor {
    /// Calls `handler` whenever `descriptor` is ready for what `interest` says, until the watch is cancelled.
    @HostActor
    public func watch(
        _ descriptor: Int32, _ interest: Interest, _ handler: @escaping @HostActor (Readiness) -> Void
    ) throws(SystemError) -> Watch {
        let index = freeSlots.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot(watch: nil, generation: 0)) }
        let watch = Watch(
            reactor: self, descriptor: descriptor, slot: index, generation: slots[index].generation, handler: handler)
        slots[index].watch = watch
        do {
            try watch.update(interest)
        } catch {
            watch.cancel()
            throw error
        }
        return watch
    }

    @HostActor
    func release(slot index: Int) {
        slots[index].watch = nil
        slots[index].generation &+= 1
        freeSlots.append(index)
    }
}
