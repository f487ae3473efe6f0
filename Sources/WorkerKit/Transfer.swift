import CWorkerKit
import Glibc
import Terms
import Wire

/// The channel or the transfer socket has ended: there is nobody to hand off to.
struct DaemonGone: Error {}

/// The worker's end of the transfer socket. It waits where it must: a process that hands off or takes over has
/// nothing else to do; the daemon's end is noticed meanwhile.
struct Transfer {
    let descriptor: Int32
    /// The channel: its end is the daemon's.
    let lifeline: Int32
    let early: EarlyPackets

    /// Longest wait for the daemon to take or send one packet; the daemon's own time limit is shorter.
    private static let timeoutMilliseconds: Int32 = 60_000
    /// The kernel counts descriptors on their way, by user; the daemon takes them out meanwhile.
    private static let maxInFlightRetries = 5000

    func send(_ packet: TransferPacket, _ descriptors: [Int32]) throws {
        let bytes = packet.bytes
        var retries = 0
        while true {
            let result = cwk_send_packet(descriptor, bytes, bytes.count, descriptors, descriptors.count)
            switch -result {
            case ...0:
                return
            case EAGAIN:
                try wait(forWriting: true)
            case ETOOMANYREFS where retries < Self.maxInFlightRetries:
                retries += 1
                // Waits for the lifeline only, for a millisecond.
                if cwk_wait_ready(-1, 0, lifeline, 1) == -EPIPE { throw DaemonGone() }
            default:
                throw SystemError(call: "sendmsg on the transfer socket", code: -result)
            }
        }
    }

    func receive() throws -> (packet: TransferPacket, descriptors: [OwnedDescriptor]) {
        var bytes = [UInt8](repeating: 0, count: WireLimits.maxPacketBytes)
        var raw = [Int32](repeating: -1, count: WireLimits.maxDescriptorsPerPacket)
        while true {
            var count = raw.count
            var truncated: Int32 = 0
            let result = bytes.withUnsafeMutableBytes { room in
                cwk_receive_packet(descriptor, room.baseAddress, room.count, &raw, &count, &truncated)
            }
            if result == -EAGAIN {
                try wait(forWriting: false)
                continue
            }
            if result == 0 { throw DaemonGone() }
            try SystemError.check("recvmsg on the transfer socket", result)
            let descriptors = raw[..<count].map { OwnedDescriptor($0) }
            guard truncated == 0 else {
                throw WorkerError(
                    "descriptors_lost",
                    "a packet's descriptors were cut off: raise nofile in the child spec's rlimits")
            }
            let packet = try TransferPacket(bytes: Array(bytes[..<Int(result)]))
            guard descriptors.count == packet.descriptorCount else {
                throw WorkerError(
                    "bad_packet", "\(packet.term) came with \(descriptors.count) descriptors")
            }
            return (packet, descriptors)
        }
    }

    /// Everything of one import: the state and its descriptors, in order. Packets of earlier imports are dropped.
    func receive(ref: Int, size: Int, descriptorCount: Int) throws -> (state: OwnedDescriptor, [OwnedDescriptor]) {
        var state: OwnedDescriptor?
        var descriptors: [OwnedDescriptor] = []
        while state == nil || descriptors.count < descriptorCount {
            let (packet, received) = try early.takeNext { !$0.isLibrary } ?? receive()
            guard packet.ref == ref else {
                if packet.isLibrary { early.keep(packet, received) }
                continue
            }
            switch packet {
            case .state(_, let announced):
                guard state == nil, announced == size else {
                    throw WorkerError("bad_packet", "expected one state of \(size) bytes, found \(packet.term)")
                }
                state = received.first
            case .descriptors(_, let first, let count):
                guard first == descriptors.count, first + count <= descriptorCount else {
                    throw WorkerError(
                        "bad_packet",
                        "expected descriptors from \(descriptors.count) up to \(descriptorCount), found \(packet.term)")
                }
                descriptors += received
            // The daemon keeps it to itself.
            case .latch, .library: continue
            }
        }
        guard let state else { throw WorkerError("bad_packet", "no state came") }
        return (state, descriptors)
    }

    /// The library of a functional module. A state may be on its way before its request is.
    func receiveLibrary(ref: Int, module: Atom) throws -> (library: OwnedDescriptor, kind: LibraryKind) {
        while true {
            var (packet, received) = try early.takeNext { $0.ref == ref } ?? receive()
            guard packet.ref == ref else {
                early.keep(packet, received)
                continue
            }
            guard case .library(ref, module, let kind) = packet, let library = received.popLast() else {
                throw WorkerError("bad_packet", "expected the library of \(module.name), found \(packet.term)")
            }
            return (library, kind)
        }
    }

    private func wait(forWriting: Bool) throws {
        let result = cwk_wait_ready(descriptor, forWriting ? 1 : 0, lifeline, Self.timeoutMilliseconds)
        if result == -EPIPE { throw DaemonGone() }
        guard try SystemError.check("poll on the transfer socket", result) == 1 else {
            throw WorkerError(
                "transfer_timeout",
                forWriting ? "the daemon takes no packets" : "the daemon announced packets that do not come")
        }
    }
}

/// Packets that came before the request which they belong to, in their order.
final class EarlyPackets {
    private var packets: [(packet: TransferPacket, descriptors: [OwnedDescriptor])] = []

    func keep(_ packet: TransferPacket, _ descriptors: [OwnedDescriptor]) { packets.append((packet, descriptors)) }

    func takeNext(
        where isWanted: (TransferPacket) -> Bool
    ) -> (packet: TransferPacket, descriptors: [OwnedDescriptor])? {
        packets.firstIndex { isWanted($0.packet) }.map { packets.remove(at: $0) }
    }
}

extension TransferPacket {
    fileprivate var isLibrary: Bool { if case .library = self { true } else { false } }
}
