import CWorkerKit
import Glibc
import Terms
import Wire

/// The worker's end of the channel: frames in, frames out, never waiting.
final class Channel {
    static let token = UInt64.max
    /// Unsent bytes over which log messages are dropped.
    static let maxLogBacklogBytes = 1024 * 1024
    /// Unsent bytes over which the worker ends: the daemon takes nothing any more.
    static let maxBacklogBytes = 64 * 1024 * 1024

    let descriptor: Int32
    private let poller: Poller
    /// Allocated once: of this size it would come from the heap at each read. Only what is filled of it is in memory.
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private var decoder = FrameDecoder()
    private var unsent: [UInt8] = []
    private var sent = 0
    private var waitsForRoom = false
    /// What is sent is kept until `release`: answers to requests that came together go out in one write.
    var isHolding = false

    init(descriptor: Int32, poller: Poller) throws(SystemError) {
        self.descriptor = descriptor
        self.poller = poller
        try poller.add(descriptor, .readable, token: Self.token)
    }

    var backlogBytes: Int { unsent.count - sent }

    enum Input {
        case bytes
        /// The daemon is gone.
        case ended
    }

    /// Takes in what has arrived.
    func receive() -> Input {
        let count = cwk_receive(descriptor, room.baseAddress, room.count)
        switch count {
        case 0: return .ended
        case -EAGAIN: return .bytes
        case ..<0: return .ended
        default:
            decoder.append(UnsafeRawBufferPointer(rebasing: room[..<Int(count)]))
            return .bytes
        }
    }

    deinit { room.deallocate() }

    func nextRequest() throws(WireError) -> WorkerRequest? {
        try decoder.readNext { (payload) throws(WireError) in try WorkerRequest(payload: payload) }
    }

    func send(frame: [UInt8]) throws(SystemError) {
        guard unsent.isEmpty, !isHolding else {
            guard backlogBytes + frame.count <= Self.maxBacklogBytes else {
                throw SystemError(call: "send on the channel", code: ENOBUFS)
            }
            unsent.append(contentsOf: frame)
            return
        }
        let count = frame.withUnsafeBytes { cwk_send(descriptor, $0.baseAddress, $0.count) }
        if count == -EPIPE || count == -ECONNRESET { _exit(0) }
        if count != -EAGAIN { try SystemError.check("send on the channel", count) }
        if Int(count) < frame.count {
            unsent.append(contentsOf: frame[max(0, Int(count))...])
            try watchForRoom()
        }
    }

    /// Sends what was held.
    func release() throws(SystemError) {
        guard isHolding else { return }
        isHolding = false
        try flush()
    }

    /// Sends more of the backlog, as far as there is room.
    func flush() throws(SystemError) {
        while sent < unsent.count {
            let count = unsent.withUnsafeBytes { bytes in
                cwk_send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
            }
            if count == -EPIPE || count == -ECONNRESET { _exit(0) }
            if count == -EAGAIN {
                try watchForRoom()
                return
            }
            sent += Int(try SystemError.check("send on the channel", count))
        }
        unsent.removeAll()
        sent = 0
        if waitsForRoom {
            waitsForRoom = false
            try poller.modify(descriptor, .readable, token: Self.token)
        }
    }

    /// Before an end: waits for the daemon to take everything, each time for a second at most.
    func drain() {
        while backlogBytes > 0 {
            let before = backlogBytes
            guard (try? flush()) != nil else { return }
            if backlogBytes == before, cwk_wait_ready(descriptor, 1, descriptor, 1000) != 1 { return }
        }
    }

    private func watchForRoom() throws(SystemError) {
        guard !waitsForRoom else { return }
        waitsForRoom = true
        try poller.modify(descriptor, [.readable, .writable], token: Self.token)
    }
}
