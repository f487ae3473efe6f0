import CHost
import Glibc
public import Wire

extension WorkerProcess {
    /// The transfer socket's two directions.
    struct TransferState {
        struct Outgoing {
            var bytes: [UInt8]
            var descriptors: [OwnedDescriptor]
        }

        let descriptor: OwnedDescriptor
        var watch: Watch?
        /// What the socket did not take yet, from `sent` on.
        var outgoing: [Outgoing] = []
        var sent = 0
        var retry: ScheduledTimer?

        var queuedPackets: Int { outgoing.count - sent }
    }

    func watchTransfer() throws(SystemError) {
        guard let transfer else { return }
        self.transfer?.watch = try Reactor.shared.watch(transfer.descriptor.raw, .read) { [self] readiness in
            if readiness.contains(.writable) { flushTransfer() }
            if readiness.contains(.readable) { transferReady() }
        }
    }

    func closeTransfer() {
        transfer?.watch?.cancel()
        transfer?.retry?.cancel()
        transfer = nil
    }

    // MARK: Out

    /// Sends `packet` with `descriptors`, and lets go of them once they are sent.
    public func send(transfer packet: TransferPacket, _ descriptors: [OwnedDescriptor]) {
        guard let transfer else { return }
        guard transfer.queuedPackets < Limits.queuedPackets else {
            return fail(
                "transfer overflow: \(transfer.queuedPackets) packets wait for a worker that does not read them")
        }
        self.transfer?.outgoing.append(.init(bytes: packet.bytes, descriptors: descriptors))
        if transfer.queuedPackets == 0 { flushTransfer() }
    }

    private func flushTransfer() {
        while let transfer, transfer.queuedPackets > 0 {
            let next = transfer.outgoing[transfer.sent]
            let status = chost_send_descriptors(
                transfer.descriptor.raw, next.bytes, next.bytes.count, next.descriptors.map(\.raw),
                next.descriptors.count)
            switch -status {
            case 0:
                self.transfer?.outgoing[transfer.sent] = .init(bytes: [], descriptors: [])
                self.transfer?.sent += 1
            case EAGAIN:
                return setTransferInterest([.read, .write])
            case ETOOMANYREFS:
                return retryTransfer()
            case EPIPE, ECONNRESET:
                // The other end is gone; its exit tells.
                self.transfer?.sent = transfer.outgoing.count
            case let number:
                return fail("descriptors can't be sent: \(SystemError.reason(number))")
            }
        }
        transfer?.outgoing = []
        transfer?.sent = 0
        setTransferInterest(.read)
    }

    /// Too many descriptors of ours are on their way, to whomever: no socket says when that has changed.
    private func retryTransfer() {
        setTransferInterest(.read)
        transfer?.retry?.cancel()
        transfer?.retry = Reactor.shared.schedule(afterMilliseconds: 1) { [self] in flushTransfer() }
    }

    func setTransferInterest(_ interest: Interest) {
        do {
            try transfer?.watch?.update(interest)
        } catch {
            fail("the transfer socket can't be waited on: \(error)")
        }
    }

    // MARK: In

    /// Receives and delivers one packet. False where there is none.
    private func receivePacket() -> Bool {
        guard let transfer, !hasFailed else { return false }
        var raw = [Int32](repeating: -1, count: WireLimits.maxDescriptorsPerPacket)
        var count = 0
        var flags: Int32 = 0
        let length = chost_receive_descriptors(
            transfer.descriptor.raw, Self.readBuffer.baseAddress, WireLimits.maxPacketBytes, &raw, raw.count, &count,
            &flags)
        let descriptors = raw.prefix(count).map { OwnedDescriptor($0) }
        guard length > 0 else {
            if length != -Int(EAGAIN) { closeTransfer() }
            return false
        }
        if flags & Int32(CHOST_MESSAGE_CUT) != 0 {
            fail("transfer packet is over the limit of \(WireLimits.maxPacketBytes) bytes")
            return false
        }
        if flags & Int32(CHOST_DESCRIPTORS_CUT) != 0 {
            fail(
                "descriptors of a transfer packet were lost: more than \(WireLimits.maxDescriptorsPerPacket) in it, "
                    + "or the daemon's limit of open files is reached")
            return false
        }
        let packet: TransferPacket
        do {
            packet = try TransferPacket(bytes: Array(Self.readBuffer[..<length]))
        } catch {
            fail("transfer packet: \(error)")
            return false
        }
        guard packet.descriptorCount == count else {
            fail(
                "transfer packet \(packet.term) came with \(count) descriptors, \(packet.descriptorCount) belong to it")
            return false
        }
        deliver(.transfer(packet, descriptors))
        return true
    }

    /// A bounded number in one turn: packets are small, so one each would cost a turn per 128 connections.
    private func transferReady() {
        receivePackets(atMost: 32)
    }

    /// All that is there, and never more than a socket holds: what is sent meanwhile must not hold up everybody else.
    func drainTransfer() {
        receivePackets(atMost: Limits.queuedPackets)
    }

    private func receivePackets(atMost limit: Int) {
        var left = limit
        while left > 0, receivePacket() { left -= 1 }
    }
}
