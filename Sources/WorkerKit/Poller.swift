import CWorkerKit
import Glibc

/// An epoll instance, level-triggered.
struct Poller {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = try SystemError.check("epoll_create1", cwk_epoll_create())
    }

    func add(_ fd: Int32, _ events: Readiness, token: UInt64) throws(SystemError) {
        try SystemError.check("epoll_ctl", cwk_epoll_add(descriptor, fd, events.rawValue, token))
    }

    func modify(_ fd: Int32, _ events: Readiness, token: UInt64) throws(SystemError) {
        try SystemError.check("epoll_ctl", cwk_epoll_modify(descriptor, fd, events.rawValue, token))
    }

    func remove(_ fd: Int32) {
        // The descriptor may be closed already, which removed it.
        _ = cwk_epoll_remove(descriptor, fd)
    }

    /// Fills `events`; an interrupted wait is an empty one.
    func wait(_ events: UnsafeMutableBufferPointer<cwk_event>, timeoutMilliseconds: Int) throws(SystemError) -> Int {
        let timeout = Int32(clamping: timeoutMilliseconds)
        let count = cwk_epoll_wait(descriptor, events.baseAddress, Int32(events.count), timeout)
        return Int(try SystemError.check("epoll_wait", count))
    }
}

/// epoll's bits. Source: epoll_ctl(2).
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: 0x001)
    static let writable = Readiness(rawValue: 0x004)
    static let error = Readiness(rawValue: 0x008)
    static let hangUp = Readiness(rawValue: 0x010)
    static let peerClosed = Readiness(rawValue: 0x2000)
}

/// Something with a descriptor in the loop.
protocol EventSource: AnyObject {
    func handle(_ readiness: Readiness)
}

/// Event sources by token. A token is never given out twice, so that an event which was fetched before its source
/// went away reaches nobody.
struct SourceTable {
    private var slots: [(any EventSource)?] = []
    private var uses: [UInt32] = []
    private var free: [Int] = []

    /// Whether there is any.
    var isInUse: Bool { slots.count > free.count }

    subscript(token: UInt64) -> (any EventSource)? {
        let slot = Int(token & 0xffff_ffff)
        guard slot < slots.count, uses[slot] == UInt32(token >> 32) else { return nil }
        return slots[slot]
    }

    mutating func insert(_ source: any EventSource) -> UInt64 {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = source
        } else {
            slot = slots.count
            slots.append(source)
            uses.append(0)
        }
        return UInt64(uses[slot]) << 32 | UInt64(slot)
    }

    mutating func remove(_ token: UInt64) {
        let slot = Int(token & 0xffff_ffff)
        guard slot < slots.count, uses[slot] == UInt32(token >> 32) else { return }
        slots[slot] = nil
        uses[slot] &+= 1
        free.append(slot)
    }
}
